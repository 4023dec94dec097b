"""The composition root: the one place that knows every part of a worker and puts them together."""

from __future__ import annotations

import asyncio
import gc
import random
import socket
from functools import cache, partial
from importlib.metadata import version
from typing import Any

import faust
import structlog
import uvloop

from app.adapters.allocator import give_back_large_pieces
from app.adapters.avro import AvroCodec
from app.adapters.child.reader import ChildReader
from app.adapters.cluster_memory import ClusterMemory
from app.adapters.kafka_backlog import KafkaBacklog
from app.adapters.kafka_cluster_apart import ApartCluster
from app.adapters.kafka_producer import KafkaPublisher
from app.adapters.kafka_sizes import read_sizes
from app.adapters.kafka_skips import KafkaSkips
from app.adapters.notifier import Notifier, receivers
from app.adapters.opensearch.bulk_writer import BulkWriter
from app.adapters.opensearch.client import SearchClient
from app.adapters.opensearch.index_admin import OpenSearchIndexAdmin
from app.adapters.opensearch.outcomes import OutcomeReader
from app.adapters.opensearch.progress import ProgressKeeper
from app.adapters.opensearch.standing_listings import OpenSearchListings
from app.adapters.profile_watch import ProfileWatch
from app.adapters.s3 import S3Store
from app.adapters.s3_listing import BucketPages
from app.adapters.schema_registry import SchemaRegistry
from app.adapters.scratch_files import ScratchFiles
from app.adapters.source_file import load_sources
from app.adapters.system_clock import SystemClock
from app.agents.alerting import FIRST_PARTITION, Alerting, observe
from app.agents.alerts import AlertsHandler
from app.agents.codec import Encoder
from app.agents.engine import Engine
from app.agents.files import FilesHandler
from app.agents.gate import GateHandler
from app.agents.guard import guarded
from app.agents.handoff import Handoff
from app.agents.index_watch import IndexWatch
from app.agents.intake import Handler, Intake, IntakeLimits
from app.agents.listings import ListingsHandler
from app.agents.membership import Membership
from app.agents.outages import Outages, Probe
from app.agents.outcomes import OutcomeReporter
from app.agents.reconciler import Reconciler
from app.agents.removals import Removals
from app.agents.retries import SENT_BACK_AT_ONCE, HeldLimits, RetriesHandler
from app.agents.schema_watch import SchemaWatch
from app.agents.skips import Skips
from app.agents.stopping import StopSignal
from app.agents.under_way import record_read
from app.errors import Dependency, FailureCode, Outage
from app.failures.backoff import Backoff
from app.failures.route import RetryPolicy
from app.failures.trust import Trust
from app.model.topics import (
    DEAD_LETTER_TOPIC,
    FILES_TOPIC,
    LISTINGS_TOPIC,
    ORIGINS,
    READ_TOPICS,
    RETRY_TOPIC,
    UPLOADS_TOPIC,
)
from app.observability import metrics
from app.observability.alerts.alarms import Alarms
from app.observability.health import HealthServer
from app.observability.logs import configure_logs
from app.ops.index import find_changes, load_declared
from app.ops.index_fit import IndexFit
from app.ops.message_sizes import check_sizes
from app.ops.missed_uploads import Finder, Pace, UploadQueue
from app.ops.reconcile import Plan, Reconciliation
from app.ops.schemas import find_losses, load_schemas
from app.pipeline.flow import FileFlow
from app.pipeline.limits import limits_of
from app.pipeline.memory import MemoryBudget
from app.settings import Settings, load_settings

log = structlog.get_logger("listings.worker")

_FIRST_PROBE_S = 0.5
_LAST_ALERTS_S = 2.0  # for what is left to be told when the worker stops
_LONGEST_PAUSE_S = 30.0  # of the comparison: after an outage it has to be back well within its five minutes


def shared_limits(settings: Settings, at_once: int, accepted: int, ordered: bool = True) -> IntakeLimits:
    """The limits of a topic to which failed records come back: they may take their share of the places only."""
    share, accepted = settings.retry.share_max, max(accepted, at_once)
    return IntakeLimits(
        at_once,
        accepted,
        ordered,
        settings.worker.accepted_max_bytes,
        retried_at_once=max(1, int(share * at_once)),
        retried_waiting=max(1, int(share * accepted)),
    )


