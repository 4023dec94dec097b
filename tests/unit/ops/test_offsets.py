from __future__ import annotations

from datetime import UTC, datetime

import pytest

from app.errors import OperatorError
from app.ops.offsets import End, Move, Target, apply_moves, plan_replay, plan_reset
from app.ops.standings import Standing, standings
from tests.support.memory_offsets import MemoryGroup, MemoryOffsets

TOPIC = "listing-files"
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def targets(moves: list[Move]) -> dict[int, int]:
    return {move.standing.partition: move.target for move in moves}


def test_the_lag_counts_from_where_a_worker_would_begin() -> None:
    assert [(one.partition, one.position, one.lag) for one in standings(MemoryOffsets(), [TOPIC])] == [
        (0, 30, 20),
        (1, 7, 0),
    ]


@pytest.mark.parametrize(("committed", "position"), [(None, 10), (5, 10), (10, 10), (50, 50), (51, 10)])
def test_a_commit_that_is_not_there_any_more_counts_from_the_first_record(committed: int | None, position: int) -> None:
    """Too old: the records are gone. Beyond the end: the topic was made anew."""
    assert Standing(TOPIC, 0, 10, 50, committed).position == position


@pytest.mark.parametrize(
    ("target", "expected"),
    [(End.EARLIEST, {0: 10, 1: 7}), (End.LATEST, {0: 50, 1: 7}), (NOON, {0: 25, 1: 7})],
)
def test_every_partition_is_moved(target: Target, expected: dict[int, int]) -> None:
    assert targets(plan_reset(MemoryOffsets(), TOPIC, target)) == expected


def test_it_says_what_is_handled_again_and_what_is_left_out() -> None:
    back, ahead = (plan_reset(MemoryOffsets(), TOPIC, target, [0])[0] for target in (10, 50))
    assert (back.again, back.left_out) == (20, 0)
    assert (ahead.again, ahead.left_out) == (0, 20)


def test_what_stands_there_already_is_left_alone() -> None:
    assert plan_reset(MemoryOffsets(), TOPIC, 30, [0]) == []


@pytest.mark.parametrize("offset", [9, 51, 10**17])
def test_a_place_that_is_not_there_is_refused(offset: int) -> None:
    with pytest.raises(OperatorError, match="holds offsets 10 to before 50"):
        plan_reset(MemoryOffsets(), TOPIC, offset, [0])


def test_a_partition_or_topic_that_is_not_there_is_refused() -> None:
    with pytest.raises(OperatorError, match="partitions 0 to 1, not 6"):
        plan_reset(MemoryOffsets(), TOPIC, End.EARLIEST, [0, 6])
    with pytest.raises(OperatorError, match="listing-outcomes"):
        plan_reset(MemoryOffsets(), "listing-outcomes", End.EARLIEST)


def test_a_replay_never_leaves_out_what_waits() -> None:
    assert targets(plan_replay(MemoryOffsets(), TOPIC, NOON)) == {0: 25}
    reader = MemoryOffsets()
    reader.at_noon = {0: 45, 1: 7}
    assert plan_replay(reader, TOPIC, NOON) == []


@pytest.mark.parametrize("at", [0, 10_000])
def test_a_time_is_held_to_what_the_topic_has(at: int) -> None:
    reader = MemoryOffsets()
    reader.at_noon = {0: at}
    assert targets(plan_reset(reader, TOPIC, NOON, [0])) == {0: 10 if at == 0 else 50}


def test_the_offsets_are_set_when_nobody_is_in_the_group() -> None:
    group = MemoryGroup()
    apply_moves(plan_reset(MemoryOffsets(), TOPIC, End.EARLIEST), group)
    assert group.committed == {TOPIC: {0: 10, 1: 7}}


def test_running_workers_are_named_and_nothing_is_changed() -> None:
    group = MemoryGroup("a on 10.0.0.1", "b on 10.0.0.2", "c on 10.0.0.3", "d on 10.0.0.4")
    with pytest.raises(OperatorError) as caught:
        apply_moves(plan_reset(MemoryOffsets(), TOPIC, End.EARLIEST), group)
    assert "4 workers are running (a on 10.0.0.1; b on 10.0.0.2; c on 10.0.0.3 …)" in caught.value.message
    assert group.committed == {}
