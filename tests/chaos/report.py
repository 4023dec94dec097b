"""The account of a chaos run, for people: one row a fault, printed at the end of the session."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.chaos.audit import Audit


@dataclass(frozen=True, slots=True)
class Row:
    """What one fault did to one load."""

    fault: str
    lasted_s: float
    result: Audit
    rejected: int = 0
    back_s: float | None = None
    """Seconds from the end of the fault until the next file was done; None: none was left, or it never stopped."""


@dataclass
class Report:
    rows: list[Row] = field(default_factory=list)

    def table(self) -> list[str]:
        """Aligned lines, the head first."""
        head = ("fault", "lasted", "files", "listings", "indexed", "rejected", "dead", "lost", "repeats", "back after")
        cells = [head, *(_cells(row) for row in self.rows)]
        widths = [max(len(line[place]) for line in cells) for place in range(len(head))]
        return [
            "  ".join(
                cell.ljust(width) if place == 0 else cell.rjust(width)
                for place, (cell, width) in enumerate(zip(line, widths, strict=True))
            )
            for line in cells
        ]


def _cells(row: Row) -> tuple[str, ...]:
    result = row.result
    lost = result.listings - result.in_index - row.rejected
    return (
        row.fault,
        f"{row.lasted_s:.0f} s",
        f"{result.files:,}",
        f"{result.listings:,}",
        f"{result.in_index:,}",
        f"{row.rejected:,}",
        f"{result.dead_letters:,}",
        f"{lost:,}",
        f"{result.repeats:,}",
        "–" if row.back_s is None else f"{row.back_s:.1f} s",
    )


REPORT = Report()
"""Of this session."""
