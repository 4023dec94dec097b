"""Outcomes of files that were never read."""

from __future__ import annotations

from datetime import datetime

from app.failures.classify import Verdict
from app.model.file import ObjectInfo
from app.model.outcome import FileOutcome, FileStatus


def unread_outcome(info: ObjectInfo, verdict: Verdict, attempts: int, now: datetime) -> FileOutcome:
    """The outcome of a file that was refused, or given up, before its first record."""
    return FileOutcome(
        bucket=info.bucket,
        key=info.key,
        etag=info.etag,
        size=info.size,
        uploaded_at=info.uploaded_at,
        processed_at=now,
        status=FileStatus.REJECTED,
        format=None,
        profile=None,
        read=0,
        indexed=0,
        stale=0,
        rejected=0,
        blank=0,
        flagged=0,
        bytes_read=0,
        attempts=attempts,
        failure_code=verdict.code,
        failure_message=verdict.message,
    )
