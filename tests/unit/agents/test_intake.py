from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from app.agents.intake import Intake, IntakeLimits, to_record
from app.agents.ledger import Due
from app.agents.readings import Reading, Readings
from app.agents.stopping import LeftForLater, StopSignal
from app.agents.under_way import UnderWay
from app.consumer.buffered import Buffered, Parcel
from app.errors import FailureCode, Rejected
from app.failures.trust import Trust
from app.model.source_record import SourceRecord
from app.observability import metrics
from tests.support.agents import eventually


@dataclass
class Message:
    offset: int
    key: bytes | None = None
    value: bytes | None = b"v"
    topic: str = "t"
    partition: int = 0
    timestamp: float = 1.5
    timestamp_type: int = 0
    headers: dict[str, bytes] | None = None
    generation_id: int = 1
    tp: tuple[str, int] = ("t", 0)
    checksum: object = None


@dataclass
class Event:
    message: Message


@dataclass
class Group:
    generation: int = 1
    commits: list[dict[Any, int]] = field(default_factory=list)
    accept: bool = True
    readings: Readings = field(default_factory=Readings)

    def reading(self, tp: Any) -> Reading | None:
        return self.readings.get(tp)

    async def commit(self, due: Callable[[], Mapping[Any, Due]], took: Callable[[Mapping[Any, Due]], None]) -> None:
        found = due()
        if found and self.accept:
            self.commits.append({tp: one.offset for tp, one in found.items()})
            self.traces += [one.trace for one in found.values()]
            took(found)

    ended: dict[int, int] = field(default_factory=dict)
    traces: list[str] = field(default_factory=list)

    def blame(self, tp: Any) -> tuple[str, Mapping[int, int]]:
        return "cafe0001", self.ended


class Bench:
    """An intake with a handler made of gates: a record runs until its gate is opened."""

    def __init__(
        self,
        at_once: int = 10,
        accepted: int = 100,
        ordered: bool = True,
        trust: Trust | None = None,
        traced: bool = False,
        **more: Any,
    ) -> None:
        self.group = Group()
        self.stop = StopSignal()
        self.started: list[int] = []
        self.gates: dict[int, asyncio.Event] = {}
        self.postponed: list[int] = []
        self.fatal: list[BaseException] = []
        self.queue: asyncio.Queue[Event] = asyncio.Queue()
        self.handler: Callable[[SourceRecord], Awaitable[None]] = self.wait_for_gate
        self.intake = Intake(
            "t",
            self._handle,
            IntakeLimits(at_once, accepted, ordered, **more),
            self.group,
            self.stop,
            lambda: 0.0,
            self._fatal,
            self._postpone,
            trust,
            UnderWay(self._tell, lambda: False, self.stop) if traced else None,
        )
        self.pump = asyncio.create_task(self.intake.run(self._events()))

    async def _tell(self) -> None:
        await self.intake.commit()

    async def _handle(self, record: SourceRecord) -> None:
        self.started.append(record.offset)
        await self.handler(record)

    async def wait_for_gate(self, record: SourceRecord) -> None:
        await self.gates.setdefault(record.offset, asyncio.Event()).wait()

    async def _postpone(self, record: SourceRecord) -> None:
        self.postponed.append(record.offset)

    async def _fatal(self, error: BaseException) -> None:
        self.fatal.append(error)

    async def _events(self) -> AsyncIterator[Event]:
        while True:
            yield await self.queue.get()

    def offer(self, *messages: Message) -> None:
        for message in messages:
            self.queue.put_nowait(Event(message))

    def finish(self, *offsets: int) -> None:
        for offset in offsets:
            self.gates.setdefault(offset, asyncio.Event()).set()

    async def settle(self) -> None:
        for _ in range(20):
            await asyncio.sleep(0)


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    bench = Bench()
    yield bench
    bench.pump.cancel()
    bench.stop.set()
    await bench.intake.drain(0)


