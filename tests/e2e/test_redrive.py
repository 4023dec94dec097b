"""Dead letters are handed back and deleted, on the real broker."""

from __future__ import annotations

from collections.abc import Iterator

import orjson
import pytest
from click.testing import CliRunner

from app.cli import cli
from app.devstack.samples import as_json, listings
from app.model.source_record import SourceRecord
from tests.support.system import System, Worker
from tests.support.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]
TIMES = 50


@pytest.fixture(scope="module")
def worker(system: System) -> Iterator[Worker]:
    with system.worker(LISTINGS_RETRY__BASE_S="0.5") as worker:
        yield worker


def run(system: System, *arguments: str) -> dict[str, object]:
    result = CliRunner().invoke(cli, [*arguments, "--output", "json"], env=system.env)
    assert result.exit_code == 0, result.output
    found = orjson.loads(result.stdout)
    assert isinstance(found, dict)
    return found


def letters_of(system: System, value: bytes) -> list[SourceRecord]:
    return [record for record in system.records("listing-dlq") if record.value == value]


def header_bytes(record: SourceRecord) -> int:
    return sum(len(name) + len(value) for name, value in record.headers.items())


def test_a_poison_record_can_be_redriven_for_ever(system: System, worker: Worker) -> None:
    value = b"poison, redriven again and again"
    system.publish("listing-uploads", value, key=b"poison", headers={"traceparent": b"00-ab"})
    (first,) = until("the dead letter", lambda: letters_of(system, value))
    for count in range(1, TIMES + 1):
        newest = letters_of(system, value)[-1]
        told = run(system, "dlq", "redrive", f"{newest.partition}/{newest.offset}")
        assert (told["chosen"], told["redriven"]) == (1, 1)
        until("one more dead letter", lambda count=count: len(letters_of(system, value)) == count + 1)  # type: ignore[misc]
    letters = letters_of(system, value)
    assert len(letters) == TIMES + 1, "one each time, and none of a dead letter"
    assert len({header_bytes(letter) for letter in letters[1:]}) == 1, "no header grows"
    assert {letter.headers["failure-attempts"] for letter in letters} == {b"1"}
    origin = {(letter.headers["failure-origin-topic"], letter.headers["failure-origin-offset"]) for letter in letters}
    assert origin == {(b"listing-uploads", first.headers["failure-origin-offset"])}
    assert letters[-1].headers["redrive-count"] == b"0050"
    assert letters[-1].headers["traceparent"] == b"00-ab"
    assert letters[-1].key == b"poison"


def test_a_file_with_many_refused_listings_is_read_again_once(system: System, worker: Worker) -> None:
    key = "redrive/stock.json"
    records = listings(10, prefix="redrive")
    for record in records[:5]:
        del record["make"]
    system.upload(key, as_json(records))
    first = system.wait_outcome(key)
    assert first["rejected"] == 5
    file = ("--file", f"{system.bucket}/redrive/")
    look = run(system, "dlq", "redrive", *file, "--dry-run")
    assert (look["chosen"], look["redriven"], look["same"]) == (5, 1, 4)
    told = run(system, "dlq", "redrive", *file, "--code", "missing_required")
    assert (told["redriven"], told["topics"]) == (1, {"listing-files": 1})
    again = until("the next outcome", lambda: _later(system, key, first))
    assert (again["indexed"], again["rejected"], again["attempts"]) == (5, 5, 1)
    assert len(system.dead_letters("redrive/")) == 10
    assert len(system.listings_of("redrive")) == 5


def _later(system: System, key: str, first: dict[str, object]) -> dict[str, object] | None:
    outcome = system.outcome(key)
    return outcome if outcome is not None and outcome["processed_at"] != first["processed_at"] else None


def test_dead_letters_are_deleted_up_to_a_place(system: System, worker: Worker) -> None:
    for number in range(3):
        system.publish("listing-uploads", b"to be purged %d" % number, key=b"one-partition")
    until("three dead letters", lambda: len(_purged(system)) == 3)
    first, second, third = _purged(system)
    place = f"{second.partition}/{second.offset}"
    asked = CliRunner().invoke(cli, ["dlq", "purge", place], env=system.env)
    assert (asked.exit_code, len(_purged(system))) == (1, 3)
    assert "--yes" in asked.stdout
    assert run(system, "dlq", "purge", place, "--dry-run")["deleted"] is False
    assert run(system, "dlq", "purge", place, "--yes")["deleted"] is True
    assert [record.offset for record in _purged(system)] == [third.offset]
    assert first.partition == second.partition == third.partition
    system.publish("listing-uploads", b"to be purged, later", key=b"one-partition")
    until("the worker to go on", lambda: len(_purged(system)) == 2)
    system.wait_no_lag("listing-dlq")


def _purged(system: System) -> list[SourceRecord]:
    return [record for record in system.records("listing-dlq") if (record.value or b"").startswith(b"to be purged")]
