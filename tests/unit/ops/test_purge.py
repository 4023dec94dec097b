"""Kafka deletes from the start of a partition: what a purge by place, time or all means then."""

from __future__ import annotations

from datetime import datetime

import pytest

from app.errors import OperatorError
from app.ops.purge import PurgePart, purge_all, purge_before, purge_upto
from tests.support.memory import START


class Offsets:
    """Partition 0 holds 10 to 19, partition 1 nothing, partition 2 holds 0 to 4."""

    def watermarks(self, topic: str) -> dict[int, tuple[int, int]]:
        assert topic == "listing-dlq"
        return {0: (10, 20), 1: (7, 7), 2: (0, 5)}

    def committed(self, topic: str) -> dict[int, int | None]:
        return {0: 18, 1: None, 2: None}

    def offsets_at(self, topic: str, since: datetime) -> dict[int, int]:
        return {0: 15, 1: 7, 2: 0}


def test_all_is_what_there_is_with_what_nobody_was_told_of() -> None:
    assert purge_all(Offsets()) == [PurgePart(0, 10, 20, unseen=2), PurgePart(2, 0, 5, unseen=5)]
    assert [part.count for part in purge_all(Offsets())] == [10, 5]


def test_by_time_is_up_to_the_first_that_is_not_older() -> None:
    assert purge_before(Offsets(), START) == [PurgePart(0, 10, 15, unseen=0)]


def test_by_place_is_that_one_and_all_before_it_on_its_partition() -> None:
    assert purge_upto(Offsets(), [(0, 12)]) == [PurgePart(0, 10, 13, unseen=0)]
    assert purge_upto(Offsets(), [(0, 12), (2, 0), (0, 11)]) == [PurgePart(0, 10, 13, 0), PurgePart(2, 0, 1, 1)]


@pytest.mark.parametrize("place", [(0, 9), (0, 20), (1, 7), (9, 0)])
def test_a_place_that_holds_nothing_deletes_nothing(place: tuple[int, int]) -> None:
    with pytest.raises(OperatorError, match=f"{place[0]}/{place[1]}"):
        purge_upto(Offsets(), [(0, 12), place])
