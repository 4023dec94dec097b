"""The gate: takes notifications, asks the cheap questions, queues the files.

Is the bucket ours, does the object exist, is it not too big, is it a format we read? Nothing is downloaded. Several
objects in one notification are answered each for itself.
"""

from __future__ import annotations

import asyncio
from datetime import datetime

import structlog

from app.agents.codec import Encoder
from app.agents.handoff import Handoff
from app.agents.outages import Outages
from app.agents.outcomes import OutcomeReporter
from app.errors import Dependency, FailureCode, Rejected
from app.failures.classify import classify
from app.failures.headers import attempts_of, producer_headers
from app.model.file import ListingFile, ObjectInfo
from app.model.record import Limits
from app.model.source_record import SourceRecord
from app.model.upload import ObjectEvent
from app.observability import metrics
from app.pipeline.gate import check_object, queue_entry, wanted
from app.pipeline.notification import parse_notification
from app.pipeline.outcome import unread_outcome
from app.pipeline.wire import file_to_wire
from app.ports import Clock, ObjectStore

log = structlog.get_logger("listings.gate")
FILES_TOPIC = "listing-files"
STAGE = "gate"


class GateHandler:
    """Handles one record of `listing-uploads`."""

    def __init__(
        self,
        store: ObjectStore,
        encoder: Encoder,
        handoff: Handoff,
        outcomes: OutcomeReporter,
        outages: Outages,
        clock: Clock,
        limits: Limits,
        buckets: tuple[str, ...],
        prefix: str,
    ) -> None:
        self._store = store
        self._encoder = encoder
        self._handoff = handoff
        self._outcomes = outcomes
        self._outages = outages
        self._clock = clock
        self._limits = limits
        self._buckets = frozenset(buckets)
        self._prefix = prefix

    async def __call__(self, record: SourceRecord) -> None:
        """Raises `Rejected` for a notification that can not be understood, `Transient` when it has to come again."""
        notification = parse_notification(record.value or b"")
        for code in notification.skipped:
            self._skip(record, code)
        admitted = [event for event in notification.events if self._is_wanted(record, event)]
        results = await asyncio.gather(*(self._admit(record, event) for event in admitted))
        for error in notification.rejected[:1]:
            # One dead letter for the notification, whatever else in it can not be read.
            await self._handoff.failed(record, error, stage=STAGE)
        failed = next((error for error in results if error is not None), None)
        if failed is not None:
            # The whole notification comes again; queueing the other files twice is harmless.
            raise failed

    def _is_wanted(self, record: SourceRecord, event: ObjectEvent) -> bool:
        code = wanted(event, self._buckets, self._prefix)
        if code is not None:
            self._skip(record, code)
        return code is None

    def _skip(self, record: SourceRecord, code: FailureCode) -> None:
        metrics.SKIPPED.labels(code).inc()
        log.debug("upload_skipped", record=record.place, error_code=code)

    async def _admit(self, record: SourceRecord, event: ObjectEvent) -> Exception | None:
        """Queue the file of one event; the error when the notification has to come again."""
        try:
            info = await self._outages.ride_out(
                Dependency.OBJECT_STORE,
                f"{event.bucket}/{event.key}",
                lambda: self._store.head(event.bucket, event.key),
            )
        except Rejected as error:
            await self._reject(record, _unseen(event, self._clock.now()), error)
            return None
        except Exception as error:
            return error
        try:
            check_object(info, self._limits)
        except Rejected as error:
            await self._reject(record, info, error)
            return None
        await self._queue(record, queue_entry(event, info, self._clock.now()))
        return None

    async def _queue(self, record: SourceRecord, entry: ListingFile) -> None:
        value = await self._encoder.encode(f"{FILES_TOPIC}-value", file_to_wire(entry))
        await self._handoff.publish(
            FILES_TOPIC, key=entry.object_id.encode(), value=value, headers=producer_headers(record)
        )

    async def _reject(self, record: SourceRecord, info: ObjectInfo, error: Rejected) -> None:
        await self._handoff.failed(record, error, stage=STAGE, listing_file=f"{info.bucket}/{info.key}")
        await self._outcomes.report(unread_outcome(info, classify(error), attempts_of(record) + 1, self._clock.now()))


def _unseen(event: ObjectEvent, now: datetime) -> ObjectInfo:
    """What is known of an object that is not there: the event's word, and the present as its time."""
    return ObjectInfo(event.bucket, event.key, event.size or 0, event.etag or "", now)
