"""Takes the records of one source topic: many at once, one at a time per key, acknowledged last.

The pattern is: take (note it in the ledger) → chain behind the same key → run, bounded → finish → commit the finished
prefix. What was not finished when partitions are revoked, or when the worker stops, is left un-acknowledged and comes
again, here or at the next owner.

Records that come back after a failure may take only a share of the places, so that a storm of retries leaves the rest
to what comes for the first time. They wait for their share before they join the chain of their key: nothing waits
behind them meanwhile. When too many wait, the next ones are postponed: sent back to wait in Kafka.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol

import structlog

from app.agents.ledger import Due, Ledger, Slot
from app.agents.readings import Reading
from app.agents.room import Room
from app.agents.stopping import LeftForLater, StopSignal
from app.agents.under_way import ALONE_FROM, REFUSED_FROM, WORK, UnderWay
from app.consumer.buffered import Parcel
from app.errors import FailureCode, Rejected
from app.failures.trust import Trust
from app.model.source_record import APPEND_TIME, SourceRecord
from app.observability import metrics

log = structlog.get_logger("listings.intake")
Handler = Callable[[SourceRecord], Awaitable[None]]
Way = Callable[[SourceRecord, Slot, Ledger], Awaitable[bool]]
"""True when the record was worked on, False when the worker stopped before."""


class Committer(Protocol):
    """The consumer group membership, as far as an intake needs it."""

    @property
    def generation(self) -> int:
        """The generation of the group that the worker is a member of."""
        ...

    async def commit(self, due: Callable[[], Mapping[Any, Due]], took: Callable[[Mapping[Any, Due]], None]) -> None:
        """Commit what is due by topic-partition once no other commit is under way, and tell it when it was taken."""
        ...

    def blame(self, tp: Any) -> tuple[str, Mapping[int, int]]:
        """The name of this worker in traces; the blame of a partition's records for workers that ended."""
        ...

    def reading(self, tp: Any) -> Reading | None:
        """What the consumer has read of a partition; None: nothing yet."""
        ...


@dataclass(frozen=True, slots=True)
class IntakeLimits:
    at_once: int
    """Records being worked on at once."""
    accepted: int
    """Records taken and not finished; the rest waits in Kafka."""
    ordered: bool = True
    """Records of one key run one after another; without it each runs when it can."""
    accepted_bytes: int = 64 * 1024 * 1024
    """Size of the records taken and not finished."""
    retried_at_once: int | None = None
    """Of `at_once`, for records that failed before; None: no such bound."""
    retried_waiting: int = 100
    """Of `accepted`, for those that wait for their share."""


