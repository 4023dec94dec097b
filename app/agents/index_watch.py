"""Looks at the indices before the first record is taken, and every few seconds from then on.

What a person does to an index (another mapping by hand, a second index behind the alias, a block) is an outage before a
document is lost by it, also while nothing is uploaded; and it is over seconds after it was mended.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Protocol

import structlog

from app.errors import Dependency, FailureCode, ListingsError, Outage

log = structlog.get_logger("listings.index")
EVERY_S = 10.0
HELD_EVERY_S = 1.0
_SHOWN_MAX = 20


class Writer(Protocol):
    """What writes to the indices (`app.adapters.opensearch.bulk_writer`)."""

    def hold(self, outage: Outage) -> None: ...

    def release(self) -> None: ...


class IndexWatch:
    """`check` gives the names of the indices that are written to, of a look no older than so many seconds, or raises
    `Outage` when one can not hold what is written (`app.ops.index_fit`)."""

    def __init__(self, check: Callable[[float], Awaitable[Collection[str]]]) -> None:
        self._check = check
        self._held = False
        self._told = False
        self._task: asyncio.Task[None] | None = None

    async def fit(self, max_age_s: float) -> Collection[str] | None:
        """As `check`, for the writer; None where we may not look, which is told once and stops nobody."""
        try:
            return await self._check(max_age_s)
        except Outage as outage:
            if outage.code is not FailureCode.ACCESS_REFUSED:
                raise
            if not self._told:
                log.warning("index_not_compared", reason=outage.message)
            self._told = True
            return None
        except ListingsError as error:
            raise Outage(FailureCode.INDEX_UNAVAILABLE, Dependency.SEARCH_INDEX, error.message) from error

    async def start(self, writer: Writer, differences: Callable[[], Awaitable[Sequence[str]]]) -> None:
        """Look once, and tell what differs from what is declared; then go on looking."""
        await self._look(writer)
        await self._tell(differences)
        self._task = asyncio.create_task(self._run(writer))

    async def aclose(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _run(self, writer: Writer) -> None:
        while True:
            await asyncio.sleep(HELD_EVERY_S if self._held else EVERY_S)
            await self._look(writer)

    async def _look(self, writer: Writer) -> None:
        try:
            await self.fit(0.0)
        except Outage as outage:
            # A server that does not answer is seen by whoever writes; what nobody sees is one that takes it all.
            if outage.code is FailureCode.INDEX_UNAVAILABLE:
                self._held = True
                writer.hold(outage)
        except Exception as error:
            log.error("index_look_failed", exc_info=error)  # a fault of ours stops nobody
        else:
            if self._held:
                self._held = False
                writer.release()

    async def _tell(self, differences: Callable[[], Awaitable[Sequence[str]]]) -> None:
        try:
            found = await differences()
        except ListingsError:
            return  # told as an outage, or whenever it is written to
        if found:
            log.warning("index_differs", differences=found[:_SHOWN_MAX], look="listings index apply --dry-run")
