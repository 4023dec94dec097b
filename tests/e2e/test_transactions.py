"""Producers that write in transactions: what they commit is indexed, what they abort is not, and no offset misleads."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2 as httpx
import orjson
import pytest
from click.testing import CliRunner
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from app.adapters.kafka_reader import KafkaReader, client_config
from app.cli import cli
from app.devstack.samples import listing
from app.ops.standings import standings
from tests.support.system import System, Worker
from tests.support.transactions import Transaction, java_transaction, transaction
from tests.support.waiting import until
from tests.support.webhook import Webhook, webhook

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]
TOPIC = "listings"
STUCK_S = 3
ABORTED = b"aborted"
"""The key of records of a transaction that is aborted."""


@pytest.fixture(scope="module")
def hook() -> Iterator[Webhook]:
    with webhook() as hook:
        yield hook


@pytest.fixture
def worker(system: System, hook: Webhook) -> Iterator[Worker]:
    """A worker that would be called stuck after seconds."""
    with system.worker(
        LISTINGS_ALERTS__URLS=hook.json_url, LISTINGS_ALERTS__STUCK_AFTER_S=str(STUCK_S), LISTINGS_ALERTS__WINDOW_S="5"
    ) as worker:
        yield worker


def offer(source: str, number: int) -> tuple[bytes, bytes]:
    """Key and value of one listing."""
    value = listing(number, source=source, prefix=source)
    return value["source_listing_id"].encode(), orjson.dumps(value)


def write(under_way: Transaction, source: str, numbers: range, partition: int) -> None:
    for number in numbers:
        key, value = offer(source, number)
        under_way.write(TOPIC, value, key, partition)


def found(system: System, source: str) -> list[int]:
    system.refresh()
    return sorted(int(one["source_listing_id"].rsplit("-", 1)[1]) for one in system.listings_of(source))


def alive(worker: Worker) -> bool:
    return httpx.get(f"http://127.0.0.1:{worker.port}/livez", timeout=5).status_code == 200


def lag(system: System, partition: int) -> int:
    with KafkaReader(system.settings.kafka, group=system.settings.kafka.group) as reader:
        return next(one.lag for one in standings(reader, [TOPIC]) if one.partition == partition)


def jumps(system: System, worker: Worker) -> float:
    return system.metric(worker, "listings_offset_jumps_total", topic=TOPIC)


def test_committed_listings_are_indexed_and_aborted_ones_are_not(system: System, worker: Worker) -> None:
    kafka = system.settings.kafka
    under_way = Transaction(kafka, "mixed")
    write(under_way, "tx", range(0, 3), 1)
    under_way.commit()
    under_way.begin()
    write(under_way, "tx", range(10, 13), 1)
    under_way.abort()
    with transaction(kafka, "other") as other:
        write(other, "tx", range(3, 5), 1)
    java_transaction(kafka, TOPIC, 1, {f"j{n}": offer("tx", n)[1] for n in (20, 21)}, commit=False)
    java_transaction(kafka, TOPIC, 1, {f"j{n}": offer("tx", n)[1] for n in (5, 6)}, commit=True)
    until("what was committed", lambda: found(system, "tx") == list(range(7)))
    until("no lag, though the last offset is the end of a transaction", lambda: lag(system, 1) == 0, 15)
    assert jumps(system, worker) == 0
    until(
        "the worker to see none either",
        lambda: system.metric(worker, "listings_consumer_lag_records", topic=TOPIC) == 0,
    )
    assert alive(worker)
    assert found(system, "tx") == list(range(7))
    assert worker.events("alert_raised") == []


def test_an_aborted_end_holds_no_command_and_no_worker(system: System, worker: Worker) -> None:
    under_way = Transaction(system.settings.kafka, "tail")
    for topic in (TOPIC, "listing-dlq"):
        under_way.write(topic, b"{}", ABORTED, 2)
    under_way.abort()
    until("no lag", lambda: lag(system, 2) == 0, 15)
    for command in (("dlq", "list"), ("offsets", "show"), ("status", "--worker", f"127.0.0.1:{worker.port}")):
        done = CliRunner().invoke(cli, [*command, "--output", "json"], env=system.env)
        assert done.exit_code == 0, done.output
    assert ABORTED not in {record.key for record in system.records("listing-dlq")}


def test_an_open_transaction_is_told_and_no_worker_is_blamed(system: System, worker: Worker, hook: Webhook) -> None:
    hanging = Transaction(system.settings.kafka, "hanging")
    write(hanging, "open", range(0, 2), 3)
    hanging.flush()
    key, value = offer("open", 7)
    producer = Producer(client_config(system.settings.kafka))
    producer.produce(TOPIC, value, key=key, partition=3)
    assert producer.flush(30) == 0
    told = until("people to be told", lambda: hook.titled("A transaction is open for long"), 60)
    assert told
    assert found(system, "open") == []
    assert alive(worker)
    assert lag(system, 3) == 0
    status = CliRunner().invoke(cli, ["status"], env=system.env).output
    assert "listings: 3 more wait behind a transaction" in status
    assert system.metric(worker, "listings_open_transaction_records", topic=TOPIC) == 3
    hanging.abort()
    until("what came behind it", lambda: found(system, "open") == [7])
    until("no lag", lambda: lag(system, 3) == 0, 15)
    assert until("the end to be told", lambda: hook.titled("Transactions end again"), 30)


def test_records_deleted_before_they_were_read_are_no_lag_for_ever(system: System) -> None:
    """Retention does the same: the first offset that is left passes the committed one."""
    producer = Producer(client_config(system.settings.kafka))
    with system.worker():
        producer.produce(TOPIC, offer("kept", 1)[1], partition=4)
        producer.flush(30)
        until("it to be read", lambda: found(system, "kept") == [1])
        until("it to be committed", lambda: lag(system, 4) == 0)
    for _ in range(5):
        producer.produce(TOPIC, b"not read", partition=4)
    assert producer.flush(30) == 0
    client = AdminClient(client_config(system.settings.kafka))
    (deleted,) = client.delete_records([TopicPartition(TOPIC, 4, -1)]).values()
    deleted.result(timeout=30)
    with system.worker(LISTINGS_ALERTS__STUCK_AFTER_S=str(STUCK_S)) as worker:
        with KafkaReader(system.settings.kafka, group=system.settings.kafka.group) as reader:
            end = reader.watermarks(TOPIC)[4][1]
            until("the end to be committed", lambda: reader.committed(TOPIC)[4] == end, 30)
        assert system.metric(worker, "listings_records_removed_unread_total", topic=TOPIC) == 5
        (removed,) = worker.events("records_removed_unread")
        assert (removed["partition"], removed["next"]) == (4, end)
        for number in range(3):
            key, value = offer("deleted", number)
            producer.produce(TOPIC, value, key=key, partition=4)
        producer.flush(30)
        until("new records to be read", lambda: found(system, "deleted") == [0, 1, 2])
        (deleted,) = client.delete_records([TopicPartition(TOPIC, 4, -1)]).values()
        deleted.result(timeout=30)
        until("no lag", lambda: lag(system, 4) == 0, 15)
        assert alive(worker)
        assert jumps(system, worker) == 0
        assert worker.events("alert_raised") == []
