"""What became of a file: the value of `listing-outcomes` and the document `outcomes show` prints."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from app.errors import FailureCode, Problem


class FileStatus(StrEnum):
    INDEXED = "indexed"
    """Every record is in the index (or was newer there already, or blank)."""
    PARTLY_INDEXED = "partly_indexed"
    """Some records were rejected; each reason is kept up to a limit."""
    REJECTED = "rejected"
    """The file as a whole is a dead letter (broken, too big, unknown, or too many bad records)."""
    HELD = "held"
    """Its listings are in the index. What a full feed no longer holds is still there: a person has to confirm it."""
    REMOVED = "removed"
    """The object is gone, and its listings are marked removed."""


@dataclass(frozen=True, slots=True)
class RecordReject:
    """One refused record of a file."""

    record: int
    """1-based number of the record among the file's records, blank ones not counted."""
    line: int | None
    """1-based physical line where the record starts, where the format has lines."""
    problems: tuple[Problem, ...]
    source_listing_id: str | None = None


@dataclass(frozen=True, slots=True)
class Flag:
    """One remark on the quality of a listing that is in the index."""

    flag: str
    """Of the closed set `Quality`."""
    field: str | None = None
    """The field concerned; None: it can not be told."""
    got: str | None = None
    """What was sent and left out, shortened to 80 characters; None: nothing was left out."""


@dataclass(frozen=True, slots=True)
class RecordFlags:
    """One indexed record with remarks on its quality."""

    record: int
    line: int | None
    """As of a reject."""
    flags: tuple[Flag, ...]
    source_listing_id: str | None = None


@dataclass(frozen=True, slots=True)
class FileOutcome:
    """The account of one file: `read = indexed + stale + rejected`; duplicates are part of `indexed`."""

    bucket: str
    key: str
    etag: str
    size: int
    uploaded_at: datetime
    processed_at: datetime
    status: FileStatus
    format: str | None
    """The format, such as `json`, with `+gzip`, `+zip` … when packed; None when it was never recognised."""
    profile: str | None
    """The connector profile that read it; None: our own field names."""
    read: int
    indexed: int
    stale: int
    rejected: int
    blank: int
    """Blank lines and rows: skipped, not part of `read`."""
    flagged: int
    """Indexed listings with at least one `quality` flag."""
    bytes_read: int
    attempts: int
    failure_code: FailureCode | None = None
    failure_message: str | None = None
    removed: int = 0
    """Listings marked removed: those of a removed object, or those that a full feed no longer holds."""
    rejects: tuple[RecordReject, ...] = ()
    """The first rejects, up to the limit; `rejected` is always the full count."""
    flag_counts: Mapping[str, int] = field(default_factory=dict)
    """Indexed listings by `quality` flag, always complete; a listing with two flags counts for both."""
    flags: tuple[RecordFlags, ...] = ()
    """The first flagged records, up to the limit of the rejects."""


def outcome_id(bucket: str, key: str) -> str:
    """The document id of an object's outcome: ids hold 512 bytes, object keys 1,024, so it is a digest."""
    return hashlib.sha256(f"{bucket}/{key}".encode(errors="surrogatepass")).hexdigest()[:40]
