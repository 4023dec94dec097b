"""Producers that write in transactions, as stream processors and careful clients do."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Event

from confluent_kafka import Producer

from app.adapters.kafka_reader import client_config
from app.devstack.artifacts import ArtifactCache
from app.devstack.java import find_java
from app.settings import KafkaSettings
from tests.support.stack import CACHE

_JAVA = Path(__file__).with_name("TransactionalProducer.java")
_ANSWER_S = 30.0


class Transaction:
    """One that is open; it stays so until it is ended, or the broker aborts it after `timeout_s`."""

    def __init__(self, settings: KafkaSettings, name: str, timeout_s: float = 60.0) -> None:
        """A second one of the same name ends the first: the broker fences its producer off and aborts it."""
        config = {
            "transactional.id": name,
            "transaction.timeout.ms": int(timeout_s * 1000),
            "partitioner": "murmur2_random",
        }
        self._producer = Producer(client_config(settings) | config)
        self._producer.init_transactions(_ANSWER_S)
        self._producer.begin_transaction()

    def write(self, topic: str, value: bytes | None, key: bytes | None = None, partition: int = -1) -> None:
        self._producer.produce(topic, value=value, key=key, partition=partition)

    def flush(self) -> None:
        """Have what was written on the broker, before the end is decided."""
        assert self._producer.flush(_ANSWER_S) == 0

    def commit(self) -> None:
        self._producer.commit_transaction(_ANSWER_S)

    def abort(self) -> None:
        """What was written is on the broker by then."""
        self.flush()
        self._producer.abort_transaction(_ANSWER_S)

    def begin(self) -> None:
        """Another one of the same producer."""
        self._producer.begin_transaction()


@contextmanager
def transaction(settings: KafkaSettings, name: str) -> Iterator[Transaction]:
    """One that is committed at the end of the block."""
    under_way = Transaction(settings, name)
    yield under_way
    under_way.commit()


def java_transaction(
    settings: KafkaSettings, topic: str, partition: int, lines: Mapping[str, bytes], commit: bool
) -> None:
    """The same by the Java client of Kafka's own jars: values by key, in one transaction."""
    jars = ArtifactCache(CACHE / "jars").fetch("kafka", Event(), lambda _: None)
    end = "commit" if commit else "abort"
    command: list[str | Path] = [
        find_java(),
        "-cp",
        ":".join(map(str, jars)),
        _JAVA,
        settings.bootstrap_servers,
        topic,
        str(partition),
    ]
    text = b"".join(key.encode() + b"\t" + value + b"\n" for key, value in lines.items())
    ended = subprocess.run([*command, f"java-{end}", end], input=text, capture_output=True, timeout=90, check=False)
    assert ended.returncode == 0, ended.stderr.decode()[-2000:]
