"""Reads topics and offsets for operators; joins no group and commits nothing.

As the workers do, it reads committed records only: a partition ends where the first open transaction begins. Offsets
are asked for with confluent-kafka, records are read through the guard (`kafka_fetch`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from operator import itemgetter
from typing import Any, TypeVar

from confluent_kafka import Consumer, IsolationLevel, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from app.errors import Dependency, FailureCode, OperatorError, Outage
from app.model.source_record import SourceRecord
from app.settings import KafkaSettings

T = TypeVar("T")

_ANSWER_S = 10.0
_COORDINATOR_PAUSE_S = 0.2
_NO_COORDINATOR_YET = frozenset(
    {KafkaError.COORDINATOR_LOAD_IN_PROGRESS, KafkaError.COORDINATOR_NOT_AVAILABLE, KafkaError.NOT_COORDINATOR}
)


def client_config(settings: KafkaSettings) -> dict[str, Any]:
    """The settings of a confluent-kafka client for the configured broker and protocol."""
    config: dict[str, Any] = {
        "bootstrap.servers": settings.bootstrap_servers,
        "security.protocol": settings.security_protocol,
        # Its own log lines would mix with a command's output; errors come back as exceptions.
        "log_level": 0,
    }
    if settings.ssl_ca_file is not None:
        config["ssl.ca.location"] = str(settings.ssl_ca_file)
    if settings.security_protocol.startswith("SASL"):
        config["sasl.mechanism"] = settings.sasl_mechanism
        config["sasl.username"] = settings.sasl_username
        if settings.sasl_password is not None:
            config["sasl.password"] = settings.sasl_password.get_secret_value()
    return config


class KafkaReader:
    """One connection for the length of a command; use as a context manager."""

    def __init__(self, settings: KafkaSettings, group: str | None = None) -> None:
        """`group` is the consumer group whose offsets are asked for; nothing is ever committed to it.

        `OperatorError(SETTING_INVALID)` when the client can not be made of these settings.
        """
        self._settings = settings
        self._servers = settings.bootstrap_servers
        config = client_config(settings) | {
            "group.id": group or "listings-cli-read",
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
        }
        try:
            self._consumer = Consumer(config)
        except KafkaException as error:
            raise OperatorError(
                FailureCode.SETTING_INVALID, f"cannot use the LISTINGS_KAFKA__ settings: {error.args[0].str()}"
            ) from error

    def __enter__(self) -> KafkaReader:
        return self

    def __exit__(self, *_: object) -> None:
        self._consumer.close()

    def partitions(self, topic: str) -> list[int]:
        """The partitions of a topic; `OperatorError` when it does not exist."""
        with self._translated():
            metadata = self._consumer.list_topics(topic, timeout=_ANSWER_S).topics[topic]
        if metadata.error is not None:
            raise OperatorError(
                FailureCode.COMMAND_FAILED, f"topic {topic} does not exist; `listings topics apply` creates it"
            )
        return sorted(metadata.partitions)

    def watermarks(self, topic: str) -> dict[int, tuple[int, int]]:
        """First and next offset of each partition; the next one is that after the last which can be read."""
        with self._translated():
            return {
                p: self._consumer.get_watermark_offsets(TopicPartition(topic, p), timeout=_ANSWER_S)
                for p in self.partitions(topic)
            }

    def tops(self, topic: str) -> dict[int, int]:
        """The offset after the last record of each partition, those of open transactions included."""
        with self._translated():
            asked = {TopicPartition(topic, p): OffsetSpec.latest() for p in self.partitions(topic)}
            if not asked:
                return {}
            client = AdminClient(client_config(self._settings))  # its answers come as long as it is there
            answers = client.list_offsets(
                asked, isolation_level=IsolationLevel.READ_UNCOMMITTED, request_timeout=_ANSWER_S
            )
            return {tp.partition: future.result(timeout=2 * _ANSWER_S).offset for tp, future in answers.items()}

    def committed(self, topic: str) -> dict[int, int | None]:
        """The group's committed offset of each partition; None where it has none."""
        with self._translated():
            asked = [TopicPartition(topic, p) for p in self.partitions(topic)]
            answers = self._coordinated(asked)
        return {tp.partition: tp.offset if tp.offset >= 0 else None for tp in answers}

    def _coordinated(self, asked: list[TopicPartition]) -> list[TopicPartition]:
        """The committed offsets. A broker that has just started needs a moment until it knows who keeps them."""
        deadline = time.monotonic() + _ANSWER_S
        while True:
            try:
                return list(self._consumer.committed(asked, timeout=_ANSWER_S))
            except KafkaException as error:
                if error.args[0].code() not in _NO_COORDINATOR_YET or time.monotonic() > deadline:
                    raise
                time.sleep(_COORDINATOR_PAUSE_S)

    def offsets_at(self, topic: str, since: datetime) -> dict[int, int]:
        """The first offset of each partition whose record is not older than `since`; the next offset if none is."""
        stamp = int(since.timestamp() * 1000)
        marks = self.watermarks(topic)
        with self._translated():
            answers = self._consumer.offsets_for_times(
                [TopicPartition(topic, p, stamp) for p in marks], timeout=_ANSWER_S
            )
        return {tp.partition: tp.offset if tp.offset >= 0 else marks[tp.partition][1] for tp in answers}

    def read(self, topic: str, ranges: dict[int, tuple[int, int]]) -> Iterator[SourceRecord]:
        """The committed records of each partition from its first to before its second offset, as they arrive.

        What can not be read comes as a record with its `trouble`. `Outage(BROKER)` when they stop coming.
        """
        wanted = {p: span for p, span in ranges.items() if span[0] < span[1]}
        if wanted:
            from app.adapters.kafka_fetch import read_spans  # bridges use this module without aiokafka

            yield from read_spans(self._settings, topic, wanted)

    def record_at(self, topic: str, partition: int, offset: int) -> SourceRecord | None:
        """One record; None when there is none at that offset."""
        return next((r for r in self.read(topic, {partition: (offset, offset + 1)}) if r.offset == offset), None)

    def newest(self, topic: str, count: int, take: Callable[[SourceRecord], T]) -> list[T]:
        """What `take` makes of the newest records over all partitions, newest first; their bytes are not kept."""
        marks = self.watermarks(topic)
        ranges = {p: (max(low, high - count), high) for p, (low, high) in marks.items()}
        found = [((r.timestamp_ms, r.offset), take(r)) for r in self.read(topic, ranges)]
        found.sort(key=itemgetter(0), reverse=True)
        return [taken for _, taken in found[:count]]

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except KafkaException as error:
            raise self._outage(error.args[0].str()) from error

    def _outage(self, reason: str) -> Outage:
        return Outage(FailureCode.UNREACHABLE, Dependency.BROKER, f"Kafka at {self._servers} does not answer: {reason}")
