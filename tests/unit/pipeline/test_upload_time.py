"""What orders the uploads of one second."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.model.file import ObjectInfo
from app.model.listed import KnownVersion
from app.model.outcome import FileStatus
from app.model.upload import ObjectEvent, ObjectEventKind
from app.pipeline.upload_time import UploadOrder, happened_at, is_unsure, removal_time, time_told_again, upload_time

SECOND = datetime(2026, 3, 1, 10, 3, 7, tzinfo=UTC)
WHOLE = "2026-03-01T10:03:07Z"


def after(milliseconds: float) -> datetime:
    return SECOND + timedelta(milliseconds=milliseconds)


def told(at: str | None, key: str = "dealer/a.json", sequencer: str | None = None) -> ObjectEvent:
    return ObjectEvent(ObjectEventKind.CREATED, "cars", key, 10, "e1", at, sequencer)


def stored(key: str = "dealer/a.json", at: datetime = SECOND, etag: str = "e1") -> ObjectInfo:
    return ObjectInfo("cars", key, 10, etag, at)


@pytest.mark.parametrize(
    ("event_time", "published_at", "expected"),
    [
        ("2026-03-01T10:03:07.123Z", after(400), after(123)),
        ("2026-03-01T10:03:07.123724Z", after(-9), after(123.724)),
        ("2026-03-01T11:03:07.000+01:00", after(400), after(0)),
        (WHOLE, after(400), after(400)),
        (WHOLE, after(4000), after(999)),
        (WHOLE, after(-4000), after(0)),
        (WHOLE, None, after(0)),
        ("yesterday", after(400), after(400)),
        ("0001-01-01T00:00:00+23:00", after(400), after(400)),
        (None, after(400), after(400)),
        (None, None, None),
    ],
)
def test_an_event_without_milliseconds_has_those_of_its_record(
    event_time: str | None, published_at: datetime | None, expected: datetime | None
) -> None:
    assert happened_at(told(event_time), published_at) == expected


@pytest.mark.parametrize(
    ("last_modified", "ordered_at", "expected"),
    [
        (SECOND, after(123.9), after(123)),
        (SECOND, after(1000), SECOND),
        (SECOND, after(-1), SECOND),
        (SECOND, None, SECOND),
        (after(456.7), after(123), after(456)),
    ],
)
def test_the_time_of_an_upload_stays_in_the_second_that_the_store_tells(
    last_modified: datetime, ordered_at: datetime | None, expected: datetime
) -> None:
    assert upload_time(last_modified, ordered_at) == expected


@given(st.lists(st.integers(0, 5000), min_size=2, max_size=40))
def test_whatever_is_told_stays_in_its_second_and_in_its_order(milliseconds: list[int]) -> None:
    order = UploadOrder()
    for number, at in sorted(enumerate(milliseconds), key=lambda item: item[1]):
        given_ = order.ordered_at(told(after(at).isoformat(timespec="milliseconds")), stored(), after(at), (0, number))
        assert SECOND <= given_ < after(1000)
    times = [
        UploadOrder().ordered_at(told(after(at).isoformat(timespec="milliseconds")), stored(), after(at), (0, 0))
        for at in sorted(milliseconds)
    ]
    assert times == sorted(times)


@pytest.mark.parametrize("step", [1, -1])
def test_two_of_one_sender_that_only_a_sequencer_tells_apart(step: int) -> None:
    """In whatever order they come; `FF` is less than `100`, as stores count."""
    events = [(told(WHOLE, f"dealer/{n}.json", f"{0xFC + n:X}"), (5, 100 - n)) for n in range(8)]
    order = UploadOrder()
    given_ = {e.key: order.ordered_at(e, stored(e.key), after(2500), place) for e, place in events[::step]}
    times = [given_[event.key] for event, _ in events]
    assert times == sorted(set(times))
    assert [order.ordered_at(e, stored(e.key), after(2500), place) for e, place in events] == times, "again"


@pytest.mark.parametrize("step", [1, -1])
@pytest.mark.parametrize(("first", "second"), [("A", "B"), ("FF", "100"), ("0055AED6DCD90281E5", "0055AED6DCD90281E6")])
def test_a_sequencer_weighs_more_than_the_moment_in_which_a_record_arrived(first: str, second: str, step: int) -> None:
    order = UploadOrder()
    events = [(told(WHOLE, "dealer/a.json", first), after(340)), (told(WHOLE, "dealer/b.json", second), after(310))]
    given_ = {e.key: order.ordered_at(e, stored(e.key), at, (0, 0)) for e, at in events[::step]}
    assert given_["dealer/a.json"] < given_["dealer/b.json"]


def test_counters_of_two_gateways_do_not_count_together() -> None:
    order = UploadOrder()
    first = order.ordered_at(told(WHOLE, "dealer/a.json", "9A000"), stored(), after(310), (0, 0))
    second = order.ordered_at(told(WHOLE, "dealer/b.json", "12"), stored(), after(340), (0, 1))
    assert (first, second) == (after(310), after(340))


def test_without_any_sequencer_the_record_that_was_published_later_is_the_later_one() -> None:
    order = UploadOrder()
    late = order.ordered_at(told(WHOLE, "dealer/b.json"), stored(), after(3000), (0, 1))
    early = order.ordered_at(told(WHOLE, "dealer/a.json"), stored(), after(2000), (1, 9))
    same = order.ordered_at(told(WHOLE, "dealer/c.json"), stored(), after(3000), (0, 2))
    assert early < late < same


def test_senders_do_not_make_room_for_each_other() -> None:
    order = UploadOrder()
    at = [order.ordered_at(told(WHOLE, f"{name}/a.json"), stored(), after(300), (0, 0)) for name in ("a", "b", "c")]
    assert at == [after(300)] * 3


def test_a_store_that_tells_milliseconds_is_believed() -> None:
    assert UploadOrder().ordered_at(told(WHOLE), stored(at=after(7)), after(300), (0, 0)) == after(7)


def test_more_than_there_are_milliseconds_still_stay_in_their_second() -> None:
    order = UploadOrder()
    times = [order.ordered_at(told(WHOLE), stored(), after(3000), (0, number)) for number in range(3000)]
    assert times == sorted(times)
    assert times[-1] == after(999)


@pytest.mark.parametrize(
    ("event_time", "published_ms", "expected_ms"),
    [
        ("2026-03-01T10:03:07.500Z", 600, 500),
        ("9999-01-01T00:00:00.000Z", 600, 600),
        (WHOLE, 600, 600),
        (None, 600, 600),
    ],
)
def test_a_removal_has_the_time_of_its_event_at_most_that_of_its_record(
    event_time: str | None, published_ms: int, expected_ms: int
) -> None:
    assert removal_time(told(event_time), after(published_ms), after(9e9)) == after(expected_ms)


def test_a_removal_of_a_record_without_time_is_now() -> None:
    assert removal_time(told(None), None, after(100)) == after(100)


def test_an_upload_stands_behind_a_removal_before_it_in_the_last_moments_of_a_second_too() -> None:
    order = UploadOrder()
    removed = removal_time(told("2026-03-01T10:03:07.940Z"), after(5000), after(9e9))
    again = order.ordered_at(told("2026-03-01T10:03:07.960Z"), stored(), after(5000), (0, 0))
    assert removed < again


@pytest.mark.parametrize(
    ("known", "expected_ms"),
    [
        (None, 949),
        (KnownVersion("e1", after(300), FileStatus.INDEXED), 300),
        (KnownVersion("e0", after(300), FileStatus.INDEXED), 949),
        (KnownVersion("e0", after(970), FileStatus.INDEXED), 972),
        (KnownVersion("", after(998), FileStatus.REMOVED), 999),
        (KnownVersion("e1", after(1300), FileStatus.INDEXED), 949),
        (KnownVersion("e1", after(-300), FileStatus.INDEXED), 949),
    ],
)
def test_an_upload_that_is_told_again_has_the_time_that_it_had_before(
    known: KnownVersion | None, expected_ms: int
) -> None:
    at = UploadOrder().ordered_at(told(WHOLE), stored(), after(60_000), (0, 0))
    assert (at, is_unsure(at)) == (after(949), True)
    assert time_told_again(at, stored(), known) == after(expected_ms)


@pytest.mark.parametrize(("milliseconds", "unsure"), [(0, True), (1, False), (948, False), (949, True), (999, True)])
def test_what_was_told_outside_of_its_second_is_unsure(milliseconds: int, unsure: bool) -> None:
    assert is_unsure(after(milliseconds)) is unsure
