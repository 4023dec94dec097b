from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.model.topics import READ_TOPICS
from app.ops.overview import dead_letters, freshness, topic_lags
from tests.support.memory import START


class Topics:
    """Offsets of every topic: first and next, committed, and first since a moment."""

    def __init__(
        self,
        marks: dict[int, tuple[int, int]],
        committed: dict[int, int | None] | None = None,
        since: dict[timedelta, dict[int, int]] | None = None,
    ) -> None:
        self.marks = marks
        self.commits = committed or {}
        self.since = since or {}
        self.held = 0

    def watermarks(self, topic: str) -> dict[int, tuple[int, int]]:
        return self.marks

    def committed(self, topic: str) -> dict[int, int | None]:
        return self.commits

    def tops(self, topic: str) -> dict[int, int]:
        return {number: high + self.held for number, (_, high) in self.marks.items()}

    def offsets_at(self, topic: str, since: datetime) -> dict[int, int]:
        return self.since[START - since]


@pytest.mark.parametrize(
    ("marks", "committed", "lag"),
    [
        ((0, 0), None, 0),
        ((0, 10), None, 10),
        ((0, 10), 0, 10),
        ((0, 10), 7, 3),
        ((0, 10), 10, 0),
        ((5, 10), None, 5),
        ((5, 10), 2, 5),
        ((0, 3), 500, 3),
        ((2, 3), 500, 1),
    ],
)
def test_the_lag_is_what_the_group_has_still_to_read(marks: tuple[int, int], committed: int | None, lag: int) -> None:
    lags = topic_lags(Topics({0: marks}, {0: committed}))
    assert [found.topic for found in lags] == list(READ_TOPICS)
    assert {(found.lag, found.records) for found in lags} == {(lag, marks[1] - marks[0])}


def test_the_lag_is_summed_over_partitions() -> None:
    topics = Topics({0: (0, 10), 1: (5, 10), 2: (0, 0)}, {0: 4, 1: None})
    assert (topic_lags(topics)[0].lag, topic_lags(topics)[0].records) == (11, 15)


@given(st.integers(0, 100), st.integers(0, 100), st.none() | st.integers(0, 300))
def test_the_lag_is_never_negative_nor_more_than_there_is(low: int, held: int, committed: int | None) -> None:
    (found, *_) = topic_lags(Topics({0: (low, low + held)}, {0: committed}))
    assert 0 <= found.lag <= found.records


def test_dead_letters_are_counted_by_age() -> None:
    since = {timedelta(days=1): {0: 4, 1: 20}, timedelta(hours=1): {0: 10, 1: 20}}
    found = dead_letters(Topics({0: (2, 10), 1: (0, 20)}, since=since), START)
    assert (found.total, found.last_day, found.last_hour) == (28, 6, 0)


def test_dead_letters_that_came_while_being_counted_do_not_count_against_the_others() -> None:
    since = {timedelta(days=1): {0: 11, 1: 15, 2: 3}, timedelta(hours=1): {0: 11}}
    found = dead_letters(Topics({0: (0, 10), 1: (0, 20)}, since=since), START)
    assert (found.last_day, found.last_hour) == (5, 0)


def outcome(age_s: float, ago_s: float = 0, indexed: int = 1) -> dict[str, Any]:
    processed = START - timedelta(seconds=ago_s)
    uploaded = processed - timedelta(seconds=age_s)
    times = {"processed_at": processed, "uploaded_at": uploaded}
    return {"indexed": indexed, **{name: at.isoformat().replace("+00:00", "Z") for name, at in times.items()}}


def test_freshness_is_told_over_the_files_of_the_span() -> None:
    outcomes = [outcome(age) for age in range(1, 101)] + [outcome(900, ago_s=61), outcome(900, indexed=0)]
    found = freshness(outcomes, START, timedelta(seconds=60))
    assert (found.files, found.p50_s, found.p99_s) == (100, 51.0, 100.0)


@pytest.mark.parametrize("ages", [[3.0], [1.0, 3.0], [3.0, 3.0, 3.0]])
def test_freshness_of_a_few_files(ages: list[float]) -> None:
    found = freshness([outcome(age) for age in ages], START, timedelta(minutes=15))
    assert (found.files, found.p50_s, found.p99_s) == (len(ages), 3.0, 3.0)


def test_freshness_of_no_file() -> None:
    assert freshness([], START, timedelta(minutes=15)).p50_s is None
    assert freshness([outcome(1, indexed=0)], START, timedelta(minutes=15)).files == 0


def test_what_open_transactions_hold_is_no_lag() -> None:
    topics = Topics({0: (0, 10), 1: (0, 5)}, {0: 10, 1: 5})
    topics.held = 3
    assert {(lag.lag, lag.held) for lag in topic_lags(topics)} == {(0, 6)}