@dataclass(frozen=True, slots=True)
class _Place:
    """In the queue of a key: whose end is waited for, and what tells of this one's own."""

    before: asyncio.Event | None
    done: asyncio.Event


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
        postpone: Handler | None = None,
        trust: Trust | None = None,
        under_way: UnderWay | None = None,
    ) -> None:
        """`postpone` sends a retried record back to wait; without it all of them wait here. `trust` judges what others
        have written into the headers; without it, all of it is believed. `under_way` leaves a trace of what is worked
        on; without it, none is left."""
        self.topic = topic
        self._handler = handler
        self._postpone = postpone
        self._trust = trust
        self._under_way = under_way
        self._retried = None if limits.retried_at_once is None else asyncio.Semaphore(limits.retried_at_once)
        self._retried_room = (limits.retried_at_once or 0) + limits.retried_waiting
        self._retried_here = 0
        self._committer = committer
        self._monotonic = monotonic
        self._on_fatal = on_fatal
        self._accepted = Room(limits.accepted, limits.accepted_bytes)
        self._running = asyncio.Semaphore(limits.at_once)
        self._ledgers: dict[Any, Ledger] = {}
        self._tails: dict[bytes, asyncio.Event] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._stop = stop
        self._skips: set[tuple[int, int]] = set()
        self._is_forgotten = False
        self._ordered = limits.ordered
        self.finished = 0
        """Records done since the start."""
        self._in_flight = metrics.IN_FLIGHT.labels(topic)
        self._redelivered = metrics.EVENTS.labels(topic, "redelivered")
        self._done = metrics.EVENTS.labels(topic, "done")

    async def run(self, events: AsyncIterator[Any]) -> None:
        """Take records for as long as the stream gives them."""
        async for event in events:
            message = event.message
            record = to_record(message)
            if self._trust is not None:
                record = self._trust.judged(record)
            size = record.size_bytes
            await self._accepted.enter(size)
            if self._stop.is_set or message.generation_id != self._committer.generation:
                self._accepted.leave(size)
                self._redelivered.inc()
                continue
            self._take(message, record, size)

    def _take(self, message: Any, record: SourceRecord, size: int) -> None:
        ledger = self._ledgers.get(message.tp)
        if ledger is None or ledger.generation != message.generation_id:
            ledger = self._new_ledger(message.tp, message.generation_id)
        slot, jumped = ledger.take(message.offset, self._monotonic(), _last_of(message))
        if jumped:
            self._jumped(message, jumped)
        if self._skips and (record.partition, record.offset) in self._skips:
            ledger.finish(slot)
            self._accepted.leave(size)
            self._walked_past(record.partition, record.offset)
            return
        way, leave = self._way(record)
        task = asyncio.create_task(self._answer_for(record, slot, ledger, way))
        slot.task = task
        self._tasks.add(task)
        task.add_done_callback(partial(self._ended, size, leave))
        self._in_flight.set(len(self._tasks))

    def walk_past(self, partition: int, offset: int) -> None:
        """Acknowledge a record without handling it, now when it is under way, else when it comes."""
        self._skips.add((partition, offset))
        for tp, ledger in self._ledgers.items():
            if tp[1] == partition and (slot := ledger.find(offset)) is not None:
                ledger.finish(slot)
                slot.task.cancel()
                self._walked_past(partition, offset)

    def _walked_past(self, partition: int, offset: int) -> None:
        metrics.EVENTS.labels(self.topic, "walked_past").inc()
        log.warning("record_walked_past", topic=self.topic, partition=partition, offset=offset)

    def _jumped(self, message: Any, offsets: int) -> None:
        """Count those of the offsets that were jumped over where the consumer saw a record."""
        reading = self._committer.reading(message.tp)
        gap = None if reading is None else reading.gap_before(message.offset)
        lost = offsets if gap is None else max(0, offsets - (message.offset - gap))
        if lost:
            metrics.OFFSET_JUMPS.labels(self.topic).inc(lost)

    def _way(self, record: SourceRecord) -> tuple[Way, Callable[[], None]]:
        """How the record is worked on, and what is to be done afterwards, even if it was cancelled before it began.

        Its place behind others of its key is taken now, in order.
        """
        if self._retried is None or record.headers.get("failure-attempts", b"0") == b"0":
            place = self._join_chain(record)
            return partial(self._in_turn, place), partial(self._leave_chain, record, place)
        if self._postpone is not None and self._retried_here >= self._retried_room:
            return partial(self._run, self._postpone), _nothing
        self._retried_here += 1
        return partial(self._when_shared, self._retried), self._retried_left

    def _join_chain(self, record: SourceRecord) -> _Place | None:
        if not (self._ordered and record.key):
            return None
        place = _Place(self._tails.get(record.key), asyncio.Event())
        self._tails[record.key] = place.done
        return place

    def _leave_chain(self, record: SourceRecord, place: _Place | None) -> None:
        if place is not None:
            place.done.set()
            if record.key and self._tails.get(record.key) is place.done:
                del self._tails[record.key]

    def _retried_left(self) -> None:
        self._retried_here -= 1

    async def _when_shared(self, share: asyncio.Semaphore, record: SourceRecord, slot: Slot, ledger: Ledger) -> bool:
        async with share:
            place = self._join_chain(record)
            try:
                return await self._in_turn(place, record, slot, ledger)
            finally:
                self._leave_chain(record, place)

    async def _in_turn(self, place: _Place | None, record: SourceRecord, slot: Slot, ledger: Ledger) -> bool:
        if place is not None and place.before is not None:
            await place.before.wait()  # before taking a run slot: waiting must not use one up
        async with self._running:
            return await self._run(self._handler, record, slot, ledger)

    async def _run(self, handler: Handler, record: SourceRecord, slot: Slot, ledger: Ledger) -> bool:
        if self._stop.is_set:
            return False  # not started: it stays a hole that no commit passes
        if self._under_way is None:
            await handler(record)
            return True
        blame = ledger.blame_of(slot)
        if blame >= REFUSED_FROM:
            await handler(replace(record, trouble=_killer()))
            return True
        if blame >= ALONE_FROM:
            log.warning("record_worked_on_alone", record=record.place)
        work = await self._under_way.begin(ledger, slot, blame)
        try:
            WORK.set(work)
            if self._stop.is_set:
                return False
            await handler(record)
        finally:
            work.end()
        return True

    async def _answer_for(self, record: SourceRecord, slot: Slot, ledger: Ledger, way: Way) -> None:
        try:
            if await way(record, slot, ledger):
                ledger.finish(slot)
                self.finished += 1
                self._done.inc()
        except LeftForLater:
            self._redelivered.inc()
        except Exception as error:
            await self._on_fatal(error)

    def _ended(self, size: int, leave: Callable[[], None], task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._accepted.leave(size)
        leave()
        self._in_flight.set(len(self._tasks))

    def pass_over(self, tp: Any, committed: int | None) -> None:
        """Have what is no record committed as well, once every record before it is finished.

        Else the end of a transaction, or records that are gone, would look like work for as long as nothing follows.
        `committed` is what the group had committed before this generation, None: nothing.
        """
        reading = self._committer.reading(tp)
        if reading is None or self._stop.is_set or self._is_forgotten or (position := reading.position) is None:
            return
        handed = reading.handed  # after the position, which the consumer writes last
        ledger = self._ledgers.get(tp)
        if ledger is None and handed is None and position != (committed or 0):
            ledger = self._new_ledger(tp, self._committer.generation)
        if ledger is not None and ledger.generation == self._committer.generation:
            ledger.pass_over(position, handed)

    async def commit(self) -> None:
        """Commit the finished prefix of each partition, when it has grown, and the trace, when it is another one."""
        await self._committer.commit(self.due, self.took)

    def due(self) -> dict[Any, Due]:
        """What there is to commit, by topic-partition."""
        if self._is_forgotten:
            return {}
        is_held_up = self._under_way is not None and self._under_way.is_held_up()
        return {tp: due for tp, ledger in self._ledgers.items() if (due := ledger.due(is_held_up)) is not None}

    def took(self, due: Mapping[Any, Due]) -> None:
        """The broker has taken these; those of other topics are for others."""
        for tp, one in due.items():
            ledger = self._ledgers.get(tp)
            if ledger is not None:
                if ledger.to_commit is not None:
                    metrics.LAST_COMMIT.labels(self.topic).set_to_current_time()
                ledger.committed(one)

    def _new_ledger(self, tp: Any, generation: int) -> Ledger:
        ledger = self._ledgers[tp] = Ledger(generation, *self._committer.blame(tp))
        return ledger

    def forget(self) -> None:
        """The topic was deleted: nothing that was taken of it is ever committed. What runs goes on to its end.

        Nor is what still comes of it until partitions are handed over: its offsets are none of the new topic's.
        """
        self._ledgers.clear()
        self._skips.clear()
        self._is_forgotten = True

    def commit_again(self, tp: Any) -> None:
        """Have the finished prefix committed at the next commit, though the broker took it before."""
        ledger = self._ledgers.get(tp)
        if ledger is not None:
            ledger.uncommitted()

    def committed(self) -> dict[Any, int | None]:
        """The offset that was committed last, by topic-partition; None where another one is due."""
        return {
            tp: ledger.last_committed if ledger.to_commit is None else None
            for tp, ledger in self._ledgers.items()
            if ledger.position is not None
        }

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
        self._is_forgotten = False

    def positions(self) -> dict[Any, int]:
        """The offset after the finished prefix, by topic-partition, where known."""
        return {tp: at for tp, ledger in self._ledgers.items() if (at := ledger.position) is not None}

    def standing(self, tp: Any, committed: int | None) -> tuple[int | None, int | None]:
        """The offsets that were committed last, and where the finished prefix ends; None: nothing is known.

        `committed` is what the group had committed before this generation, None: nothing.
        """
        ledger = self._ledgers.get(tp)
        if ledger is None:
            return committed, committed
        last = next((at for at in (ledger.last_committed, committed, ledger.first) if at is not None), None)
        return last, last if ledger.position is None else ledger.position

    def oldest_unfinished_s(self) -> float:
        """Age of the record that holds back a commit the longest; 0 when none does."""
        taken = [at for ledger in self._ledgers.values() if (at := ledger.oldest_taken_at()) is not None]
        return self._monotonic() - min(taken) if taken else 0.0

    @property
    def in_flight(self) -> int:
        return len(self._tasks)


def _nothing() -> None:
    pass


def _killer() -> Rejected:
    """A new one each time: an exception keeps the frames that it was raised through, and the records in them."""
    return Rejected(
        FailureCode.KILLED_WORKER,
        "three workers or more ended without a word while they worked on this record, the last one while it worked on "
        "nothing else; expected a record that ends no worker (a crash in a library, or more memory than there is)",
    )


def to_record(message: Any) -> SourceRecord:
    """A Faust message as our own record; header names that repeat keep their last value."""
    headers, parcel = message.headers, message.checksum
    return SourceRecord(
        message.topic,
        message.partition,
        message.offset,
        round(message.timestamp * 1000),
        message.key,
        message.value,
        {name: value or b"" for name, value in dict(headers).items()} if headers else {},  # Kafka allows null there
        message.timestamp_type == APPEND_TIME,
        parcel.trouble if isinstance(parcel, Parcel) else None,
    )


def _last_of(message: Any) -> int:
    """The last offset that the message stands for: its own, unless it stands for many that can not be read."""
    return message.checksum.last if isinstance(message.checksum, Parcel) else int(message.offset)
