"""What is compared to find missed notifications: a page of a bucket's listing, and what is known of its objects."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from app.errors import FailureCode
from app.model.file import ObjectInfo
from app.model.outcome import FileStatus


@dataclass(frozen=True, slots=True)
class ListedPage:
    """Some of a bucket's objects, in the store's order; at most 1,000 (Amazon S3 API reference, "ListObjectsV2")."""

    objects: tuple[ObjectInfo, ...]
    token: str | None
    """What to ask the next page with; None: this was the last one."""


@dataclass(frozen=True, slots=True)
class KnownVersion:
    """The version of an object that its latest outcome is about."""

    etag: str
    uploaded_at: datetime
    status: FileStatus
    failure_code: str | None = None
    removed: int = 0
    """Listings that were marked removed."""
    version: int = 0
    """Of the outcome, milliseconds since 1970: a later one has to reach it."""
    processed_at: datetime | None = None

    @property
    def is_gone(self) -> bool:
        """Whether the object was removed, or was never seen at all."""
        return self.status is FileStatus.REMOVED or self.failure_code == FailureCode.OBJECT_MISSING


@dataclass(frozen=True, slots=True)
class StandingKey:
    """An object that has an outcome and was not removed, as far as is known."""

    key: str
    uploaded_at: datetime


@dataclass(frozen=True, slots=True)
class Waiting:
    """What the consumer group has not acknowledged yet."""

    records: int
    """On all topics that lead to an outcome of a file."""
    object_ids: frozenset[str] | None
    """`bucket/key` of every object among them; None when there were too many records to look at."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the comparison of all buckets has come; kept, so that a restart goes on where it was."""

    began_at: datetime
    """When the present round began, UTC."""
    bucket: str
    """The bucket being listed; those declared before it are done in this round."""
    after: str = ""
    """The last key that was compared; "": none of this bucket yet."""
    objects: int = 0
    """Compared in this round."""
    queued: int = 0
    """Queued in this round."""
    completed_at: datetime | None = None
    """When the last whole round ended."""
    took_s: float | None = None
    """How long the last whole round took."""
