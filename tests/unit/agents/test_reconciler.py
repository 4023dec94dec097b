"""The reconciler of a worker: whose turn it is, what pauses it, and that nothing of it stops the worker."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from structlog.testing import capture_logs

from app.agents.reconciler import Reconciler
from app.errors import Dependency, FailureCode, OperatorError, Outage
from app.failures.backoff import Backoff
from app.model.listed import Progress
from app.observability import metrics
from tests.support.agents import Parts, eventually, others_running
from tests.support.memory import START

DOWN = Outage(FailureCode.ACCESS_REFUSED, Dependency.OBJECT_STORE, "the bucket may not be listed")


class Comparison:
    """In place of the real one; a round calls `check` for each of its pages, `errors` are raised, one a round."""

    def __init__(self) -> None:
        self.progress: Progress | None = None
        self.held_by: int | None = None
        self.rounds = self.pages = self.forgotten = 0
        self.cancelled = False
        self.errors: list[Exception] = []
        self.held: asyncio.Event | None = None
        self.due = 0.0

    async def due_in_s(self) -> float:
        return self.due

    async def round(self, check: Callable[[], None]) -> None:
        if self.errors:
            raise self.errors.pop(0)
        try:
            for _ in range(3):
                check()
                self.pages += 1
                await (asyncio.sleep(0.001) if self.held is None else self.held.wait())
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        self.rounds += 1
        self.progress = Progress(START, "cars", completed_at=START, took_s=1.0)

    def forget(self) -> None:
        self.forgotten += 1


class World:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("app.agents.reconciler._LOOK_S", 0.001)
        self.parts = Parts()
        self.comparison = Comparison()
        self.ours = True
        self.reconciler = Reconciler(
            self.comparison, lambda: self.ours, self.parts.outages, self.parts.stop, Backoff(0.001, 0.002)
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Comparison]:
        await self.reconciler.start()
        try:
            yield self.comparison
        finally:
            await self.reconciler.aclose()
            await self.parts.outages.aclose()
            assert others_running() == set()


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return World(monkeypatch)


async def test_it_compares_round_after_round_while_it_is_its_turn(world: World) -> None:
    async with world.running() as comparison:
        await eventually("three rounds", lambda: comparison.rounds >= 3)
        assert metrics.REGISTRY.get_sample_value("listings_reconcile_active") == 1
        facts = world.reconciler.facts()
    assert (facts["active"], facts["waits"], facts["took_s"]) == (True, None, 1.0)


async def test_another_workers_turn_leaves_it_idle_and_makes_it_forget_its_place(world: World) -> None:
    world.ours = False
    async with world.running() as comparison:
        await eventually("some looks", lambda: comparison.forgotten >= 3)
        assert comparison.pages == 0
        assert metrics.REGISTRY.get_sample_value("listings_reconcile_active") == 0
        assert world.reconciler.facts() == {"active": False, "waits": None}
        world.ours = True
        await eventually("a round", lambda: comparison.rounds)


async def test_the_turn_is_asked_before_each_page(world: World) -> None:
    async with world.running() as comparison:
        comparison.held = asyncio.Event()
        await eventually("a page", lambda: comparison.pages)
        await asyncio.sleep(0.005)
        pages, rounds = comparison.pages, comparison.rounds
        world.ours = False
        comparison.held.set()
        await eventually("to be forgotten", lambda: comparison.forgotten)
        assert comparison.pages == pages
        assert comparison.rounds in (rounds, rounds + 1)


async def test_nothing_is_compared_before_it_is_due(world: World) -> None:
    world.comparison.due = 100.0
    async with world.running() as comparison:
        await asyncio.sleep(0.02)
        assert comparison.pages == 0
        comparison.due = 0.0
        await eventually("a round", lambda: comparison.rounds)


async def test_an_outage_that_the_worker_waits_out_pauses_it(world: World) -> None:
    world.parts.outages.changed(Dependency.SEARCH_INDEX, True, "away")
    async with world.running() as comparison:
        await asyncio.sleep(0.02)
        assert comparison.pages == 0
        world.parts.outages.changed(Dependency.SEARCH_INDEX, False, "")
        await eventually("a round", lambda: comparison.rounds)


@pytest.mark.parametrize(
    "error", [DOWN, OperatorError(FailureCode.SETTING_INVALID, "listing needs a key"), ValueError("a bug of ours")]
)
async def test_its_own_trouble_neither_stops_it_nor_opens_an_outage(world: World, error: Exception) -> None:
    world.comparison.errors = [error] * 3
    with capture_logs() as logs:
        async with world.running() as comparison:
            await eventually("the pause to be told", lambda: world.reconciler.facts()["waits"])
            assert world.parts.outages.open == ()
            await eventually("a round all the same", lambda: comparison.rounds)
            assert world.reconciler.facts()["waits"] is None
    paused = [entry for entry in logs if entry["event"] == "reconcile_paused"]
    assert len(paused) == 1, "told once, not with every try"
    assert any(entry["event"] == "reconcile_failed" for entry in logs) is isinstance(error, ValueError)


async def test_stopping_breaks_off_a_round_at_once(world: World) -> None:
    world.comparison.held = asyncio.Event()
    async with world.running() as comparison:
        await eventually("a page", lambda: comparison.pages)
        world.parts.stop.set()
        await eventually("to be broken off", lambda: comparison.cancelled)
        await eventually("to be forgotten", lambda: comparison.forgotten)
        comparison.held = None
        world.parts.stop.clear()
        await eventually("to go on after a rebalance", lambda: comparison.rounds)


async def test_closing_waits_for_nothing(world: World) -> None:
    world.comparison.held = asyncio.Event()
    async with world.running() as comparison:
        await eventually("a page", lambda: comparison.pages)
    assert comparison.cancelled


async def test_waiting_for_the_workers_is_told(world: World) -> None:
    world.comparison.held_by = 12_345
    assert world.reconciler.facts()["waits"] == "12,345 records wait for the workers"
