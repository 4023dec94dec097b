"""connectors/security/kafka-acls.txt on a real broker: what each may do, and what nobody else may."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer

from app.adapters.kafka_admin import KafkaTopicAdmin
from app.adapters.kafka_producer import KafkaPublisher
from app.adapters.kafka_purge import delete_before
from app.adapters.kafka_sizes import read_sizes
from app.errors import ListingsError
from app.model.topics import DEAD_LETTER_TOPIC, ORIGINS, OUTCOMES_TOPIC, RETRY_TOPIC
from app.ops.topics import apply_topics, load_topics
from app.settings import KafkaSettings, PathsSettings
from tests.support.strict_kafka import PASSWORD, acls_in, apply_acls, strict_kafka

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]
RULES = acls_in((Path(__file__).parents[2] / "connectors" / "security" / "kafka-acls.txt").read_text(encoding="utf-8"))
WORKER, OPERATOR, STORE, PRODUCER = "listings-worker", "listings-operator", "object-store", "producer-acme"
ALL = (*ORIGINS, RETRY_TOPIC, DEAD_LETTER_TOPIC, OUTCOMES_TOPIC)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A broker that holds everybody to the rules, with our topics, which the operator has made."""
    folder = tmp_path_factory.mktemp("strict")
    with strict_kafka(folder, (WORKER, OPERATOR, STORE, PRODUCER, "stranger")) as (everything, users):
        apply_acls(everything, RULES)
        declared = [topic.state(1) for topic in load_topics(PathsSettings().topics)]
        apply_topics(declared, KafkaTopicAdmin(settings_of(OPERATOR, users)))
        yield users


def settings_of(user: str, address: str) -> KafkaSettings:
    return KafkaSettings.model_validate(
        {
            "bootstrap_servers": address,
            "security_protocol": "SASL_PLAINTEXT",
            "sasl_mechanism": "PLAIN",
            "sasl_username": user,
            "sasl_password": PASSWORD,
        }
    )


def client(user: str, address: str, **more: Any) -> dict[str, Any]:
    return {
        "bootstrap.servers": address,
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "PLAIN",
        "sasl.username": user,
        "sasl.password": PASSWORD,
        "log_level": 0,
        **more,
    }


def writes(user: str, address: str) -> set[str]:
    """The topics that the user can write to."""
    answers: dict[str, KafkaError | None] = {}

    def told(error: KafkaError | None, message: Message) -> None:
        answers[str(message.topic())] = error

    producer = Producer(client(user, address, **{"message.timeout.ms": 10_000}))
    for topic in ALL:
        producer.produce(topic, value=b"x", on_delivery=told)
    producer.flush(20)
    assert set(answers) == set(ALL)
    refused = {error.code() for error in answers.values() if error is not None}
    assert refused <= {KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError._MSG_TIMED_OUT}
    return {topic for topic, error in answers.items() if error is None}


def reads(user: str, address: str, topic: str, group: str) -> bool:
    """Whether the user can read the topic as a member of the group, and commit."""
    consumer = Consumer(client(user, address, **{"group.id": group, "auto.offset.reset": "earliest"}))
    try:
        consumer.subscribe([topic])
        for _ in range(30):
            message = consumer.poll(1.0)
            if message is None:
                continue
            if message.error() is not None:
                return False
            consumer.commit(message, asynchronous=False)
            return True
    except KafkaException:
        return False
    finally:
        consumer.close()
    raise AssertionError(f"no answer for {user} on {topic}")


def test_each_can_write_where_the_page_says_and_nowhere_else(address: str) -> None:
    assert writes(WORKER, address) == set(ALL)
    assert writes(STORE, address) == {"listing-uploads"}
    assert writes(PRODUCER, address) == {"listings"}
    assert writes("stranger", address) == set()


async def test_a_worker_can_do_its_work(address: str) -> None:
    settings = settings_of(WORKER, address)
    assert set(await read_sizes(settings, ALL)) == set(ALL)
    publisher = KafkaPublisher(settings)
    await publisher.start()
    for topic in ALL:
        await publisher.publish(topic, key=b"k", value=b"v")
    await publisher.stop()
    assert reads(WORKER, address, "listing-files", "listings")


def test_groups_are_kept_apart(address: str) -> None:
    writes(WORKER, address)
    assert reads(PRODUCER, address, OUTCOMES_TOPIC, "acme-outcomes")
    assert not reads(PRODUCER, address, OUTCOMES_TOPIC, "listings")
    assert not reads(PRODUCER, address, DEAD_LETTER_TOPIC, "acme-outcomes")
    assert not reads(STORE, address, "listing-uploads", "listings")


def test_a_producer_may_use_transactions_of_its_own_name(address: str) -> None:
    for name, allowed in (("acme-7", True), ("other-7", False)):
        producer = Producer(client(PRODUCER, address, **{"transactional.id": name}))
        try:
            producer.init_transactions(20)
            done = True
        except KafkaException:
            done = False
        assert done is allowed


def test_only_operators_delete(address: str) -> None:
    writes(WORKER, address)
    assert delete_before(settings_of(OPERATOR, address), DEAD_LETTER_TOPIC, {0: 0}) == {0: 0}
    for user in (WORKER, PRODUCER, STORE):
        with pytest.raises((ListingsError, KafkaException)):
            delete_before(settings_of(user, address), DEAD_LETTER_TOPIC, {0: 0})
