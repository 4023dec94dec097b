"""A person has the workers walk past one record: one that ends each of them, and one that never ends."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from click.testing import CliRunner, Result
from confluent_kafka import Producer

from app.adapters.kafka_reader import client_config
from app.cli import cli
from app.devstack.samples import listing
from app.errors import FailureCode
from app.failures.headers import story_of
from tests.support.poisoned_worker import KILLED
from tests.support.system import System
from tests.support.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]
TOPIC = "listings"
PARTITION = 1
COMMAND = ("-m", "tests.support.poisoned_worker")


def publish(system: System, value: bytes) -> str:
    """Where it went, as PARTITION/OFFSET."""
    placed: list[Any] = []
    producer = Producer(client_config(system.settings.kafka))
    producer.produce(TOPIC, value, partition=PARTITION, on_delivery=lambda _, message: placed.append(message))
    assert producer.flush(30) == 0
    return f"{PARTITION}/{placed[0].offset()}"


def skip(system: System, place: str, *more: str) -> Result:
    arguments = ["offsets", "skip", TOPIC, place, "--reason", "it ends every worker", *more]
    return CliRunner().invoke(cli, arguments, env=system.env)


def kept(system: System, place: str) -> list[bytes | None]:
    """What the dead letters hold that were made of the record when it was walked past."""
    stories = [(record, story_of(record)) for record in system.records("listing-dlq")]
    found = [
        (record.value, f"{story.origin.partition}/{story.origin.offset}")
        for record, story in stories
        if story.code is FailureCode.SKIPPED_BY_OPERATOR
    ]
    return [value for value, at in found if at == place]


def found(system: System, source: str) -> int:
    system.refresh()
    return len(system.listings_of(source))


def test_a_record_that_ends_each_worker_and_one_that_never_ends_are_walked_past(system: System) -> None:
    poison = publish(system, b"kill me")
    publish(system, orjson.dumps(listing(1, source="behind-killer")))
    worker = system.start_worker(COMMAND)
    until("the worker to be killed", lambda: worker.process.poll() is not None, 90)
    assert worker.terminate() == KILLED

    tried = skip(system, poison, "--dry-run")
    assert tried.exit_code == 0, tried.output
    assert "would walk past" in tried.output
    assert kept(system, poison) == []
    done = skip(system, poison)
    assert done.exit_code == 0, done.output
    again = skip(system, poison, "--output", "json")
    assert (again.exit_code, orjson.loads(again.stdout)["already"]) == (0, True)
    assert kept(system, poison) == [b"kill me"]

    worker = system.start_worker(COMMAND)
    until("what came behind it", lambda: found(system, "behind-killer") == 1, 90)
    system.wait_no_lag(TOPIC)
    (walked,) = worker.events("skip_ordered")
    assert (walked["place"], walked["reason"]) == (f"{TOPIC}/{poison}", "it ends every worker")

    endless = publish(system, b"hold me")
    publish(system, orjson.dumps(listing(2, source="behind-endless")))
    until("what came behind it", lambda: found(system, "behind-endless") == 1, 60)
    assert system.lag(TOPIC) == 2, "an unfinished record holds back the commit"
    assert skip(system, endless).exit_code == 0
    system.wait_no_lag(TOPIC, seconds=20)
    assert kept(system, endless) == [b"hold me"]
    assert system.metric(worker, "listings_offset_jumps_total", topic=TOPIC) == 0

    behind = f"{PARTITION}/{int(poison.split('/')[1]) + 1}"
    for place, told in ((f"{PARTITION}/999999", "there is no record"), (behind, "is acknowledged")):
        refused = skip(system, place)
        assert refused.exit_code == 1
        assert told in str(refused.exception)
    assert worker.process.poll() is None
    assert worker.terminate() == 0
