"""`listings dlq`, over dead letters that others wrote."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeVar

import pytest

from app.cli.dlq import describe
from app.errors import FailureCode, FailureKind, Rejected
from app.failures.headers import Origin, Story
from app.model.source_record import SourceRecord
from tests.support.commands import DANGEROUS, Commands
from tests.support.memory import START
from tests.support.records import source_record

T = TypeVar("T")
AT_MS = int(START.timestamp() * 1000)
STORY = Story(
    origin=Origin("listing-files", 3, 41, AT_MS),
    stage="files",
    kind=FailureKind.REJECT,
    code=FailureCode.MISSING_REQUIRED,
    message="make: expected a value",
    exception=None,
    attempts=1,
    first_at=START,
    last_at=START + timedelta(seconds=7),
    listing_file="cars/dealer/a.csv",
    listing_record=12,
)
ESCAPES = b"\x1b[2J\x1b]0;owned\x07\xc2\x9b31m\r\n\xe2\x80\xae"


def letter(offset: int = 0, value: bytes | None = b"\x00bytes", **changed: bytes) -> SourceRecord:
    named = {name.replace("_", "-"): content for name, content in changed.items()}
    return source_record(
        value,
        topic="listing-dlq",
        partition=1,
        offset=offset,
        timestamp_ms=AT_MS + offset,
        headers={"traceparent": b"00-ab", **STORY.to_headers(), **named},
    )


class Reader:
    """In place of the reader of topics: one partition, number 1, that holds `letters`."""

    letters: list[SourceRecord] = []  # noqa: RUF012
    counts: list[int] = []  # noqa: RUF012

    def __init__(self, *_: object) -> None: ...

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: object) -> None: ...

    def watermarks(self, topic: str) -> dict[int, tuple[int, int]]:
        return {0: (0, 0), 1: (2, 2 + len(self.letters))}

    def newest(self, topic: str, count: int, take: Callable[[SourceRecord], T]) -> list[T]:
        self.counts.append(count)
        return [take(record) for record in reversed(self.letters)][:count]

    def read(self, topic: str, ranges: dict[int, tuple[int, int]]) -> Iterator[SourceRecord]:
        (first, last) = ranges[1]
        yield from (record for record in self.letters if first <= record.offset < last)


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> type[Reader]:
    monkeypatch.setattr("app.cli.dlq.KafkaReader", Reader)
    Reader.letters = [letter(2), letter(3, listing_file=b"cars/dealer/b.csv"), letter(4, failure_code=b"file_broken")]
    Reader.counts = []
    return Reader


def test_a_dead_letter_with_its_story() -> None:
    assert describe(letter(7)) == {
        "place": "1/7",
        "at": "2026-03-01T10:03:00Z",
        "code": "missing_required",
        "kind": "reject",
        "stage": "files",
        "attempts": 1,
        "file": "cars/dealer/a.csv",
        "record": 12,
        "reason": "make: expected a value",
        "exception": None,
        "origin": "listing-files/3/41",
        "first_failed_at": "2026-03-01T10:03:00+00:00",
        "last_failed_at": "2026-03-01T10:03:07+00:00",
        "key": "bucket/key",
        "bytes": 6,
    }


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (source_record(b"v", topic="listing-dlq"), "header failure-kind: expected to be there"),
        (letter(failure_attempts=b"many"), "header failure-attempts: expected a whole number, not negative"),
        (letter(failure_message=b"\xff\xfe"), "header failure-message: expected UTF-8 text"),
    ],
)
def test_a_dead_letter_without_a_readable_story_is_shown_all_the_same(record: SourceRecord, reason: str) -> None:
    shown = describe(record)
    assert (shown["code"], shown["reason"], shown["key"]) == ("header_invalid", reason, "bucket/key")
    assert (shown["attempts"], shown["file"], shown["record"]) == (None, None, None)


@pytest.mark.parametrize("timestamp_ms", [-(2**63), -1, 10**16, 2**63 - 1])
def test_a_timestamp_that_is_no_time_hides_no_dead_letter(timestamp_ms: int) -> None:
    record = source_record(topic="listing-dlq", timestamp_ms=timestamp_ms, headers=STORY.to_headers())
    assert describe(record)["code"] == "missing_required"


@pytest.mark.usefixtures("reader")
def test_the_list_is_a_line_a_dead_letter_newest_first(run: Commands) -> None:
    code, out, _ = run("dlq", "list")
    assert code == 0
    lines = out.splitlines()
    assert lines[0].split() == ["place", "at", "code", "attempts", "file", "record", "reason"]
    assert [line.split()[0] for line in lines[1:4]] == ["1/4", "1/3", "1/2"]
    assert lines[-1].strip() == "Look closer: listings dlq show 1/4"


@pytest.mark.parametrize(
    ("arguments", "places"),
    [
        (("--code", "file_broken"), ["1/4"]),
        (("--file", "cars/dealer/b"), ["1/3"]),
        (("--code", "missing_required", "--limit", "1"), ["1/3"]),
        (("--code", "missing_required", "--file", "cars/dealer/a"), ["1/2"]),
        (("--limit", "2"), ["1/4", "1/3"]),
        (("--since", "2026-03-01T10:03:00Z"), ["1/4", "1/3", "1/2"]),
        (("--since", "2026-03-01T10:03:01Z"), []),
    ],
)
@pytest.mark.usefixtures("reader")
def test_the_list_can_be_narrowed(run: Commands, arguments: tuple[str, ...], places: list[str]) -> None:
    code, out, _ = run("dlq", "list", *arguments, "--output", "json")
    assert (code, [found["place"] for found in json.loads(out)]) == (0, places)


def test_what_is_asked_for_is_found_behind_a_flood_of_others(run: Commands, reader: type[Reader]) -> None:
    reader.letters = [letter(2), *(letter(offset, failure_code=b"file_broken") for offset in range(3, 400))]
    _, out, _ = run("dlq", "list", "--code", "missing_required", "--output", "json")
    assert [found["place"] for found in json.loads(out)] == ["1/2"]


def test_without_a_filter_no_more_is_read_than_is_shown(run: Commands, reader: type[Reader]) -> None:
    run("dlq", "list", "--limit", "2")
    assert reader.counts == [2]


def test_a_code_that_there_is_not_is_a_usage_error(run: Commands) -> None:
    code, _, err = run("dlq", "list", "--code", "file_borken")
    assert code == 2
    assert "file_broken" in err


def test_none_is_said_as_such(run: Commands, reader: type[Reader]) -> None:
    _, out, _ = run("dlq", "list", "--code", "object_empty")
    assert out.strip() == "None of the newest 3 dead letters matches."
    reader.letters = []
    assert run("dlq", "list").out.strip() == "No dead letters."
    assert json.loads(run("dlq", "list", "--output", "json").out) == []


def test_our_own_avro_is_shown_as_what_it_says(
    run: Commands, reader: type[Reader], monkeypatch: pytest.MonkeyPatch
) -> None:
    told = {"bucket": "cars", "key": "dealer/a.csv", "size": 7, "confirmed_etag": None}
    monkeypatch.setattr("app.cli.dlq.decoded", lambda _, value: told if value == b"\0\0\0\0\1ab" else None)
    reader.letters = [letter(2, b"\0\0\0\0\1ab")]
    out = run("dlq", "show", "1/2").out
    assert '{"bucket":"cars","key":"dealer/a.csv","size":7}' in out
    assert "\\x00" not in out
    assert json.loads(run("dlq", "show", "1/2", "--output", "json").out)["decoded"] == told


def test_avro_whose_schema_can_not_be_asked_for_is_shown_all_the_same(run: Commands, reader: type[Reader]) -> None:
    reader.letters = [letter(2, b"\0\0\0\0\1ab")]
    code, out, _ = run("dlq", "show", "1/2")
    assert code == 0
    assert "Avro that is not read here: " in out
    assert "\\x00\\x00\\x00\\x00\\x01ab" in out


@pytest.mark.usefixtures("reader")
def test_one_dead_letter_is_shown_with_headers_and_value(run: Commands) -> None:
    _, out, _ = run("dlq", "show", "1/2")
    fields = dict(line.split(maxsplit=1) for line in out.splitlines() if line.strip())
    assert fields["place"].strip() == "1/2"
    assert fields["origin"].strip() == "listing-files/3/41"
    assert fields["producer_headers"].strip() == "traceparent=00-ab"
    assert fields["value"].strip() == r"\x00bytes"
    found = json.loads(run("dlq", "show", "listing-dlq/1/2", "--output", "json").out)
    assert (found["producer_headers"], found["value"]) == ({"traceparent": "00-ab"}, r"\x00bytes")


def test_the_headers_of_an_unreadable_story_are_shown_as_they_are(run: Commands, reader: type[Reader]) -> None:
    reader.letters = [letter(2, failure_attempts=b"many")]
    found = json.loads(run("dlq", "show", "1/2", "--output", "json").out)
    assert found["producer_headers"]["failure-attempts"] == "many"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, None),
        (b"", ""),
        (b"\x00\xff\x1b[2J", r"\x00\xff\x1b[2J"),
        ("ü\u202e".encode(), r"ü\x202e"),
        (b"x" * 400, "x" * 300 + " …"),
    ],
)
def test_a_value_is_previewed_in_one_harmless_line(
    run: Commands, reader: type[Reader], value: bytes | None, shown: str | None
) -> None:
    reader.letters = [letter(2, value)]
    assert json.loads(run("dlq", "show", "1/2", "--output", "json").out)["value"] == shown


@pytest.mark.parametrize("output", ["table", "json"])
@pytest.mark.parametrize(
    "header",
    ["failure_message", "failure_stage", "failure_exception", "failure_origin_topic", "listing_file", "x_mine"],
)
def test_escape_sequences_in_headers_do_not_reach_the_terminal(
    run: Commands, reader: type[Reader], header: str, output: str
) -> None:
    hostile: dict[str, Any] = {header: b"before" + ESCAPES + b"[red]after[/]"}
    reader.letters = [letter(2, ESCAPES, **hostile)]
    texts = [
        run("dlq", "list", "--output", output).out,
        run("dlq", "show", "1/2", "--output", output).out,
    ]
    for text in texts:
        assert not DANGEROUS & set(text)
    assert "[red]after[/]" in texts[1]


def test_escape_sequences_in_keys_and_unreadable_headers_do_not_either(run: Commands, reader: type[Reader]) -> None:
    record = letter(2, failure_attempts=ESCAPES)
    reader.letters = [source_record(b"v", topic="listing-dlq", partition=1, offset=2, key=ESCAPES, headers={
        **record.headers, ESCAPES.decode(): b"x",
    })]  # fmt: skip
    for output in ("table", "json"):
        assert not DANGEROUS & set(run("dlq", "show", "1/2", "--output", output).out)


@pytest.mark.parametrize("place", ["1", "1/", "/1", "a/b", "1/2/3", "-1/2", "1/2 ", "1/" + "9" * 19, "other/1/2"])
def test_a_place_that_is_none_is_a_usage_error(run: Commands, place: str) -> None:
    code, _, err = run("dlq", "show", "--", place)
    assert code == 2
    assert "PARTITION/OFFSET" in err


@pytest.mark.usefixtures("reader")
@pytest.mark.parametrize(
    ("place", "holds"), [("1/1", "offsets 2 to 4"), ("1/5", "offsets 2 to 4"), ("0/0", "none"), ("9/0", "none")]
)
def test_a_place_that_holds_nothing_is_told_with_what_there_is(run: Commands, place: str, holds: str) -> None:
    code, out, err = run("dlq", "show", place)
    assert (code, out) == (1, "")
    assert f"there is no dead letter {place}" in err
    assert f"holds {holds}" in err


def test_a_dead_letter_that_was_just_deleted_is_told_as_such(run: Commands, reader: type[Reader]) -> None:
    reader.letters = [letter(9)]
    code, _, err = run("dlq", "show", "1/2")
    assert code == 1
    assert "any more" in err


def test_one_that_can_not_be_read_is_shown_with_the_reason() -> None:
    trouble = Rejected(FailureCode.BATCH_TOO_BIG, "a batch that unpacks to more than 7 bytes")
    shown = describe(SourceRecord("listing-dlq", 1, 5, -1, None, None, {}, trouble=trouble))
    assert (shown["place"], shown["code"]) == ("1/5", FailureCode.BATCH_TOO_BIG)
    assert shown["reason"] == trouble.message


@pytest.mark.parametrize("output", ["table", "json"])
def test_header_names_of_any_bytes_are_shown(run: Commands, reader: type[Reader], output: str) -> None:
    reader.letters = [replace(letter(2), headers={"caf\udce9": b"\xff", "": b""})]
    code, out, _ = run("dlq", "show", "1/2", "--output", output)
    assert code == 0
    assert "caf\\xe9" in out.replace("\\\\", "\\")
