"""The listings agent: one listing published to Kafka takes the same way into the index as one of a file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import cast

import orjson

from app.agents.codec import Encoder
from app.agents.outages import Outages
from app.errors import Dependency, FailureCode, ListingRejected, Problem, Rejected
from app.failures.headers import Origin, origin_of
from app.failures.trust import is_ahead
from app.model.document import version_of
from app.model.record import Limits, RawRecord
from app.model.source_record import SourceRecord
from app.observability import metrics
from app.pipeline.parse.judge import MANY_BYTES, malformed, problem_of, too_big, too_many_values
from app.pipeline.removal import removed_document, tombstone
from app.pipeline.transform import Mapper
from app.pipeline.transform import Origin as Place
from app.ports import Clock, ListingIndex, StandingListings

STAGE = "listings"
_LISTING_ID = re.compile(r"[0-9a-f]{32}")
_FRAMED = b"\x00"
_EXPECTED = "a JSON object, or Avro with the registry's framing"


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
    ) -> None:
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
        mapped = Mapper(None, "", place, self._clock.now()).map_all([RawRecord(1, None, value)])
        if mapped.rejects:
            raise ListingRejected(mapped.rejects[0].problems)
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
        if stored is None:
            document = tombstone(listing_id, origin.topic, f"{origin.partition}/{origin.offset}", at, now)
        else:
            document = removed_document(stored, version_of(at), now)
        result = await self._index.write([document])
        metrics.LISTINGS.labels("stale" if result.stale else "removed").inc()

    async def _decode(self, payload: bytes) -> Mapping[str, object]:
        if payload[:1] == _FRAMED:
            return await self._encoder.decode(payload)
        problem = self._too_big(payload)
        if problem is None:
            try:
                value = orjson.loads(payload)
            except orjson.JSONDecodeError as error:
                problem = malformed(error, self._limits.record_max_depth)
            else:
                problem = problem_of(value, self._limits.record_max_depth)
                if problem is None:
                    return cast("Mapping[str, object]", value)
        if problem.field is None and problem.code in (FailureCode.RECORD_MALFORMED, FailureCode.RECORD_NOT_AN_OBJECT):
            raise Rejected(FailureCode.RECORD_NOT_DECODABLE, f"expected {_EXPECTED}, got {problem.got}")
        raise ListingRejected([problem])

    def _too_big(self, payload: bytes) -> Problem | None:
        if len(payload) > self._limits.record_max_bytes:
            return too_big(self._limits.record_max_bytes)
        return too_many_values(payload) if len(payload) > MANY_BYTES else None


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
