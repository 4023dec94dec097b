"""The account of one file: its counts while it is read, and what they mean for it in the end."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime

from app.errors import FailureCode, FileRejected, ListingRejected, Problem, Rejected
from app.failures.limits import floods
from app.model.document import WriteResult
from app.model.file import ObjectInfo
from app.model.outcome import FileOutcome, FileStatus, RecordFlags, RecordReject
from app.model.record import Limits
from app.pipeline.profile import Profile


@dataclass(slots=True)
class FileAccount:
    """The counts of one file while it is being read."""

    read: int = 0
    indexed: int = 0
    stale: int = 0
    rejected: int = 0
    blank: int = 0
    flagged: int = 0
    bytes_read: int = 0
    rejects: list[RecordReject] = field(default_factory=list)
    own_shape: str | None = None
    """Why hardly a record can be read: the file has columns that nobody declared."""
    flag_counts: Counter[str] = field(default_factory=Counter)
    flags: list[RecordFlags] = field(default_factory=list)

    def reject(self, reject: RecordReject, keep: int) -> None:
        self.rejected += 1
        if len(self.rejects) < keep:
            self.rejects.append(reject)

    def wrote(self, result: WriteResult, keep: int) -> None:
        self.indexed += result.indexed
        self.stale += result.stale
        for item in result.refused:
            problem = Problem(FailureCode.INDEX_REFUSED, None, f"a document the index takes ({item.reason})")
            self.reject(RecordReject(item.record, None, (problem,), None), keep)

    def outcome(
        self, info: ObjectInfo, now: datetime, attempts: int, shape: str | None, profile: str | None
    ) -> FileOutcome:
        """The outcome so far, with every reject that was kept; `conclude` says what it means for the file."""
        return FileOutcome(
            bucket=info.bucket,
            key=info.key,
            etag=info.etag,
            size=info.size,
            uploaded_at=info.uploaded_at,
            processed_at=now,
            status=FileStatus.INDEXED,
            format=shape,
            profile=profile,
            read=self.read,
            indexed=self.indexed,
            stale=self.stale,
            rejected=self.rejected,
            blank=self.blank,
            flagged=self.flagged,
            bytes_read=self.bytes_read,
            attempts=attempts,
            rejects=tuple(self.rejects),
            flag_counts={str(flag): count for flag, count in sorted(self.flag_counts.items())},
            flags=tuple(self.flags),
        )


@dataclass(frozen=True, slots=True)
class ProcessedFile:
    """What became of a file, and what has to be dead-lettered for it."""

    outcome: FileOutcome
    whole_file: Rejected | None
    """Set when the file as a whole, or its rest, is one dead letter."""
    single: tuple[RecordReject, ...]
    """Listings to dead-letter one by one; empty when they would be a flood."""
    profile: Profile | None = None
    """The sender's; None: there is none, or the file was never opened."""


def conclude(outcome: FileOutcome, account: FileAccount, whole_file: Rejected | None, limits: Limits) -> ProcessedFile:
    """The status of a file that was worked off, and what has to be dead-lettered: the whole file, if `whole_file` is
    set or too much of it was refused, else each refused listing."""
    outcome = replace(outcome, rejects=outcome.rejects[: limits.outcome_max_rejects])
    if whole_file is None and floods(account.read, account.rejected, limits):
        whole_file = FileRejected(FailureCode.TOO_MANY_REJECTS, _flood_message(account))
    if whole_file is not None:
        rejected = replace(
            outcome,
            status=FileStatus.REJECTED,
            failure_code=whole_file.code,
            failure_message=whole_file.message,
        )
        # The listings refused before the break are told in the outcome: one file, one dead letter.
        return ProcessedFile(rejected, whole_file, ())
    status = FileStatus.PARTLY_INDEXED if account.rejected else FileStatus.INDEXED
    return ProcessedFile(replace(outcome, status=status), None, tuple(account.rejects))


def _flood_message(account: FileAccount) -> str:
    if account.own_shape is not None and not account.indexed:
        return f"{account.rejected:,} of {account.read:,} records rejected: {account.own_shape}"
    first = "; ".join(
        f"record {reject.record}: {ListingRejected(reject.problems).message}" for reject in account.rejects[:3]
    )
    return f"{account.rejected:,} of {account.read:,} records rejected, so the file is one dead letter; first: {first}"
