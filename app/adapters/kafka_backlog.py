"""What the consumer group has not acknowledged yet, and which objects it is about; with aiokafka.

It joins no group and commits nothing. The committed offsets of all topics are asked for first and in one request, the
ends of the partitions after them: a record that moves from one topic to another meanwhile is seen on one of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import (
    GroupCoordinatorNotAvailableError,
    GroupLoadInProgressError,
    KafkaError,
    NotCoordinatorForGroupError,
)

from app.adapters.kafka_producer import security
from app.consumer.bounds import bounds_of
from app.consumer.guarded_fetch import FETCH_MAX_BYTES, install
from app.errors import Dependency, FailureCode, Outage
from app.model.listed import Waiting
from app.model.topics import FILES_TOPIC, RETRY_TOPIC, UPLOADS_TOPIC
from app.pipeline.missed import objects_named
from app.settings import KafkaSettings

TOPICS = (UPLOADS_TOPIC, FILES_TOPIC, RETRY_TOPIC)
"""Whatever is on one of these leads to an outcome of a file."""
_ORIGIN = "failure-origin-topic"
_READ_WAIT_MS = 1000
_SILENT_READS = 10
_ANSWER_S = 30.0
_COORDINATOR_ON_ITS_WAY = (GroupCoordinatorNotAvailableError, GroupLoadInProgressError, NotCoordinatorForGroupError)
_COORDINATOR_PAUSE_S = 0.2


class KafkaBacklog:
    """Implements `app.ops.reconcile.Backlog`."""

    def __init__(self, settings: KafkaSettings) -> None:
        install(bounds_of(settings))
        self._settings = settings

    async def waiting(self, most: int) -> Waiting:
        """How many records wait, and which objects they are about unless there are more than `most`.

        `Outage(BROKER)` when the broker does not answer.
        """
        try:
            async with asyncio.timeout(_ANSWER_S):
                return await self._waiting(most)
        except (KafkaError, OSError, TimeoutError) as error:
            raise Outage(
                FailureCode.UNREACHABLE,
                Dependency.BROKER,
                f"Kafka at {self._settings.bootstrap_servers} does not answer ({type(error).__name__})",
            ) from error

    async def _waiting(self, most: int) -> Waiting:
        partitions, committed = await self._positions()
        async with self._consumer() as consumer:
            consumer.assign(partitions)
            first = await consumer.beginning_offsets(partitions)
            end = await consumer.end_offsets(partitions)
            spans = {tp: (_start(committed.get(tp, -1), first[tp], end[tp]), end[tp]) for tp in partitions}
            open_spans = {tp: span for tp, span in spans.items() if span[0] < span[1]}
            records = sum(last - start for start, last in open_spans.values())
            if records > most:
                return Waiting(records, None)
            return Waiting(records, await _object_ids(consumer, open_spans))

    async def _positions(self) -> tuple[list[TopicPartition], dict[TopicPartition, int]]:
        """The partitions of the topics that there are, and the group's committed offsets."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self._settings.bootstrap_servers, **security(self._settings))
        await admin.start()
        try:
            described = await admin.describe_topics(list(TOPICS))
            committed = await self._committed(admin)
        finally:
            await admin.close()
        partitions = [
            TopicPartition(topic["topic"], partition["partition"])
            for topic in described
            for partition in topic["partitions"]
        ]
        return partitions, {tp: found.offset for tp, found in committed.items()}

    async def _committed(self, admin: Any) -> dict[TopicPartition, Any]:
        """The first group of a broker waits for its coordinator to be made, each group while one is being found."""
        while True:
            try:
                offsets: dict[TopicPartition, Any] = await admin.list_consumer_group_offsets(self._settings.group)
            except _COORDINATOR_ON_ITS_WAY:
                await asyncio.sleep(_COORDINATOR_PAUSE_S)
            else:
                return offsets

    @asynccontextmanager
    async def _consumer(self) -> AsyncIterator[Any]:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._settings.bootstrap_servers,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            max_partition_fetch_bytes=max(self._settings.max_message_bytes, 1024 * 1024),
            fetch_max_bytes=FETCH_MAX_BYTES,
            **security(self._settings),
        )
        await consumer.start()
        try:
            yield consumer
        finally:
            await consumer.stop()


def _start(committed: int, first: int, end: int) -> int:
    """Where the group goes on; a topic that was made anew is read from its beginning."""
    return first if committed < 0 or committed > end else max(first, committed)


async def _object_ids(consumer: Any, spans: Mapping[TopicPartition, tuple[int, int]]) -> frozenset[str] | None:
    """The objects that the records of the spans are about; None when the records did not come."""
    if not spans:
        return frozenset()
    consumer.assign(list(spans))
    for tp, (start, _) in spans.items():
        consumer.seek(tp, start)
    left = {tp: last for tp, (_, last) in spans.items()}
    found: set[str] = set()
    silent = 0
    while left:
        batches: Mapping[TopicPartition, Sequence[Any]] = await consumer.getmany(
            *left, timeout_ms=_READ_WAIT_MS, max_records=500
        )
        silent = 0 if batches else silent + 1
        if silent >= _SILENT_READS:
            return None
        for tp, records in batches.items():
            for record in records:
                found |= _named(tp.topic, record)
        for tp in list(left):
            if await consumer.position(tp) >= left[tp]:
                del left[tp]
        await asyncio.sleep(0)
    return frozenset(found)


def _named(topic: str, record: Any) -> frozenset[str]:
    """By the key where it names the object, else by the notification in the value, retried ones too."""
    if topic != UPLOADS_TOPIC and record.key and _origin(record) != UPLOADS_TOPIC:
        return frozenset((record.key.decode(errors="replace"),))
    return objects_named(record.value, record.key)


def _origin(record: Any) -> str:
    named = (value.decode(errors="replace") for name, value in record.headers if name == _ORIGIN)
    return str(next(named, record.topic))
