"""Outcomes of files that were never read, are held, or are gone."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from app.errors import FileRejected
from app.failures.classify import Verdict
from app.model.file import ListingFile, ObjectInfo
from app.model.outcome import FileOutcome, FileStatus
from app.pipeline.account import FileAccount


def unread_outcome(info: ObjectInfo, verdict: Verdict, attempts: int, now: datetime) -> FileOutcome:
    """The outcome of a file that was refused, or given up, before its first record."""
    return replace(
        _empty(info, attempts, now, FileStatus.REJECTED), failure_code=verdict.code, failure_message=verdict.message
    )


def removed_outcome(file: ListingFile, at: datetime, removed: int, attempts: int, now: datetime) -> FileOutcome:
    """Build the outcome of an object that is gone since `at`, by the store; `now` is the end of the work."""
    info = ObjectInfo(file.bucket, file.key, 0, "", at)
    return replace(_empty(info, attempts, now, FileStatus.REMOVED), removed=removed)


def held_outcome(outcome: FileOutcome, why: FileRejected) -> FileOutcome:
    """The outcome of a full feed whose removals wait for a person."""
    return replace(outcome, status=FileStatus.HELD, failure_code=why.code, failure_message=why.message)


def confirmed_outcome(outcome: FileOutcome) -> FileOutcome:
    """The outcome of an empty full feed that a person has confirmed."""
    return replace(outcome, status=FileStatus.INDEXED, failure_code=None, failure_message=None)


def _empty(info: ObjectInfo, attempts: int, now: datetime, status: FileStatus) -> FileOutcome:
    return replace(FileAccount().outcome(info, now, attempts, None, None), status=status)