async def test_only_the_finished_prefix_is_committed(bench: Bench) -> None:
    bench.offer(*(Message(o) for o in range(5)))
    bench.finish(0, 1, 3, 4)
    await bench.settle()
    await bench.intake.commit()
    assert bench.group.commits == [{("t", 0): 2}]
    bench.finish(2)
    await bench.settle()
    await bench.intake.commit()
    assert bench.group.commits[-1] == {("t", 0): 5}


async def test_a_refused_commit_is_tried_again(bench: Bench) -> None:
    bench.offer(Message(0))
    bench.finish(0)
    await bench.settle()
    bench.group.accept = False
    await bench.intake.commit()
    bench.group.accept = True
    await bench.intake.commit()
    assert bench.group.commits == [{("t", 0): 1}]


async def test_records_of_one_key_run_one_after_another_and_in_order(bench: Bench) -> None:
    bench.offer(Message(0, b"a"), Message(1, b"a"), Message(2, b"b"), Message(3, b"a"))
    await bench.settle()
    assert bench.started == [0, 2]
    bench.finish(0)
    await bench.settle()
    assert bench.started == [0, 2, 1]
    bench.finish(1)
    await bench.settle()
    assert bench.started == [0, 2, 1, 3]


async def test_waiting_for_a_key_takes_no_run_slot() -> None:
    bench = Bench(at_once=2)
    bench.offer(*(Message(o, b"same") for o in range(5)), Message(5, b"other"))
    await bench.settle()
    assert bench.started == [0, 5]
    bench.stop.set()
    await bench.intake.drain(0)
    bench.pump.cancel()


async def test_unordered_records_of_one_key_run_together() -> None:
    bench = Bench(ordered=False)
    bench.offer(Message(0, b"a"), Message(1, b"a"))
    await bench.settle()
    assert bench.started == [0, 1]
    bench.stop.set()
    await bench.intake.drain(0)
    bench.pump.cancel()


async def test_no_more_is_taken_than_may_be_unfinished() -> None:
    bench = Bench(at_once=1, accepted=3)
    bench.offer(*(Message(o) for o in range(10)))
    await bench.settle()
    assert bench.intake.in_flight == 3
    bench.finish(0)
    await bench.settle()
    assert bench.intake.in_flight == 3
    assert bench.started == [0, 1]
    bench.stop.set()
    await bench.intake.drain(0)
    bench.pump.cancel()


async def test_draining_finishes_what_runs_and_leaves_the_rest_unacknowledged() -> None:
    bench = Bench(at_once=2)
    bench.offer(*(Message(o) for o in range(5)))
    await bench.settle()
    bench.stop.set()
    bench.finish(0, 1)
    await bench.intake.drain(5)
    assert bench.group.commits == [{("t", 0): 2}]
    assert bench.started == [0, 1]
    bench.pump.cancel()


async def test_draining_cancels_what_is_late_and_does_not_commit_past_it() -> None:
    bench = Bench()
    bench.offer(Message(0), Message(1))
    bench.finish(1)
    await bench.settle()
    bench.stop.set()
    await bench.intake.drain(0)
    assert bench.group.commits == []
    assert bench.fatal == []
    bench.pump.cancel()


async def test_records_of_an_older_generation_are_left_for_redelivery(bench: Bench) -> None:
    bench.group.generation = 2
    bench.offer(Message(0, generation_id=1), Message(0, generation_id=2))
    bench.finish(0)
    await bench.settle()
    await bench.intake.commit()
    assert bench.started == [0]
    assert bench.group.commits == [{("t", 0): 1}]


async def test_a_record_left_for_later_is_not_acknowledged(bench: Bench) -> None:
    async def leave(record: SourceRecord) -> None:
        raise LeftForLater

    bench.handler = leave
    bench.offer(Message(0))
    await bench.settle()
    await bench.intake.commit()
    assert bench.group.commits == []
    assert bench.fatal == []


