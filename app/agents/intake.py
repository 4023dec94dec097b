"""Takes the records of one source topic: many at once, one at a time per key, acknowledged last.

The pattern is: take (note it in the ledger) → chain behind the same key → run, bounded → finish → commit the finished
prefix. What was not finished when partitions are revoked, or when the worker stops, is left un-acknowledged and comes
again, here or at the next owner.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

from app.agents.ledger import Ledger, Slot
from app.agents.stopping import LeftForLater, StopSignal
from app.model.source_record import SourceRecord
from app.observability import metrics

Handler = Callable[[SourceRecord], Awaitable[None]]


class Committer(Protocol):
    """The consumer group membership, as far as an intake needs it."""

    @property
    def generation(self) -> int:
        """The generation of the group that the worker is a member of."""
        ...

    async def commit(self, offsets: dict[Any, int]) -> bool:
        """Commit next offsets by topic-partition; True when the broker took them."""
        ...


@dataclass(frozen=True, slots=True)
class IntakeLimits:
    at_once: int
    """Records being worked on at once."""
    accepted: int
    """Records taken and not finished; the rest waits in Kafka."""
    ordered: bool = True
    """Records of one key run one after another; without it each runs when it can."""


class Intake:
    """One source topic of one worker. `handler` answers for the record: when it returns, the record is done.

    A handler that raises is a bug or a failed handoff: nothing can be acknowledged any more, so `on_fatal` is told and
    the worker stops; its records come again elsewhere.
    """

    def __init__(
        self,
        topic: str,
        handler: Handler,
        limits: IntakeLimits,
        committer: Committer,
        stop: StopSignal,
        monotonic: Callable[[], float],
        on_fatal: Callable[[BaseException], Awaitable[None]],
    ) -> None:
        self.topic = topic
        self._handler = handler
        self._committer = committer
        self._monotonic = monotonic
        self._on_fatal = on_fatal
        self._accepted = asyncio.Semaphore(limits.accepted)
        self._running = asyncio.Semaphore(limits.at_once)
        self._ledgers: dict[Any, Ledger] = {}
        self._tails: dict[bytes, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._stop = stop
        self._ordered = limits.ordered
        self._in_flight = metrics.IN_FLIGHT.labels(topic)
        self._redelivered = metrics.EVENTS.labels(topic, "redelivered")
        self._done = metrics.EVENTS.labels(topic, "done")

    async def run(self, events: AsyncIterator[Any]) -> None:
        """Take records for as long as the stream gives them."""
        async for event in events:
            await self._accepted.acquire()
            message = event.message
            if self._stop.is_set or message.generation_id != self._committer.generation:
                self._accepted.release()
                self._redelivered.inc()
                continue
            self._take(message)

    def _take(self, message: Any) -> None:
        ledger = self._ledgers.get(message.tp)
        if ledger is None or ledger.generation != message.generation_id:
            ledger = self._ledgers[message.tp] = Ledger(message.generation_id)
        slot, jumped = ledger.take(message.offset, self._monotonic())
        if jumped:
            metrics.OFFSET_JUMPS.labels(self.topic).inc(jumped)
        record = to_record(message)
        chained = self._ordered and bool(record.key)
        before = self._tails.get(record.key) if chained and record.key else None
        task = asyncio.create_task(self._work(record, slot, ledger, before))
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        if chained and record.key:
            self._tails[record.key] = task
        self._in_flight.set(len(self._tasks))

    async def _work(self, record: SourceRecord, slot: Slot, ledger: Ledger, before: asyncio.Task[None] | None) -> None:
        try:
            if before is not None and not before.done():
                await asyncio.wait([before])  # before taking a run slot: waiting must not use one up
            async with self._running:
                if self._stop.is_set:
                    return  # not started: it stays a hole that no commit passes
                await self._handler(record)
            ledger.finish(slot)
            self._done.inc()
        except LeftForLater:
            self._redelivered.inc()
        except Exception as error:
            await self._on_fatal(error)
        finally:
            self._accepted.release()
            if record.key and self._tails.get(record.key) is asyncio.current_task():
                del self._tails[record.key]

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._in_flight.set(len(self._tasks))

    async def commit(self) -> None:
        """Commit the finished prefix of each partition, when it has grown."""
        due = [(tp, ledger, offset) for tp, ledger in self._ledgers.items() if (offset := ledger.to_commit) is not None]
        if due and await self._committer.commit({tp: offset for tp, _, offset in due}):
            for _, ledger, offset in due:
                ledger.committed(offset)
            metrics.LAST_COMMIT.labels(self.topic).set_to_current_time()

    async def drain(self, limit_s: float) -> None:
        """With the stop signal set: let what runs finish for at most `limit_s`, cancel the rest, commit.

        Cancelled work is not acknowledged: it comes again. Everything written until then is harmless to repeat.
        """
        if self._tasks:
            _, late = await asyncio.wait(list(self._tasks), timeout=limit_s)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        await self.commit()
        self._ledgers.clear()

    def positions(self) -> dict[Any, int]:
        """The offset after the finished prefix, by topic-partition, where known."""
        return {tp: at for tp, ledger in self._ledgers.items() if (at := ledger.position) is not None}

    def oldest_unfinished_s(self) -> float:
        """Age of the record that holds back a commit the longest; 0 when none does."""
        taken = [at for ledger in self._ledgers.values() if (at := ledger.oldest_taken_at()) is not None]
        return self._monotonic() - min(taken) if taken else 0.0

    @property
    def in_flight(self) -> int:
        return len(self._tasks)


def to_record(message: Any) -> SourceRecord:
    """A Faust message as our own record; header names that repeat keep their last value."""
    headers = message.headers
    return SourceRecord(
        message.topic,
        message.partition,
        message.offset,
        round(message.timestamp * 1000),
        message.key,
        message.value,
        dict(headers) if headers else {},
    )
