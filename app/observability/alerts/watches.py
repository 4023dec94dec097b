"""What is found wrong, from what a worker sees of itself every second."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from app.observability.alerts.texts import lasting, reason

_SLOTS = 5
_STEPS = 3
_LATE_LEAST = 5
_LATE_SHARE = 0.05


@dataclass(frozen=True, slots=True)
class DownServer:
    """A dependency that is down, for how long, and what it said."""

    dependency: str
    lasted_s: float
    reason: str


@dataclass(frozen=True, slots=True)
class Progress:
    """One partition that the worker owns."""

    committed: int | None
    """The next offset by the last commit that the broker took; None: nothing is known."""
    waiting: int
    """Records that are not finished, as far as the consumer knows."""
    uncommitted: int
    """Records that are not finished, or whose commit was not taken."""
    end: int = 0
    """The offset up to which can be read; it does not move while a transaction is open there."""
    held: int = 0
    """Offsets behind it: of transactions that are still open, and of whatever came after their beginning."""


def servers_down(down: Sequence[DownServer], after_s: float) -> dict[str, str]:
    """Those that have been down for `after_s` or longer."""
    return {
        one.dependency: f"{one.dependency} has been down for {lasting(one.lasted_s)}: {reason(one.reason)}"
        for one in down
        if one.lasted_s >= after_s
    }


class LagWatch:
    """A lag that grows over a window; a burst that is being worked off is none.

    The window has five slots, of each the smallest lag counts: what stays when a burst is over. The lag grows when no
    slot's is below that of the slot before, most are above it, and it is no lower now. That lasts until fewer than
    `least` records wait, or the last slot of a window is below its first.
    """

    def __init__(self, least: int, window_s: float) -> None:
        self._least = least
        self._window_s = window_s
        self._slot_s = window_s / _SLOTS
        self._slots: dict[str, deque[tuple[int, int]]] = {}
        self._growing: set[str] = set()

    def see(self, now: float, lags: Mapping[str, int]) -> dict[str, str]:
        """The topics whose lag grows; `lags` are those of this moment, by topic."""
        for gone in self._slots.keys() - lags.keys():
            del self._slots[gone]
            self._growing.discard(gone)
        for topic, lag in lags.items():
            self._note(topic, int(now // self._slot_s), lag)
        window = lasting(self._window_s)
        return {
            topic: f"{topic}: {lags[topic]:,} records wait, and in the last {window} they became more"
            for topic in self._growing
        }

    def _note(self, topic: str, slot: int, lag: int) -> None:
        slots = self._slots.setdefault(topic, deque(maxlen=_SLOTS + 1))
        if slots and slots[-1][0] == slot:
            slots[-1] = (slot, min(slots[-1][1], lag))
        else:
            slots.append((slot, lag))
        past = [least for number, least in slots if number != slot]
        steps = sum(before < after for before, after in pairwise(past))
        grows = len(past) == _SLOTS and past == sorted(past) and steps >= _STEPS and lag >= past[-1]
        if lag < self._least or (len(past) == _SLOTS and past[-1] < past[0]):
            self._growing.discard(topic)
        elif grows:
            self._growing.add(topic)


class StuckWatch:
    """Partitions on which records wait while the commit does not move.

    While work is held up on purpose (an outage, a handover) time does not count: that has an alert of its own, or is
    over soon.
    """

    def __init__(self, after_s: float) -> None:
        self._after_s = after_s
        self._moved: dict[tuple[str, int], tuple[int | None, float]] = {}

    def see(self, now: float, partitions: Mapping[tuple[str, int], Progress], on_purpose: bool) -> dict[str, str]:
        """The topics with such partitions."""
        for gone in self._moved.keys() - partitions.keys():
            del self._moved[gone]
        stuck: dict[str, list[tuple[int, float]]] = {}
        for (topic, number), progress in partitions.items():
            committed, since = self._moved.get((topic, number), (None, now))
            if on_purpose or progress.uncommitted == 0 or progress.committed != committed:
                since = now
            self._moved[(topic, number)] = (progress.committed, since)
            if now - since >= self._after_s:
                stuck.setdefault(topic, []).append((number, now - since))
        return {topic: _stuck_line(topic, found) for topic, found in stuck.items()}


def _stuck_line(topic: str, found: Sequence[tuple[int, float]]) -> str:
    numbers = ", ".join(str(number) for number, _ in found)
    longest = max(seconds for _, seconds in found)
    return f"{topic}: records wait on partition {numbers}, and for {lasting(longest)} no offset was committed"


class ReadingWatch:
    """Topics or a group that are not as they should be for long; moments of it are usual while they change."""

    def __init__(self, after_s: float) -> None:
        self._after_s = after_s
        self._since: float | None = None

    def see(self, now: float, reasons: Sequence[str]) -> dict[str, str]:
        """One finding with all reasons, when there have been some for long enough."""
        if not reasons:
            self._since = None
            return {}
        self._since = now if self._since is None else self._since
        if now - self._since < self._after_s:
            return {}
        return {"topics and group": "; ".join(reason(told) for told in reasons)}


class TransactionWatch:
    """Partitions whose end has not moved for long, since a transaction is open there; no worker can help it."""

    def __init__(self, after_s: float) -> None:
        self._after_s = after_s
        self._ends: dict[tuple[str, int], tuple[int, float]] = {}

    def see(self, now: float, partitions: Mapping[tuple[str, int], Progress]) -> dict[str, str]:
        """The topics with such partitions."""
        held = {place: progress for place, progress in partitions.items() if progress.held}
        for gone in self._ends.keys() - held.keys():
            del self._ends[gone]
        late: dict[str, list[tuple[int, float]]] = {}
        for (topic, number), progress in held.items():
            end, since = self._ends.get((topic, number), (progress.end, now))
            if end != progress.end:
                since = now
            self._ends[(topic, number)] = (progress.end, since)
            if now - since >= self._after_s:
                late.setdefault(topic, []).append((number, now - since))
        return {topic: _open_line(topic, found) for topic, found in late.items()}


def _open_line(topic: str, found: Sequence[tuple[int, float]]) -> str:
    numbers = ", ".join(str(number) for number, _ in found)
    longest = max(seconds for _, seconds in found)
    return (
        f"{topic}: on partition {numbers} a producer has had a transaction open for {lasting(longest)}; what came "
        "after its beginning can not be read before it is committed or aborted. The workers are well: do not "
        "restart them"
    )


class FreshnessWatch:
    """Files that took too long from upload to indexed: five and 5 % of a window or more.

    It reads a cumulative histogram. What is older than its last bound is left out: that is what a backfill or a replay
    brings, and a backlog of that age is a lag. A limit between two bounds counts as the upper one.
    """

    def __init__(self, max_s: float, window_s: float) -> None:
        self._max_s = max_s
        self._window_s = window_s
        self._seen: deque[tuple[float, float, float]] = deque()

    def see(self, now: float, buckets: Sequence[tuple[float, float]]) -> dict[str, str]:
        """`buckets` are upper bounds (seconds, ascending, finite) with the number of files up to each."""
        in_time = next((number for bound, number in buckets if bound >= self._max_s), 0.0)
        files = buckets[-1][1] if buckets else 0.0
        if not self._seen or now - self._seen[-1][0] >= self._window_s / 30:
            self._seen.append((now, files, files - in_time))
        while len(self._seen) > 1 and self._seen[1][0] <= now - self._window_s:
            self._seen.popleft()
        _, files_before, late_before = self._seen[0]
        total, late = files - files_before, (files - in_time) - late_before
        if late < _LATE_LEAST or late < _LATE_SHARE * total:
            return {}
        return {
            "upload to indexed": f"{late:,.0f} of {total:,.0f} files of the last {lasting(self._window_s)} took longer "
            f"than {lasting(self._max_s)} from upload to indexed"
        }
