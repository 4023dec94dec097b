"""CSV and TSV: rows by the standard library's reader, and what to do where it would swallow a row's neighbours.

The reader runs in strict mode over whole physical lines. A row of several lines is taken as such only if it is
well-formed and as wide as the header. Otherwise its first line is judged alone, with the stray quote as a character
like every other, and reading goes on with the next line. What was read in vain is remembered (`csv_trail`).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from itertools import accumulate

from app.errors import FailureCode, Problem
from app.model.record import Limits, Slice
from app.pipeline.parse import judge
from app.pipeline.parse.csv_cells import Header, LenientCells, no_header
from app.pipeline.parse.csv_trail import BrokenTrail, OpenTrail, Trail, WholeTrail, whole_trail
from app.pipeline.parse.gather import Gather
from app.pipeline.parse.lines import LineCutter
from app.pipeline.sniff import Content

csv.field_size_limit(2**31 - 1)  # the limit on a record is ours; the library's own 131,072 is one for the process

_UTF8_MAX = 4
"""Bytes a character takes at most."""
_MAX_LINES = 5_000
"""A row of more lines is too big, whatever its size."""
_LINE_CHARACTERS = 64
"""A longer line counts as several."""
_SHORT_TRAIL = 2
"""Lines between which there is no other."""
_LINE_COST = 30
"""Of a line that was read in vain, as `Gather.spend` counts."""
_LOOK_LINES = 200
"""So many lines after an open quote are looked at to see whether they are rows."""


class CsvParser:
    """Takes UTF-8 text in blocks. Lines end with LF or CR LF, or all with CR; values stay text.

    A row without content is blank, also when it has delimiters. Raises HEADER_ROW_INVALID. Memory is one block and
    one row of at most `record_max_bytes`.
    """

    def __init__(self, gather: Gather, limits: Limits, content: Content, header: tuple[str, ...] | None = None) -> None:
        self._gather = gather
        self._max_bytes = limits.record_max_bytes
        self._content = content
        self._delimiter = content.delimiter or ","
        self._skip_first = content.separator_line
        self._cutter = LineCutter(limits.record_max_bytes)
        self._lenient = LenientCells(self._delimiter)
        self._header = None if header is None else Header(header)
        self._lines: list[str] = []
        self._start = 0
        """Of the lines at hand, the first of the row that is being read."""
        self._next = 0
        """Of the lines at hand, the first that is not yet read."""
        self._sums: list[int] = []
        """Of the lines at hand, the characters before each; empty: not reckoned yet."""
        self._trail: Trail | None = None
        """The last way through lines that were not those of a row."""
        self._alone = False
        """The row that is being read lies on it, so that only its first line has to be looked at."""
        self._row_at = -1
        """A line that is a row by itself, counted from the file's first."""
        self._base = 0
        """Physical lines before those at hand."""
        self._starved = False
        """The reader wanted more lines than there are."""
        self._open = False
        """The lines at hand are one row so far, its quote is not closed."""
        self._dropping = False
        """Inside a row that is too long; its lines go as they come."""

    @property
    def line(self) -> int:
        """Whole lines so far."""
        return self._base + len(self._lines)

    def feed(self, text: bytes) -> Iterator[Slice]:
        if self._content.lone_cr:
            text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        too_long, lines = self._cutter.feed(text)
        if too_long:
            yield from self._drop_line()
        closes = b'"' in lines.replace(b'""', b"")
        self._append(lines)
        if not self._open or closes or self._is_beyond(0):
            yield from self._read(final=False)

    def finish(self) -> Iterator[Slice]:
        too_long, line = self._cutter.finish()
        if too_long:
            yield from self._drop_line()
        else:
            self._append(line)
        yield from self.drain()

    def drain(self) -> Iterator[Slice]:
        """Rows that wait for a closing quote; a line at which the file broke off is not whole, and no row."""
        yield from self._read(final=True)

    def _append(self, text: bytes) -> None:
        lines = list(io.StringIO(text.decode(), newline="\n"))
        done = 0
        if self._skip_first and lines:
            self._skip_first = False
            done = 1
        while self._dropping and done < len(lines):
            # each quote takes the cell's end one way or the other; a doubled one does it twice
            self._dropping = lines[done].count('"') % 2 == 0
            done += 1
        self._gather.spend(_LINE_COST * done)
        self._base += done
        self._lines += lines[done:]
        self._sums = []
        if isinstance(self._trail, OpenTrail):
            self._trail = None

    def _drop_line(self) -> Iterator[Slice]:
        """One line too long to be kept; it is judged alone, and so is the open row before it."""
        if self._dropping:
            self._base += 1
            return
        yield from self._read(final=True)
        self._base += 1
        if self._header is None:
            raise no_header(f"the first line is longer than {self._max_bytes:,} bytes", self._base)
        self._gather.reject(judge.too_big(self._max_bytes), self._base)

    def _read(self, final: bool) -> Iterator[Slice]:
        """Rows of the lines at hand; without `final` a row that is open at their end stays."""
        self._open = False
        reader = self._reader()
        while self._next < len(self._lines) and not self._open:
            start = self._next
            if len(self._lines[start]) > judge.MANY_BYTES and self._has_too_many_cells(start):
                continue
            self._starved = False
            self._start = start
            self._alone = self._trail is not None and self._base + start < self._trail.end
            try:
                row = next(reader)
            except csv.Error:
                self._misread(start, final)
                reader = self._reader()
            else:
                self._take(row, start)
            if self._gather.full:
                yield self._gather.take()
        self._base += self._next
        del self._lines[: self._next]
        self._sums = []
        self._next = 0

    def _misread(self, start: int, final: bool) -> None:
        """The row that begins at line `start` is not well-formed, or is still open where the lines end."""
        trail = self._trail
        if not self._starved:
            if self._next - start > _SHORT_TRAIL:
                self._trail = BrokenTrail(self._base + start, self._base + self._next - 1)
            self._judge_alone(start)
        elif not self._alone or isinstance(trail, OpenTrail):
            self._still_open(start, final)
        elif isinstance(trail, WholeTrail) and self._fits_at_its_end(start, trail):
            self._trail, self._next = None, start  # it is read once more, as a whole
        else:
            self._judge_alone(start)

    def _fits_at_its_end(self, start: int, trail: WholeTrail) -> bool:
        """Is the row that begins at line `start`, and stays open there, as wide as the header where the trail ends?"""
        assert self._header is not None
        closed = csv.reader(
            [self._lines[start] + '"'], delimiter=self._delimiter, skipinitialspace=self._content.spaced_quotes
        )
        count = trail.cells(self._base + start, len(next(closed)) - 1)
        return self._header.takes(count, trail.empty)

    def _still_open(self, start: int, final: bool) -> None:
        """The quote of the row that begins at line `start` is not closed by any of the lines at hand."""
        if not self._alone:
            self._trail = OpenTrail(self._base + start, self._base + len(self._lines))
        self._next = len(self._lines)
        if final or self._is_beyond(start):
            self._close(start, final)
        else:
            self._open = True
            self._next = start

    def _reader(self) -> Iterator[list[str]]:
        return csv.reader(
            self._source(), delimiter=self._delimiter, strict=True, skipinitialspace=self._content.spaced_quotes
        )

    def _source(self) -> Iterator[str]:
        while self._next < len(self._lines) and not (self._alone and self._next > self._start):
            self._next += 1
            yield self._lines[self._next - 1]
        self._starved = True

    def _take(self, row: list[str], start: int) -> None:
        """A row that reads well, from line `start` to `_next`."""
        several = self._next - start > 1
        if not several and (not row or not row[0].strip()) and not any(cell.strip() for cell in row):
            self._gather.add_blank()
        elif self._header is None:
            self._header = Header(row, self._base + start + 1)
        elif self._header.fits(row):
            self._add(row, start)
        elif several:
            if self._next - start > _SHORT_TRAIL:
                self._trail = whole_trail(self._base + start, self._base + self._next - 1, row, self._header.width)
            self._judge_alone(start)
        else:
            self._repair(start, self._header, row)

    def _judge_alone(self, start: int) -> None:
        """The row's first line by itself; what the reader took for the rest of the row is read afresh."""
        in_vain = 0
        if self._next - start > 1 and not self._alone:
            in_vain = max(self._next - start - 1, self._size(start + 1, self._next) // _LINE_CHARACTERS)
        self._gather.spend(_LINE_COST * (in_vain + 1))
        self._next = start + 1
        if self._header is None:
            self._header = Header(self._lenient.cut(self._lines[start]), self._base + start + 1)
        else:
            self._repair(start, self._header, None)

    def _repair(self, start: int, header: Header, row: list[str] | None) -> None:
        """The row's first line, which is `row` if that has no stray quote."""
        cells = self._lenient.cut(self._lines[start])
        if header.fits(cells):
            self._add(cells, start)
        elif self._is_too_big(start):
            self._gather.reject(judge.too_big(self._max_bytes), self._base + start + 1)
        else:
            problem = header.stray_quote() if row is None else header.ragged(row)
            self._gather.reject(problem, self._base + start + 1)

    def _add(self, cells: list[str], start: int) -> None:
        assert self._header is not None
        line = self._base + start + 1
        size = self._size(start, self._next)
        if size * _UTF8_MAX > self._max_bytes and self._is_too_big(start):
            self._gather.reject(judge.too_big(self._max_bytes), line)
        else:
            self._gather.add_row(self._header.record(cells), line, size)

    def _close(self, start: int, final: bool) -> None:
        """No end of the quote in sight. Are the lines that it swallows rows? Then it is a stray one."""
        if start + 1 >= len(self._lines) or self._header is None or self._swallows_a_row(start, self._header):
            self._judge_alone(start)
            return
        problem = judge.too_big(self._max_bytes)
        if final:
            problem = Problem(FailureCode.RECORD_MALFORMED, None, "a quoted cell that ends", "no closing quote")
        self._gather.reject(problem, self._base + start + 1)
        self._next = len(self._lines)
        self._dropping = not final

    def _swallows_a_row(self, start: int, header: Header) -> bool:
        last = min(start + _LOOK_LINES, len(self._lines) - 1)
        if start < self._row_at - self._base <= last:
            return True
        for at in range(last, start, -1):  # the last one also tells of the rows that come next
            if header.fits(self._lenient.cut(self._lines[at])):
                self._row_at = self._base + at
                return True
        return False

    def _has_too_many_cells(self, start: int) -> bool:
        problem = judge.too_many_cells(self._lines[start].count(self._delimiter))
        if problem is not None:
            self._next += 1
            self._gather.reject(problem, self._base + start + 1)
        return problem is not None

    def _is_beyond(self, start: int) -> bool:
        """Are the lines at hand from `start` on more than a row may have?"""
        return len(self._lines) - start > _MAX_LINES or self._size(start, len(self._lines)) > self._max_bytes

    def _size(self, start: int, end: int) -> int:
        """Characters; at most as many as bytes."""
        if end - start == 1:
            return len(self._lines[start])
        if not self._sums:
            self._sums = list(accumulate(map(len, self._lines), initial=0))
        return self._sums[end] - self._sums[start]

    def _is_too_big(self, start: int) -> bool:
        row = "".join(self._lines[start : self._next]).rstrip("\r\n")
        return len(row.encode()) > self._max_bytes
