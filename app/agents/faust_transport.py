"""Faust's transport, with a bound on the bytes that wait in its queues.

Faust counts records: 8,000 of 900 KB are 7 GB. So a topic of which enough has been fetched is left out when more is
asked for, until half of it has been taken; the others go on, and nothing is paused or sought at the broker.

aiokafka hands on what was fetched first: a neighbour's upload would wait behind all that a flood on another topic has
filled its buffers with. So topics take turns.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from functools import partial
from typing import Any

from aiokafka.consumer.fetcher import FetchError
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread

from app.agents.consumer import CommittedConsumer, CommittedThread, CommittedTransport
from app.consumer.buffered import Buffered
from app.consumer.guarded_fetch import FETCH_MAX_BYTES, POLL_BYTES

_LOOK_AGAIN_S = 0.1
_RECORDS_MIN = 5
_TURN_S = 0.25
"""Not a turn for each call: when large packed batches of two topics take turns, each is unpacked anew every time."""


def bounded_transport(buffered: Buffered, topic_max_bytes: int, record_max_bytes: int = 0) -> type[Any]:
    """The transport of an application that lets `topic_max_bytes` of each topic wait, as `buffered` counts them.

    More, where records may be so large that one of them is half of that: the one that was taken last counts until the
    next one comes, and none would come any more.
    """
    topic_max_bytes = max(topic_max_bytes, _RECORDS_MIN * record_max_bytes)

    class BoundedConsumer(CommittedConsumer):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self._full: set[str] = set()

        def _new_consumer_thread(self) -> BoundedThread:
            return BoundedThread(self, loop=self.loop, beacon=self.beacon)

        async def _getmany(self, active_partitions: set[Any] | None, timeout: float) -> Any:
            """Records of the partitions of those topics that have room; looked at again soon where some have none."""
            open_to = {tp for tp in active_partitions or () if not self._is_full(tp.topic)}
            if not open_to:
                await self.sleep(_LOOK_AGAIN_S)
                return {}
            if self._full:
                timeout = min(timeout, _LOOK_AGAIN_S)
            return await super()._getmany(open_to, timeout)

        def _is_full(self, topic: str) -> bool:
            waiting = buffered.of(topic)
            if waiting >= topic_max_bytes:
                self._full.add(topic)
            elif waiting <= topic_max_bytes // 2:
                self._full.discard(topic)
            return topic in self._full

    class BoundedTransport(CommittedTransport):
        Consumer = BoundedConsumer

    return BoundedTransport


class BoundedThread(CommittedThread):
    """The thread that aiokafka's consumer lives in."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._turn, self._turn_until = "", 0.0

    def _in_turn(self, fetched: Collection[Any]) -> list[Any]:
        """The partitions as they are drained: those of the topic whose turn it is, then what was fetched first."""
        topics = sorted({tp.topic for tp in fetched})
        if topics and (self._turn not in topics or time.monotonic() >= self._turn_until):
            self._turn = next((topic for topic in topics if topic > self._turn), topics[0])
            self._turn_until = time.monotonic() + _TURN_S
        return sorted(fetched, key=lambda tp: tp.topic != self._turn)

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_bytes = FETCH_MAX_BYTES
        return consumer

    async def _fetch_records(
        self, consumer: Any, active_partitions: set[Any], timeout: float | None = None, max_records: int | None = None
    ) -> Any:
        """As Faust's own; all partitions together give no more bytes than one may in a call, and topics take turns."""
        drained: dict[Any, list[Any]] = {}
        fetch = partial(AIOKafkaConsumerThread._fetch_records, self, consumer)
        fetcher, room, left = consumer._fetcher, POLL_BYTES, max_records or 1
        waiting = [tp for tp in fetcher._records if tp in active_partitions] if self.consumer.flow_active else []
        for tp in self._in_turn(waiting):
            fetched = fetcher._records.get(tp)  # none any more where partitions have moved meanwhile
            if drained and (isinstance(fetched, FetchError) or fetcher._subscriptions.reassignment_in_progress):
                break  # for the next call: what was drained must not be lost, nor wait
            if fetched is not None and (found := await fetch({tp}, timeout=0, max_records=left)):
                drained |= found
                left -= len(found[tp])
                room -= sum([record.size for record in found[tp]])
                if left <= 0 or room <= 0:
                    break
        drained = drained or await fetch(active_partitions, timeout=timeout, max_records=1)
        self._note(consumer, drained)
        return drained
