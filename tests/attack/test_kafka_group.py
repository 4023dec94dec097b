"""What others may do to the topics and the group of the workers, with the right to write, or to administer a topic."""

from __future__ import annotations

import httpx2 as httpx
import orjson
import pytest
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from app.adapters.kafka_groups import KafkaGroup
from app.adapters.kafka_reader import client_config
from app.devstack.samples import listing
from app.model.membership import ASSIGNOR
from tests.support.attacked import Attacked
from tests.support.system import System
from tests.support.transactions import Transaction
from tests.support.waiting import until

pytestmark = [pytest.mark.attack, pytest.mark.timeout(300)]
TOPIC = "listings"


def offer(source: str, number: int) -> bytes:
    return orjson.dumps(listing(number, source=source, prefix=source))


def found(system: System, source: str) -> int:
    system.refresh()
    return len(system.listings_of(source))


def is_well(attacked: Attacked) -> bool:
    """`/livez` is 200, so no supervisor would restart the worker."""
    return httpx.get(f"http://127.0.0.1:{attacked.worker.port}/livez", timeout=5).status_code == 200


def test_transactions_that_are_aborted_left_open_or_all_there_is(attacked: Attacked) -> None:
    system = attacked.system
    kafka = system.settings.kafka
    left_open = Transaction(kafka, "left-open")
    left_open.write(TOPIC, offer("open", 1), b"k", 5)
    left_open.flush()
    under_way = Transaction(kafka, "aborted")
    for number in range(30):
        under_way.write(TOPIC, offer("aborted", number), b"k", number % 5)
        under_way.abort()
        under_way.begin()
    for topic in ("listing-uploads", "listing-files", "listing-retry", "listing-dlq"):
        under_way.write(topic, b"\x00aborted", b"k", 0)
    under_way.abort()
    system.wait_no_lag("listing-uploads", "listing-files", TOPIC, "listing-retry", "listing-dlq", seconds=30)
    assert is_well(attacked)
    assert found(system, "aborted") == found(system, "open") == 0
    assert system.metric(attacked.worker, "listings_offset_jumps_total", topic=TOPIC) == 0
    left_open.abort()


def test_records_are_deleted_under_a_worker(attacked: Attacked) -> None:
    system = attacked.system
    producer = Producer(client_config(system.settings.kafka))
    client = AdminClient(client_config(system.settings.kafka))
    for _ in range(5):
        for number in range(200):
            producer.produce(TOPIC, b"not a listing", partition=number % 6)
        producer.flush(30)
        deleted = client.delete_records([TopicPartition(TOPIC, partition, -1) for partition in range(6)])
        for future in deleted.values():
            future.result(timeout=30)
    system.wait_no_lag(TOPIC, seconds=30)
    assert is_well(attacked)


def stranger(system: System, **more: str) -> Consumer:
    """Another application in the group of the workers, under their client's name."""
    own = {"group.id": system.settings.kafka.group, "client.id": "listings-worker"}
    consumer = Consumer({**client_config(system.settings.kafka), **own, "enable.auto.commit": False, **more})
    consumer.subscribe([TOPIC])
    return consumer


def test_strangers_that_try_to_get_into_the_group(attacked: Attacked) -> None:
    system = attacked.system
    for assignor in ("range", "roundrobin", "cooperative-sticky"):
        consumer = stranger(system, **{"partition.assignment.strategy": assignor})
        until(f"{assignor} to be refused", lambda consumer=consumer: _is_refused(consumer), 30)  # type: ignore[misc]
        consumer.close()
    group = KafkaGroup(system.settings.kafka).describe()
    assert (group.assignor, len(group.workers)) == (ASSIGNOR, 1)
    system.publish(TOPIC, offer("group", 1), b"k")
    until("it to be read", lambda: found(system, "group") == 1)
    assert is_well(attacked)


def test_a_stranger_of_kafkas_new_protocol_is_told_and_leaves_no_trace(attacked: Attacked) -> None:
    """Brokers let one in, unless `group.consumer.migration.policy` is `disabled`; it reads what is the workers'."""
    system = attacked.system
    consumer = stranger(system, **{"group.protocol": "consumer"})

    def told_of() -> str:
        consumer.poll(0.1)
        return _reasons(attacked, "another application")

    told = until("it to be told", told_of, 30)
    assert "listings-worker on 127.0.0.1" in told
    assert is_well(attacked)
    consumer.close()
    until("the worker to be ready", lambda: not _reasons(attacked, ""), 60)
    for partition in range(6):
        system.publish(TOPIC, offer("left", partition), str(partition).encode())
    until("everything to be read", lambda: found(system, "left") == 6, 30)


def _reasons(attacked: Attacked, part: str) -> str:
    answer = httpx.get(f"http://127.0.0.1:{attacked.worker.port}/readyz", timeout=5).json()
    reasons = "; ".join(answer["reasons"])
    return reasons if part in reasons else ""


def _is_refused(consumer: Consumer) -> bool:
    try:
        message = consumer.poll(0.5)
    except KafkaException:
        return True
    return message is not None and message.error() is not None
