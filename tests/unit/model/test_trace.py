"""What a worker leaves behind of the records it works on survives any worker, and any hand that writes over it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.model.trace import BLAMED_MAX, EXACT_MAX, Trace, metadata_of, trace_of, trace_text

OFFSETS = st.sets(st.integers(1000, 100_000), max_size=400)
LIMIT = 4096
"""Brokers refuse longer metadata (`offset.metadata.max.bytes`)."""


def test_nothing_to_tell_is_the_topics_id_alone() -> None:
    assert metadata_of("x5Jd", trace_text(7, "cafe0001", (), (), {})) == "x5Jd"
    assert trace_of("x5Jd", 7) == Trace("x5Jd")


def test_what_the_committed_offset_is_past_is_forgotten() -> None:
    assert trace_text(10, "cafe0001", (), (), {9: 4}) == ""
    assert trace_text(10, "cafe0001", {10}, (), {9: 4, 10: 2}) == "w=cafe0001 u=0 b=0:2"


def test_it_is_as_its_page_shows_it() -> None:
    text = trace_text(100, "3f9a0c51", {100, 101, 102}, {107}, {100: 2})
    assert metadata_of("ID", text) == "ID w=3f9a0c51 u=0-2 v=7 b=0:2"


@given(
    OFFSETS,
    OFFSETS,
    st.dictionaries(st.integers(1000, 100_000), st.integers(1, 5), max_size=BLAMED_MAX),
    st.integers(0, 1000),
)
def test_whatever_is_under_way_is_read_back_and_short(
    reading: set[int], waiting: set[int], blame: dict[int, int], base: int
) -> None:
    text = trace_text(base, "cafe0001", reading, waiting, blame)
    metadata = metadata_of("x5JdTUgBQOKk8mYq0bXv1A", text)
    found = trace_of(metadata, base)
    assert len(metadata) < LIMIT
    assert found.blame == blame
    for offsets, seen in ((reading, found.reading), (waiting, found.waiting)):
        assert seen >= offsets
        assert seen == offsets or len(offsets) > 100, "as long as there is room, nobody beside them is suspected"


def test_thousands_under_way_are_one_range() -> None:
    offsets = set(range(50, 50 + 4 * EXACT_MAX, 2))
    text = trace_text(50, "cafe0001", offsets, (), {})
    assert text == f"w=cafe0001 u=0-{4 * EXACT_MAX - 2}"


def test_each_worker_that_ended_counts_once_and_ones_own_trace_for_nothing() -> None:
    left = Trace("", "cafe0001", frozenset({5, 6}), frozenset({7}), {5: 2, 9: 4})
    assert left.blamed("cafe0002") == {5: 4, 6: 2, 7: 1, 9: 4}
    assert left.blamed("cafe0001") == {5: 2, 9: 4}
    assert Trace().blamed("cafe0002") == {}


@given(
    st.text(max_size=300) | st.from_regex(r"[a-z]{1,3} [wuvb]=[0-9,:-]{0,200} [wuvb]=[0-9,:-]{0,200}", fullmatch=True)
)
def test_whatever_others_have_written_there_is_read(metadata: str) -> None:
    found = trace_of(metadata, 3)
    assert len(found.under_way) <= 20_000
    assert len(found.blamed("cafe0001")) <= 20_300


@pytest.mark.parametrize(
    "metadata", ["", "id u=0-99999999999", "id u=5-1", "id u=x b=1", "id b=1:999999999999999999999"]
)
def test_nobody_is_blamed_for_what_can_not_be_so(metadata: str) -> None:
    found = trace_of(metadata, 3)
    assert found.under_way == frozenset()
    assert all(count < 3 for count in found.blame.values())