async def test_a_failed_handoff_stops_the_worker_and_acknowledges_nothing(bench: Bench) -> None:
    async def fail(record: SourceRecord) -> None:
        raise RuntimeError("could not hand on")

    bench.handler = fail
    bench.offer(Message(0))
    await bench.settle()
    await bench.intake.commit()
    assert [str(error) for error in bench.fatal] == ["could not hand on"]
    assert bench.group.commits == []


async def test_the_record_is_passed_on_as_it_came(bench: Bench) -> None:
    seen: list[SourceRecord] = []

    async def keep(record: SourceRecord) -> None:
        seen.append(record)

    bench.handler = keep
    bench.offer(Message(7, b"k", b"\xff\x00", timestamp=1_700_000_000.123, headers={"traceparent": b"x"}))
    await bench.settle()
    assert seen == [SourceRecord("t", 0, 7, 1_700_000_000_123, b"k", b"\xff\x00", {"traceparent": b"x"})]


@asynccontextmanager
async def running(**limits: Any) -> AsyncIterator[Bench]:
    bench = Bench(**limits)
    try:
        yield bench
    finally:
        bench.pump.cancel()
        bench.stop.set()
        await bench.intake.drain(0)


def again(offset: int, key: bytes | None = None) -> Message:
    """A record that comes back after a failure."""
    return Message(offset, key, headers={"failure-attempts": b"1"})


async def test_retries_take_their_share_of_the_places_and_no_more() -> None:
    async with running(at_once=10, retried_at_once=2) as bench:
        bench.offer(*(again(number) for number in range(20)), *(Message(100 + number) for number in range(8)))
        await bench.settle()
        assert sorted(bench.started) == [0, 1, *range(100, 108)]
        bench.finish(0)
        await bench.settle()
        assert 2 in bench.started


async def test_nothing_waits_behind_a_retry_that_waits_for_its_share() -> None:
    async with running(at_once=10, retried_at_once=1) as bench:
        bench.offer(again(0, b"other"), again(1, b"k"), Message(2, b"k"))
        await bench.settle()
        assert bench.started == [0, 2]


async def test_a_retry_and_a_first_try_of_one_key_never_run_together() -> None:
    async with running(at_once=10, retried_at_once=1) as bench:
        bench.offer(Message(0, b"k"), again(1, b"k"), Message(2, b"k"))
        await bench.settle()
        assert bench.started == [0]
        for first in (0, 1, 2):
            running_now = bench.started[-1]
            bench.finish(running_now)
            await bench.settle()
            assert len(bench.started) == min(first + 2, 3)
        assert sorted(bench.started) == [0, 1, 2]


async def test_tries_that_a_producer_made_up_send_nothing_back_and_overtake_nobody() -> None:
    async with running(at_once=10, retried_at_once=1, retried_waiting=1, trust=Trust(3)) as bench:
        bench.offer(*(again(number, b"k") for number in range(6)))
        await bench.settle()
        assert (bench.started, bench.postponed) == ([0], [])


async def test_when_too_many_retries_wait_the_next_ones_are_sent_back() -> None:
    async with running(at_once=10, retried_at_once=1, retried_waiting=2) as bench:
        bench.offer(*(again(number) for number in range(6)))
        await bench.settle()
        assert bench.started == [0]
        assert bench.postponed == [3, 4, 5]
        bench.finish(0, 1, 2)
        await bench.settle()
        await bench.intake.commit()
        assert bench.group.commits[-1] == {("t", 0): 6}
        bench.offer(again(6))
        await bench.settle()
        assert bench.started[-1] == 6


async def test_what_waits_for_its_share_is_left_on_a_stop_and_blocks_nobody_afterwards() -> None:
    async with running(at_once=10, retried_at_once=1, retried_waiting=5) as bench:
        bench.offer(again(0, b"a"), again(1, b"k"), Message(2, b"b"))
        await bench.settle()
        bench.stop.set()
        await bench.intake.drain(0)
        bench.stop.clear()
        bench.group.generation = 2
        bench.offer(
            *(Message(number, key, headers={"failure-attempts": b"1"}, generation_id=2)
              for number, key in ((10, b"a"), (11, b"k"), (12, b"c"))),
            Message(13, b"k", generation_id=2),
        )  # fmt: skip
        bench.finish(10, 11, 12, 13)
        await bench.settle()
        await bench.settle()
        await bench.intake.commit()
        assert bench.group.commits[-1] == {("t", 0): 14}
        assert bench.postponed == []


