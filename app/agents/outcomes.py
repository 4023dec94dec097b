"""Tells what became of a file: on `listing-outcomes` for its producer, in an index for everybody who asks."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import orjson

from app.agents.codec import Encoder
from app.agents.handoff import Handoff
from app.agents.outages import Outages
from app.agents.together import together
from app.errors import Dependency
from app.model.document import Document, version_of
from app.model.listed import KnownVersion
from app.model.outcome import FileOutcome, FileStatus, outcome_id
from app.model.topics import OUTCOMES_TOPIC
from app.observability import metrics
from app.pipeline.wire import outcome_to_wire
from app.ports import KnownOutcomes, ListingIndex

VALUE_MAX_BYTES = 900_000
"""Below the `max.message.bytes` of the topic, which a hundred hostile rejects with all their reasons can exceed."""
_LATE_S = 60.0
_SAME_UPLOAD = timedelta(seconds=1)
_INDEXED = frozenset({FileStatus.INDEXED, FileStatus.PARTLY_INDEXED, FileStatus.HELD})
_SUBJECT = f"{OUTCOMES_TOPIC}-value"


class OutcomeReporter:
    def __init__(
        self, handoff: Handoff, index: ListingIndex, encoder: Encoder, known: KnownOutcomes, outages: Outages
    ) -> None:
        self._handoff = handoff
        self._index = index
        self._encoder = encoder
        self._known = known
        self._outages = outages

    async def known(self, bucket: str, key: str) -> KnownVersion | None:
        """What the latest outcome of an object is about; an outage of the index is waited out."""
        return await self._outages.ride_out(
            Dependency.SEARCH_INDEX, f"{bucket}/{key}", lambda: self._known.latest(bucket, key)
        )

    async def report(self, outcome: FileOutcome, at_least: int = 0) -> None:
        """Publish and keep the outcome; returns when both are confirmed.

        `at_least`: the version of an outcome that this one has to replace, though it is about something earlier.
        Details of rejects and flags are left out until it fits into a record; the counts are always complete. Raises
        what the index raises when it refuses the outcome; `LeftForLater` when the worker stops before both are
        confirmed.
        """
        value = await self._encoder.encode(_SUBJECT, outcome_to_wire(outcome))
        while len(value) > VALUE_MAX_BYTES and (outcome.rejects or outcome.flags):
            kept, told = len(outcome.rejects) // 2, len(outcome.flags) // 2
            outcome = replace(outcome, rejects=outcome.rejects[:kept], flags=outcome.flags[:told])
            value = await self._encoder.encode(_SUBJECT, outcome_to_wire(outcome))
        key = f"{outcome.bucket}/{outcome.key}"
        took_s = max(0.0, (outcome.processed_at - outcome.uploaded_at).total_seconds())
        is_first = bool(outcome.indexed) and (took_s <= _LATE_S or not await self._is_repeat(outcome))
        await together(
            self._handoff.publish(OUTCOMES_TOPIC, key=key.encode(), value=value),
            self._index.write_outcome(outcome_document(outcome, at_least)),
        )
        metrics.FILES.labels(outcome.status).inc()
        metrics.LISTINGS.labels("indexed").inc(outcome.indexed)
        metrics.LISTINGS.labels("stale").inc(outcome.stale)
        metrics.LISTINGS.labels("rejected").inc(outcome.rejected)
        metrics.LISTINGS.labels("removed").inc(outcome.removed)
        if is_first:
            metrics.FRESHNESS.observe(took_s)

    async def _is_repeat(self, outcome: FileOutcome) -> bool:
        """Whether this very upload was indexed before: a replay says nothing about how long uploads take.

        Only asked of late ones, so it costs nothing while all goes well.
        """
        before = await self.known(outcome.bucket, outcome.key)
        if before is None or before.etag != outcome.etag or before.status not in _INDEXED:
            return False
        return abs(before.uploaded_at - outcome.uploaded_at) < _SAME_UPLOAD


def outcome_document(outcome: FileOutcome, at_least: int = 0) -> Document:
    """The outcome as a document: one for each object, the newest version of the object wins."""
    return Document(
        id=outcome_id(outcome.bucket, outcome.key),
        version=max(version_of(outcome.uploaded_at), at_least),
        body=orjson.dumps(outcome, option=orjson.OPT_UTC_Z),
    )
