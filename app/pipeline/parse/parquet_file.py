"""Parquet files: kept aside until they are complete, for they are read from their end."""

from __future__ import annotations

from collections.abc import Iterator

from app.model.record import Limits, Slice
from app.pipeline.parse.gather import Gather
from app.pipeline.parse.parquet_footer import check_footer
from app.pipeline.unpack.spool import Spool

_READER = "app.pipeline.parse.parquet_rows"
"""With a library that takes a fifth of a second to load, and that most workers never need."""


class ParquetParser:
    """Keeps what it is fed in `spool`; `finish` gives the records, as `ParquetRows` says."""

    line = 0
    """The format has no lines."""

    def __init__(self, gather: Gather, limits: Limits, spool: Spool, apart: bool = False) -> None:
        """`apart`: the caller has a process of its own for it; `finish` then gives the file in place of the records."""
        self._apart = apart
        self._gather = gather
        self._limits = limits
        self._spool = spool

    def feed(self, text: bytes) -> Iterator[Slice]:
        self._spool.append(text)
        yield from ()

    def drain(self) -> Iterator[Slice]:
        """Nothing: without its end such a file can not be read."""
        return iter(())

    def finish(self) -> Iterator[Slice]:
        check_footer(self._spool)
        if self._apart:
            yield Slice([], [], apart=self._spool)
            return
        yield Slice([], [], needs=_READER)
        from app.pipeline.parse.parquet_rows import ParquetRows

        yield from ParquetRows(self._gather, self._limits, self._spool).read()
