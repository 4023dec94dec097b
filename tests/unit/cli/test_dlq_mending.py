"""`listings dlq redrive` and `purge`: what has to be said to make them do something, and what they tell."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime

import pytest

from app.errors import Dependency, FailureCode, OperatorError, Outage
from app.model.source_record import SourceRecord
from app.ports import Headers
from tests.support.commands import DANGEROUS, Commands
from tests.support.memory import MemoryPublisher
from tests.unit.cli.test_dlq import ESCAPES, letter


class Reader:
    """One partition, number 1, that holds `letters` from offset 2 on; the group has seen the first two."""

    letters: list[SourceRecord] = []  # noqa: RUF012

    def __init__(self, *_: object, **__: object) -> None: ...

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: object) -> None: ...

    def watermarks(self, topic: str) -> dict[int, tuple[int, int]]:
        return {0: (0, 0), 1: (2, 2 + len(self.letters))}

    def committed(self, topic: str) -> dict[int, int | None]:
        return {0: None, 1: 4}

    def offsets_at(self, topic: str, since: datetime) -> dict[int, int]:
        newer = [record.offset for record in self.letters if record.timestamp_ms >= since.timestamp() * 1000]
        return {0: 0, 1: min(newer, default=2 + len(self.letters))}

    def read(self, topic: str, ranges: dict[int, tuple[int, int]]) -> Iterator[SourceRecord]:
        first, last = ranges[1]
        yield from (record for record in self.letters if first <= record.offset < last)


class Publisher(MemoryPublisher):
    """In place of the confirmed producer: what the last command sent."""

    last: MemoryPublisher = MemoryPublisher()
    failing_after: int | None = None

    def __init__(self, *_: object) -> None:
        super().__init__()
        Publisher.last = self

    async def publish(
        self, topic: str, *, key: bytes | None, value: bytes | None, headers: Headers | None = None
    ) -> None:
        if self.failing_after is not None and len(self.sent) >= self.failing_after:
            raise Outage(FailureCode.UNREACHABLE, Dependency.BROKER, "not confirmed in time")
        await super().publish(topic, key=key, value=value, headers=headers)

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


@pytest.fixture
def deleted(monkeypatch: pytest.MonkeyPatch) -> list[dict[int, int]]:
    """The offsets up to which each call deleted."""
    calls: list[dict[int, int]] = []

    def delete(_: object, topic: str, offsets: dict[int, int]) -> dict[int, int]:
        assert topic == "listing-dlq"
        calls.append(offsets)
        return offsets

    monkeypatch.setattr("app.cli.dlq_purge.delete_before", delete)
    return calls


@pytest.fixture(autouse=True)
def reader(monkeypatch: pytest.MonkeyPatch) -> type[Reader]:
    monkeypatch.setattr("app.cli.dlq_redrive.KafkaReader", Reader)
    monkeypatch.setattr("app.cli.dlq_purge.KafkaReader", Reader)
    monkeypatch.setattr("app.cli.dlq_redrive.KafkaPublisher", Publisher)
    Publisher.last = MemoryPublisher()
    Reader.letters = [
        letter(2),
        letter(3, failure_code=b"file_broken", failure_origin_offset=b"77"),
        letter(4, listing_file=b"cars/other/b.csv", failure_origin_topic=b"listing-uploads"),
        letter(5, failure_origin_topic=b"listing-dlq"),
    ]
    return Reader


def redrive(run: Commands, *arguments: str) -> dict[str, object]:
    code, out, err = run("dlq", "redrive", *arguments, "--output", "json")
    assert code == 0, err
    found = json.loads(out)
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize(
    ("arguments", "topics", "refused"),
    [
        (("1/3",), {"listing-files": 1}, 0),
        (("1/2", "listing-dlq/1/4"), {"listing-files": 1, "listing-uploads": 1}, 0),
        (("1/5",), {}, 1),
        (("--code", "file_broken"), {"listing-files": 1}, 0),
        (("--file", "cars/other/"), {"listing-uploads": 1}, 0),
        (("--code", "file_broken", "--file", "cars/other/"), {}, 0),
        (("--since", "2026-03-01T10:03:00.004Z"), {"listing-uploads": 1}, 1),
        (("--all",), {"listing-files": 1, "listing-uploads": 1}, 1),
        (("--all", "--limit", "1"), {"listing-files": 1}, 0),
    ],
)
def test_what_is_chosen_goes_back(
    run: Commands, arguments: tuple[str, ...], topics: dict[str, int], refused: int
) -> None:
    told = redrive(run, *arguments)
    assert (told["topics"], told["refused"]) == (topics, refused)
    sent = Publisher.last.sent
    assert {topic: sum(s.topic == topic for s in sent) for topic in topics} == topics
    assert len(sent) == sum(topics.values())


def test_a_dry_run_counts_and_sends_nothing(run: Commands) -> None:
    told = redrive(run, "--all", "--dry-run")
    assert (told["dry_run"], told["chosen"], told["redriven"]) == (True, 4, 2)
    assert Publisher.last.sent == []


def test_people_are_told_what_was_done_and_what_to_watch(run: Commands) -> None:
    _, out, _ = run("dlq", "redrive", "--all")
    told = dict(re.findall(r"^(handed back|same record or file|not possible) +(\d+)", out, re.MULTILINE))
    assert told == {"handed back": "2", "same record or file": "1", "not possible": "1"}
    assert "listing-files 1, listing-uploads 1" in out
    assert "1/5: header failure-origin-topic" in out
    assert "listings dlq list --since" in out


@pytest.mark.parametrize(
    "arguments", [(), ("1/2", "--all"), ("1/2", "--code", "file_broken"), ("--all", "--file", "x")]
)
@pytest.mark.parametrize("verb", ["redrive", "purge"])
def test_without_one_clear_choice_nothing_is_done(
    run: Commands, verb: str, arguments: tuple[str, ...], deleted: list[dict[int, int]]
) -> None:
    code, _, _ = run("dlq", verb, *arguments)
    assert code == 2
    assert Publisher.last.sent == []
    assert deleted == []


def test_a_place_that_holds_nothing_is_told_before_anything_is_sent(run: Commands) -> None:
    code, _, err = run("dlq", "redrive", "1/2", "1/9")
    assert code == 1
    assert "there is no dead letter 1/9; partition 1 holds offsets 2 to 5" in err
    assert Publisher.last.sent == []


def test_what_was_done_before_the_broker_went_away_is_told(run: Commands, reader: type[Reader]) -> None:
    reader.letters = [letter(n, failure_origin_topic=b"listings", failure_origin_offset=b"%d" % n) for n in range(2, 6)]
    Publisher.failing_after = 2
    try:
        code, out, err = run("dlq", "redrive", "--all")
    finally:
        Publisher.failing_after = None
    assert code == 1
    assert "not confirmed" in err
    assert re.search(r"^handed back +2 *$", out, re.MULTILINE)
    assert "Broken off" in out


def test_reasons_of_others_do_not_reach_the_terminal(run: Commands, reader: type[Reader]) -> None:
    reader.letters = [letter(2, failure_origin_topic=ESCAPES)]
    for output in ("table", "json"):
        assert not DANGEROUS & set(run("dlq", "redrive", "--all", "--output", output).out)


# -- purge


@pytest.mark.parametrize(
    ("arguments", "upto"),
    [
        (("1/3",), {1: 4}),
        (("1/2", "1/4"), {1: 5}),
        (("--all",), {1: 6}),
        (("--before", "2026-03-01T10:03:00.003Z"), {1: 3}),
    ],
)
def test_the_oldest_up_to_the_choice_are_deleted(
    run: Commands, arguments: tuple[str, ...], upto: dict[int, int], deleted: list[dict[int, int]]
) -> None:
    assert run("dlq", "purge", *arguments).exit_code == 1
    assert run("dlq", "purge", *arguments, "--dry-run").exit_code == 0
    assert run("dlq", "purge", *arguments, "--yes", "--dry-run").exit_code == 0
    assert deleted == []
    assert run("dlq", "purge", *arguments, "--yes").exit_code == 0
    assert deleted == [upto]


def test_what_would_be_deleted_is_shown_with_what_nobody_was_told_of(
    run: Commands, deleted: list[dict[int, int]]
) -> None:
    _, out, _ = run("dlq", "purge", "--all")
    assert out.splitlines()[1].split() == ["1", "2", "to", "5", "4", "2"]
    assert "add --yes" in out
    told = json.loads(run("dlq", "purge", "--all", "--yes", "--output", "json").out)
    assert told == {
        "deleted": True,
        "parts": [{"partition": 1, "first": 2, "upto": 6, "unseen": 2, "count": 4}],
    }


def test_nothing_to_delete_is_no_failure(run: Commands, reader: type[Reader], deleted: list[dict[int, int]]) -> None:
    reader.letters = []
    code, out, _ = run("dlq", "purge", "--all", "--yes")
    assert (code, out.strip(), deleted) == (0, "No dead letters to delete.", [])


def test_a_broker_that_refuses_is_said(run: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OperatorError(FailureCode.COMMAND_FAILED, "cannot delete records of listing-dlq/1: not allowed")

    monkeypatch.setattr("app.cli.dlq_purge.delete_before", refuse)
    code, _, err = run("dlq", "purge", "--all", "--yes")
    assert code == 1
    assert "not allowed" in err
