"""Confirmed sends with aiokafka, the client below Faust.

Every send waits until all in-sync replicas have it. Idempotence stays off: it only saves repeats, which are harmless
here, and an out-of-order sequence would stop the producer until a restart (aiokafka issue 1017).
"""

from __future__ import annotations

import asyncio
import ssl
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, TopicAuthorizationFailedError

from app.errors import Dependency, FailureCode, Outage, Rejected
from app.ports import Headers
from app.settings import KafkaSettings

_HEADERS_ROOM_BYTES = 64 * 1024  # a record that just fitted its topic comes back with its story in the headers


class KafkaPublisher:
    """Implements `app.ports.Publisher`."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._producer: AIOKafkaProducer | None = None

    async def start(self) -> None:
        """Connect; `Outage(BROKER)` when no broker answers."""
        producer = AIOKafkaProducer(
            bootstrap_servers=self._settings.bootstrap_servers,
            acks="all",
            linger_ms=2,
            max_batch_size=256 * 1024,
            max_request_size=self._settings.max_message_bytes + _HEADERS_ROOM_BYTES,
            request_timeout_ms=int(self._settings.publish_timeout_s * 1000),
            **security(self._settings),
        )
        try:
            await producer.start()
        except (KafkaError, OSError) as error:
            await producer.stop()
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

        Raises `Outage(BROKER)` when they do not in time (it may have been written all the same), and
        `Rejected(RECORD_NOT_DECODABLE)` for a record that is too big for its topic.
        """
        assert self._producer is not None, "start() first"
        try:
            async with asyncio.timeout(self._settings.publish_timeout_s):
                confirmed = await self._producer.send(
                    topic, key=key, value=value, headers=list(headers.items()) if headers else None
                )
                await confirmed
        except MessageSizeTooLargeError as error:
            raise Rejected(
                FailureCode.RECORD_NOT_DECODABLE,
                f"a record of {len(value or b''):,} bytes is too big for topic {topic}; raise its max.message.bytes",
            ) from error
        except TopicAuthorizationFailedError as error:
            raise Outage(
                FailureCode.ACCESS_REFUSED, Dependency.BROKER, f"no permission to write to topic {topic}"
            ) from error
        except (KafkaError, OSError, TimeoutError) as error:
            raise _unreachable(error) from error


def _unreachable(error: BaseException) -> Outage:
    return Outage(
        FailureCode.UNREACHABLE, Dependency.BROKER, f"the broker did not confirm in time ({type(error).__name__})"
    )


def security(settings: KafkaSettings) -> dict[str, Any]:
    """The arguments of an aiokafka client for the configured protocol."""
    arguments: dict[str, Any] = {"security_protocol": settings.security_protocol}
    if settings.security_protocol.endswith("SSL"):
        ca_file = None if settings.ssl_ca_file is None else str(settings.ssl_ca_file)
        arguments["ssl_context"] = ssl.create_default_context(cafile=ca_file)
    if settings.security_protocol.startswith("SASL"):
        password = settings.sasl_password
        arguments |= {
            "sasl_mechanism": settings.sasl_mechanism,
            "sasl_plain_username": settings.sasl_username,
            "sasl_plain_password": None if password is None else password.get_secret_value(),
        }
    return arguments
