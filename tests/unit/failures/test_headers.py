from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import FailureCode, FailureKind, Rejected
from app.failures.headers import (
    MESSAGE_MAX_BYTES,
    STORY_HEADERS,
    Origin,
    Story,
    attempts_of,
    origin_of,
    producer_headers,
    story_of,
)
from tests.support.memory import START
from tests.support.records import source_record

STORY = Story(
    origin=Origin("listing-files", 3, 41, 1_772_359_380_000),
    stage="files",
    kind=FailureKind.TRANSIENT,
    code=FailureCode.FETCH_FAILED,
    message="reset by the store",
    exception=None,
    attempts=2,
    first_at=START,
    last_at=START + timedelta(seconds=7),
    due_at=START + timedelta(seconds=9),
    listing_file="bucket/raw/ü.json",
    listing_record=12,
)


def test_a_story_survives_its_headers() -> None:
    assert story_of(source_record(headers=STORY.to_headers())) == STORY


@given(message=st.text(max_size=5000), file=st.text(max_size=3000), attempts=st.integers(0, 10**6))
def test_headers_have_a_bounded_size_whatever_they_tell(message: str, file: str, attempts: int) -> None:
    story = Story(**{f: getattr(STORY, f) for f in STORY.__slots__} | {
        "message": message, "listing_file": file, "attempts": attempts,
    })  # fmt: skip
    headers = story.to_headers()
    assert len(headers["failure-message"]) <= MESSAGE_MAX_BYTES
    assert sum(len(k) + len(v) for k, v in headers.items()) < 3500
    assert set(headers) <= STORY_HEADERS
    story_of(source_record(headers=headers))


def test_the_origin_is_where_the_record_was_first_read() -> None:
    record = source_record(topic="listing-retry", partition=0, offset=5, headers=STORY.to_headers())
    assert origin_of(record) == STORY.origin
    assert origin_of(source_record(topic="listings", partition=1, offset=2, timestamp_ms=3)) == Origin(
        "listings", 1, 2, 3
    )


def test_headers_of_the_producer_pass_through_and_ours_do_not() -> None:
    record = source_record(headers={"traceparent": b"00-ab", **STORY.to_headers()})
    assert producer_headers(record) == {"traceparent": b"00-ab"}


def test_a_record_that_never_failed_has_no_attempts() -> None:
    assert attempts_of(source_record()) == 0
    assert attempts_of(source_record(headers=STORY.to_headers())) == 2


@pytest.mark.parametrize("timestamp_ms", [-1, 0, 2**63 - 1])
def test_whatever_timestamp_a_record_has_its_story_can_be_read(timestamp_ms: int) -> None:
    story = replace(STORY, origin=replace(STORY.origin, timestamp_ms=timestamp_ms))
    assert story_of(source_record(headers=story.to_headers())) == story


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("failure-origin-timestamp", b"--1"),
        ("failure-origin-timestamp", b""),
        ("failure-attempts", b"-1"),
        ("failure-attempts", b"9" * 5000),
        ("failure-attempts", "\u0661".encode()),
        ("failure-attempts", b"\xff"),
        ("failure-origin-offset", b"1e3"),
        ("failure-code", b"no_such_code"),
        ("failure-kind", b""),
        ("retry-due-at", b"tomorrow"),
        ("retry-due-at", b"\xff\xfe"),
        ("failure-first-at", b"0000-00-00T00:00:00Z"),
    ],
)
def test_headers_that_others_wrote_wrong_are_rejected_by_name(name: str, value: bytes) -> None:
    with pytest.raises(Rejected) as caught:
        story_of(source_record(headers={**STORY.to_headers(), name: value}))
    assert caught.value.code is FailureCode.HEADER_INVALID
    assert name in caught.value.message or name.startswith("failure-k")


@pytest.mark.parametrize("name", ["failure-origin-topic", "failure-stage", "failure-code", "failure-attempts"])
def test_missing_headers_are_named(name: str) -> None:
    headers = STORY.to_headers()
    del headers[name]
    with pytest.raises(Rejected) as caught:
        story_of(source_record(headers=headers))
    assert name in caught.value.message


@given(st.dictionaries(st.sampled_from(sorted(STORY_HEADERS)), st.binary(max_size=40)))
def test_no_header_can_do_more_than_be_rejected(headers: dict[str, bytes]) -> None:
    record = source_record(headers={**STORY.to_headers(), **headers})
    for read in (story_of, origin_of, attempts_of):
        try:
            read(record)
        except Rejected as error:
            assert error.code is FailureCode.HEADER_INVALID
