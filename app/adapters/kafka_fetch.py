"""Reads spans of a topic for operators, through the same guard as the workers, with aiokafka in a thread of its own.

librdkafka unpacks batches whole, and its Python binding raises on a header name that is no UTF-8: one such record on
the dead-letter topic, and no command could look at it any more.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Coroutine, Iterator, Mapping
from typing import Any, TypeVar

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from app.adapters.kafka_producer import security
from app.consumer.bounds import bounds_of
from app.consumer.guarded_fetch import FETCH_MAX_BYTES, GuardedRecord, install
from app.errors import Dependency, FailureCode, Outage
from app.model.source_record import APPEND_TIME, SourceRecord
from app.settings import KafkaSettings

logging.getLogger("aiokafka").addHandler(logging.NullHandler())  # what it says would mix with a command's output

T = TypeVar("T")
Span = tuple[int, int]

_POLL_MS = 1000
_AT_ONCE = 500
_SILENT_POLLS = 30
"""So many polls in a row without a record or an end: the broker went away while it was read."""


def read_spans(settings: KafkaSettings, topic: str, spans: Mapping[int, Span]) -> Iterator[SourceRecord]:
    """The committed records of each partition from its first to before its second offset, as they arrive.

    What can not be read comes as a record with its `trouble`. `Outage(BROKER)` when they stop coming.
    """
    install(bounds_of(settings))
    loop = _Loop()
    try:
        spanned = _Spans(settings, topic, spans)
        try:
            loop.run(spanned.start())
            while spanned.left:
                yield from loop.run(spanned.more())
        except (KafkaError, OSError) as error:
            raise spanned.outage(type(error).__name__) from error
        finally:
            loop.run(spanned.stop())
    finally:
        loop.close()


class _Loop:
    """An event loop in a thread: who reads may have one running, or none."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="kafka-fetch", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class _Spans:
    """What is left to be read of each partition."""

    def __init__(self, settings: KafkaSettings, topic: str, spans: Mapping[int, Span]) -> None:
        self._settings = settings
        self._spans = {TopicPartition(topic, partition): span for partition, span in spans.items()}
        self._consumer: Any = None
        self._silent = 0
        self.left = set(self._spans)

    async def start(self) -> None:
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=self._settings.bootstrap_servers,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            max_partition_fetch_bytes=max(self._settings.max_message_bytes, 1024 * 1024),
            fetch_max_bytes=FETCH_MAX_BYTES,
            **security(self._settings),
        )
        await self._consumer.start()
        self._consumer.assign(list(self._spans))
        for tp, (start, _) in self._spans.items():
            self._consumer.seek(tp, start)

    async def stop(self) -> None:
        if self._consumer is not None:
            await self._consumer.stop()

    async def more(self) -> list[SourceRecord]:
        """The next records; a partition is done at the end of its span, or where no more is committed."""
        came = await self._consumer.getmany(*self.left, timeout_ms=_POLL_MS, max_records=_AT_ONCE)
        found = [
            _record(one)
            for tp, records in came.items()
            for one in records
            if self._spans[tp][0] <= one.checksum.last and one.offset < self._spans[tp][1]
        ]
        before = len(self.left)
        for tp in list(self.left):
            position, stable = await self._consumer.position(tp), self._consumer.last_stable_offset(tp)
            if position >= self._spans[tp][1] or (stable is not None and position >= stable):
                self.left.discard(tp)
        self._silent = 0 if came or len(self.left) < before else self._silent + 1
        if self._silent >= _SILENT_POLLS:
            raise self.outage("no records came")
        return found

    def outage(self, reason: str) -> Outage:
        servers = self._settings.bootstrap_servers
        return Outage(FailureCode.UNREACHABLE, Dependency.BROKER, f"Kafka at {servers} does not answer: {reason}")


def _record(found: GuardedRecord) -> SourceRecord:
    return SourceRecord(
        found.topic,
        found.partition,
        found.offset,
        found.timestamp,
        found.key,
        found.value,
        dict(found.headers),
        found.timestamp_type == APPEND_TIME,
        found.checksum.trouble,
    )
