"""Confirmed sends with aiokafka, the client below Faust.

Every send waits until all in-sync replicas have it. Idempotence stays off: it only saves repeats, which are harmless
here, and an out-of-order sequence would stop the producer until a restart (aiokafka issue 1017).
"""

from __future__ import annotations

import asyncio
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    AuthenticationFailedError,
    AuthenticationMethodNotSupported,
    ClusterAuthorizationFailedError,
    KafkaError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    SaslAuthenticationFailed,
    TopicAuthorizationFailedError,
    UnsupportedSaslMechanismError,
)
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy as DefaultRecordBatchBuilder

from app.errors import Dependency, FailureCode, Outage, Rejected
from app.failures.headers import HEADERS_ROOM_BYTES
from app.ports import Headers
from app.settings import KafkaSettings
from app.tls import kafka_tls_context

_Headers = list[tuple[str, bytes]] | None
_TOO_LARGE = (MessageSizeTooLargeError, RecordListTooLargeError)
_NOT_ALLOWED = (
    AuthenticationFailedError,
    AuthenticationMethodNotSupported,
    ClusterAuthorizationFailedError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)


class KafkaPublisher:
    """Implements `app.ports.Publisher`."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._producer: AIOKafkaProducer | None = None

    async def start(self) -> None:
        """Connect; `Outage(BROKER)` when no broker answers, or it refuses who we are."""
        producer = AIOKafkaProducer(
            bootstrap_servers=self._settings.bootstrap_servers,
            acks="all",
            linger_ms=2,
            max_batch_size=256 * 1024,
            max_request_size=self._settings.max_message_bytes + HEADERS_ROOM_BYTES,
            request_timeout_ms=int(self._settings.publish_timeout_s * 1000),
            **security(self._settings),
        )
        try:
            await producer.start()
        except (KafkaError, OSError) as error:
            await producer.stop()
            if isinstance(error, _NOT_ALLOWED):
                raise _refused(error) from error
            raise Outage(
                FailureCode.UNREACHABLE,
                Dependency.BROKER,
                f"Kafka at {self._settings.bootstrap_servers} does not answer ({type(error).__name__})",
            ) from error
        self._producer = producer

    async def stop(self) -> None:
        """Flush and disconnect."""
        if self._producer is not None:
            await self._producer.stop()
            self._producer = None

    async def publish(
        self, topic: str, *, key: bytes | None, value: bytes | None, headers: Headers | None = None
    ) -> None:
        """Send one record; returns once all in-sync replicas have confirmed it.

        Raises `Outage(BROKER)` when they do not in time (it may have been written all the same) or may not be
        written to, and `Rejected(RECORD_TOO_BIG)` for a record that is too big for its topic. A record with neither key
        nor value, which others may have published and which aiokafka does not send, is sent with an empty value.
        """
        assert self._producer is not None, "start() first"
        if key is None and value is None:
            value = b""
        try:
            async with asyncio.timeout(self._settings.publish_timeout_s):
                await (await self._send(topic, key, value, list(headers.items()) if headers else None))
        except _TOO_LARGE as error:
            raise Rejected(
                FailureCode.RECORD_TOO_BIG,
                f"a record of {len(value or b''):,} bytes is too big for topic {topic}; raise its max.message.bytes",
            ) from error
        except TopicAuthorizationFailedError as error:
            raise Outage(
                FailureCode.ACCESS_REFUSED, Dependency.BROKER, f"no permission to write to topic {topic}"
            ) from error
        except _NOT_ALLOWED as error:
            raise _refused(error) from error
        except (KafkaError, OSError, TimeoutError) as error:
            raise _unreachable(error) from error

    async def _send(
        self, topic: str, key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes]] | None
    ) -> Any:
        """The confirmation to wait for.

        aiokafka's C writer takes UTF-8 names only, so those of other bytes (see `SourceRecord.headers`) go the way of
        a batch of their own, through its Python writer.
        """
        producer = self._producer
        assert producer is not None, "start() first"
        try:
            "".join([name for name, _ in headers or ()]).encode()
        except UnicodeEncodeError:
            batch = producer.create_batch()
            batch._builder = DefaultRecordBatchBuilder(2, 0, False, -1, -1, 0, producer._max_request_size)
            batch.append(
                timestamp=None, key=key, value=value, headers=[(_Name(name), told) for name, told in headers or ()]
            )
            batch.close()
            if batch.size() > producer._max_request_size:
                raise MessageSizeTooLargeError from None
            await producer.client._wait_on_metadata(topic)
            partition = producer._partition(topic, None, key, value, key, value)
            return await producer.send_batch(batch, topic, partition=partition)
        return await producer.send(topic, key=key, value=value, headers=headers)


class _Name(str):
    """The name of a header, written with the bytes that it was read with."""

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        return super().encode("utf-8", "surrogateescape")


def _refused(error: BaseException) -> Outage:
    return Outage(
        FailureCode.ACCESS_REFUSED,
        Dependency.BROKER,
        f"the broker refuses this client ({type(error).__name__}): check LISTINGS_KAFKA__SECURITY_PROTOCOL, "
        "LISTINGS_KAFKA__SASL_USERNAME and the permissions of that user",
    )


def _unreachable(error: BaseException) -> Outage:
    return Outage(
        FailureCode.UNREACHABLE, Dependency.BROKER, f"the broker did not confirm in time ({type(error).__name__})"
    )


def security(settings: KafkaSettings) -> dict[str, Any]:
    """The arguments of an aiokafka client for the configured protocol."""
    arguments: dict[str, Any] = {"security_protocol": settings.security_protocol}
    if (context := kafka_tls_context(settings)) is not None:
        arguments["ssl_context"] = context
    if settings.security_protocol.startswith("SASL"):
        password = settings.sasl_password
        arguments |= {
            "sasl_mechanism": settings.sasl_mechanism,
            "sasl_plain_username": settings.sasl_username,
            "sasl_plain_password": None if password is None else password.get_secret_value(),
        }
    return arguments
