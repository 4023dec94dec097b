"""Reads what the workers have to walk past, with aiokafka; joins no group, and reads the topic from its beginning."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from app.adapters.kafka_producer import security
from app.errors import Dependency, FailureCode, Outage
from app.model.skip import Skip, skip_of
from app.model.topics import SKIPS_TOPIC
from app.settings import KafkaSettings

_ANSWER_S = 15.0
_WAIT_MS = 500
_IDLE_FETCH_MS = 2_000  # whatever else is asked waits behind it


class KafkaSkips:
    """Implements `app.agents.skips.SkipSource`."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._consumer: Any = None

    async def new(self) -> list[Skip]:
        """What was added since the last call, all of it at the first; `Outage(BROKER)` when the broker does not answer.

        Nothing where the topic does not exist.
        """
        try:
            async with asyncio.timeout(_ANSWER_S):
                return await self._new()
        except (KafkaError, OSError, TimeoutError) as error:
            await self.aclose()
            reason = f"topic {SKIPS_TOPIC} can not be read ({type(error).__name__})"
            raise Outage(FailureCode.UNREACHABLE, Dependency.BROKER, reason) from error

    async def aclose(self) -> None:
        """Disconnect; the next call reads from the beginning again."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await consumer.stop()

    async def _new(self) -> list[Skip]:
        if self._consumer is None:
            self._consumer = AIOKafkaConsumer(
                bootstrap_servers=self._settings.bootstrap_servers,
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                isolation_level="read_committed",
                fetch_max_wait_ms=_IDLE_FETCH_MS,
                **security(self._settings),
            )
            await self._consumer.start()
        consumer = self._consumer
        partitions = [TopicPartition(SKIPS_TOPIC, n) for n in await _partitions(consumer)]
        if not partitions:
            return []
        if set(partitions) != consumer.assignment():
            consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        found: list[Skip] = []
        while [tp for tp in partitions if await consumer.position(tp) < ends[tp]]:
            batches = await consumer.getmany(*partitions, timeout_ms=_WAIT_MS)
            found += [skip for records in batches.values() for record in records if (skip := _skip(record.value))]
        return found


async def _partitions(consumer: Any) -> list[int]:
    consumer._client.add_topic(SKIPS_TOPIC)
    known = consumer.partitions_for_topic(SKIPS_TOPIC)
    if not known:
        await consumer._client.force_metadata_update()
        known = consumer.partitions_for_topic(SKIPS_TOPIC)
    return sorted(known or ())


def _skip(value: bytes | None) -> Skip | None:
    try:
        return skip_of(orjson.loads(value or b""))
    except orjson.JSONDecodeError:
        return None
