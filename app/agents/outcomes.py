"""Tells what became of a file: on `listing-outcomes` for its producer, in an index for everybody who asks."""

from __future__ import annotations

import asyncio
import hashlib

import orjson

from app.agents.codec import Encoder
from app.agents.handoff import Handoff
from app.model.document import Document
from app.model.outcome import FileOutcome
from app.observability import metrics
from app.pipeline.wire import outcome_to_wire
from app.ports import ListingIndex

OUTCOMES_TOPIC = "listing-outcomes"


class OutcomeReporter:
    def __init__(self, handoff: Handoff, index: ListingIndex, encoder: Encoder) -> None:
        self._handoff = handoff
        self._index = index
        self._encoder = encoder

    async def report(self, outcome: FileOutcome) -> None:
        """Publish and keep the outcome; returns when both are confirmed."""
        wire = outcome_to_wire(outcome)
        value = await self._encoder.encode(f"{OUTCOMES_TOPIC}-value", wire)
        key = f"{outcome.bucket}/{outcome.key}"
        await asyncio.gather(
            self._handoff.publish(OUTCOMES_TOPIC, key=key.encode(), value=value),
            self._index.write_outcome(outcome_document(outcome)),
        )
        metrics.FILES.labels(outcome.status).inc()
        metrics.LISTINGS.labels("indexed").inc(outcome.indexed)
        metrics.LISTINGS.labels("stale").inc(outcome.stale)
        metrics.LISTINGS.labels("rejected").inc(outcome.rejected)
        if outcome.indexed:
            metrics.FRESHNESS.observe(max(0.0, (outcome.processed_at - outcome.uploaded_at).total_seconds()))


def outcome_document(outcome: FileOutcome) -> Document:
    """The outcome as a document: one for each object, the newest version of the object wins."""
    return Document(
        id=outcome_id(outcome.bucket, outcome.key),
        version=int(outcome.uploaded_at.timestamp() * 1000),
        body=orjson.dumps(outcome, option=orjson.OPT_UTC_Z),
    )


def outcome_id(bucket: str, key: str) -> str:
    """Document ids hold 512 bytes, object keys 1,024: so the id is a digest."""
    return hashlib.sha256(f"{bucket}/{key}".encode(errors="surrogatepass")).hexdigest()[:40]
