"""What is believed of headers and times that anybody may have written."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from app.errors import FailureCode, FailureKind
from app.failures.headers import STORY_HEADERS, Origin, Story, attempts_of, origin_of, part_of, story_of
from app.failures.trust import AHEAD_MAX, Trust, bounded_file, is_ahead
from app.model.document import version_of
from app.model.file import ListingFile
from app.model.source_record import SourceRecord
from tests.support.records import source_record

NOW = datetime(2026, 3, 1, 10, 3, tzinfo=UTC)
NOW_MS = version_of(NOW)
TRUST = Trust(attempts=3)
STORY = Story(
    origin=Origin("listings", 3, 40, NOW_MS - 60_000),
    stage="listings",
    kind=FailureKind.TRANSIENT,
    code=FailureCode.FETCH_FAILED,
    message="reset",
    exception=None,
    attempts=2,
    first_at=NOW,
    last_at=NOW,
)
ORIGIN_ALONE = {name: value for name, value in STORY.to_headers().items() if "origin" in name}


def record(headers: dict[str, bytes]) -> SourceRecord:
    return source_record(topic="listings", timestamp_ms=NOW_MS, headers={"traceparent": b"00-ab", **headers})


def test_a_retry_is_believed_as_it_is() -> None:
    retry = record(STORY.to_headers())
    assert TRUST.judged(retry) == retry
    assert attempts_of(TRUST.judged(retry)) == 2


def test_a_redriven_record_keeps_its_origin_and_has_no_tries() -> None:
    redriven = record({**ORIGIN_ALONE, "redrive-count": b"0001"})
    assert TRUST.judged(redriven) == redriven


def test_a_record_without_a_story_is_not_even_copied() -> None:
    first = record({"sender": b"acme"})
    assert TRUST.judged(first) is first


@pytest.mark.parametrize(
    "at", [NOW_MS + 1, NOW_MS + 10**10, 253_402_300_799_000, 10**18, 2**63 - 1], ids=lambda at: f"{at:.0e}"
)
def test_an_origin_is_never_later_than_the_record_itself(at: int) -> None:
    forged = record({**STORY.to_headers(), "failure-origin-timestamp": str(at).encode()})
    assert origin_of(TRUST.judged(forged)).timestamp_ms == NOW_MS


@pytest.mark.parametrize("attempts", ["0", "3", "4", "99", str(2**31), str(10**18), "9" * 5000, "-1", "one", ""])
def test_tries_that_no_retry_has_do_not_count(attempts: str) -> None:
    judged = TRUST.judged(record({**STORY.to_headers(), "failure-attempts": attempts.encode()}))
    assert attempts_of(judged) == 0
    assert origin_of(judged) == STORY.origin


@pytest.mark.parametrize(
    "more",
    [
        {"failure-kind": b"reject"},
        {"failure-code": b"of_my_own"},
        {"retry-due-at": b"2027-01-01T00:00:00Z"},
        {"failure-first-at": b"0000-00-00T00:00:00Z"},
    ],
)
def test_tries_of_a_story_that_is_no_retry_do_not_count(more: dict[str, bytes]) -> None:
    assert attempts_of(TRUST.judged(record({**STORY.to_headers(), **more}))) == 0


@pytest.mark.parametrize(
    "headers",
    [
        {"failure-attempts": b"2"},
        {"failure-attempts": b"\xff"},
        {"failure-origin-topic": b"listings"},
        {"failure-origin-topic": b"listings", "failure-origin-timestamp": b"soon"},
        {**STORY.to_headers(), "failure-origin-topic": b"listing-files"},
        {**STORY.to_headers(), "failure-origin-topic": b"\xff"},
        {**STORY.to_headers(), "failure-origin-partition": b"x"},
        {**STORY.to_headers(), "failure-origin-offset": b"-7"},
        {**STORY.to_headers(), "failure-origin-timestamp": b"1e18"},
        {name: value for name, value in STORY.to_headers().items() if name != "failure-origin-offset"},
        {"listing-file": b"cars/victim.csv", "listing-record": b"1"},
    ],
)
def test_a_story_that_is_not_whole_or_of_elsewhere_is_as_if_it_were_not_there(headers: dict[str, bytes]) -> None:
    judged = TRUST.judged(record(headers))
    assert judged.headers == {"traceparent": b"00-ab"}
    assert (origin_of(judged).timestamp_ms, attempts_of(judged)) == (NOW_MS, 0)
    assert STORY_HEADERS.isdisjoint(judged.headers)


def test_a_time_of_the_broker_is_believed_and_one_of_a_producer_up_to_a_bound() -> None:
    by_producer = record({})
    by_broker = replace(by_producer, is_broker_timed=True)
    assert not is_ahead(NOW + AHEAD_MAX, by_producer, NOW)
    assert is_ahead(NOW + AHEAD_MAX + timedelta(milliseconds=1), by_producer, NOW)
    assert not is_ahead(NOW + timedelta(days=1), by_broker, NOW)


def file(uploaded_at: datetime) -> ListingFile:
    return ListingFile("cars", "a.csv", 1, "e", uploaded_at, uploaded_at)


@pytest.mark.parametrize("timestamp_ms", [NOW_MS, NOW_MS + 10**11, -1, 2**63 - 1])
@pytest.mark.parametrize("at", [datetime(9999, 12, 31, tzinfo=UTC), NOW + timedelta(hours=1)])
def test_a_file_is_never_from_the_future(at: datetime, timestamp_ms: int) -> None:
    bounded = bounded_file(file(at), source_record(timestamp_ms=timestamp_ms), NOW)
    assert (bounded.uploaded_at, bounded.queued_at) == (NOW + AHEAD_MAX, NOW + AHEAD_MAX)


def test_a_file_may_be_as_old_as_it_is_but_its_version_is_none_below_zero() -> None:
    old = file(NOW - timedelta(days=4000))
    assert bounded_file(old, source_record(timestamp_ms=NOW_MS), NOW) is old
    ancient = bounded_file(file(datetime(1, 1, 1, tzinfo=UTC)), source_record(timestamp_ms=NOW_MS), NOW)
    assert version_of(ancient.uploaded_at) == version_of(datetime(1, 1, 1, tzinfo=UTC)) == 0


def test_a_file_of_a_record_that_the_broker_timed_is_bounded_by_that_whatever_our_clock_says() -> None:
    later = NOW + timedelta(minutes=30)
    timed = replace(source_record(timestamp_ms=version_of(later)), is_broker_timed=True)
    assert bounded_file(file(later), timed, NOW).uploaded_at == later


def test_a_part_of_a_record_carries_little_of_what_its_producer_added_and_all_of_its_story() -> None:
    whole = record({**STORY.to_headers(), "huge": b"x" * 500_000, "later": b"small", "n" * 5000: b""})
    part = part_of(replace(whole, key=b"k" * 900_000), b"{}")
    assert (part.key, part.value) == (None, b"{}")
    assert part.headers == {"traceparent": b"00-ab", "later": b"small", **STORY.to_headers()}
    assert story_of(part) == STORY
    assert part_of(whole, None).key == whole.key