async def test_a_record_cancelled_before_it_began_holds_up_nobody() -> None:
    async with running() as bench:
        bench.offer(Message(0, b"k"))
        while not bench.intake.in_flight:
            await asyncio.sleep(0)
        bench.stop.set()
        await bench.intake.drain(0)
        bench.stop.clear()
        bench.offer(Message(0, b"k"))
        await bench.settle()
        assert bench.started[-1] == 0


async def test_large_records_are_bounded_by_their_size() -> None:
    async with running(at_once=100, accepted=100, accepted_bytes=1000) as bench:
        bench.offer(*(Message(number, value=b"x" * 400) for number in range(5)), Message(5, value=b"x" * 5000))
        await bench.settle()
        assert bench.started == [0, 1]
        bench.finish(0, 1, 2, 3, 4)
        await bench.settle()
        assert bench.started == [0, 1, 2, 3, 4, 5], "one that is larger than all the room goes alone"


async def test_headers_without_a_value_stop_nobody() -> None:
    """Kafka allows them."""
    async with running() as bench:
        bench.offer(Message(0, headers={"trace": None}), Message(1))  # type: ignore[dict-item]
        await bench.settle()
        assert bench.started == [0, 1]


async def test_where_a_partition_stands() -> None:
    async with running() as bench:
        tp = ("t", 0)
        assert bench.intake.standing(tp, None) == (None, None)
        assert bench.intake.standing(tp, 7) == (7, 7)
        bench.offer(*(Message(number) for number in range(7, 10)))
        await bench.settle()
        assert bench.intake.standing(tp, None) == (7, 7), "never committed: from the first that was taken"
        bench.finish(7, 8)
        await bench.settle()
        assert bench.intake.standing(tp, 7) == (7, 9)
        bench.group.accept = False
        await bench.intake.commit()
        assert bench.intake.standing(tp, 7) == (7, 9), "the broker did not take it"
        bench.group.accept = True
        await bench.intake.commit()
        assert bench.intake.standing(tp, 7) == (9, 9)
        assert bench.intake.finished == 2


TP = ("t", 0)


def read(bench: Bench, position: int, *offsets: int) -> None:
    """The consumer hands on records at these offsets, and goes on to `position`."""
    reading = bench.group.readings.of(TP)
    if offsets:
        reading.hand_on(offsets)
        bench.offer(*(Message(offset) for offset in offsets))
    reading.position = position


async def test_the_end_of_a_transaction_is_committed_too(bench: Bench) -> None:
    read(bench, 3, 0, 1)
    bench.finish(0, 1)
    await bench.settle()
    bench.intake.pass_over(TP, None)
    await bench.intake.commit()
    assert bench.group.commits == [{TP: 3}]
    assert bench.intake.standing(TP, None) == (3, 3)


async def test_no_offset_is_passed_over_before_the_records_in_front_of_it_are_finished(bench: Bench) -> None:
    read(bench, 4, 0, 1, 2)
    bench.finish(0, 2)
    await bench.settle()
    bench.intake.pass_over(TP, None)
    await bench.intake.commit()
    assert bench.group.commits == [{TP: 1}]


async def test_a_record_that_was_read_and_has_not_arrived_holds_back_the_commit(bench: Bench) -> None:
    read(bench, 2, 0, 1)
    bench.finish(0, 1)
    await bench.settle()
    bench.group.readings.of(TP).hand_on([2])  # Faust has it
    bench.group.readings.of(TP).position = 4
    bench.intake.pass_over(TP, None)
    await bench.intake.commit()
    assert bench.group.commits == [{TP: 2}]


