"""A retry topic full of records that are not due yet: the main flow does not notice."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from confluent_kafka import Producer

from app.adapters.kafka_reader import client_config
from app.agents.retries import SENT_BACK_EVERY_S
from app.devstack.samples import as_json, listings
from app.errors import FailureCode, FailureKind
from app.failures.headers import Origin, Story
from app.model.topics import RETRY_TOPIC
from tests.support.backlog import forget_the_backlog
from tests.support.system import System, Worker
from tests.support.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(420)]

BACKLOG = 6_000
WAITING_MAX = 5_000
FILES = 60
PACE_S = 0.05


@pytest.fixture
def worker(system: System) -> Iterator[Worker]:
    with system.worker(LISTINGS_RETRY__WAITING_MAX=str(WAITING_MAX)) as worker:
        yield worker
    forget_the_backlog(system)


def publish(system: System, count: int, due_in_s: float, value: bytes) -> None:
    """Retries of queued files, each of its own key."""
    now = datetime.now(UTC)
    story = Story(
        origin=Origin("listing-files", 0, 0, 0),
        stage="files",
        kind=FailureKind.TRANSIENT,
        code=FailureCode.FETCH_FAILED,
        message="reset",
        exception=None,
        attempts=1,
        first_at=now,
        last_at=now,
        due_at=now + timedelta(seconds=due_in_s),
    )
    headers = list(story.to_headers().items())
    producer = Producer(client_config(system.settings.kafka) | {"queue.buffering.max.messages": 2 * count})
    for number in range(count):
        producer.produce(RETRY_TOPIC, key=f"bucket/{number}".encode(), value=value, headers=headers)
    assert producer.flush(60) == 0


def seconds_until_indexed(system: System, prefix: str) -> float:
    """The median, from the end of the upload until the index had the file, of files at a steady pace."""
    uploaded: dict[str, float] = {}
    for number in range(FILES):
        key = f"{prefix}/{number:03d}.json"
        system.upload(key, as_json(listings(5, prefix=prefix, start=number * 5 + 1)))
        uploaded[key] = time.time()
        time.sleep(PACE_S)  # the pace of the producers, not a wait for a condition
    taken = []
    for key, at in uploaded.items():
        outcome = system.wait_outcome(key, 90)
        assert outcome["status"] == "indexed"
        taken.append(datetime.fromisoformat(outcome["processed_at"]).timestamp() - at)
    return statistics.median(taken)


def test_thousands_of_retries_that_are_not_due_slow_nothing_down(system: System, worker: Worker) -> None:
    seconds_until_indexed(system, "backlog-warm-up")
    before = seconds_until_indexed(system, "backlog-before")
    publish(system, BACKLOG, due_in_s=3600.0, value=b"not due")
    until(
        "as many retries held as may be",
        lambda: system.metric(worker, "listings_retries_waiting_records") >= WAITING_MAX,
        60,
    )
    behind = seconds_until_indexed(system, "backlog-behind")
    print(f"median {before:.3f} s without, {behind:.3f} s with {BACKLOG} retries that are not due")  # noqa: T201
    assert behind <= 1.5 * before + 0.05
    assert system.metric(worker, "listings_retries_waiting_records") <= WAITING_MAX + 1
    assert system.lag(RETRY_TOPIC) >= BACKLOG
    publish(system, 1, due_in_s=1.0, value=b"due")
    until(
        "what is due behind all of them to be handed back",
        lambda: any(record.value == b"due" for record in system.records("listing-files")),
        BACKLOG * SENT_BACK_EVERY_S + 60,
        every=2,
    )
    assert not worker.events("partitions_assigned")[1:], "it never left its group"
