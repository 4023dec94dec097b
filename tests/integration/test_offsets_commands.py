"""Offsets on the real broker: set while nobody is in the group, refused otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from confluent_kafka import Consumer, Producer

from app.adapters.kafka_groups import KafkaGroup
from app.adapters.kafka_reader import KafkaReader
from app.errors import OperatorError
from app.ops.offsets import End, apply_moves, plan_replay, plan_reset
from app.ops.standings import standings
from app.settings import KafkaSettings
from tests.support.stack import RunningStack, stack_settings
from tests.support.waiting import until

pytestmark = pytest.mark.integration
TOPIC = "listing-uploads"


@pytest.fixture
def kafka(stack: RunningStack) -> KafkaSettings:
    """A group of this test's own, on the one topic that the stack always has."""
    return stack_settings(stack, {"LISTINGS_KAFKA__GROUP": "offsets-test"}).kafka


@pytest.fixture
def member(kafka: KafkaSettings) -> Iterator[Consumer]:
    consumer = Consumer(
        {
            "bootstrap.servers": kafka.bootstrap_servers,
            "group.id": kafka.group,
            "client.id": "a-worker",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "log_level": 0,
        }
    )
    yield consumer
    consumer.close()


def publish(kafka: KafkaSettings, count: int) -> datetime:
    """So many records to partition 0; the time before them."""
    before = datetime.now(UTC)
    producer = Producer({"bootstrap.servers": kafka.bootstrap_servers, "log_level": 0})
    for _ in range(count):
        producer.produce(TOPIC, b"not JSON", partition=0)
    assert producer.flush(30) == 0
    return before


def test_offsets_go_back_and_forth_and_never_under_a_worker(kafka: KafkaSettings, member: Consumer) -> None:
    group = KafkaGroup(kafka)
    since = publish(kafka, 5)
    with KafkaReader(kafka, kafka.group) as reader:
        apply_moves(plan_reset(reader, TOPIC, End.LATEST), group)
        assert {one.lag for one in standings(reader, [TOPIC])} == {0}

        moves = plan_replay(reader, TOPIC, since)
        assert [(move.standing.partition, move.again) for move in moves] == [(0, 5)]
        member.subscribe([TOPIC])
        until("a member of the group", lambda: member.poll(0.2) is None and group.members())
        (name,) = group.members()
        assert name.startswith("a-worker on 127.0.0.1")
        with pytest.raises(OperatorError, match="1 workers are running"):
            apply_moves(moves, group)
        with pytest.raises(OperatorError, match="nothing was changed"):
            group.commit(TOPIC, {0: 0})
        assert standings(reader, [TOPIC])[0].lag == 0

        member.unsubscribe()
        until("an empty group", lambda: member.poll(0.2) is None and not group.members())
        apply_moves(moves, group)
        assert standings(reader, [TOPIC])[0].lag == 5
        apply_moves(plan_reset(reader, TOPIC, End.LATEST, [0]), group)
        assert standings(reader, [TOPIC])[0].lag == 0


def test_a_group_that_never_was_has_no_members(kafka: KafkaSettings) -> None:
    assert KafkaGroup(kafka.model_copy(update={"group": "never-was"})).members() == []