async def test_a_partition_of_aborted_records_alone_is_no_lag(bench: Bench) -> None:
    read(bench, 7)
    bench.intake.pass_over(TP, 5)
    await bench.intake.commit()
    assert bench.group.commits == [{TP: 7}]


async def test_nothing_is_committed_for_a_partition_where_nothing_happened(bench: Bench) -> None:
    read(bench, 5)
    bench.intake.pass_over(TP, 5)
    read(bench, 0)
    bench.intake.pass_over(TP, None)
    await bench.intake.commit()
    assert bench.group.commits == []


async def test_nothing_is_passed_over_while_partitions_are_handed_over(bench: Bench) -> None:
    read(bench, 7)
    bench.stop.set()
    bench.intake.pass_over(TP, 5)
    await bench.intake.commit()
    assert bench.group.commits == []


def jumps() -> float:
    return sum(s.value for f in metrics.OFFSET_JUMPS.collect() for s in f.samples if s.name.endswith("_total"))


async def test_offsets_without_a_record_are_no_jumps_and_lost_records_are(bench: Bench) -> None:
    before = jumps()
    read(bench, 13, 0, 1, 4, 9, 12)
    await bench.settle()
    assert jumps() == before
    bench.group.readings.of(TP).hand_on([13, 14, 20])  # two of which get lost on the way
    bench.offer(Message(20))
    await bench.settle()
    assert jumps() == before + 2


async def test_a_record_under_way_that_is_to_be_walked_past_is_given_up_and_acknowledged(bench: Bench) -> None:
    bench.offer(Message(0), Message(1), Message(2))
    bench.finish(0, 2)
    await bench.settle()
    bench.intake.walk_past(0, 1)
    await bench.settle()
    await bench.intake.commit()
    assert bench.group.commits == [{TP: 3}]
    assert bench.intake.in_flight == 0


async def test_a_record_that_waits_behind_another_of_its_key_is_walked_past_and_holds_up_nobody(bench: Bench) -> None:
    bench.offer(Message(0, key=b"k"), Message(1, key=b"k"), Message(2, key=b"k"))
    await bench.settle()
    bench.intake.walk_past(0, 1)
    bench.finish(0, 2)
    await bench.settle()
    await bench.intake.commit()
    assert bench.group.commits == [{TP: 3}]
    assert bench.started == [0, 2]


async def test_a_record_that_is_walked_past_before_it_comes_is_not_begun(bench: Bench) -> None:
    bench.intake.walk_past(0, 1)
    bench.offer(Message(0), Message(1), Message(2, partition=0))
    bench.finish(0, 2)
    await bench.settle()
    await bench.intake.commit()
    assert bench.group.commits == [{TP: 3}]
    assert bench.started == [0, 2]


async def test_the_same_offset_of_another_partition_is_not_walked_past(bench: Bench) -> None:
    bench.intake.walk_past(3, 0)
    bench.offer(Message(0))
    await bench.settle()
    assert bench.started == [0]


async def test_what_was_taken_of_a_topic_that_is_gone_is_never_committed(bench: Bench) -> None:
    bench.offer(Message(0), Message(1))
    await bench.settle()
    bench.intake.forget()
    bench.finish(0, 1)
    await bench.settle()
    await bench.intake.commit()
    assert bench.group.commits == []


async def test_a_commit_that_the_broker_lost_is_made_again(bench: Bench) -> None:
    bench.offer(Message(0))
    bench.finish(0)
    await bench.settle()
    await bench.intake.commit()
    assert bench.intake.committed() == {TP: 1}
    bench.intake.commit_again(TP)
    assert bench.intake.committed() == {TP: None}
    await bench.intake.commit()
    assert bench.group.commits == [{TP: 1}, {TP: 1}]


async def test_what_stands_for_many_offsets_is_committed_with_all_of_them(bench: Bench) -> None:
    parcel = Parcel(Buffered(), "t", 9, 8, Rejected(FailureCode.BATCH_TOO_BIG, "too big"))
    before = metrics.OFFSET_JUMPS.labels("t")._value.get()
    bench.offer(Message(4), Message(5, checksum=parcel), Message(9))
    bench.finish(4, 5)
    await bench.settle()
    await bench.intake.commit()
    assert bench.group.commits == [{TP: 9}]
    assert metrics.OFFSET_JUMPS.labels("t")._value.get() == before


