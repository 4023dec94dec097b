"""A record or a file that ends each worker that begins it: after three it is a dead letter, and costs nobody else."""

from __future__ import annotations

import orjson
import pytest

from app.devstack.samples import listing
from app.errors import FailureCode, Rejected
from app.failures.headers import Story, story_of
from app.model.source_record import SourceRecord
from tests.chaos.load import QUICK_SESSIONS
from tests.support.poisoned_worker import KILLED
from tests.support.system import System, Worker
from tests.support.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]
COMMAND = ("-m", "tests.support.poisoned_worker")
DEATHS = 3
"""Each on a disk of its own: what is known of a record is kept where its partition is."""


def end(system: System) -> list[Worker]:
    """As many workers as one record may end, one after another."""
    workers = []
    for _ in range(DEATHS):
        worker = system.start_worker(COMMAND, **QUICK_SESSIONS)
        until("the worker to be ended", lambda worker=worker: worker.process.poll() is not None, 90)  # type: ignore[misc]
        assert worker.terminate() == KILLED
        workers.append(worker)
    return workers


def killers(system: System) -> list[tuple[SourceRecord, Story]]:
    found = []
    for record in system.records("listing-dlq"):
        try:
            story = story_of(record)
        except Rejected:
            continue
        if story.code is FailureCode.KILLED_WORKER:
            found.append((record, story))
    return found


def sources(system: System, source: str) -> int:
    system.refresh()
    return len(system.listings_of(source))


def test_a_record_that_ends_each_worker_is_a_dead_letter_after_three(system: System) -> None:
    before = len(killers(system))
    system.publish("listings", b"kill me", b"poison")
    for number in range(40):
        value = listing(number, source="beside-killer")
        system.publish("listings", orjson.dumps(value), value["source_listing_id"].encode())
    workers = end(system)
    assert [len(worker.events("record_worked_on_alone")) > 0 for worker in workers] == [False, False, True]

    with system.no_worker_left():
        last = system.start_worker(COMMAND, **QUICK_SESSIONS)
        system.wait_ready(last, 90)
        until("the dead letter", lambda: len(killers(system)) > before, 60)
        system.wait_no_lag("listings")
        assert sources(system, "beside-killer") == 40
        (record, story) = next(one for one in killers(system) if one[0].key == b"poison")
        assert (record.value, record.key, story.stage, story.attempts) == (b"kill me", b"poison", "listings", 1)
        assert "three workers" in story.message
        assert len(killers(system)) == before + 1, "nobody else is blamed"
        assert last.process.poll() is None
        (told,) = [event for event in last.events("worker_ended_without_a_word") if event["most_blame"] >= 2 * DEATHS]
        assert told["topic"] == "listings"
        assert last.terminate() == 0


def test_the_sender_of_a_file_that_ends_each_worker_is_told(system: System) -> None:
    before = len(killers(system))
    content = b"\n".join(orjson.dumps(listing(number, source="killer-file")) for number in range(3))
    system.upload("killer/kill-me.jsonl", content)
    for number in range(10):
        system.upload(f"killer/good-{number}.jsonl", orjson.dumps(listing(number, source="beside-killer-file")))
    end(system)

    with system.no_worker_left():
        last = system.start_worker(COMMAND, **QUICK_SESSIONS)
        outcome = system.wait_outcome("killer/kill-me.jsonl", 90)
        assert (outcome["status"], outcome["failure_code"]) == ("rejected", "killed_worker")
        for number in range(10):
            assert system.wait_outcome(f"killer/good-{number}.jsonl", 60)["status"] == "indexed"
        system.wait_no_lag("listing-files", "listing-uploads")
        blamed = [story.listing_file for _, story in killers(system)]
        assert len(blamed) == before + 1, "nobody else is blamed"
        assert f"{system.bucket}/killer/kill-me.jsonl" in blamed
        assert last.terminate() == 0
