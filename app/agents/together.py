"""Several steps of one record at once, none of which outlives the record."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


async def together(*steps: Awaitable[R]) -> list[R]:
    """The results in order, once every step has ended; then the first failure, if there was one.

    `asyncio.gather` alone raises at the first failure and lets the others run on, behind the back of a record that
    has been handed on by then. A giving-up (`LeftForLater`, a cancellation) comes before other failures: a record
    that may not be acknowledged must not be handed on either.
    """
    results = await asyncio.gather(*steps, return_exceptions=True)
    failures = [result for result in results if isinstance(result, BaseException)]
    if failures:
        raise next((failure for failure in failures if not isinstance(failure, Exception)), failures[0])
    return [result for result in results if not isinstance(result, BaseException)]


async def for_each(items: Sequence[T], step: Callable[[T], Awaitable[R]], at_once: int) -> list[R]:
    """`step` for every item, at most `at_once` of them at the same time; results and failures as of `together`."""
    results: list[R] = []
    for start in range(0, len(items), at_once):
        results += await together(*(step(item) for item in items[start : start + at_once]))
    return results
