"""The limit against simulated indices: each serves so many requests at once, the rest waits in its queue."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from app.pipeline.concurrency import INCREASE_EVERY_S, Concurrency, Ticket

START, FLOOR, CEILING = 5, 1, 8
SIZE = 900_000


@dataclass
class Index:
    """Serves `serves` requests at once, each in `service_s`; answers 429 to whoever finds `room` of them there."""

    serves: int = 2
    service_s: float = 0.05
    room: int = 1000
    free_at: list[float] = field(default_factory=list)
    there: int = 0

    def take(self, now: float) -> tuple[float, bool]:
        """When the request is answered, and whether it was taken."""
        if self.there >= self.room:
            return now + 0.002, False
        self.there += 1
        if not self.free_at:
            self.free_at = [0.0] * self.serves
        begins = max(now, heapq.heappop(self.free_at))
        heapq.heappush(self.free_at, begins + self.service_s)
        return begins + self.service_s, True


@dataclass
class Run:
    concurrency: Concurrency
    index: Index
    now: float = 0.0
    answered: int = 0
    refused: int = 0
    limits: list[int] = field(default_factory=list)
    _under_way: list[tuple[float, int, Ticket, bool]] = field(default_factory=list)
    _number: int = 0

    def go(self, seconds: float, size: Callable[[int], int] = lambda _: SIZE) -> int:
        """There is always something to send; returns how many requests were answered in that time."""
        until, before = self.now + seconds, self.answered
        while self.now < until:
            while len(self._under_way) < self.concurrency.limit:
                ticket = self.concurrency.begin(self.now)
                done_at, taken = self.index.take(self.now)
                self._number += 1
                heapq.heappush(self._under_way, (done_at, self._number, ticket, taken))
            under_way = len(self._under_way)
            self.now, number, ticket, taken = heapq.heappop(self._under_way)
            if taken:
                self.index.there -= 1
                self.answered += 1
                self.concurrency.answered(ticket, self.now, size(number), under_way)
            else:
                self.refused += 1
                self.concurrency.pushed_back(ticket, self.now)
            self.limits.append(self.concurrency.limit)
        return self.answered - before


def run(index: Index, start: int = START, floor: int = FLOOR, ceiling: int = CEILING) -> Run:
    return Run(Concurrency(start, floor, ceiling), index)


def test_a_healthy_index_gets_no_less_than_with_a_fixed_number() -> None:
    for serves in (1, 2, 4, 16):
        adaptive, fixed = run(Index(serves)), run(Index(serves), floor=START, ceiling=START)
        assert adaptive.go(120) >= fixed.go(120) * 0.999
        assert min(adaptive.limits) >= START


def test_requests_of_all_sizes_are_compared_with_their_like() -> None:
    """A request of one document is fast; that makes one of a thousand no slow one."""
    adaptive = run(Index())
    concurrency = adaptive.concurrency
    for number in range(4000):
        size = 900 if number % 2 else SIZE
        ticket = concurrency.begin(adaptive.now)
        adaptive.now += 0.002 if number % 2 else 0.09
        concurrency.answered(ticket, adaptive.now, size, START)
    assert concurrency.limit >= START


def test_an_index_with_room_gets_more_slowly_up_to_the_ceiling() -> None:
    adaptive = run(Index(serves=16))
    adaptive.go(INCREASE_EVERY_S * 2.5)
    assert adaptive.concurrency.limit <= START + 2
    adaptive.go(60)
    assert adaptive.concurrency.limit == CEILING
    assert all(after - before <= 1 for before, after in zip(adaptive.limits, adaptive.limits[1:], strict=False))


def test_nothing_is_added_while_less_is_asked_for() -> None:
    concurrency = Concurrency(START, FLOOR, CEILING)
    for number in range(1000):
        concurrency.answered(concurrency.begin(number * 0.1), number * 0.1 + 0.05, SIZE, under_way=1)
    assert concurrency.limit == START


def test_refusals_lower_it_at_once_and_it_comes_back_slowly() -> None:
    adaptive = run(Index(serves=2, room=2))
    adaptive.go(0.2)
    assert adaptive.concurrency.limit <= 2
    adaptive.go(60)
    assert adaptive.refused < adaptive.answered * 0.1, "it hardly runs into the same wall again"
    adaptive.index.room = 1000
    adaptive.go(INCREASE_EVERY_S * 1.5)
    assert adaptive.concurrency.limit < START
    adaptive.go(60)
    assert adaptive.concurrency.limit >= START - 1


def test_refusals_of_the_same_moment_count_once() -> None:
    concurrency = Concurrency(8, 1, 8)
    tickets = [concurrency.begin(0.0) for _ in range(8)]
    for ticket in tickets:
        concurrency.pushed_back(ticket, 0.1)
    assert concurrency.limit == 4


def test_an_index_that_became_slow_by_itself_gets_less_and_then_as_before() -> None:
    adaptive = run(Index())
    adaptive.go(20)
    adaptive.index.service_s *= 30
    adaptive.go(120)
    assert adaptive.concurrency.limit <= 2
    adaptive.index.service_s /= 30
    adaptive.go(60)
    assert adaptive.concurrency.limit >= START - 1


def test_what_stays_slower_is_taken_for_normal_after_a_while() -> None:
    adaptive = run(Index())
    adaptive.go(20)
    adaptive.index.service_s *= 6
    adaptive.go(1800)
    assert adaptive.concurrency.limit >= START - 1


def test_the_start_widens_bounds_that_do_not_fit() -> None:
    assert Concurrency(20, 1, 8).ceiling == 20
    assert Concurrency(2, 4, 8).floor == 2


@given(
    st.integers(1, 12),
    st.integers(1, 12),
    st.integers(1, 12),
    st.lists(st.tuples(st.booleans(), st.floats(0, 10), st.integers(0, 2**24), st.integers(1, 12)), max_size=200),
)
def test_it_never_leaves_its_bounds(
    start: int, floor: int, ceiling: int, events: list[tuple[bool, float, int, int]]
) -> None:
    concurrency = Concurrency(start, floor, ceiling)
    now = 0.0
    for pushed_back, seconds, size, under_way in events:
        ticket = concurrency.begin(now)
        now += seconds
        if pushed_back:
            concurrency.pushed_back(ticket, now)
        else:
            concurrency.answered(ticket, now, size, under_way)
        assert concurrency.floor <= concurrency.limit <= concurrency.ceiling