class Worker:
    """One worker process: every part of it, wired."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._clock = SystemClock()
        self._stop = StopSignal()
        self._sources = load_sources(settings.paths.sources)
        self._store = S3Store(settings.s3)
        self._registry = SchemaRegistry(settings.schema_registry)
        schemas = load_schemas(settings.paths.schemas / "avro")
        self._codec = AvroCodec(self._registry, schemas)
        self._schemas = SchemaWatch(partial(find_losses, schemas, self._registry))
        self._publisher = KafkaPublisher(settings.kafka)
        self._joins = ClusterMemory(settings.kafka, settings.worker.data_dir)
        self._client = SearchClient(settings.opensearch)
        self._declared = load_declared(
            settings.paths.schemas / "opensearch", settings.opensearch.alias, settings.opensearch.outcomes_index
        )
        self._admin = OpenSearchIndexAdmin(self._client)
        fit = IndexFit(self._declared, self._admin)
        self._client.wants_ids = lambda: fit.has_pipeline
        self._watch = IndexWatch(fit.check)
        self._scratch = ScratchFiles(settings.worker.data_dir / "scratch")
        self._memory = MemoryBudget(settings.worker.memory_max_bytes, self._stop.wait_unless_stopping)
        metrics.MEMORY_WAITING.set_function(lambda: self._memory.waiting)
        self._apart = ChildReader(self._memory.large_bytes)
        probes: dict[Dependency, Probe] = {
            Dependency.WORKER: self._own_means,
            Dependency.OBJECT_STORE: self._store.ping,
            Dependency.SCHEMA_REGISTRY: self._codec.ping,
            Dependency.SEARCH_INDEX: partial(self._watch.fit, 0.0),
        }
        self._probing = Backoff(_FIRST_PROBE_S, settings.opensearch.outage_probe_max_s)
        self._outages = Outages(probes, self._probing, self._clock, self._stop)
        self._index = BulkWriter(
            self._client, settings.opensearch, on_outage=self._outages.changed, fit=self._watch.fit
        )
        stuck_after_s = settings.alerts.stuck_after_s
        self.engine = Engine(
            settings.kafka, settings.worker, self._stop, self, lambda: bool(self._outages.open), stuck_after_s
        )
        self._profiles = ProfileWatch(settings.paths.feeds, settings.paths.feeds_every_s)
        self._cluster = ApartCluster(settings.kafka)
        self._membership = Membership(self._cluster, self.engine, READ_TOPICS, settings.kafka.group)
        self._skips = Skips(KafkaSkips(settings.kafka), self.engine.walk_past)
        self._alerting = self._alerts()
        # Connections of its own: what it asks is never in the way of live uploads.
        self._pages, self._comparing = BucketPages(settings.s3), SearchClient(settings.opensearch)
        self._reconciler = self._reconciling()
        self._health = HealthServer(
            settings.worker.http_host, settings.worker.http_port, self._not_ready, self._not_alive, self._facts
        )
        for intake in self._intakes():
            self.engine.add(intake)

    def _intakes(self) -> list[Intake]:
        settings, clock = self._settings, self._clock
        retry = settings.retry
        policy = RetryPolicy(retry.attempts, Backoff(retry.base_s, retry.cap_s))
        handoff = Handoff(self._publisher, policy, clock, random.random, self._outages)
        encoder = Encoder(self._codec, self._outages)
        known = OutcomeReader(self._client, settings.opensearch.outcomes_index)
        outcomes = OutcomeReporter(handoff, self._index, encoder, known, self._outages)
        limits = limits_of(settings.limits)
        standing = OpenSearchListings(self._client, settings.opensearch.alias)
        removals = Removals(self._index, standing, self._outages, clock, self._sources)
        profiles = self._profiles
        flow = FileFlow(
            self._store,
            self._index,
            profiles.match,
            limits,
            clock,
            settings.worker.file_timeout_s,
            profiles.recognise,
            self._scratch,
            self._memory,
            self._apart,
            self._sources,
            record_read,
        )
        gate = GateHandler(
            self._store,
            encoder,
            handoff,
            outcomes,
            self._outages,
            clock,
            limits,
            settings.s3.buckets,
            settings.s3.prefix,
            profiles.match,
        )
        files = FilesHandler(
            self._store, flow, removals, encoder, handoff, outcomes, self._outages, clock, self._sources
        )
        listings = ListingsHandler(self._index, standing, encoder, self._outages, clock, limits, self._sources)
        origins = frozenset(ORIGINS)
        worker = settings.worker
        held = HeldLimits(retry.waiting_max, worker.accepted_max_bytes // 2)
        retries = RetriesHandler(handoff, clock, self._stop, origins, 2 * retry.cap_s, held)
        room = retry.waiting_max + SENT_BACK_AT_ONCE
        waiting = IntakeLimits(room, room, False, worker.accepted_max_bytes)
        parts: list[tuple[str, Handler, str, IntakeLimits]] = [
            (UPLOADS_TOPIC, gate, "gate", shared_limits(settings, worker.gate_at_once, 2 * worker.gate_at_once, False)),
            (FILES_TOPIC, files, "files", shared_limits(settings, worker.files_at_once, worker.accepted_max)),
            (LISTINGS_TOPIC, listings, "listings", shared_limits(settings, worker.listings_at_once, 0)),
            (RETRY_TOPIC, retries, "retries", waiting),
            (DEAD_LETTER_TOPIC, AlertsHandler(self._alerting.dead_letter), "alerts", IntakeLimits(1, 100)),
        ]
        refuse = {FILES_TOPIC: files.refuse}
        return [
            Intake(
                topic,
                handler if topic == DEAD_LETTER_TOPIC else guarded(handler, handoff, stage, refuse.get(topic)),
                at_once,
                self.engine,
                self._stop,
                clock.monotonic,
                self.engine.fatal,
                guarded(handoff.postpone, handoff, stage),
                Trust(retry.attempts) if topic in origins else None,
                # Of retries and dead letters the content is not looked at; there are thousands, one after another.
                None if topic in (RETRY_TOPIC, DEAD_LETTER_TOPIC) else self.engine.under_way,
            )
            for topic, handler, stage, at_once in parts
        ]

    def _alerts(self) -> Alerting:
        settings, worker = self._settings.alerts, self._settings.worker
        to = receivers(settings.urls, settings.send_timeout_s)
        facts = (self.engine, self._outages, self._clock, lambda: self._membership.reasons, self._schemas)
        look = partial(observe, *facts)
        signature = f"the worker at {socket.gethostname()}:{worker.http_port}, group {self._settings.kafka.group}"
        return Alerting(Alarms(settings), look, Notifier(to, settings.every_s), self._clock, signature)

    def _reconciling(self) -> Reconciler:
        """What finds missed notifications, in the worker that owns the first partition of the uploads."""
        settings, clock = self._settings.reconcile, self._clock
        outcomes = OutcomeReader(self._comparing, self._settings.opensearch.outcomes_index)
        pages_a_pass = max(1, int(settings.pages_per_s * settings.every_s / 2))
        comparison = Reconciliation(
            Plan(self._settings.s3.buckets, self._settings.s3.prefix, settings.every_s, pages_a_pass),
            self._pages,
            self._store,
            outcomes,
            OpenSearchListings(self._comparing, self._settings.opensearch.alias),
            ProgressKeeper(self._comparing, self._settings.opensearch.alias),
            Finder(outcomes, clock, settings.grace_s, settings.not_before),
            UploadQueue(KafkaBacklog(self._settings.kafka), self._publisher, clock, asyncio.sleep, settings.lag_max),
            Pace(settings.pages_per_s, clock.monotonic, asyncio.sleep, self._is_busy),
            clock,
        )
        pauses = Backoff(_FIRST_PROBE_S, _LONGEST_PAUSE_S)
        return Reconciler(comparison, self._owns_first_partition, self._outages, self._stop, pauses)

    def _owns_first_partition(self) -> bool:
        return self.engine.owns(*FIRST_PARTITION)

    def _is_busy(self) -> bool:
        return self.engine.in_flight().get(FILES_TOPIC, 0) >= self._settings.worker.files_at_once

    async def start(self) -> None:
        """Connect what needs connecting; before the first record is taken."""
        metrics.BUILD_INFO.labels(version("listings")).set(1)
        port = await self._health.start()
        self._alerting.start()
        self._profiles.start()
        self._schemas.start()
        await self._connect()
        kafka = self._settings.kafka
        handed_to = (RETRY_TOPIC, DEAD_LETTER_TOPIC)
        sizes = await read_sizes(kafka, (*ORIGINS, *handed_to))
        check_sizes(sizes, ORIGINS, handed_to, kafka.max_message_bytes)
        await self._membership.look()  # before partitions come: offsets of a topic that is gone are known by its id
        self._membership.start()
        await self._skips.start()
        await self._watch.start(self._index, self._index_differences)
        self.engine.connected()
        if self._settings.reconcile.enabled:
            await self._reconciler.start()
        _spare_the_collector()
        self._tell_who_may_speak()
        log.info("worker_started", health=f"http://{self._settings.worker.http_host}:{port}/readyz")

    async def _index_differences(self) -> list[str]:
        return [str(change) for change in await find_changes(self._declared, self._admin)]

    def _tell_who_may_speak(self) -> None:
        if self._sources.declared:
            log.info("sources_declared", file=str(self._settings.paths.sources))
        else:
            log.warning(
                "sources_undeclared",
                reason="whoever may upload or publish may speak for every source; see docs/SECURITY.md",
            )

    async def _connect(self) -> None:
        """Wait for the broker, as any other outage is waited out: a worker may be started before it."""
        failures = 0
        while True:
            try:
                if (reason := await self._joins.difference()) is not None:
                    raise Outage(FailureCode.UNREACHABLE, Dependency.BROKER, reason)
                await self._publisher.start()
                return self._outages.changed(Dependency.BROKER, False, "")
            except Outage as outage:
                failures += 1
                self._outages.changed(Dependency.BROKER, True, outage.message)
                log.warning("broker_awaited", reason=outage.message)
                await asyncio.sleep(self._probing.ceiling_s(failures))

    async def joined(self) -> str | None:
        """Asked with every assignment: who has lost its broker comes back to whichever answers at that address."""
        try:
            return await self._joins.difference()
        except Outage:
            return None  # it is gone again: there will be another assignment, or no record

    async def stop(self) -> None:
        """Disconnect; after everything was drained and committed."""
        await self._membership.aclose()
        await self._cluster.aclose()
        await self._skips.aclose()
        await self._alerting.aclose(_LAST_ALERTS_S)
        await self._profiles.aclose()
        await self._watch.aclose()
        await self._reconciler.aclose()
        await self._pages.aclose()
        await self._comparing.aclose()
        await self._index.aclose(limit_s=1.0)
        await self._apart.aclose()
        await self._outages.aclose()
        await self._publisher.stop()
        await self._client.aclose()
        await self._schemas.aclose()
        await self._codec.aclose()
        await self._registry.aclose()
        await self._health.stop()

    async def _own_means(self) -> None:
        """Whether the worker's own machine gives it what it needs; `Outage(WORKER)` when not."""
        await self._scratch.ping()
        await self._apart.ping()

    def _not_ready(self) -> list[str]:
        waiting = [f"{outage.dependency} is down: {outage.reason}" for outage in self._outages.open]
        return self.engine.not_ready() + self._membership.reasons + waiting

    def _not_alive(self) -> list[str]:
        return self.engine.not_alive()

    def _facts(self) -> dict[str, object]:
        return {
            "in_flight": self.engine.in_flight(),
            "profiles": self._profiles.facts(),
            "reconcile": self._reconciler.facts() if self._settings.reconcile.enabled else None,
            "outages": [
                {"dependency": o.dependency, "since": o.since.isoformat(), "reason": o.reason}
                for o in self._outages.open
            ],
        }


@cache
def faust_app() -> Any:
    """The Faust application of one worker, for `faust -A app.agents worker`."""
    settings = load_settings()
    configure_logs(settings.worker.log_format, settings.worker.log_level)
    return Worker(settings).engine.app


def _spare_the_collector() -> None:
    """Keep garbage collection from holding the event loop.

    What was imported and built until now stays for good, so it is never looked at again; a full pass over a busy
    worker's heap would take longer than the 20 ms an event may wait.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def run_worker(settings: Settings) -> None:
    """Run one worker until SIGTERM or Ctrl-C; exits the process with its code."""
    configure_logs(settings.worker.log_format, settings.worker.log_level)
    give_back_large_pieces()
    uvloop.install()
    process = faust.Worker(Worker(settings).engine.app, quiet=True, redirect_stdouts=False, override_logging=False)
    process.spinner = None  # it would write a terminal's codes in the midst of a log's line
    process.execute_from_commandline()
