"""Which offsets are records is known from what was read, and from nothing else."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from app.agents.readings import Reading, Readings


def test_a_gap_is_told_once_with_where_it_begins() -> None:
    reading = Reading()
    reading.hand_on([5, 6, 9])
    assert reading.gap_before(9) == 7
    assert reading.gap_before(9) is None
    assert reading.handed == 10


def test_a_gap_between_two_batches() -> None:
    reading = Reading()
    reading.hand_on([0, 1])
    reading.hand_on([4])
    assert reading.gap_before(4) == 2


@given(st.lists(st.integers(1, 4), min_size=1, max_size=40), st.integers(1, 7))
def test_every_gap_is_known_however_records_are_batched(steps: list[int], size: int) -> None:
    offsets = [sum(steps[: n + 1]) for n in range(len(steps))]
    reading = Reading()
    for start in range(0, len(offsets), size):
        reading.hand_on(offsets[start : start + size])
    for before, offset in pairwise(offsets):
        assert reading.gap_before(offset) == (None if offset == before + 1 else before + 1)


def test_a_new_assignment_knows_nothing() -> None:
    readings = Readings()
    readings.of(("t", 0)).position = 7
    readings.reset()
    assert readings.get(("t", 0)) is None
