"""The bridge from SQS (moto) to the real Kafka: what is confirmed there, and what its absence does."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import orjson
import pytest
from confluent_kafka import Consumer, TopicPartition

from app.adapters.kafka_confirmed import ConfirmedProducer, Send
from app.adapters.sqs import SqsQueue
from app.bridges.aws_lambda import relay
from app.bridges.sqs import SqsBridge
from app.errors import Outage, Rejected
from app.failures.backoff import Backoff
from app.model.queued import QueuedMessage
from app.model.topics import UPLOADS_TOPIC
from app.settings import KafkaSettings
from tests.support.memory_aws import BUCKET, QUEUE, REGION, MemoryAws, empty_aws, memory_aws
from tests.support.stack import RunningStack, stack_settings
from tests.support.waiting import until

pytestmark = pytest.mark.integration
CONNECTORS = Path(__file__).resolve().parents[2] / "connectors" / "notifications"


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[MemoryAws]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with memory_aws() as address, empty_aws(address) as empty:
        yield empty


@pytest.fixture
def kafka(stack: RunningStack) -> KafkaSettings:
    return stack_settings(stack, {"LISTINGS_KAFKA__PUBLISH_TIMEOUT_S": "3"}).kafka


class Topic:
    """What came to the topic since the test began."""

    def __init__(self, servers: str) -> None:
        self._consumer = Consumer({"bootstrap.servers": servers, "group.id": "test", "log_level": 0})
        partitions = self._consumer.list_topics(UPLOADS_TOPIC, timeout=10).topics[UPLOADS_TOPIC].partitions
        ends = []
        for number in partitions:
            partition = TopicPartition(UPLOADS_TOPIC, number)
            partition.offset = self._consumer.get_watermark_offsets(partition, timeout=10)[1]
            ends.append(partition)
        self._consumer.assign(ends)
        self.records: list[tuple[bytes | None, bytes]] = []

    def read(self) -> list[tuple[bytes | None, bytes]]:
        for message in self._consumer.consume(500, timeout=0.5):
            if not message.error():
                self.records.append((message.key(), message.value()))
        return self.records

    def values(self) -> set[bytes]:
        return {value for _, value in self.read()}

    def close(self) -> None:
        self._consumer.close()


@pytest.fixture
def topic(kafka: KafkaSettings) -> Iterator[Topic]:
    found = Topic(kafka.bootstrap_servers)
    yield found
    found.close()


def bridge(queue: SqsQueue, kafka: KafkaSettings) -> SqsBridge:
    producer = ConfirmedProducer(kafka, UPLOADS_TOPIC)
    return SqsBridge(queue, producer, backoff=Backoff(0.1, 0.5), drain_s=5, draw=lambda: 1.0)


def filled(aws: MemoryAws, count: int) -> tuple[str, set[bytes]]:
    url, bodies = aws.queue(), [f"message {number}" for number in range(count)]
    for first in range(0, count, 10):
        entries = [{"Id": str(n), "MessageBody": body} for n, body in enumerate(bodies[first : first + 10])]
        aws.sqs.send_message_batch(QueueUrl=url, Entries=entries)  # type: ignore[arg-type]
    return url, {body.encode() for body in bodies}


def test_an_upload_to_s3_is_a_record_under_its_key(aws: MemoryAws, kafka: KafkaSettings, topic: Topic) -> None:
    url = aws.queue(QUEUE)
    configuration = orjson.loads((CONNECTORS / "aws-notification.json").read_bytes())
    aws.s3.put_bucket_notification_configuration(Bucket=BUCKET, NotificationConfiguration=configuration)
    aws.s3.put_object(Bucket=BUCKET, Key="dealer-7/a b+c%20ä.json", Body=b"{}")
    assert bridge(aws.adapter(url), kafka).run(once=True).queued == 2
    key = f"{BUCKET}/dealer-7/a b+c%20ä.json".encode()
    until("the upload on the topic", lambda: [value for k, value in topic.read() if k == key])
    assert aws.left(url) == (0, 0)


def test_killed_between_kafka_and_the_queue_it_loses_nothing(
    aws: MemoryAws, kafka: KafkaSettings, topic: Topic
) -> None:
    url, expected = filled(aws, 30)
    queue = aws.adapter(url, visibility_s=1)

    class Killed(SqsQueue):
        def delete(self, messages: Sequence[QueuedMessage]) -> int:
            raise KeyboardInterrupt

    queue.__class__ = Killed
    with pytest.raises(KeyboardInterrupt):
        bridge(queue, kafka).run(once=True)
    until("ten that are confirmed and not deleted", lambda: len(topic.values()) == 10)
    until("them to come again", lambda: aws.left(url) == (30, 0))
    bridge(aws.adapter(url), kafka).run(once=True)
    until("all of them", lambda: topic.values() == expected)
    assert aws.left(url) == (0, 0)
    assert len(topic.records) == 40, "ten came twice, which is harmless"


def test_an_outage_of_kafka_uses_no_deliveries_up(
    aws: MemoryAws, kafka: KafkaSettings, topic: Topic, stack: RunningStack
) -> None:
    url, expected = filled(aws, 30)
    queue = aws.adapter(url)
    deliveries: list[str] = []
    receive = queue.receive

    def counted() -> list[QueuedMessage]:
        found = receive()
        deliveries.extend(message.message_id for message in found)
        return found

    queue.receive = counted  # type: ignore[method-assign]
    running = bridge(queue, kafka)
    server = stack.server("kafka")
    server.kill()
    carrying = threading.Thread(target=running.run, daemon=True)
    carrying.start()
    try:
        until("the first messages to be taken", lambda: len(deliveries) == 10)
        server.start()
        until("all of them", lambda: topic.values() >= expected, 90)
        until("an empty queue", lambda: aws.left(url) == (0, 0))
    finally:
        server.start()
        running.stop()
        carrying.join(30)
    assert not carrying.is_alive()
    assert len(deliveries) == len(set(deliveries)) == 30


def test_the_command_killed_under_load_loses_nothing(
    aws: MemoryAws, kafka: KafkaSettings, topic: Topic, stack: RunningStack
) -> None:
    url, expected = filled(aws, 400)
    environment = {
        **os.environ,
        **stack.env(),
        "LISTINGS_BRIDGE__QUEUE_URL": url,
        "LISTINGS_BRIDGE__ENDPOINT_URL": aws.url,
        "LISTINGS_BRIDGE__REGION": REGION,
        "LISTINGS_BRIDGE__WAIT_S": "0",
        "LISTINGS_BRIDGE__VISIBILITY_S": "30",
    }
    command = [sys.executable, "-m", "app.cli", "bridge", "sqs"]
    for end in (signal.SIGKILL, signal.SIGTERM):
        before = len(topic.values())
        running = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
        try:
            until("some of them", lambda: len(topic.values()) > before)  # noqa: B023
            running.send_signal(end)
            assert running.wait(30) == (0 if end is signal.SIGTERM else -end)
        finally:
            running.kill()
        if end is signal.SIGTERM:
            waiting, taken = aws.left(url)
            assert taken <= 10, "what this one had is given back; what the killed one had is still taken"
            assert waiting + taken > 0
    until("what was taken to come again", lambda: aws.left(url)[1] == 0, 60)
    subprocess.run([*command, "--once"], env=environment, check=True, timeout=60, stderr=subprocess.DEVNULL)
    until("all of them", lambda: topic.values() == expected)
    assert aws.left(url) == (0, 0)


def test_what_the_broker_refuses_is_told_apart(kafka: KafkaSettings, topic: Topic) -> None:
    producer = ConfirmedProducer(kafka, UPLOADS_TOPIC)
    huge = Send(None, b"x" * (kafka.max_message_bytes + 10_000))
    beyond = Send(None, b"x" * (4 * kafka.max_message_bytes))
    good, refused, never_sent = producer.send_all([Send(b"k", b"good"), huge, beyond], lambda: False)
    assert good is None
    assert isinstance(refused, Rejected)
    assert isinstance(never_sent, Rejected)
    until("the good one", lambda: (b"k", b"good") in topic.read())
    (unknown,) = ConfirmedProducer(kafka, "no-such-topic").send_all([Send(None, b"x")], lambda: False)
    assert isinstance(unknown, Outage)


def test_lambda_names_what_the_broker_does_not_confirm(kafka: KafkaSettings, topic: Topic) -> None:
    producer = ConfirmedProducer(kafka, UPLOADS_TOPIC)
    huge = "x" * (kafka.max_message_bytes + 10_000)
    records = [{"messageId": str(n), "body": body} for n, body in enumerate(["one", huge, "three"])]
    assert relay({"Records": records}, producer, lambda: False) == {"batchItemFailures": [{"itemIdentifier": "1"}]}
    until("the others", lambda: topic.values() >= {b"one", b"three"})
