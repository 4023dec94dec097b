"""Confirmed sends from code that is not asyncio, with confluent-kafka: for bridges, which send in batches.

librdkafka sends in the background and calls back; a record counts as sent only when all in-sync replicas have it. As
in `kafka_producer`, repeats are harmless, so idempotence stays off.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Producer

from app.adapters.kafka_reader import client_config
from app.errors import Dependency, FailureCode, ListingsError, OperatorError, Outage, Rejected
from app.failures.headers import HEADERS_ROOM_BYTES
from app.settings import KafkaSettings

_SLICE_S = 0.1
_ANSWER_S = 5.0
_FULL_TRIES = 100
_REFUSED = frozenset(
    {
        KafkaError._AUTHENTICATION,
        KafkaError._SSL,
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
        KafkaError.SASL_AUTHENTICATION_FAILED,
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
    }
)


@dataclass(frozen=True, slots=True)
class Send:
    """One record to be sent; `value` is sent byte for byte."""

    key: bytes | None
    value: bytes


class ConfirmedProducer:
    """One connection, used for as long as the process lives."""

    def __init__(self, settings: KafkaSettings, topic: str) -> None:
        """`OperatorError(SETTING_INVALID)` when the client can not be made of these settings; connects later."""
        self._servers = settings.bootstrap_servers
        self._topic = topic
        config = client_config(settings) | {
            "acks": "all",
            "linger.ms": 5,
            "message.timeout.ms": int(settings.publish_timeout_s * 1000),
            "message.max.bytes": settings.max_message_bytes + HEADERS_ROOM_BYTES,
        }
        try:
            self._producer = Producer(config)
        except KafkaException as error:
            raise OperatorError(
                FailureCode.SETTING_INVALID, f"cannot use the LISTINGS_KAFKA__ settings: {error.args[0].str()}"
            ) from error

    def send_all(self, sends: Sequence[Send], give_up: Callable[[], bool]) -> list[ListingsError | None]:
        """Send all, and wait until each is confirmed, refused, timed out, or `give_up` says so.

        None for each that all in-sync replicas have; else `Rejected(RECORD_TOO_BIG)` when it is too big for the
        topic, or `Outage(BROKER)` (it may have been written all the same). When this returns nothing is under way.
        """
        results: list[ListingsError | None] = [self._outage("it was not asked in time")] * len(sends)
        for number, send in enumerate(sends):
            self._send(send, number, results)
        while len(self._producer) and not give_up():
            self._producer.flush(_SLICE_S)
        if len(self._producer):
            self._producer.purge()
            self._producer.flush(_ANSWER_S)
        return results

    def _send(self, send: Send, number: int, results: list[ListingsError | None]) -> None:
        def answered(error: Any, _: Any) -> None:
            results[number] = None if error is None else self._translated(error, len(send.value))

        for _ in range(_FULL_TRIES):
            try:
                self._producer.produce(self._topic, send.value, key=send.key, on_delivery=answered)
            except BufferError:  # as many as librdkafka holds are under way
                self._producer.poll(_SLICE_S)
            except KafkaException as error:
                results[number] = self._translated(error.args[0], len(send.value))
                return
            else:
                return

    def _translated(self, error: Any, size: int) -> ListingsError:
        if error.code() == KafkaError.MSG_SIZE_TOO_LARGE:
            return Rejected(
                FailureCode.RECORD_TOO_BIG,
                f"a record of {size:,} bytes is too big for topic {self._topic}; raise its max.message.bytes",
            )
        if error.code() in _REFUSED:
            return Outage(
                FailureCode.ACCESS_REFUSED, Dependency.BROKER, f"Kafka at {self._servers} refuses: {error.str()}"
            )
        return self._outage(error.str())

    def _outage(self, reason: str) -> Outage:
        return Outage(FailureCode.UNREACHABLE, Dependency.BROKER, f"Kafka at {self._servers} did not confirm: {reason}")
