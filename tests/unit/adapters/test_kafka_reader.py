"""Reading topics for operators, with a consumer of the test's own making."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition

from app.adapters import kafka_reader
from app.adapters.kafka_reader import KafkaReader, client_config
from app.errors import Dependency, FailureCode, OperatorError, Outage
from app.model.source_record import SourceRecord
from app.settings import KafkaSettings
from tests.support.memory import START

TOPIC = "listing-dlq"
SETTINGS = KafkaSettings(bootstrap_servers="a:1")


@dataclass
class Message:
    at: int
    where: int = 0
    value_: bytes | None = b"v"
    headers_: list[tuple[str, bytes | None]] | None = None
    timestamp_ms: int = 1000
    failure: KafkaError | None = None

    def error(self) -> KafkaError | None:
        return self.failure

    def topic(self) -> str:
        return TOPIC

    def partition(self) -> int:
        return self.where

    def offset(self) -> int:
        return self.at

    def timestamp(self) -> tuple[int, int]:
        return (1, self.timestamp_ms)

    def key(self) -> bytes:
        return b"k"

    def value(self) -> bytes | None:
        return self.value_

    def headers(self) -> list[tuple[str, bytes | None]] | None:
        return self.headers_


@dataclass
class Client:
    """One topic: marks of its partitions, what a poll gives in turn, and an error for every question."""

    marks: dict[int, tuple[int, int]] = field(default_factory=lambda: {0: (0, 3)})
    polls: list[Message | None] = field(default_factory=list)
    committed_: dict[int, int] = field(default_factory=dict)
    found: dict[int, int] = field(default_factory=dict)
    error: KafkaError | None = None
    topic_error: KafkaError | None = None
    assigned: list[tuple[int, int]] = field(default_factory=list)
    is_closed: bool = False
    coordinator_errors: list[int] = field(default_factory=list)

    def _asked(self) -> None:
        if self.error is not None:
            raise KafkaException(self.error)

    def list_topics(self, topic: str, timeout: float) -> Any:
        self._asked()
        known = SimpleNamespace(error=self.topic_error, partitions=dict.fromkeys(self.marks))
        return SimpleNamespace(topics={topic: known})

    def get_watermark_offsets(self, partition: TopicPartition, timeout: float) -> tuple[int, int]:
        return self.marks[partition.partition]

    def committed(self, asked: list[TopicPartition], timeout: float) -> list[TopicPartition]:
        if self.coordinator_errors:
            raise KafkaException(KafkaError(self.coordinator_errors.pop(0)))
        return [TopicPartition(TOPIC, tp.partition, self.committed_.get(tp.partition, -1001)) for tp in asked]

    def offsets_for_times(self, asked: list[TopicPartition], timeout: float) -> list[TopicPartition]:
        return [TopicPartition(TOPIC, tp.partition, self.found.get(tp.partition, -1)) for tp in asked]

    def assign(self, partitions: list[TopicPartition]) -> None:
        self.assigned = [(tp.partition, tp.offset) for tp in partitions]

    def poll(self, timeout: float) -> Message | None:
        return self.polls.pop(0) if self.polls else None

    def close(self) -> None:
        self.is_closed = True


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Callable[[Client], KafkaReader]:
    def connect(client: Client) -> KafkaReader:
        monkeypatch.setattr(kafka_reader, "Consumer", lambda config: client)
        return KafkaReader(SETTINGS)

    return connect


Connect = Callable[[Client], KafkaReader]


def end(partition: int = 0) -> Message:
    return Message(0, partition, failure=KafkaError(KafkaError._PARTITION_EOF))


def test_offsets_of_each_partition(connect: Connect) -> None:
    client = Client(marks={0: (0, 3), 1: (5, 9)}, committed_={0: 2}, found={1: 7})
    with connect(client) as reader:
        assert reader.partitions(TOPIC) == [0, 1]
        assert reader.watermarks(TOPIC) == {0: (0, 3), 1: (5, 9)}
        assert reader.committed(TOPIC) == {0: 2, 1: None}
        assert reader.offsets_at(TOPIC, START) == {0: 3, 1: 7}
    assert client.is_closed


def test_records_are_read_as_they_are(connect: Connect) -> None:
    headers: list[tuple[str, bytes | None]] = [("a", b"1"), ("a", b"2"), ("empty", None)]
    client = Client(polls=[Message(1, headers_=headers), None, Message(2, value_=None)])
    records = list(connect(client).read(TOPIC, {0: (1, 3)}))
    assert client.assigned == [(0, 1)]
    assert records == [
        SourceRecord(TOPIC, 0, 1, 1000, b"k", b"v", {"a": b"2", "empty": b""}),
        SourceRecord(TOPIC, 0, 2, 1000, b"k", None, {}),
    ]


def test_nothing_beyond_the_range_is_read(connect: Connect) -> None:
    client = Client(polls=[Message(0), Message(1), Message(2), Message(0, 1), Message(3)])
    records = connect(client).read(TOPIC, {0: (0, 2), 1: (0, 1), 2: (4, 4)})
    assert [(record.partition, record.offset) for record in records] == [(0, 0), (0, 1), (1, 0)]


def test_a_range_whose_last_records_are_gone_ends_at_the_end_of_the_partition(connect: Connect) -> None:
    client = Client(polls=[Message(0), end()])
    assert [record.offset for record in connect(client).read(TOPIC, {0: (0, 9)})] == [0]


def test_an_empty_range_asks_nobody(connect: Connect) -> None:
    client = Client(error=KafkaError(KafkaError._TRANSPORT))
    assert list(connect(client).read(TOPIC, {0: (3, 3)})) == []


def test_the_newest_come_first_over_all_partitions(connect: Connect) -> None:
    client = Client(
        marks={0: (0, 5), 1: (0, 1)},
        polls=[
            Message(3, timestamp_ms=30),
            Message(4, timestamp_ms=10),
            Message(0, 1, timestamp_ms=20),
        ],
    )
    assert connect(client).newest(TOPIC, 2, lambda record: record.place) == ["listing-dlq/0/3", "listing-dlq/1/0"]
    assert client.assigned == [(0, 3), (1, 0)]


def test_a_broker_that_falls_silent_is_an_outage_and_no_endless_wait(connect: Connect) -> None:
    records = connect(Client(polls=[Message(0)])).read(TOPIC, {0: (0, 3)})
    assert next(records).offset == 0
    with pytest.raises(Outage) as caught:
        next(records)
    assert caught.value.dependency is Dependency.BROKER
    assert "a:1" in caught.value.message


def test_an_error_while_reading_is_an_outage(connect: Connect) -> None:
    failed = Message(0, failure=KafkaError(KafkaError._ALL_BROKERS_DOWN))
    with pytest.raises(Outage):
        list(connect(Client(polls=[failed])).read(TOPIC, {0: (0, 3)}))


@pytest.mark.parametrize(
    "ask",
    [
        lambda reader: reader.partitions(TOPIC),
        lambda reader: reader.watermarks(TOPIC),
        lambda reader: reader.committed(TOPIC),
        lambda reader: reader.offsets_at(TOPIC, datetime.now().astimezone()),
    ],
)
def test_a_broker_that_does_not_answer_is_an_outage(connect: Connect, ask: Callable[[KafkaReader], object]) -> None:
    with pytest.raises(Outage) as caught:
        ask(connect(Client(error=KafkaError(KafkaError._TRANSPORT))))
    assert caught.value.code is FailureCode.UNREACHABLE


def test_a_broker_that_has_just_started_is_asked_again(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka_reader, "_COORDINATOR_PAUSE_S", 0)
    starting = [
        KafkaError.COORDINATOR_NOT_AVAILABLE,
        KafkaError.NOT_COORDINATOR,
        KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    ]
    reader = connect(Client(committed_={0: 2}, coordinator_errors=starting))
    assert reader.committed(TOPIC) == {0: 2}
    monkeypatch.setattr(kafka_reader, "_ANSWER_S", 0)
    with pytest.raises(Outage):
        connect(Client(coordinator_errors=[KafkaError.NOT_COORDINATOR] * 1000)).committed(TOPIC)


def test_a_topic_that_does_not_exist_is_told_with_what_creates_it(connect: Connect) -> None:
    unknown = KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART)
    with pytest.raises(OperatorError) as caught:
        connect(Client(topic_error=unknown)).watermarks(TOPIC)
    assert "listings topics apply" in caught.value.message


def test_settings_that_no_client_can_be_made_of_are_told(tmp_path: Path) -> None:
    with pytest.raises(OperatorError) as caught:
        KafkaReader(KafkaSettings(security_protocol="SSL", ssl_ca_file=tmp_path / "nowhere"))
    assert "LISTINGS_KAFKA__" in caught.value.message


def test_a_reader_commits_nothing_and_joins_no_group_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[dict[str, Any]] = []

    def make(config: dict[str, Any]) -> Client:
        given.append(config)
        return Client()

    monkeypatch.setattr(kafka_reader, "Consumer", make)
    KafkaReader(SETTINGS)
    assert (given[0]["group.id"], given[0]["enable.auto.commit"]) == ("listings-cli-read", False)


def test_credentials_go_to_a_client_of_a_sasl_protocol_only() -> None:
    secrets: dict[str, Any] = {"sasl_username": "u", "sasl_password": "hunter2"}
    plain = client_config(KafkaSettings(security_protocol="PLAINTEXT", **secrets))
    sasl = client_config(KafkaSettings(security_protocol="SASL_SSL", **secrets))
    assert "sasl.password" not in plain
    assert (sasl["sasl.username"], sasl["sasl.password"], sasl["sasl.mechanism"]) == ("u", "hunter2", "SCRAM-SHA-512")


@pytest.mark.parametrize("beyond", [3, 4, 9])
def test_an_end_that_is_no_record_is_not_waited_for(connect: Connect, beyond: int) -> None:
    """The end of a transaction has an offset; on a busy topic other records follow, and the end never comes."""
    client = Client(polls=[Message(0), Message(1), Message(beyond)])
    with connect(client) as reader:
        assert [record.offset for record in reader.read(TOPIC, {0: (0, 3)})] == [0, 1]


def test_commands_read_committed_records_only(monkeypatch: pytest.MonkeyPatch) -> None:
    configs: list[dict[str, Any]] = []
    monkeypatch.setattr(kafka_reader, "Consumer", lambda config: configs.append(config) or Client())
    with KafkaReader(SETTINGS):
        assert configs[0]["isolation.level"] == "read_committed"
