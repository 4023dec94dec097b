"""The gate: takes notifications, asks the cheap questions, queues the files.

Is the bucket ours, does the object exist, is it not too big, is it a format we read? Nothing is downloaded. Several
objects in one notification are answered each for itself: what is tried again, or is dead, is a notification of that one
object, so that a notification of a thousand can not become a thousand times itself.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from app.agents.codec import Encoder
from app.agents.handoff import Handoff
from app.agents.outages import Outages
from app.agents.outcomes import OutcomeReporter
from app.agents.together import for_each
from app.errors import Dependency, FailureCode, Rejected, Transient
from app.failures.classify import classify
from app.failures.headers import attempts_of, origin_of, part_of, producer_headers
from app.model.file import ListingFile, ObjectInfo
from app.model.outcome import FileStatus
from app.model.record import Limits
from app.model.source_record import SourceRecord, time_of_record
from app.model.topics import FILES_TOPIC
from app.model.upload import ObjectEvent, ObjectEventKind
from app.observability import metrics
from app.pipeline.flow import ProfileFor
from app.pipeline.gate import check_object, plain_key, queue_entry, removal_entry, wanted
from app.pipeline.notification import parse_notification, told_alone
from app.pipeline.outcome import unread_outcome
from app.pipeline.upload_time import UploadOrder, is_unsure, removal_time, time_told_again
from app.pipeline.wire import file_to_wire
from app.ports import Clock, ObjectStore

log = structlog.get_logger("listings.gate")
STAGE = "gate"
_LOOK_AGAIN_S = 3.0
"""After so long an object that was not there is asked for again: the notification of its removal may be on its way."""
_AT_ONCE = 50  # a notification of a megabyte holds thousands of events; a store sends one


@dataclass(frozen=True, slots=True)
class _Refused:
    """An object that was not queued."""

    record: SourceRecord
    """The notification of this object alone."""
    info: ObjectInfo
    error: Exception


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
        profile_for: ProfileFor,
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
        self._profile_for = profile_for
        self._order = UploadOrder()

    async def __call__(self, record: SourceRecord) -> None:
        """Raises `Rejected` for a notification that can not be understood."""
        attempts = attempts_of(record) + 1
        notification = parse_notification(record.value or b"", record.key)
        for code in notification.skipped:
            self._skip(record, code)
        if notification.rejected:
            # One dead letter for the notification, whatever else in it can not be read.
            await self._handoff.failed(record, notification.rejected[0], stage=STAGE)
        admitted = [event for event in notification.events if self._is_wanted(record, event)]
        refused = await for_each(admitted, lambda event: self._admit(record, event), _AT_ONCE)
        await for_each([one for one in refused if one is not None], lambda one: self._refuse(one, attempts), _AT_ONCE)

    def _is_wanted(self, record: SourceRecord, event: ObjectEvent) -> bool:
        code = wanted(event, self._buckets, self._prefix)
        if code is not None:
            self._skip(record, code)
        return code is None

    def _skip(self, record: SourceRecord, code: FailureCode) -> None:
        metrics.SKIPPED.labels(code).inc()
        log.debug("upload_skipped", record=record.place, error_code=code)

    async def _admit(self, record: SourceRecord, event: ObjectEvent) -> _Refused | None:
        """Queue the file of one event; None when that is done.

        A removal is queued unasked: whether the object is gone counts when its turn comes, behind its uploads.
        """
        info: ObjectInfo | None = None
        try:
            event = await self._as_stored(event)
            if event.kind is ObjectEventKind.REMOVED:
                await self._queue_removal(record, event)
                return None
            info = await self._head(event)
            if info is None:
                await self._answer_missing(record, event)
                return None
            # By now `info` has the time that its outcome goes by, also when it is refused.
            info = replace(info, uploaded_at=await self._upload_time(record, event, info))
            check_object(info, self._limits, may_be_empty=self._speaks_when_empty(event))
            await self._queue(record, queue_entry(event, info, self._clock.now()))
        except Exception as error:
            return _Refused(_alone(record, event), info or self._unseen(record, event), error)
        return None

    async def _as_stored(self, event: ObjectEvent) -> ObjectEvent:
        """The event under the key that the store lists, where the store has left empty segments out of it.

        Stores over a file system tell `a//b.csv` and keep, and list, `a/b.csv`. Elsewhere the two are two objects, so
        an upload has to be the very content that lies there; a removal only asks whether it is gone.
        """
        plain = plain_key(event.key)
        if plain == event.key:
            return event
        stored = replace(event, key=plain)
        if event.kind is ObjectEventKind.CREATED:
            info = await self._head(stored)
            if info is None or event.etag is None or info.etag != event.etag:
                return event
        log.info("key_spelled_plainly", bucket=event.bucket, key=event.key, stored=plain)
        return stored

    async def _head(self, event: ObjectEvent) -> ObjectInfo | None:
        """The object as it is now; None when there is none."""
        try:
            return await self._outages.ride_out(
                Dependency.OBJECT_STORE,
                f"{event.bucket}/{event.key}",
                lambda: self._store.head(event.bucket, event.key),
            )
        except Rejected as error:
            if error.code is FailureCode.OBJECT_MISSING:
                return None
            raise

    async def _upload_time(self, record: SourceRecord, event: ObjectEvent, info: ObjectInfo) -> datetime:
        """What orders the upload; one that is told again keeps the time that it was given first."""
        place = origin_of(record)
        at = self._order.ordered_at(event, info, time_of_record(place.timestamp_ms), (place.partition, place.offset))
        if not (event.is_told_again or is_unsure(at)):
            return at
        return time_told_again(at, info, await self._outcomes.known(event.bucket, event.key))

    async def _answer_missing(self, record: SourceRecord, event: ObjectEvent) -> None:
        """An upload is told of whose object is not there: it was removed since, or never was.

        Raises `Transient` as long as nothing is known of it: its removal may be told a moment later.
        """
        known = await self._outcomes.known(event.bucket, event.key)
        if known is None or (known.is_gone and known.status is not FileStatus.REMOVED):
            raise Transient(
                FailureCode.OBJECT_MISSING,
                f"expected an object {event.bucket}/{event.key}: it was removed, or never there",
                _LOOK_AGAIN_S,
            )
        if known.is_gone:
            self._skip(record, FailureCode.ALREADY_REMOVED)
        else:
            await self._queue_removal(record, event)

    async def _queue_removal(self, record: SourceRecord, event: ObjectEvent) -> None:
        await self._queue(record, removal_entry(event, self._removal_time(record, event), self._clock.now()))

    def _removal_time(self, record: SourceRecord, event: ObjectEvent) -> datetime:
        return removal_time(event, time_of_record(origin_of(record).timestamp_ms), self._clock.now())

    def _unseen(self, record: SourceRecord, event: ObjectEvent) -> ObjectInfo:
        """What is known of an object that could not be seen: the event's word and its time."""
        at = self._removal_time(record, event)
        return ObjectInfo(event.bucket, event.key, event.size or 0, event.etag or "", at)

    def _speaks_when_empty(self, event: ObjectEvent) -> bool:
        profile = self._profile_for(event.bucket, event.key)
        return profile is not None and profile.delivery.is_full

    async def _queue(self, record: SourceRecord, entry: ListingFile) -> None:
        value = await self._encoder.encode(f"{FILES_TOPIC}-value", file_to_wire(entry))
        await self._handoff.publish(
            FILES_TOPIC, key=entry.object_id.encode(), value=value, headers=producer_headers(part_of(record, None))
        )

    async def _refuse(self, refused: _Refused, attempts: int) -> None:
        """Hand the object's notification on; when that was its last try, its producer is told."""
        info, error = refused.info, refused.error
        story = await self._handoff.failed(refused.record, error, stage=STAGE, listing_file=_name(info))
        if story.due_at is None:
            await self._outcomes.report(unread_outcome(info, classify(error), attempts, self._clock.now()))


def _alone(record: SourceRecord, event: ObjectEvent) -> SourceRecord:
    """The record as it came when it tells of this object only, else one that does."""
    value = told_alone(event)
    return record if value is None else part_of(record, value)


def _name(info: ObjectInfo) -> str:
    return f"{info.bucket}/{info.key}"
