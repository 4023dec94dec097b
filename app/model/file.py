"""A file of listings: what the gate queues, and what the store says of the object."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class FileFormat(StrEnum):
    """The formats we read; the content decides, the name is a hint."""

    JSON = "json"
    NDJSON = "ndjson"
    CSV = "csv"
    XML = "xml"
    """Any XML, RSS and Atom among it."""
    HTML = "html"
    """A page with JSON-LD in it."""
    AVRO = "avro"
    PARQUET = "parquet"


class Compression(StrEnum):
    NONE = "none"
    GZIP = "gzip"
    ZIP = "zip"
    """An archive with one data file in it."""
    ZSTD = "zstd"
    BZIP2 = "bzip2"
    XZ = "xz"


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """What the object store says of an object as it is now."""

    bucket: str
    key: str
    size: int
    etag: str
    """Without quotes."""
    uploaded_at: datetime
    """Last-Modified, UTC; the version of every document made from this object."""
    content_type: str | None = None


class FileChange(StrEnum):
    """Why a file is in the queue."""

    CREATED = "created"
    REMOVED = "removed"
    """The object is gone; its listings are marked removed, unless it is there again."""


@dataclass(frozen=True, slots=True)
class ListingFile:
    """One file to process (the value of `listing-files`, schema `ListingFile`)."""

    bucket: str
    key: str
    size: int
    etag: str
    uploaded_at: datetime
    """As the gate saw it, with the milliseconds that order it within its second (`app.pipeline.upload_time`); the
    worker reads the object as it is then, which may be newer. Of a removal: when it happened, by the store."""
    queued_at: datetime
    format_hint: FileFormat | None = None
    """What the name promises; None: no known ending, the content decides."""
    compression_hint: Compression = Compression.NONE
    change: FileChange = FileChange.CREATED
    confirmed_etag: str | None = None
    """Set when a person has confirmed the removals of a full feed that was held, for the content of this etag."""

    @property
    def object_id(self) -> str:
        """`bucket/key`: the record key on `listing-files` and `listing-outcomes`."""
        return f"{self.bucket}/{self.key}"
