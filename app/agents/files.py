"""The files agent: one queued file at a time per object, many objects at once."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import structlog

from app.agents.codec import Encoder
from app.agents.handoff import Handoff
from app.agents.outages import Outages
from app.agents.outcomes import OutcomeReporter
from app.agents.removals import Removals
from app.agents.together import for_each
from app.errors import Dependency, FailureCode, FileRejected, ListingRejected, Rejected, Skipped, Transient
from app.failures.classify import classify
from app.failures.headers import attempts_of
from app.failures.trust import bounded_file
from app.model.file import FileChange, ListingFile, ObjectInfo
from app.model.listed import KnownVersion
from app.model.outcome import FileStatus, RecordReject
from app.model.source_record import SourceRecord, time_of_record
from app.observability import metrics
from app.pipeline.account import ProcessedFile
from app.pipeline.flow import FileFlow
from app.pipeline.outcome import confirmed_outcome, held_outcome, removed_outcome, unread_outcome
from app.pipeline.removal import full_feed, gone_since, is_older_again, there_since
from app.pipeline.sources import Sources
from app.pipeline.wire import file_from_wire
from app.ports import Clock, ObjectStore

log = structlog.get_logger("listings.files")
STAGE = "files"
_DEAD_LETTERS_AT_ONCE = 100


class FilesHandler:
    """Handles one record of `listing-files`."""

    def __init__(
        self,
        store: ObjectStore,
        flow: FileFlow,
        removals: Removals,
        encoder: Encoder,
        handoff: Handoff,
        outcomes: OutcomeReporter,
        outages: Outages,
        clock: Clock,
        sources: Sources | None = None,
    ) -> None:
        self._sources = sources or Sources()
        self._store = store
        self._flow = flow
        self._removals = removals
        self._encoder = encoder
        self._handoff = handoff
        self._outcomes = outcomes
        self._outages = outages
        self._clock = clock

    async def __call__(self, record: SourceRecord) -> None:
        """Raises `Rejected` for a record that is no `ListingFile`."""
        file = file_from_wire(await self._encoder.decode(record.value or b""))
        file = bounded_file(file, record, self._clock.now())
        attempts = attempts_of(record) + 1
        try:
            if file.change is FileChange.REMOVED:
                processed, at_least = await self._removed(record, file, attempts)
            else:
                as_of = None if file.confirmed_etag is None else file.uploaded_at  # as its removals were confirmed
                processed, at_least = await self._process(record, file, attempts, as_of), 0
            if processed is None:
                return
        except Exception as error:
            await self._give_up(record, file, error, attempts)
            return
        await self._conclude(record, file, processed, at_least)

    async def refuse(self, record: SourceRecord, trouble: Rejected) -> None:
        """Hand on a record that must not be handled; its producer is told where it says what it is about.

        One whose file has an outcome since it was queued is done: a worker that ended after that ended over something
        else.
        """
        try:
            file = bounded_file(
                file_from_wire(await self._encoder.decode(record.value or b"")), record, self._clock.now()
            )
        except (Rejected, Transient):
            await self._handoff.failed(record, trouble, stage=STAGE)
        else:
            if trouble.code is FailureCode.KILLED_WORKER and await self._is_processed(file):
                raise Skipped(FailureCode.ALREADY_PROCESSED, "its outcome is told")
            await self._give_up(record, file, trouble, attempts_of(record) + 1)

    async def _is_processed(self, file: ListingFile) -> bool:
        known = await self._outcomes.known(file.bucket, file.key)
        return (
            known is not None
            and known.status in (FileStatus.INDEXED, FileStatus.PARTLY_INDEXED)
            and known.etag == file.etag
            and known.processed_at is not None
            and known.processed_at >= file.queued_at
        )

    async def _process(
        self, record: SourceRecord, file: ListingFile, attempts: int, as_of: datetime | None
    ) -> ProcessedFile | None:
        """Read the object as it is now; None when it is gone since it was queued, and that is answered for."""
        processed = await self._outages.ride_out(
            Dependency.OBJECT_STORE, file.object_id, lambda: self._flow.process(file, attempts, as_of)
        )
        if processed.whole_file is not None and processed.whole_file.code is FailureCode.OBJECT_MISSING:
            known = await self._outcomes.known(file.bucket, file.key)
            await self._remove(file, known, _removed_at(record, file), attempts)
            return None
        return await self._with_removals(file, processed)

    async def _removed(
        self, record: SourceRecord, file: ListingFile, attempts: int
    ) -> tuple[ProcessedFile | None, int]:
        """The object, or its newest version, was removed: so are its listings, unless there is an object again.

        One that is older than what was removed is the version before it, which is read as it is now. Returns what
        became of that, and the version that its outcome has to reach.
        """
        at = _removed_at(record, file)
        known = await self._outcomes.known(file.bucket, file.key)
        info = await self._head(file)
        if info is None:
            await self._remove(file, known, at, attempts)
        elif known is not None and is_older_again(info, known, at):
            since = there_since(at, known)
            return await self._process(record, file, attempts, since), known.version + 1
        else:
            metrics.SKIPPED.labels(FailureCode.REMOVAL_SUPERSEDED).inc()
        return None, 0

    async def _remove(self, file: ListingFile, known: KnownVersion | None, at: datetime, attempts: int) -> None:
        """Mark the listings of an object that is gone; nothing is told again of one that is known to be removed."""
        removed = await self._removals.of_object(file.bucket, file.key)
        if known is not None and known.status is FileStatus.REMOVED:
            if not removed:
                metrics.SKIPPED.labels(FailureCode.ALREADY_REMOVED).inc()
                return
            removed += known.removed
        outcome = removed_outcome(file, gone_since(at, known), removed, attempts, self._clock.now())
        await self._outcomes.report(outcome)
        log.info("object_removed", listing_file=file.object_id, removed=removed)

    async def _head(self, file: ListingFile) -> ObjectInfo | None:
        """The object as it is now; None when there is none."""
        try:
            return await self._outages.ride_out(
                Dependency.OBJECT_STORE, file.object_id, lambda: self._store.head(file.bucket, file.key)
            )
        except Rejected as error:
            if error.code is FailureCode.OBJECT_MISSING:
                return None
            raise

    async def _with_removals(self, file: ListingFile, processed: ProcessedFile) -> ProcessedFile:
        """After a full feed: its outcome with what it no longer holds marked removed, or why that is held."""
        profile, whole_file = processed.profile, processed.whole_file
        if profile is None or not profile.delivery.is_full:
            return processed
        if whole_file is not None and whole_file.code is not FailureCode.OBJECT_EMPTY:
            return processed  # it broke off: what it does not hold, nobody knows
        speaker = self._sources.at(file.bucket, file.key)
        if speaker is not None and not speaker.may(profile.source):
            refused = FileRejected(FailureCode.SOURCE_NOT_ALLOWED, str(speaker.refusal(profile.source)))
            outcome = replace(processed.outcome, status=FileStatus.REJECTED)
            outcome = replace(outcome, failure_code=refused.code, failure_message=refused.message)
            return replace(processed, outcome=outcome, whole_file=refused, single=())
        feed = full_feed(profile, processed.outcome, processed.single, file.confirmed_etag)
        told = await self._removals.after(feed, profile.delivery, file.object_id)
        if isinstance(told, FileRejected):
            return replace(processed, outcome=held_outcome(processed.outcome, told), whole_file=told)
        outcome = replace(processed.outcome, removed=told)
        if whole_file is not None and feed.confirmed:  # it is empty, and a person has said that this is right
            return replace(processed, outcome=confirmed_outcome(outcome), whole_file=None)
        return replace(processed, outcome=outcome)

    async def _give_up(self, record: SourceRecord, file: ListingFile, error: Exception, attempts: int) -> None:
        """Hand the record on; when that was its last try, its producer is told."""
        story = await self._handoff.failed(record, error, stage=STAGE, listing_file=file.object_id)
        if story.due_at is None:
            info = ObjectInfo(file.bucket, file.key, file.size, file.etag, file.uploaded_at)
            await self._outcomes.report(unread_outcome(info, classify(error), attempts, self._clock.now()))

    async def _conclude(self, record: SourceRecord, file: ListingFile, processed: ProcessedFile, at_least: int) -> None:
        outcome = processed.outcome
        if processed.whole_file is not None:
            await self._handoff.failed(record, processed.whole_file, stage=STAGE, listing_file=file.object_id)
        await for_each(processed.single, lambda reject: self._dead_letter(record, file, reject), _DEAD_LETTERS_AT_ONCE)
        await self._outcomes.report(outcome, at_least)
        if outcome.status is FileStatus.INDEXED:
            return  # its outcome tells it; a log line for each would cost as much as reading a small file
        log.info(
            "file_processed",
            listing_file=file.object_id,
            status=outcome.status,
            read=outcome.read,
            indexed=outcome.indexed,
            stale=outcome.stale,
            rejected=outcome.rejected,
            removed=outcome.removed,
            error_code=outcome.failure_code,
            attempt=outcome.attempts,
        )

    async def _dead_letter(self, record: SourceRecord, file: ListingFile, reject: RecordReject) -> None:
        await self._handoff.failed(
            record,
            ListingRejected(reject.problems),
            stage=STAGE,
            listing_file=file.object_id,
            listing_record=reject.record,
        )


def _removed_at(record: SourceRecord, file: ListingFile) -> datetime:
    """When the object was removed; never after the record that tells so, or it would keep later uploads out."""
    published_at = time_of_record(record.timestamp_ms)
    return file.uploaded_at if published_at is None else min(file.uploaded_at, published_at)
