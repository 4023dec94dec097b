from __future__ import annotations

import asyncio

import pytest

from app.agents.stopping import LeftForLater
from app.agents.together import for_each, together
from tests.support.agents import others_running


async def after(turns: int, outcome: int | BaseException, done: list[int] | None = None) -> int:
    for _ in range(turns):
        await asyncio.sleep(0)
    if done is not None:
        done.append(turns)
    if isinstance(outcome, BaseException):
        raise outcome
    return outcome


async def test_results_keep_the_order_of_the_steps() -> None:
    assert await together(after(3, 1), after(0, 2), after(1, 3)) == [1, 2, 3]
    assert await together() == []


async def test_a_failure_is_raised_once_every_step_has_ended() -> None:
    done: list[int] = []
    with pytest.raises(KeyError):
        await together(after(0, KeyError("first"), done), after(9, 1, done), after(5, ValueError("second"), done))
    assert sorted(done) == [0, 5, 9]
    assert others_running() == set()


async def test_giving_up_comes_before_other_failures() -> None:
    with pytest.raises(LeftForLater):
        await together(after(0, KeyError("first")), after(5, LeftForLater()))


async def test_a_cancellation_ends_every_step() -> None:
    never = asyncio.Event()
    task = asyncio.create_task(together(never.wait(), never.wait()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert others_running() == set()


@pytest.mark.parametrize("count", [0, 1, 4, 5, 11])
async def test_no_more_than_so_many_at_once(count: int) -> None:
    running = most = 0

    async def step(item: int) -> int:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        return -item

    assert await for_each(range(count), step, at_once=4) == [-item for item in range(count)]
    assert most == min(count, 4)
