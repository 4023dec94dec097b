"""What the consumer has read of each partition, records or not.

Offsets are taken by more than records: a transaction's end has one, aborted records and those that compaction removed
have had some. What lies between two records that were handed on, and between the last of them and the position, is no
record; only the consumer knows that, and without it such offsets look like records that wait or were lost.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

_GAPS_KEPT = 16_384
"""More than all buffers between the consumer and the ledgers hold records."""


class Reading:
    """One partition in one assignment. Written in the consumer's thread, read in the worker's loop."""

    __slots__ = ("_gaps", "end", "handed", "position", "top")

    def __init__(self) -> None:
        self.handed: int | None = None
        """The offset after the last record handed on; None: none was."""
        self.position: int | None = None
        """The next offset that is asked for: what lies before it was handed on, or is no record."""
        self.end: int | None = None
        """Where what can be read ends: at the first record of a transaction that is still open, or at the top."""
        self.top: int | None = None
        """The offset after the last record that the broker has, open transactions included."""
        self._gaps: deque[tuple[int, int]] = deque(maxlen=_GAPS_KEPT)

    def hand_on(self, offsets: Sequence[int]) -> None:
        """Note the offsets of records that are handed on now, ascending; before the position that they lead to."""
        expected = self.handed
        first, last = offsets[0], offsets[-1]
        if last - first + 1 != len(offsets) or (expected is not None and first > expected):
            for offset in offsets:
                if expected is not None and offset > expected:
                    self._gaps.append((offset, expected))
                expected = offset + 1
        self.handed = last + 1

    def gap_before(self, offset: int) -> int | None:
        """The first of the offsets before `offset` that are no records; None where there are none.

        Offsets are asked for in ascending order, each once.
        """
        while self._gaps and self._gaps[0][0] < offset:
            self._gaps.popleft()
        return self._gaps.popleft()[1] if self._gaps and self._gaps[0][0] == offset else None


class Readings:
    """Those of all partitions that are assigned."""

    def __init__(self) -> None:
        self._of: dict[Any, Reading] = {}

    def reset(self) -> None:
        """Partitions were assigned or taken away: nothing that was known holds any more."""
        self._of = {}

    def get(self, tp: Any) -> Reading | None:
        """The reading of a (topic, partition); None while nothing was read."""
        return self._of.get(tp)

    def of(self, tp: Any) -> Reading:
        """The same, made when there is none."""
        found = self._of.get(tp)
        if found is None:
            found = self._of[tp] = Reading()
        return found
