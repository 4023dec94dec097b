"""The listings agent: one listing published to Kafka takes the same way into the index as one of a file."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import orjson

from app.agents.codec import Encoder
from app.errors import FailureCode, ListingRejected, Problem, Rejected
from app.failures.headers import origin_of
from app.model.record import RawRecord
from app.model.source_record import SourceRecord
from app.observability import metrics
from app.pipeline.transform import Mapper, Origin
from app.ports import Clock, ListingIndex

STAGE = "listings"
_FRAMED = b"\x00"
_EXPECTED = "a JSON object, or Avro with the registry's framing"


class ListingsHandler:
    """Handles one record of `listings`: Avro with the registry's framing, or a JSON object."""

    def __init__(self, index: ListingIndex, encoder: Encoder, clock: Clock) -> None:
        self._index = index
        self._encoder = encoder
        self._clock = clock

    async def __call__(self, record: SourceRecord) -> None:
        """Raises `Rejected` with every reason when the listing is refused."""
        value = await self._decode(record.value or b"")
        if not value.get("source"):
            raise ListingRejected([Problem(FailureCode.MISSING_REQUIRED, "source", "the name of the sender")])
        origin = origin_of(record)
        uploaded_at = datetime.fromtimestamp(origin.timestamp_ms / 1000, UTC)
        place = Origin(origin.topic, f"{origin.partition}/{origin.offset}", "", uploaded_at)
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

    async def _decode(self, payload: bytes) -> Mapping[str, object]:
        if payload[:1] == _FRAMED:
            return await self._encoder.decode(payload)
        try:
            value = orjson.loads(payload)
        except orjson.JSONDecodeError:
            value = None
        if not isinstance(value, dict):
            raise Rejected(FailureCode.RECORD_NOT_DECODABLE, f"expected {_EXPECTED}")
        return value
