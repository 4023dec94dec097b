from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from app.agents.outages import FAILURES_TO_OPEN, Outages
from app.agents.stopping import LeftForLater, StopSignal
from app.errors import Dependency, FailureCode, Outage, Rejected, Transient
from app.failures.backoff import Backoff
from tests.support.memory import FakeClock

STORE = Dependency.OBJECT_STORE
DOWN = Outage(FailureCode.UNREACHABLE, STORE, "connection refused")


class Bench:
    def __init__(self) -> None:
        self.up = False
        self.probes = 0
        self.stop = StopSignal()
        self.outages = Outages({STORE: self.probe}, Backoff(0.001, 0.002), FakeClock(), self.stop)

    async def probe(self) -> None:
        self.probes += 1
        if not self.up:
            raise DOWN


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    bench = Bench()
    yield bench
    await bench.outages.aclose()


async def until(condition: object) -> None:
    assert callable(condition)
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.001)


async def test_everybody_waits_behind_one_probe_and_goes_on_when_it_succeeds(bench: Bench) -> None:
    waiting = [asyncio.create_task(bench.outages.wait_over(DOWN)) for _ in range(50)]
    await until(lambda: bench.probes >= 3)
    assert not any(task.done() for task in waiting)
    assert [outage.dependency for outage in bench.outages.open] == [STORE]
    before = bench.probes
    bench.up = True
    await asyncio.gather(*waiting)
    assert bench.probes <= before + 2
    assert bench.outages.open == ()


async def test_an_attempt_is_repeated_until_the_outage_is_over(bench: Bench) -> None:
    calls = 0

    async def attempt() -> str:
        nonlocal calls
        calls += 1
        if not bench.up:
            raise DOWN
        return "done"

    task = asyncio.create_task(bench.outages.ride_out(STORE, "b/k", attempt))
    await until(lambda: bench.probes >= 2)
    bench.up = True
    assert await task == "done"
    assert calls == 2


async def test_trouble_of_one_object_is_its_own(bench: Bench) -> None:
    async def attempt() -> None:
        raise Transient(FailureCode.FETCH_FAILED, "reset")

    for _ in range(FAILURES_TO_OPEN * 3):
        with pytest.raises(Transient):
            await bench.outages.ride_out(STORE, "b/the-same", attempt)
    assert bench.outages.open == ()


async def test_trouble_of_many_objects_in_a_row_is_an_outage(bench: Bench) -> None:
    async def attempt() -> str:
        if not bench.up:
            raise Transient(FailureCode.FETCH_FAILED, "HTTP 500")
        return "done"

    for number in range(FAILURES_TO_OPEN - 1):
        with pytest.raises(Transient):
            await bench.outages.ride_out(STORE, f"b/{number}", attempt)
    task = asyncio.create_task(bench.outages.ride_out(STORE, "b/last", attempt))
    await until(lambda: bench.probes >= 1)
    assert [outage.dependency for outage in bench.outages.open] == [STORE]
    bench.up = True
    assert await task == "done"


async def test_a_success_between_failures_keeps_it_closed(bench: Bench) -> None:
    async def fail() -> None:
        raise Transient(FailureCode.FETCH_FAILED, "HTTP 500")

    async def work() -> None:
        return None

    for number in range(FAILURES_TO_OPEN * 2):
        with pytest.raises(Transient):
            await bench.outages.ride_out(STORE, f"b/{number}", fail)
        if number % 5 == 4:
            await bench.outages.ride_out(STORE, "b/fine", work)
    assert bench.outages.open == ()


async def test_a_stop_ends_the_wait_without_an_answer(bench: Bench) -> None:
    task = asyncio.create_task(bench.outages.wait_over(DOWN))
    await until(lambda: bench.probes >= 1)
    bench.stop.set()
    with pytest.raises(LeftForLater):
        await task


async def test_a_reject_is_an_answer(bench: Bench) -> None:
    async def attempt() -> None:
        raise Rejected(FailureCode.OBJECT_MISSING, "gone")

    with pytest.raises(Rejected):
        await bench.outages.ride_out(STORE, "b/k", attempt)
    assert bench.outages.open == ()
