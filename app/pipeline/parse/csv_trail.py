"""What a CSV reader learned on lines that it read for a row and that were not its own.

Where a line begins inside a quoted cell, all that follows is told by the lines alone, whichever row opened the quote.
So what became of one row tells what becomes of every row that opens a quote on its way: no line is read in vain twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Trail:
    """A way through lines, inside a quoted cell from one to the next. Lines are counted from the file's first."""

    start: int
    """The line of the row that went it."""
    end: int
    """The line at which it ended, or from which on nothing is known yet."""


class BrokenTrail(Trail):
    """It ended at a quote that closes no cell."""


class OpenTrail(Trail):
    """There are no more lines; the quote is still open."""


@dataclass(frozen=True, slots=True)
class WholeTrail(Trail):
    """It ended with a row, well-formed but not as wide as the header."""

    cells_left: tuple[int, ...]
    """For each line behind the first: the cells from the open one to the row's last."""
    empty: int
    """Cells at the row's end that may be more than the header has."""

    def cells(self, line: int, before: int) -> int:
        """How many a row has that begins at `line` and has `before` cells in front of the one that stays open."""
        return before + self.cells_left[line - self.start]


def whole_trail(start: int, end: int, row: Sequence[str], width: int) -> WholeTrail:
    """Of the row that was read from line `start` to line `end`. Each line break in it is in a quoted cell."""
    left = tuple(len(row) - place for place, cell in enumerate(row) for _ in range(cell.count("\n")))
    empty = 0
    for cell in reversed(row[width:]):
        if cell.strip() or "\n" in cell:
            break
        empty += 1
    return WholeTrail(start, end, left, empty)
