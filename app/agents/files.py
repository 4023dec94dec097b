"""The files agent: one queued file at a time per object, many objects at once."""

from __future__ import annotations

import structlog

from app.agents.codec import Encoder
from app.agents.handoff import Handoff
from app.agents.outages import Outages
from app.agents.outcomes import OutcomeReporter
from app.agents.together import for_each
from app.errors import Dependency, ListingRejected
from app.failures.classify import classify
from app.failures.headers import attempts_of
from app.model.file import ListingFile, ObjectInfo
from app.model.outcome import FileStatus, RecordReject
from app.model.source_record import SourceRecord
from app.pipeline.flow import FileFlow, ProcessedFile
from app.pipeline.outcome import unread_outcome
from app.pipeline.wire import file_from_wire
from app.ports import Clock

log = structlog.get_logger("listings.files")
STAGE = "files"
_DEAD_LETTERS_AT_ONCE = 100


class FilesHandler:
    """Handles one record of `listing-files`."""

    def __init__(
        self,
        flow: FileFlow,
        encoder: Encoder,
        handoff: Handoff,
        outcomes: OutcomeReporter,
        outages: Outages,
        clock: Clock,
    ) -> None:
        self._flow = flow
        self._encoder = encoder
        self._handoff = handoff
        self._outcomes = outcomes
        self._outages = outages
        self._clock = clock

    async def __call__(self, record: SourceRecord) -> None:
        """Raises `Rejected` for a record that is no `ListingFile`."""
        file = file_from_wire(await self._encoder.decode(record.value or b""))
        attempts = attempts_of(record) + 1
        try:
            processed = await self._outages.ride_out(
                Dependency.OBJECT_STORE, file.object_id, lambda: self._flow.process(file, attempts)
            )
        except Exception as error:
            await self._give_up(record, file, error, attempts)
            return
        await self._conclude(record, file, processed)

    async def _give_up(self, record: SourceRecord, file: ListingFile, error: Exception, attempts: int) -> None:
        """Hand the record on; when that was its last try, its producer is told."""
        story = await self._handoff.failed(record, error, stage=STAGE, listing_file=file.object_id)
        if story.due_at is None:
            info = ObjectInfo(file.bucket, file.key, file.size, file.etag, file.uploaded_at)
            await self._outcomes.report(unread_outcome(info, classify(error), attempts, self._clock.now()))

    async def _conclude(self, record: SourceRecord, file: ListingFile, processed: ProcessedFile) -> None:
        outcome = processed.outcome
        if processed.whole_file is not None:
            await self._handoff.failed(record, processed.whole_file, stage=STAGE, listing_file=file.object_id)
        await for_each(processed.single, lambda reject: self._dead_letter(record, file, reject), _DEAD_LETTERS_AT_ONCE)
        await self._outcomes.report(outcome)
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
