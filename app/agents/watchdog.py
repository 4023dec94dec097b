"""When a worker should be restarted: it is there, and nothing moves.

Faust and the client below it have ways to fall silent without ending the process (a member that left its group and does
not come back, a fetch loop that waits for ever). Nobody but the process itself can tell that from having nothing to do,
so `/livez` does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

TIMER_S = 60.0
"""The timer runs every second or so; silent for so long it is dead, or the event loop was held."""
START_S = 300.0
"""From the first connection to the broker until the timer runs for the first time."""
OUTSIDE_S = 300.0
"""Out of the group for so long: much longer than a rebalance takes."""


@dataclass(frozen=True, slots=True)
class Vitals:
    """What the timer sees; topics by name."""

    waiting: Mapping[str, int] = field(default_factory=dict)
    """Records that are not finished."""
    done: Mapping[str, int] = field(default_factory=dict)
    """Records finished since the start."""
    is_member: bool = True
    """The broker knows this worker as a member of the group, with or without partitions."""
    on_purpose: bool = False
    """An outage, a handover: standing still is right now."""


class Watchdog:
    """Told by the timer, asked by `/livez`; all times in monotonic seconds."""

    def __init__(self, stuck_after_s: float) -> None:
        self._stuck_after_s = stuck_after_s
        self._connected_at: float | None = None
        self._ticked_at: float | None = None
        self._member_at = 0.0
        self._moved: dict[str, tuple[int, float]] = {}

    def connected(self, now: float) -> None:
        """The broker has answered; until then there is nothing that could move."""
        self._connected_at = now

    def tick(self, now: float, vitals: Vitals) -> None:
        """The timer runs."""
        if self._ticked_at is None or vitals.is_member or vitals.on_purpose:
            self._member_at = now
        self._ticked_at = now
        for topic, waiting in vitals.waiting.items():
            done = vitals.done.get(topic, 0)
            before, since = self._moved.get(topic, (done, now))
            moves = done != before or waiting == 0 or vitals.on_purpose
            self._moved[topic] = (done, now if moves else since)
        for gone in self._moved.keys() - vitals.waiting.keys():
            del self._moved[gone]

    def reasons(self, now: float) -> list[str]:
        """Why the worker should be restarted; empty while it should not."""
        if self._ticked_at is None:
            late_s = 0.0 if self._connected_at is None else now - self._connected_at
            return [f"the worker's timer has not run in the {late_s:.0f} s since the start"] if late_s > START_S else []
        reasons = []
        if now - self._ticked_at > TIMER_S:
            reasons.append(f"the worker's timer has not run for {now - self._ticked_at:.0f} s")
        if self._ticked_at - self._member_at > OUTSIDE_S:
            reasons.append(f"the worker is in no consumer group for {self._ticked_at - self._member_at:.0f} s")
        reasons += [
            f"records wait on {topic}, and none was finished for {self._ticked_at - since:.0f} s"
            for topic, (_, since) in sorted(self._moved.items())
            if self._ticked_at - since > self._stuck_after_s
        ]
        return reasons
