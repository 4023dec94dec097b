"""The index is looked at at the start and from then on, and a writer is held for as long as it is unfit."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence

import pytest
from structlog.testing import capture_logs

from app.agents import index_watch
from app.agents.index_watch import IndexWatch
from app.errors import Dependency, FailureCode, OperatorError, Outage

UNFIT = Outage(FailureCode.INDEX_UNAVAILABLE, Dependency.SEARCH_INDEX, "older than this release")
FORBIDDEN = Outage(FailureCode.ACCESS_REFUSED, Dependency.SEARCH_INDEX, "no permissions")
AWAY = Outage(FailureCode.UNREACHABLE, Dependency.SEARCH_INDEX, "can not be reached")
ODD = OperatorError(FailureCode.COMMAND_FAILED, "refused: odd")


class World:
    def __init__(self) -> None:
        self.error: Exception | None = None
        self.told: list[str] = []
        self.watch = IndexWatch(self.check)

    async def check(self, max_age_s: float) -> Collection[str]:
        if self.error is not None:
            raise self.error
        return {"listings-v1-000001"}

    def hold(self, outage: Outage) -> None:
        self.told.append(outage.message)

    def release(self) -> None:
        self.told.append("released")

    async def until(self, told: Sequence[str]) -> None:
        async with asyncio.timeout(10):
            while self.told[-len(told) :] != list(told):
                await asyncio.sleep(0)


async def none() -> list[str]:
    return []


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_watch, "EVERY_S", 0.0)
    monkeypatch.setattr(index_watch, "HELD_EVERY_S", 0.0)


async def test_an_index_that_is_unfit_holds_the_writer_before_the_first_record_until_it_is_mended() -> None:
    world = World()
    world.error = UNFIT
    await world.watch.start(world, none)
    assert world.told == [UNFIT.message]
    world.error = None
    await world.until(["released"])
    world.error = ODD
    await world.until([ODD.message])
    world.error = None
    await world.until(["released"])
    await world.watch.aclose()


async def test_a_server_that_is_away_is_left_to_those_who_write() -> None:
    world = World()
    world.error = AWAY
    await world.watch.start(world, none)
    await world.watch.aclose()
    assert world.told == []


async def test_where_nobody_may_look_it_is_said_once_and_work_goes_on() -> None:
    world = World()
    world.error = FORBIDDEN
    with capture_logs() as logs:
        assert await world.watch.fit(0.0) is None
        assert await world.watch.fit(0.0) is None
    assert [entry["event"] for entry in logs] == ["index_not_compared"]


async def test_differences_are_told_at_the_start() -> None:
    async def two() -> list[str]:
        return ["index template listings is missing", "index x: year is date, declared short"]

    async def away() -> list[str]:
        raise AWAY

    with capture_logs() as logs:
        for differences in (two, away, none):
            world = World()
            await world.watch.start(world, differences)
            await world.watch.aclose()
    assert [entry["differences"] for entry in logs] == [await two()]
