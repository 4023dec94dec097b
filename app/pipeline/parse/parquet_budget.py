"""May this row group be read, and how many rows of it at once? Judged by its pages' headers, before any is unpacked."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from app.errors import FailureCode, FileRejected
from app.model.record import Limits
from app.pipeline.parse.parquet_footer import Chunk, RowGroup
from app.pipeline.parse.parquet_pages import (
    DELTA_BYTE_ARRAY,
    DICTIONARY_ENCODINGS,
    DICTIONARY_PAGE,
    BadPages,
    Page,
    pages_of,
)
from app.pipeline.unpack.bombs import check_unpacked
from app.pipeline.unpack.spool import Readable

_BATCH_BYTES = 16 * 1024 * 1024
_BATCH_CELLS = 100_000
_BATCH_ROWS = 2048
_MAX_REPEATED_VALUES = 16_000_000
_MAX_PAGES = 1_000_000
_PAGES_A_TURN = 200
_SMALLER = "write row groups of fewer rows"


@dataclass(slots=True)
class _Leaf:
    """What one column chunk needs."""

    dictionary: int = 0
    largest: int = 0
    per_value: float = 0.0
    size: int = 0
    values: int = 0
    has_other_encoding: bool = False
    """One that the library can not read as a dictionary."""
    delta: int = 0
    """Size of the largest page whose every value may repeat all of the one before it."""

    @property
    def repeating(self) -> int:
        """How long each value may be, though its column takes few bytes."""
        return max(self.delta, self.dictionary) if self.has_other_encoding else 0

    def add(self, page: Page) -> None:
        self.size += page.size
        if page.kind == DICTIONARY_PAGE:
            self.dictionary = max(self.dictionary, page.size)
            return
        self.values += page.values
        self.largest = max(self.largest, page.size)
        self.per_value = max(self.per_value, page.size / max(1, page.values))
        self.has_other_encoding |= page.encoding not in DICTIONARY_ENCODINGS
        if page.encoding == DELTA_BYTE_ARRAY:
            self.delta = max(self.delta, page.size)


@dataclass(frozen=True, slots=True)
class Plan:
    """How a row group is to be read."""

    rows: int
    """At once."""
    plain: frozenset[int]
    """The leaves that the library can not read as dictionaries."""


class Budget:
    """Over the whole file: what its pages unpack to, and how many they are."""

    def __init__(self, spool: Readable, limits: Limits) -> None:
        self._spool = spool
        self._limits = limits
        self._pages = 0
        self._size = 0

    def plan(self, group: RowGroup, schema: Any, number: int) -> Generator[None, None, Plan]:
        """How to read a row group; looks at its pages, in steps.

        `schema` as the library has it. Raises BLOCK_TOO_BIG for what would take too much memory,
        FILE_BROKEN, COMPRESSION_RATIO, DECOMPRESSED_TOO_BIG.
        """
        where = f"row group {number:,}"
        needed = repeated = repeated_values = 0
        per_row = 0.0
        plain = set()
        if len(group.chunks) != len(schema):
            raise _broken("it has other columns than the schema", where)
        for index, chunk in enumerate(group.chunks):
            column = schema.column(index)
            leaf = yield from self._leaf(chunk, where)
            if leaf.has_other_encoding:
                plain.add(index)
            needed += leaf.dictionary + leaf.largest
            if column.max_repetition_level:
                repeated += max(leaf.size, leaf.values * leaf.repeating)
                repeated_values += leaf.values
            else:
                per_row += max(leaf.per_value, leaf.repeating) + _width(column)
            most = self._limits.parquet_open_max_bytes
            if needed > most or repeated > 2 * most or repeated_values > _MAX_REPEATED_VALUES:
                raise FileRejected(
                    FailureCode.BLOCK_TOO_BIG, f"reading it takes more memory than {most:,} bytes; {_SMALLER}", where
                )
        per_row += repeated / max(1, group.rows)
        cells = _BATCH_CELLS // len(group.chunks)
        rows = max(1, min(_BATCH_ROWS, cells, int(_BATCH_BYTES / max(1.0, per_row))))
        return Plan(rows, frozenset(plain))

    def _leaf(self, chunk: Chunk, where: str) -> Generator[None, None, _Leaf]:
        leaf = _Leaf()
        if not 4 <= chunk.start <= chunk.end <= self._spool.size:
            raise _broken("a column is not where the footer says", where)
        try:
            for page in pages_of(self._spool, chunk.start, chunk.end):
                self._count(page, where)
                leaf.add(page)
                if self._pages % _PAGES_A_TURN == 0:
                    yield
        except BadPages as error:
            raise _broken("a column's pages are damaged", where) from error
        return leaf

    def _count(self, page: Page, where: str) -> None:
        self._pages += 1
        self._size += page.size
        if self._pages > _MAX_PAGES:
            raise FileRejected(FailureCode.BLOCK_TOO_BIG, f"more than {_MAX_PAGES:,} pages; write larger ones", where)
        check_unpacked(self._size, self._spool.size, self._limits, where)


def _broken(what: str, where: str) -> FileRejected:
    return FileRejected(FailureCode.FILE_BROKEN, f"{what}; the file is damaged, write it again", where)


def _width(column: Any) -> int:
    return max(8, int(column.length)) if column.physical_type == "FIXED_LEN_BYTE_ARRAY" else 8