def test_a_record_without_a_time_stops_nobody() -> None:
    assert [to_record(Message(0, timestamp=at / 1000)).timestamp_ms for at in (-1, -(2**62), 2**53)] == [
        -1,
        -(2**62),
        2**53,
    ]


async def test_what_still_comes_of_a_topic_that_is_gone_is_not_committed_as_the_new_ones(bench: Bench) -> None:
    bench.intake.walk_past(0, 1)
    bench.intake.forget()
    bench.finish(5000, 1)
    read(bench, 5001, 5000)
    await bench.settle()
    bench.intake.pass_over(TP, 5000)
    await bench.intake.commit()
    await bench.intake.drain(1.0)
    assert bench.group.commits == []
    bench.offer(Message(0), Message(1))
    bench.finish(0)
    await bench.settle()
    await bench.intake.commit()
    assert bench.group.commits == [{TP: 2}]
    assert bench.started == [5000, 0, 1], "what was to be walked past was of the old topic"


@pytest.fixture
async def traced() -> AsyncIterator[Bench]:
    bench = Bench(traced=True)
    yield bench
    bench.pump.cancel()
    bench.stop.set()
    await bench.intake.drain(0)


async def test_no_record_is_handled_before_its_trace_is_left(traced: Bench) -> None:
    traces: list[list[str]] = []

    async def look(record: SourceRecord) -> None:
        traces.append(list(traced.group.traces))

    traced.handler = look
    traced.offer(Message(4))
    await eventually("it to be handled", lambda: traced.intake.finished == 1)
    assert traces == [["w=cafe0001 u=0"]]
    await traced.intake.commit()
    assert (traced.group.commits[-1], traced.group.traces[-1]) == ({TP: 5}, "")


async def test_a_suspect_is_handled_alone_and_one_that_ended_three_workers_never_again(traced: Bench) -> None:
    traced.group.ended = {1: 4, 2: 6}
    troubles: dict[int, str | None] = {}
    handled: list[int] = []
    beside: dict[int, list[int]] = {}

    async def handle(record: SourceRecord) -> None:
        troubles[record.offset] = None if record.trouble is None else record.trouble.code
        if record.trouble is None:
            handled.append(record.offset)
            await asyncio.sleep(0.01)
            beside[record.offset] = [one for one in handled if one != record.offset]
            handled.remove(record.offset)

    traced.handler = handle
    traced.offer(*(Message(offset) for offset in range(4)))
    await eventually("all to be handled", lambda: traced.intake.finished == 4)
    assert troubles == {0: None, 1: None, 2: FailureCode.KILLED_WORKER, 3: None}
    assert beside[1] == []
    await traced.intake.commit()
    assert (traced.group.commits[-1], traced.group.traces[-1]) == ({TP: 4}, "")


async def test_what_one_refusal_was_raised_through_is_not_kept_by_the_next(traced: Bench) -> None:
    traced.group.ended = {0: 6, 1: 6}
    troubles: list[Rejected] = []

    async def handle(record: SourceRecord) -> None:
        assert record.trouble is not None
        with pytest.raises(Rejected) as raised:
            raise record.trouble
        troubles.append(raised.value)

    traced.handler = handle
    traced.offer(Message(0), Message(1))
    await eventually("both to be handled", lambda: traced.intake.finished == 2)
    assert troubles[0] is not troubles[1]


async def test_what_is_given_up_on_a_stop_leaves_no_trace(traced: Bench) -> None:
    traced.offer(Message(0), Message(1))
    await eventually("both to begin", lambda: traced.started == [0, 1])
    traced.stop.set()
    await traced.intake.drain(0)
    assert traced.group.traces[-1] == ""
    assert traced.group.commits[-1] == {TP: 0}
