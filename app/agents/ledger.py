"""Which offsets of a partition are finished, so that only the finished prefix is ever committed.

Faust's own tracking commits past an unfinished record as soon as records finish out of order (0.15.3), so source topics
are read with `acks=False` and this ledger decides.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from app.model.trace import trace_text


@dataclass(slots=True)
class Slot:
    """One record that was taken."""

    offset: int
    taken_at: float
    """Monotonic seconds."""
    finished: bool = False
    task: Any = None
    """What works on it, so that it can be given up."""


class Due(NamedTuple):
    """What is to be committed of a partition."""

    offset: int
    trace: str
    """Which records are being worked on, and which ended workers before (`app.model.trace`)."""
    state: tuple[int, bool]
    """Up to which change of the ledger it tells, and whether a server was down."""


class Ledger:
    """The taken and not yet committed records of one partition in one generation of the consumer group."""

    def __init__(self, generation: int, worker: str = "", blame: Mapping[int, int] | None = None) -> None:
        """`worker` names this process in traces; `blame` is that for the ends of workers, by offset."""
        self.generation = generation
        self._worker = worker
        self._blame = dict(blame or {})
        self._reading: set[int] = set()
        self._waiting: set[int] = set()
        self._changes = 0
        self._told: Due | None = None
        self._slots: deque[Slot] = deque()
        self.first: int | None = None
        """The first offset that was taken."""
        self._next: int | None = None
        self._safe: int | None = None
        self._committed: int | None = None

    def take(self, offset: int, now: float, last: int | None = None) -> tuple[Slot, int]:
        """Note a record before its work starts; returns its slot and how many offsets were jumped over.

        `last` is the last offset it stands for, where that is not its own.
        """
        jumped = 0 if self._next is None else max(0, offset - self._next)
        if self.first is None:
            self.first = offset
        last = offset if last is None else last
        self._next = last + 1
        slot = Slot(last, now)
        self._slots.append(slot)
        return slot, jumped

    def pass_over(self, position: int, handed: int | None) -> None:
        """Go on to `position` when every record before it is finished: what is left before it are no records.

        `handed` is the offset after the last record that the consumer handed on, None: it handed on none. As long as
        that one has not been taken here, it is somewhere between.
        """
        if self._slots or (handed is not None and (self._next is None or self._next < handed)):
            return
        if self._safe is None or position > self._safe:
            self._safe = position
            self._next = max(position, self._next or 0)

    def finish(self, slot: Slot) -> None:
        """The record is in the index or handed on, confirmed; the finished prefix grows as far as it can."""
        slot.finished = True
        if self._blame:
            self._blame.pop(slot.offset, None)
        while self._slots and self._slots[0].finished:
            self._safe = self._slots.popleft().offset + 1

    def begin(self, slot: Slot) -> None:
        """Work on the record begins: from now on the trace has it."""
        self._reading.add(slot.offset)
        self._changes += 1

    def wait(self, slot: Slot) -> None:
        """The record is read; what is left is to wait for servers."""
        self._reading.discard(slot.offset)
        self._waiting.add(slot.offset)
        self._changes += 1

    def end(self, slot: Slot) -> None:
        """Work on the record has ended, however it did."""
        self._reading.discard(slot.offset)
        self._waiting.discard(slot.offset)
        self._changes += 1

    def blame_of(self, slot: Slot) -> int:
        """The blame for workers that ended without a word while they worked on the record."""
        return self._blame.get(slot.offset, 0) if self._blame else 0

    def due(self, is_held_up: bool = False) -> Due | None:
        """What to commit: a finished prefix that has grown, or another trace; None when it would change nothing.

        While a server is down, records wait for it: what `is_held_up` is being worked on by nobody.
        """
        offset, told, state = self.first if self._safe is None else self._safe, self._told, (self._changes, is_held_up)
        if offset is None or (told is not None and told.state == state and offset == self._committed):
            return None
        reading, waiting = ((), ()) if is_held_up else (self._reading, self._waiting)
        trace = trace_text(offset, self._worker, reading, waiting, self._blame)
        if trace == ("" if told is None else told.trace) and (self._safe is None or offset == self._committed):
            return None
        return Due(offset, trace, state)

    @property
    def to_commit(self) -> int | None:
        """The next offset to commit; None when it would change nothing."""
        return None if self._safe == self._committed else self._safe

    def committed(self, due: Due) -> None:
        """The broker took it."""
        self._committed, self._told = due.offset, due

    def find(self, offset: int) -> Slot | None:
        """The record at an offset while it is not finished."""
        return next((slot for slot in self._slots if slot.offset == offset and not slot.finished), None)

    def uncommitted(self) -> None:
        """The broker lost what it took: offer it again."""
        self._committed = None

    @property
    def last_committed(self) -> int | None:
        """The offset that the broker took last; None: it took none yet."""
        return self._committed

    @property
    def position(self) -> int | None:
        """The offset after the finished prefix; None while nothing of it is finished."""
        return self._safe

    @property
    def unfinished(self) -> int:
        """Records taken that hold back the commit, finished ones behind them included."""
        return len(self._slots)

    def oldest_taken_at(self) -> float | None:
        """When the record that holds back the commit was taken, monotonic seconds; None: none does."""
        return self._slots[0].taken_at if self._slots else None
