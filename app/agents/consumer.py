"""Faust's consumer as this worker needs it: committed records only, and what was read is known.

Faust 0.15.3 reads records of open and aborted transactions too, unless it makes transactions itself; it has no setting
for it. It also counts offsets as if each were a record. So its driver for aiokafka is extended here, in the four
places that decide: how the consumer is made, what it fetches, what it commits, where a partition ends.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from faust.transport.drivers import aiokafka as driver

from app.agents.readings import Reading, Readings

ISOLATION = "read_committed"


class CommittedThread(driver.AIOKafkaConsumerThread):  # type: ignore[misc]
    """The thread that aiokafka's consumer lives in."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.readings = Readings()
        self._assignment: Any = None

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        consumer._isolation_level = ISOLATION  # its fetcher is made of it at the start
        return consumer

    def highwater(self, tp: Any) -> int | None:
        """The end of what can be read of an assigned partition; None while nothing was fetched."""
        return stable_end(self._ensure_consumer(), tp)

    async def on_partitions_revoked(self, revoked: Any) -> None:
        self.readings.reset()  # from now on nothing is noted until there is another assignment
        await super().on_partitions_revoked(revoked)

    async def _fetch_records(
        self, consumer: Any, active_partitions: Any, timeout: float | None = None, max_records: int | None = None
    ) -> Mapping[Any, Any]:
        records: Mapping[Any, Any] = await super()._fetch_records(consumer, active_partitions, timeout, max_records)
        self._note(consumer, records)
        return records

    def _note(self, consumer: Any, records: Mapping[Any, Any]) -> None:
        """Without an await since the records were taken from the fetcher, so both tell of the same moment."""
        subscription = consumer._subscription.subscription
        assignment = None if subscription is None else subscription.assignment
        if assignment is None or not assignment.active or consumer._subscription.reassignment_in_progress:
            return
        if assignment is not self._assignment:
            self._assignment = assignment
            self.readings.reset()
        for tp, batch in records.items():
            if tp in assignment.tps:
                self.readings.of(tp).hand_on([record.offset for record in batch])
        for tp in assignment.tps:
            state = assignment.state_value(tp)
            if state.has_valid_position:
                reading = self.readings.of(tp)
                reading.end, reading.top = _end(state), state.highwater
                reading.position = state.position


class CommittedConsumer(driver.Consumer):  # type: ignore[misc]
    """Faust's consumer, with the thread above."""

    def _new_consumer_thread(self) -> CommittedThread:
        return CommittedThread(self, loop=self.loop, beacon=self.beacon)

    def reading(self, tp: Any) -> Reading | None:
        """What was read of an assigned partition; None: nothing yet."""
        found: Reading | None = self._thread.readings.get(tp)
        return found


class CommittedTransport(driver.Transport):  # type: ignore[misc]
    """Faust's transport, with the consumer above."""

    Consumer = CommittedConsumer


def stable_end(consumer: Any, tp: Any) -> int | None:
    """The offset up to which an assigned partition can be read; None while nothing of it was fetched."""
    return _end(consumer._subscription.subscription.assignment.state_value(tp))


def _end(state: Any) -> int | None:
    """By the last fetch: the last stable offset, or the high watermark of a broker that tells none."""
    stable: int | None = state.lso
    end: int | None = state.highwater
    return end if stable is None or stable < 0 else stable
