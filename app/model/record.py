"""Records as the parser hands them on: what a file holds, before anybody says what it means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple, Protocol

from app.errors import Problem
from app.model.file import Compression, FileFormat


class Rough(float):
    """A number so large that its column has no room for each integer near it: it may stand for several of them."""

    __slots__ = ()


class Spooled(Protocol):
    """A file that was kept aside and is complete; `size` in bytes."""

    @property
    def size(self) -> int: ...

    @property
    def file(self) -> BinaryIO: ...


class RawRecord(NamedTuple):
    """One record of a file, its values as sent; text formats give text, JSON gives JSON types."""

    number: int
    """1-based among the file's records; blank lines and rows are not counted."""
    line: int | None
    """1-based physical line where it starts; None where the format has no lines to count."""
    value: Mapping[str, object]


class BadRecord(NamedTuple):
    """A place in the file where a record was, but can not be read; its neighbours are not touched by it."""

    number: int
    line: int | None
    problem: Problem


@dataclass(frozen=True, slots=True)
class Slice:
    """A run of records small enough to be handled without holding the event loop (some 5 ms)."""

    records: list[RawRecord]
    bad: list[BadRecord]
    blank: int = 0
    needs: str | None = None
    """A module that the next slice needs, and that takes long to load: have a thread do it meanwhile."""
    memory: int = 0
    """Bytes that reading this file takes from here on in all, beyond a small base; 0: as much as before."""
    can_wait: bool = False
    """Little of the file is in memory: `memory` can be waited for as things are."""
    apart: Spooled | None = None
    """The file, complete: it has to be read by a process of its own, and what that gives comes in this one's place."""


@dataclass(frozen=True, slots=True)
class ReadHints:
    """What is known of a file before its content is looked at; the content wins where they disagree."""

    format: FileFormat | None = None
    compression: Compression = Compression.NONE
    content_type: str | None = None
    encoding: str | None = None
    """Fallback when the file is not UTF-8 and has no BOM; None: such a file is rejected."""
    delimiter: str | None = None
    """Of a CSV file; None: found by looking."""
    header: tuple[str, ...] | None = None
    """Column names of a CSV file without a header row; None: the first row names the columns."""
    records_path: str | None = None
    """Where the records are in a JSON or XML document, as in `pageProps.listings[]` or `vehicles[]`; `*` for an object
    keyed by id (`cars.*`), or an element of any name. None: the document is the array, or the one record; in XML they
    are found by looking."""
    mend_ampersands: bool = False
    """XML: an `&` that begins no entity is taken as itself, and an entity of HTML as its characters."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a file may cost before it is refused; sizes in bytes. Defaults and meaning: settings, group `limits`."""

    file_max_bytes: int
    decompressed_max_bytes: int
    compression_max_ratio: float
    window_max_bytes: int
    archive_max_members: int
    avro_block_max_bytes: int
    parquet_open_max_bytes: int
    record_max_bytes: int
    record_max_depth: int
    file_max_records: int
    rejects_max_share: float
    rejects_min_count: int
    rejects_max_count: int
    outcome_max_rejects: int


@dataclass(frozen=True, slots=True)
class FileShape:
    """What a file turned out to be, once its first bytes were seen."""

    format: FileFormat
    compression: Compression

    def __str__(self) -> str:
        return self.format if self.compression is Compression.NONE else f"{self.format}+{self.compression}"
