"""One row of a CSV file: its cells, and whether they fit the header (RFC 4180, and what senders make of it)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from app.errors import FailureCode, FileRejected, Problem

_MAX_COLUMNS = 4_000
_MAX_NAME = 256
"""A longer name is a cell of a file without a header row, or a line break is missing."""


class Header:
    """The columns of a file; names are trimmed, a column without one is called `_N` by its place, counted from 1.

    Raises HEADER_ROW_INVALID when the names can not be names.
    """

    def __init__(self, names: Iterable[str], line: int | None = None) -> None:
        trimmed = [name.strip() for name in names]
        if not any(trimmed):
            raise no_header("it has no names", line)
        if len(trimmed) > _MAX_COLUMNS:
            raise no_header(f"it has {len(trimmed):,} columns, more than {_MAX_COLUMNS:,}", line)
        for place, name in enumerate(trimmed, 1):
            if len(name) > _MAX_NAME or name.startswith(("http://", "https://")):
                raise no_header(f"cell {place} is too long for a name, or a link", line)
        self.width = len(trimmed)
        self._needed = max(place for place, name in enumerate(trimmed, 1) if name)
        """Without the unnamed columns at the end, which a row may leave out."""
        self._names = [name or f"_{place}" for place, name in enumerate(trimmed, 1)]
        counts = Counter(self._names)
        self._repeated = [name for name, count in counts.items() if count > 1]

    def fits(self, cells: Sequence[str]) -> bool:
        """As many cells as columns; more if the rest is empty, fewer if only unnamed columns are missing."""
        count = len(cells)
        if count > self.width:
            # a line break there may stand for a row that a stray quote swallowed
            return not any(cell.strip() or "\n" in cell for cell in cells[self.width :])
        return count >= self._needed

    def takes(self, count: int, empty: int) -> bool:
        """The same for a row of `count` cells, of which the last `empty` may be more than there are columns."""
        return self._needed <= count <= self.width + empty

    def record(self, cells: Sequence[str]) -> Mapping[str, object]:
        """The cells under their names; a name that stands over several columns has the list of their cells."""
        record: dict[str, object] = dict(zip(self._names, cells, strict=False))
        for name in self._repeated:
            record[name] = [cell for own, cell in zip(self._names, cells, strict=False) if own == name]
        return record

    def ragged(self, cells: Sequence[str]) -> Problem:
        return Problem(FailureCode.ROW_RAGGED, None, f"{self.width} cells, as in the header", f"{len(cells)} cells")

    def stray_quote(self) -> Problem:
        expected = f"{self.width} cells, quotes inside a quoted cell doubled"
        return Problem(FailureCode.ROW_RAGGED, None, expected, "a quote that does not close its cell")


def no_header(why: str, line: int | None) -> FileRejected:
    return FileRejected(
        FailureCode.HEADER_ROW_INVALID,
        f"expected a row of column names, but {why}; add it, or name the columns in the profile",
        None if line is None else f"line {line:,}",
    )


class LenientCells:
    """Cuts one physical line into cells where the strict reading fails.

    A quote only opens a cell if one closes it on the same line, next to a delimiter; any other is a character like
    every other (the inch mark of `11" wheels`).
    """

    def __init__(self, delimiter: str) -> None:
        mark = re.escape(delimiter)
        self._cell = re.compile(rf'[ ]*+"((?:[^"]|"")*+)"[ ]*+(?={mark}|\Z)|([^{mark}]*+)')
        self._delimiter = delimiter

    def cut(self, line: str) -> list[str]:
        """The cells; no more than any header could take."""
        line = line.rstrip("\r\n").replace("\r", " ")
        cells: list[str] = []
        at = 0
        while True:
            match = self._cell.match(line, at)
            assert match is not None
            cells.append(match[2] if match[1] is None else match[1].replace('""', '"'))
            at = match.end() + 1
            if at > len(line) or len(cells) > _MAX_COLUMNS:
                return cells
