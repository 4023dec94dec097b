"""Work is told of before it begins, together with whatever begins meanwhile; a suspect is worked on alone."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from app.agents import under_way
from app.agents.ledger import Ledger, Slot
from app.agents.stopping import LeftForLater, StopSignal
from app.agents.under_way import ALONE_FROM, UnderWay, Work
from tests.support.agents import eventually


class Broker:
    """Takes traces when its gate is open."""

    def __init__(self) -> None:
        self.ledger = Ledger(1, "cafe0001")
        self.open = asyncio.Event()
        self.open.set()
        self.taken: list[str] = []
        self.asked = 0
        self.error: Exception | None = None
        self.held_up = False
        self.stop = StopSignal()
        self.under_way = UnderWay(self.tell, lambda: self.held_up, self.stop)

    async def tell(self) -> None:
        self.asked += 1
        due = self.ledger.due()
        await self.open.wait()
        if self.error is not None:
            raise self.error
        if due is not None:
            self.taken.append(due.trace)
            self.ledger.committed(due)

    async def begin(self, slot: Slot, blame: int = 0) -> Work:
        return await self.under_way.begin(self.ledger, slot, blame)

    def slot(self, offset: int) -> Slot:
        return self.ledger.take(offset, 0.0)[0]


async def test_it_begins_when_the_broker_has_been_told() -> None:
    broker = Broker()
    broker.open.clear()
    slot = broker.slot(5)
    begun = asyncio.create_task(broker.begin(slot))
    await eventually("the broker to be told", lambda: broker.asked == 1)
    assert not begun.done()
    broker.open.set()
    await begun
    assert broker.taken == ["w=cafe0001 u=0"]


async def test_what_begins_while_the_broker_is_told_is_told_together() -> None:
    broker = Broker()
    broker.open.clear()
    slots = [broker.slot(offset) for offset in range(50)]
    first = asyncio.create_task(broker.begin(slots[0]))
    await eventually("the broker to be told", lambda: broker.asked == 1)
    rest = [asyncio.create_task(broker.begin(slot)) for slot in slots[1:]]
    await asyncio.sleep(0)
    broker.open.set()
    await asyncio.gather(first, *rest)
    assert broker.taken == ["w=cafe0001 u=0", "w=cafe0001 u=0-49"]


async def test_a_broker_that_is_slow_to_take_it_holds_up_nobody_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(under_way, "TOLD_S", 0.01)
    broker = Broker()
    broker.open.clear()
    await broker.begin(broker.slot(1))
    await broker.begin(broker.slot(2))
    assert broker.taken == []
    broker.open.set()
    await eventually("it to be taken after all", lambda: broker.taken == ["w=cafe0001 u=0"])
    await eventually("its answer to be noted", lambda: not broker.under_way._is_slow)
    await broker.begin(broker.slot(3))
    assert broker.taken[-1] == "w=cafe0001 u=0-2"


async def test_work_goes_on_where_a_trace_can_not_be_left() -> None:
    broker = Broker()
    broker.error = ValueError("no")
    await broker.begin(broker.slot(1))
    broker.error = None
    await broker.begin(broker.slot(2))
    assert broker.taken == ["w=cafe0001 u=0-1"]


async def test_one_that_gives_up_leaves_the_others_waiting() -> None:
    broker = Broker()
    broker.open.clear()
    tasks = [asyncio.create_task(broker.begin(broker.slot(n))) for n in range(2)]
    await eventually("the broker to be told", lambda: broker.asked == 1)
    tasks[0].cancel()
    await asyncio.gather(tasks[0], return_exceptions=True)
    assert not tasks[1].done()
    broker.open.set()
    await tasks[1]


async def test_while_a_server_is_down_nobody_is_told_and_what_waits_is_no_suspect() -> None:
    broker = Broker()
    broker.held_up = True
    await broker.begin(broker.slot(1))
    assert broker.asked == 0
    assert broker.ledger.due(is_held_up=True) is None


async def test_a_suspect_waits_for_the_others_and_they_wait_for_it() -> None:
    broker = Broker()
    working, suspect, late = broker.slot(1), broker.slot(2), broker.slot(3)
    other = await broker.begin(working)
    alone, finish = asyncio.Event(), asyncio.Event()

    async def work_alone() -> None:
        work = await broker.begin(suspect, ALONE_FROM)
        alone.set()
        await finish.wait()
        work.read()
        await asyncio.Event().wait()

    first = asyncio.create_task(work_alone())
    await asyncio.sleep(0.01)
    assert not alone.is_set()
    second = asyncio.create_task(broker.begin(late))
    other.read()
    await alone.wait()
    assert broker.taken[-1] == "w=cafe0001 u=1 v=0"
    assert not second.done()
    finish.set()
    await second  # as soon as it is read
    assert broker.taken[-1] == "w=cafe0001 u=2 v=0-1"
    first.cancel()


async def test_many_suspects_and_many_others_all_have_their_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(under_way, "SHARE_S", 0.02)
    monkeypatch.setattr(under_way, "BREAK_S", 0.01)
    broker, at_once, done = Broker(), [0], [0]

    async def work(most: int) -> None:
        at_once[0] += 1
        assert at_once[0] <= most
        await asyncio.sleep(0.002)
        at_once[0] -= 1
        done[0] += 1

    async def suspected(slot: Slot) -> None:
        its = await broker.begin(slot, ALONE_FROM)
        await work(1)
        its.end()

    async def unsuspected(slot: Slot) -> None:
        its = await broker.begin(slot)
        await work(100)
        its.end()

    slots = [broker.slot(number) for number in range(100)]
    await asyncio.gather(*(suspected(slot) if slot.offset % 2 else unsuspected(slot) for slot in slots))
    assert done == [100]


async def test_neither_waits_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(under_way, "PATIENCE_S", 0.01)
    monkeypatch.setattr(under_way, "ALONE_S", 0.02)
    broker = Broker()
    await broker.begin(broker.slot(1))
    await broker.begin(broker.slot(2), ALONE_FROM)
    await broker.begin(broker.slot(3))


async def test_a_worker_that_stops_leaves_what_waits_for_a_suspect() -> None:
    broker = Broker()
    await broker.begin(broker.slot(0))
    suspects = [asyncio.create_task(broker.begin(broker.slot(n), ALONE_FROM)) for n in (1, 2)]
    await asyncio.sleep(0)
    waiting = asyncio.create_task(broker.begin(broker.slot(3)))
    await asyncio.sleep(0.01)
    broker.stop.set()
    ended: list[Any] = await asyncio.gather(*suspects, waiting, return_exceptions=True)
    assert [type(one) for one in ended] == [LeftForLater, LeftForLater, LeftForLater]


async def test_what_ended_with_a_worker_before_is_read_one_at_a_time() -> None:
    broker, at_once, most = Broker(), {0: 0, 1: 0}, {0: 0, 1: 0}

    async def work(number: int) -> None:
        blame = number % 2
        its = await broker.begin(broker.slot(number), blame)
        at_once[blame] += 1
        most[blame] = max(most[blame], at_once[blame])
        await asyncio.sleep(0.001)
        at_once[blame] -= 1
        its.read()
        await asyncio.sleep(0.001)
        its.end()

    await asyncio.gather(*map(work, range(20)))
    assert most == {0: 10, 1: 1}
    await eventually("the end of suspects to be told", lambda: broker.taken[-1].split(" ")[1:] == [])


async def test_a_wait_that_is_given_up_lets_the_next_one_go_on() -> None:
    broker = Broker()
    first = await broker.begin(broker.slot(0), 1)
    waiting = [asyncio.create_task(broker.begin(broker.slot(n), 1)) for n in (1, 2)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    first.end()
    (await waiting[1]).end()
    broker.open.clear()
    untold = asyncio.create_task(broker.begin(broker.slot(3), ALONE_FROM))
    await eventually("it to wait for the broker", lambda: broker.under_way._reading == 1)
    untold.cancel()
    await asyncio.gather(untold, return_exceptions=True)
    broker.open.set()
    async with asyncio.timeout(5):
        (await broker.begin(broker.slot(4), ALONE_FROM)).end()
