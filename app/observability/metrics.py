"""Every metric, declared once: name, what it counts, labels. Base units; never a key, object or id as a label.

Naming follows https://prometheus.io/docs/practices/naming. The table in docs/OPERATIONS.md is made from this module.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

REGISTRY = CollectorRegistry()

_FRESHNESS = (0.1, 0.2, 0.3, 0.5, 0.8, 1.2, 2.0, 3.0, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0)
_STAGE = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)

EVENTS = Counter(
    "listings_events_total",
    "Records of a source topic, by what became of them",
    ("topic", "outcome"),
    registry=REGISTRY,
)  # outcome: done, skipped, retried, dead_lettered, redelivered
SKIPPED = Counter("listings_skipped_total", "Events left out on purpose", ("code",), registry=REGISTRY)
FILES = Counter("listings_files_total", "Files processed, by status of their outcome", ("status",), registry=REGISTRY)
LISTINGS = Counter(
    "listings_listings_total",
    "Listings by outcome: indexed, stale, rejected, removed",
    ("outcome",),
    registry=REGISTRY,
)
STAGE_DURATION = Histogram(
    "listings_stage_duration_seconds",
    "Time one record spends in a stage",
    ("stage",),
    buckets=_STAGE,
    registry=REGISTRY,
)
FRESHNESS = Histogram(
    "listings_freshness_seconds",
    "From upload (by the store) until the index has acknowledged the file; not of one that was indexed before",
    buckets=_FRESHNESS,
    registry=REGISTRY,
)
CHILD_DEATHS = Counter(
    "listings_child_deaths_total",
    "Ends of the process that reads Parquet files which were not its worker's doing",
    registry=REGISTRY,
)
MEMORY_WAITING = Gauge(
    "listings_memory_waiting_files",
    "Files that wait until what they take is free of the memory for all files together",
    registry=REGISTRY,
)
BULK_REQUESTS = Counter(
    "listings_index_bulk_requests_total",
    "Bulk requests by HTTP status (0: no answer)",
    ("status",),
    registry=REGISTRY,
)
BULK_ITEMS = Counter("listings_index_bulk_items_total", "Bulk items by status", ("status",), registry=REGISTRY)
BULK_DURATION = Histogram("listings_index_bulk_duration_seconds", "One bulk request", buckets=_STAGE, registry=REGISTRY)
BULK_LIMIT = Gauge(
    "listings_index_bulk_limit_requests",
    "Bulk requests that may be under way at once now; 429 and slow answers lower it",
    registry=REGISTRY,
)
RETRIES = Counter("listings_retries_total", "Records sent to the retry topic", ("code",), registry=REGISTRY)
RETRIES_POSTPONED = Counter(
    "listings_retries_postponed_total",
    "Retries sent back to the end of the retry topic: too many of their topic wait for their share, or are held",
    ("topic",),
    registry=REGISTRY,
)
DEAD_LETTERS = Counter("listings_dead_letters_total", "Records dead-lettered", ("code",), registry=REGISTRY)
DEAD_LETTERS_SEEN = Counter(
    "listings_dead_letters_seen_total",
    "Records read from the dead-letter topic",
    ("code",),
    registry=REGISTRY,
)
LAG = Gauge(
    "listings_consumer_lag_records",
    "Records not yet acknowledged, by topic, of this worker's partitions",
    ("topic",),
    registry=REGISTRY,
)
HELD = Gauge(
    "listings_open_transaction_records",
    "Offsets that can not be read yet, behind the beginning of an open transaction, of this worker's partitions",
    ("topic",),
    registry=REGISTRY,
)
REMOVED_UNREAD = Counter(
    "listings_records_removed_unread_total",
    "Offsets that retention or a deletion took away before they were read",
    ("topic",),
    registry=REGISTRY,
)
IN_FLIGHT = Gauge("listings_in_flight_records", "Records taken and not yet finished", ("topic",), registry=REGISTRY)
BATCHES_FETCHED_AGAIN = Counter(
    "listings_batches_fetched_again_total",
    "Batches of records with a wrong checksum that were fetched once more; after three times one is a dead letter",
    ("topic",),
    registry=REGISTRY,
)
BUFFERED = Gauge(
    "listings_buffered_bytes", "Size of the records fetched and not yet taken", ("topic",), registry=REGISTRY
)
OLDEST_UNFINISHED = Gauge(
    "listings_oldest_unfinished_seconds",
    "Age of the oldest record taken and not yet finished",
    ("topic",),
    registry=REGISTRY,
)
OFFSET_JUMPS = Counter(
    "listings_offset_jumps_total",
    "Records that the consumer read and no agent got, inside one generation; has to be 0",
    ("topic",),
    registry=REGISTRY,
)
SILENT_ENDS = Counter(
    "listings_silent_ends_total",
    "Partitions taken over from a worker that ended without a word while it worked on their records",
    ("topic",),
    registry=REGISTRY,
)
RETRIES_WAITING = Gauge("listings_retries_waiting_records", "Retries held in memory until due", registry=REGISTRY)
OUTAGE = Gauge(
    "listings_outage_open",
    "1 while a dependency is down and consumption waits",
    ("dependency",),
    registry=REGISTRY,
)
LAST_COMMIT = Gauge(
    "listings_last_commit_timestamp_seconds",
    "When offsets were last committed",
    ("topic",),
    registry=REGISTRY,
)
RECONCILED = Counter(
    "listings_reconcile_objects_total",
    "Objects of the buckets compared with the outcomes",
    registry=REGISTRY,
)
RECONCILE_QUEUED = Counter(
    "listings_reconcile_queued_total",
    "Notifications queued in place of missed ones: missed (an upload), removed",
    ("reason",),
    registry=REGISTRY,
)
RECONCILE_ROUNDS = Counter(
    "listings_reconcile_rounds_total",
    "Comparisons ended: full (every bucket as a whole), hot (where new objects are expected)",
    ("kind",),
    registry=REGISTRY,
)
RECONCILE_LAST_COMPLETE = Gauge(
    "listings_reconcile_last_complete_timestamp_seconds",
    "When the last full comparison of all buckets ended",
    registry=REGISTRY,
)
RECONCILE_ROUND_AGE = Gauge(
    "listings_reconcile_round_age_seconds",
    "How long the present full comparison has been under way; 0 between two",
    registry=REGISTRY,
)
RECONCILE_ACTIVE = Gauge(
    "listings_reconcile_active",
    "1 in the one worker that compares the buckets with the outcomes",
    registry=REGISTRY,
)
BRIDGE_MESSAGES = Counter(
    "listings_bridge_messages_total",
    "Messages of the queue that `listings bridge` empties: queued, not_queued (they come again)",
    ("outcome",),
    registry=REGISTRY,
)
ALERTS = Counter(
    "listings_alerts_total",
    "Alerts that people were to be told, by kind",
    ("kind",),
    registry=REGISTRY,
)
ALERT_SENDS = Counter(
    "listings_alert_sends_total",
    "Alerts by what became of them at each receiver: sent, failed, dropped (too many waited)",
    ("outcome",),
    registry=REGISTRY,
)
DEAD_LETTERS_REFUSED = Gauge(
    "listings_dead_letters_refused_records",
    "Records held un-acknowledged because the dead-letter topic does not take even their story",
    registry=REGISTRY,
)
PROFILES_REFUSED = Gauge(
    "listings_profiles_refused",
    "1 while a changed folder of profiles has mistakes, and those from before stay in force",
    registry=REGISTRY,
)
BUILD_INFO = Gauge("listings_build_info", "1, labelled with the version", ("version",), registry=REGISTRY)
