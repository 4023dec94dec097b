"""How many bulk requests may be under way at once: up slowly, down fast, between a floor and a ceiling.

Additive increase and multiplicative decrease (D.-M. Chiu, R. Jain, Analysis of the Increase and Decrease Algorithms
for Congestion Avoidance, 1989), told of overload by answers (429) and, before it comes to that, by latency, in the way
of TCP Vegas (L. Brakmo, L. Peterson, 1995): from how much longer a request takes than an undisturbed one follows how
many of ours wait in the index's queue.

Requests differ in size, so each is compared with the fastest of about its own size. By Little's law our own requests,
waiting behind each other, can make one take `limit` times as long; only what is far beyond that is the index's own
slowness. So on an index that is busy with nothing but our work, latency alone never lowers the limit.
"""

from __future__ import annotations

from dataclasses import dataclass

QUEUE_WANTED = 3.0
"""While fewer of our requests than this wait in the index's queue, one more at once may be of use."""
SLOW_FACTOR = 2.0
"""So many times what our own queueing explains is the index's own slowness."""
AFTER_PUSH_BACK = 0.5
AFTER_SLOWNESS = 0.8
INCREASE_EVERY_S = 1.0
_DRIFT = 1.005
"""The fastest known latency ages by this with every period (twice as slow after some minutes), so that an index that
has grown is not slow for ever."""
_SAMPLES_MIN = 5


@dataclass(frozen=True, slots=True)
class Ticket:
    """A request under way: when it began, and under which of the limits."""

    at: float
    epoch: int


class Concurrency:
    """The limit as a function of what happened to requests; times in seconds of any monotonic clock."""

    def __init__(self, start: int, floor: int, ceiling: int) -> None:
        """`floor` ≤ `start` ≤ `ceiling`, all at least 1; what does not fit is widened to `start`."""
        self.floor = max(1, min(floor, start))
        self.ceiling = max(ceiling, start)
        self._exact = float(max(1, start))
        self._epoch = 0
        self._period_began: float | None = None
        self._fastest: dict[int, float] = {}
        self._ratios = 0.0
        self._samples = 0
        self._was_full = False

    @property
    def limit(self) -> int:
        """Requests that may be under way now."""
        return int(self._exact)

    def begin(self, now: float) -> Ticket:
        """A request is sent."""
        if self._period_began is None:
            self._period_began = now
        return Ticket(now, self._epoch)

    def pushed_back(self, ticket: Ticket, now: float) -> None:
        """It was answered 429, or not at all in time.

        Requests that were under way together count once: they tell of the same moment.
        """
        if ticket.epoch == self._epoch:
            self._lower(AFTER_PUSH_BACK, now)

    def answered(self, ticket: Ticket, now: float, size: int, under_way: int) -> None:
        """It was answered; `size` in bytes, `under_way` how many were, this one included."""
        latency = max(now - ticket.at, 1e-6)
        kind = size.bit_length()
        fastest = min(latency, self._fastest.get(kind, latency))
        self._fastest[kind] = fastest
        if ticket.epoch != self._epoch:
            return  # it waited behind what has been taken back since
        self._ratios += latency / fastest
        self._samples += 1
        self._was_full = self._was_full or under_way >= self.limit
        began = ticket.at if self._period_began is None else self._period_began
        if self._samples >= max(_SAMPLES_MIN, self.limit) and now - began >= INCREASE_EVERY_S:
            self._judge(now)

    def _judge(self, now: float) -> None:
        ratio = self._ratios / self._samples
        if ratio > SLOW_FACTOR * self.limit:
            self._lower(AFTER_SLOWNESS, now)
        else:
            waiting = self.limit * (1.0 - 1.0 / ratio)
            if self._was_full and waiting < QUEUE_WANTED:
                self._exact = min(self.ceiling, self.limit + 1.0)
            self._new_period(now)
        for kind in self._fastest:
            self._fastest[kind] *= _DRIFT

    def _lower(self, factor: float, now: float) -> None:
        self._exact = max(float(self.floor), float(int(self._exact * factor)))
        self._epoch += 1
        self._new_period(now)

    def _new_period(self, now: float) -> None:
        self._period_began = now
        self._ratios = 0.0
        self._samples = 0
        self._was_full = False
