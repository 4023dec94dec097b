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
from app.errors import FailureCode, OperatorError, Outage
from app.settings import KafkaSettings
from tests.support.memory import START

TOPIC = "listing-dlq"
SETTINGS = KafkaSettings(bootstrap_servers="a:1")


@dataclass
class Client:
    """One topic: marks of its partitions, and an error for every question."""

    marks: dict[int, tuple[int, int]] = field(default_factory=lambda: {0: (0, 3)})
    committed_: dict[int, int] = field(default_factory=dict)
    found: dict[int, int] = field(default_factory=dict)
    error: KafkaError | None = None
    topic_error: KafkaError | None = None
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

    def close(self) -> None:
        self.is_closed = True


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Callable[[Client], KafkaReader]:
    def connect(client: Client) -> KafkaReader:
        monkeypatch.setattr(kafka_reader, "Consumer", lambda config: client)
        return KafkaReader(SETTINGS)

    return connect


Connect = Callable[[Client], KafkaReader]


def test_offsets_of_each_partition(connect: Connect) -> None:
    client = Client(marks={0: (0, 3), 1: (5, 9)}, committed_={0: 2}, found={1: 7})
    with connect(client) as reader:
        assert reader.partitions(TOPIC) == [0, 1]
        assert reader.watermarks(TOPIC) == {0: (0, 3), 1: (5, 9)}
        assert reader.committed(TOPIC) == {0: 2, 1: None}
        assert reader.offsets_at(TOPIC, START) == {0: 3, 1: 7}
    assert client.is_closed


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


def test_commands_read_committed_records_only(monkeypatch: pytest.MonkeyPatch) -> None:
    configs: list[dict[str, Any]] = []

    def make(config: dict[str, Any]) -> Client:
        configs.append(config)
        return Client()

    monkeypatch.setattr(kafka_reader, "Consumer", make)
    with KafkaReader(SETTINGS):
        assert configs[0]["isolation.level"] == "read_committed"
