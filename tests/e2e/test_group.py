"""Topics and the group change under running workers: it is told within 30 s, and what can go on goes on."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2 as httpx
import orjson
import pytest
from click.testing import CliRunner
from confluent_kafka import Consumer, KafkaException, Producer
from confluent_kafka.admin import AdminClient, NewPartitions

from app.adapters.kafka_groups import KafkaGroup
from app.adapters.kafka_reader import client_config
from app.cli import cli
from app.devstack.samples import as_json, listing, listings
from app.model.membership import ASSIGNOR
from tests.support.system import System, Worker
from tests.support.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]
TOPIC = "listings"
NOTICED_S = 30


def reasons(worker: Worker) -> str:
    try:
        return "; ".join(httpx.get(f"http://127.0.0.1:{worker.port}/readyz", timeout=5).json()["reasons"])
    except httpx.HTTPError:
        return ""


def alive(worker: Worker) -> bool:
    return httpx.get(f"http://127.0.0.1:{worker.port}/livez", timeout=5).status_code == 200


def publish(system: System, source: str, numbers: range, partition: int) -> None:
    producer = Producer(client_config(system.settings.kafka))
    for number in numbers:
        value = listing(number, source=source, prefix=source)
        producer.produce(TOPIC, orjson.dumps(value), key=value["source_listing_id"].encode(), partition=partition)
    assert producer.flush(30) == 0


def found(system: System, source: str) -> int:
    system.refresh()
    return len(system.listings_of(source))


def apply_topics(system: System) -> None:
    done = CliRunner().invoke(cli, ["topics", "apply"], env=system.env)
    assert done.exit_code == 0, done.output


@pytest.fixture
def admin(system: System) -> AdminClient:
    return AdminClient(client_config(system.settings.kafka))


def delete_topic(admin: AdminClient) -> None:
    admin.delete_topics([TOPIC], operation_timeout=30)[TOPIC].result(timeout=40)
    until("the topic to be gone", lambda: TOPIC not in admin.list_topics(timeout=10).topics, 30)


def test_a_topic_that_is_deleted_and_made_again_is_read_from_its_first_record(
    system: System, admin: AdminClient
) -> None:
    with system.worker() as worker:
        publish(system, "before", range(5), 2)
        until("the first ones", lambda: found(system, "before") == 5)
        system.wait_no_lag(TOPIC)
        delete_topic(admin)
        until("it to be told", lambda: f"topic {TOPIC} does not exist" in reasons(worker), NOTICED_S)
        assert alive(worker)
        system.upload("topic-gone/stock.json", as_json(listings(3, prefix="topic-gone")))
        assert system.wait_outcome("topic-gone/stock.json")["indexed"] == 3, "the other topics are read"
        apply_topics(system)
        publish(system, "after", range(8), 2)  # more than there were: an offset of the old topic would leave some out
        until("all records of the new topic", lambda: found(system, "after") == 8, NOTICED_S)
        until("the worker to be ready", lambda: not reasons(worker), NOTICED_S)

        delete_topic(admin)  # and at once again, before anybody looks
        apply_topics(system)
        publish(system, "again", range(20), 2)
        until("all records of the third one", lambda: found(system, "again") == 20, NOTICED_S + 10)
        until("the worker to be ready", lambda: not reasons(worker), NOTICED_S)
        system.wait_no_lag(TOPIC)
        assert alive(worker)
        assert worker.process.poll() is None


def test_a_worker_starts_though_a_topic_is_missing_and_reads_it_when_it_is_made(
    system: System, admin: AdminClient
) -> None:
    delete_topic(admin)
    worker = system.start_worker()
    until("it to be told", lambda: f"topic {TOPIC} does not exist" in reasons(worker), 60)
    system.upload("topic-missing/stock.json", as_json(listings(3, prefix="topic-missing")))
    assert system.wait_outcome("topic-missing/stock.json")["indexed"] == 3, "the other topics are read"
    apply_topics(system)
    publish(system, "made", range(6), 3)
    until("the records of the topic that was made", lambda: found(system, "made") == 6, NOTICED_S)
    until("the worker to be ready", lambda: not reasons(worker), NOTICED_S)
    assert worker.terminate() == 0


def test_partitions_that_are_added_are_read(system: System, admin: AdminClient) -> None:
    with system.worker() as worker:
        admin.create_partitions([NewPartitions(TOPIC, 8)])[TOPIC].result(timeout=30)
        publish(system, "added", range(3), 7)
        until("it to be told", lambda: f"of {TOPIC}" in reasons(worker), NOTICED_S)
        until("the records of the new partition", lambda: found(system, "added") == 3, NOTICED_S)
        until("the worker to be ready", lambda: not reasons(worker), NOTICED_S)
    delete_topic(admin)
    apply_topics(system)


def member(system: System, **more: str) -> Consumer:
    config = {"group.id": system.settings.kafka.group, "auto.offset.reset": "earliest", "enable.auto.commit": False}
    return Consumer(client_config(system.settings.kafka) | config | more)


@pytest.fixture
def stranger(system: System) -> Iterator[Consumer]:
    """Another application in the group of the workers, which are not running."""
    group = KafkaGroup(system.settings.kafka)
    until("an empty group", lambda: not group.members(), 60)
    consumer = member(system, **{"client.id": "listings-worker"})
    consumer.subscribe(["listing-uploads"])
    until("the stranger in it", lambda: consumer.poll(0.2) is not None or group.describe().strangers, 30)
    yield consumer
    consumer.close()


def test_a_worker_whose_group_is_anothers_ends_and_names_it(system: System, stranger: Consumer) -> None:
    worker = system.start_worker()
    status = CliRunner().invoke(cli, ["status"], env=system.env).output
    assert f"{system.settings.kafka.group} has no worker" in status
    assert "another application is in it: listings-worker on 127.0.0.1" in status
    until("the worker to end", lambda: stranger.poll(0.1) is not None or worker.process.poll() is not None, NOTICED_S)
    assert worker.terminate() != 0
    (told,) = worker.events("worker_ends")
    assert "is in use by another application: listings-worker on 127.0.0.1" in told["reason"]
    assert "'range'" in told["reason"]


def test_no_stranger_gets_into_the_group_of_the_workers(system: System) -> None:
    with system.worker() as worker:
        for assignor in ("range", "roundrobin", "cooperative-sticky"):
            consumer = member(system, **{"partition.assignment.strategy": assignor})
            consumer.subscribe([TOPIC])
            refused = until("it to be refused", lambda: _refusal(consumer), 30)  # noqa: B023  (waited for at once)
            assert "InconsistentGroupProtocol" in refused or "Inconsistent" in refused
            consumer.close()
        assert KafkaGroup(system.settings.kafka).describe().assignor == ASSIGNOR
        assert not reasons(worker)


def _refusal(consumer: Consumer) -> str:
    try:
        message = consumer.poll(0.5)
    except KafkaException as error:
        return str(error)
    return "" if message is None or message.error() is None else str(message.error())
