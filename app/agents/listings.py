"""The listings agent: one listing published to Kafka takes the same way into the index as one of a file."""

from __future__ import annotations

import re
from codecs import BOM_UTF32_BE
from collections.abc import Mapping
from datetime import UTC, datetime

from app.agents.codec import Encoder
from app.agents.outages import Outages
from app.agents.under_way import record_read
from app.errors import Dependency, FailureCode, ListingRejected, Problem, Rejected, Transient
from app.failures.headers import Origin, origin_of
from app.failures.trust import is_ahead
from app.model.document import version_of
from app.model.record import Limits, RawRecord
from app.model.source_record import SourceRecord
from app.model.topics import LISTINGS_TOPIC
from app.observability import metrics
from app.pipeline.published import read_published
from app.pipeline.removal import removed_document, source_of, tombstone
from app.pipeline.sources import Sources
from app.pipeline.transform import Mapper
from app.pipeline.transform import Origin as Place
from app.ports import Clock, ListingIndex, StandingListings

STAGE = "listings"
_LISTING_ID = re.compile(r"[0-9a-f]{32}")
_FRAMED = b"\x00"


class ListingsHandler:
    """Handles one record of `listings`: Avro with the registry's framing, a JSON object, or a tombstone (no value).

    A listing is judged as one of a file is: the same limits on depth and size (`record_max_depth`,
    `record_max_bytes`), the same reasons.
    """

    def __init__(
        self,
        index: ListingIndex,
        standing: StandingListings,
        encoder: Encoder,
        outages: Outages,
        clock: Clock,
        limits: Limits,
        sources: Sources | None = None,
    ) -> None:
        self._speaker = (sources or Sources()).on_topic(LISTINGS_TOPIC)
        self._index = index
        self._standing = standing
        self._outages = outages
        self._encoder = encoder
        self._clock = clock
        self._limits = limits

    async def __call__(self, record: SourceRecord) -> None:
        """Raises `Rejected` with every reason when the listing is refused."""
        try:
            if record.value is None:
                await self._remove(record)
            else:
                await self._index_one(record, await self._decode(record.value))
        except Rejected:
            metrics.LISTINGS.labels("rejected").inc()
            raise

    async def _index_one(self, record: SourceRecord, value: Mapping[str, object]) -> None:
        origin = origin_of(record)
        uploaded_at = _published_at(origin, record, self._clock.now())
        place = Place(origin.topic, f"{origin.partition}/{origin.offset}", "", uploaded_at)
        mapped = Mapper(None, "", place, self._clock.now(), self._speaker).map_all([RawRecord(1, None, value)])
        if mapped.rejects:
            raise ListingRejected(mapped.rejects[0].problems)
        record_read()
        result = await self._index.write(mapped.documents)
        if result.refused:
            reason = result.refused[0].reason
            raise ListingRejected([Problem(FailureCode.INDEX_REFUSED, None, f"a document the index takes ({reason})")])
        metrics.LISTINGS.labels("stale" if result.stale else "indexed").inc()
        if result.indexed:
            metrics.FRESHNESS.observe(max(0.0, (self._clock.now() - uploaded_at).total_seconds()))

    async def _remove(self, record: SourceRecord) -> None:
        """A tombstone: the listing of its key is removed as of the record's time."""
        listing_id = (record.key or b"").decode(errors="replace")
        if not _LISTING_ID.fullmatch(listing_id):
            raise Rejected(
                FailureCode.RECORD_NOT_DECODABLE,
                "expected the listing id (32 hex digits, lower case) as the key of a record without value, which "
                "removes the listing",
            )
        origin, now = origin_of(record), self._clock.now()
        at = _published_at(origin, record, now)
        stored = await self._outages.ride_out(
            Dependency.SEARCH_INDEX, listing_id, lambda: self._standing.get(listing_id)
        )
        self._check_removal(None if stored is None else source_of(stored))
        if stored is None:
            document = tombstone(listing_id, origin.topic, f"{origin.partition}/{origin.offset}", at, now)
        else:
            document = removed_document(stored, version_of(at), now)
        result = await self._index.write([document])
        metrics.LISTINGS.labels("stale" if result.stale else "removed").inc()

    def _check_removal(self, source: str | None) -> None:
        """Whether the topic may speak for the listing; one that was never seen names no source, so it is waited for."""
        if self._speaker is None:
            return
        if not source:
            raise Transient(
                FailureCode.SOURCE_NOT_ALLOWED,
                "expected the id of a listing that was published before: of one never seen nobody can tell the source, "
                "and who may speak for which is declared (docs/SECURITY.md)",
            )
        if not self._speaker.may(source):
            raise ListingRejected([self._speaker.refusal(source)])

    async def _decode(self, payload: bytes) -> Mapping[str, object]:
        if payload[:1] == _FRAMED and payload[:4] != BOM_UTF32_BE:
            return await self._encoder.decode(payload)
        return read_published(payload, self._limits)


def _published_at(origin: Origin, record: SourceRecord, now: datetime) -> datetime:
    """The time of the record, the version of its listing; producers set it as they like where the broker does not."""
    try:
        if origin.timestamp_ms < 0:
            raise ValueError("no timestamp")
        at = datetime.fromtimestamp(origin.timestamp_ms / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        raise _untimely(origin.timestamp_ms) from None
    if is_ahead(at, record, now):
        raise _untimely(origin.timestamp_ms)
    return at


def _untimely(timestamp_ms: int) -> Rejected:
    return Rejected(
        FailureCode.RECORD_NOT_DECODABLE,
        f"expected the time of publishing as the record's timestamp, in milliseconds since 1970, got {timestamp_ms}: "
        "it is the version of the listing; set the producer's clock right, or let the broker set the time "
        "(`listings topics apply` gives the topic message.timestamp.type=LogAppendTime)",
    )
