"""Which records are being worked on: told to the broker before work begins, so that one that ends the worker is known.

Work that begins together is told together, in one commit. A record at which workers ended before is worked on while
nothing else is: if the worker ends again, it is to blame; if two together took too much memory, it is not.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext, suppress
from typing import Any

import structlog

from app.agents.ledger import Ledger, Slot
from app.agents.stopping import LeftForLater, StopSignal

log = structlog.get_logger("listings.under_way")
ALONE_FROM = 2
"""A record at which so many workers ended without a word is worked on alone."""
REFUSED_FROM = 3
"""A record at which so many workers ended without a word is not begun again."""
PATIENCE_S = 60.0
"""So long one that has to be alone waits for the others to end."""
ALONE_S = 120.0
"""So long the others wait for one that has to be alone, its own waiting for them included."""
TOLD_S = 1.0
"""Work begins after that, told or not: a broker that is slow to take a commit holds up nobody for longer."""
SHARE_S = 10.0
"""After so long of one suspect after another, the others have `BREAK_S` for themselves."""
BREAK_S = 1.0
_FREELY: AbstractAsyncContextManager[object] = nullcontext()
PACE_S = 0.005
"""Between two commits of traces; what begins meanwhile is told with the next one."""


class UnderWay:
    """Shared by all intakes of a worker."""

    def __init__(
        self, tell: Callable[[], Coroutine[Any, Any, None]], is_held_up: Callable[[], bool], stop: StopSignal
    ) -> None:
        """`tell` commits all traces as they are now. `is_held_up`: a server is down, so what began only waits."""
        self._tell = tell
        self.is_held_up = is_held_up
        self._stop = stop
        self._working = 0
        self._ended = asyncio.Event()
        self._turns = asyncio.Lock()
        self._one_by_one = asyncio.Lock()
        self._free = asyncio.Event()
        self._free.set()
        self._wanted: asyncio.Event | None = None
        self._telling: asyncio.Task[None] | None = None
        self._is_slow = False
        self._suspects = 0
        self._row_began = 0.0

    def turn(self, deaths: int) -> AbstractAsyncContextManager[object]:
        """Whoever ended with a worker before is worked on one at a time, beside those that did not.

        Else everything that was under way at one end would be under way at the next, and be suspected together.
        """
        return self._one_by_one if deaths else _FREELY

    async def begin(self, ledger: Ledger, slot: Slot) -> None:
        """Return when work on the record may begin, and it is known that it does. `end` has to follow, always.

        `LeftForLater` when the worker stops while another record is worked on alone.
        """
        while not self._free.is_set():
            await self._stop.wait_unless_stopping(self._free)
        await self._begin(ledger, slot)

    def end(self, ledger: Ledger, slot: Slot) -> None:
        """Work on the record has ended, however it did, or never began."""
        if ledger.end(slot):
            self._working -= 1
            self._ended.set()

    @asynccontextmanager
    async def alone(self, ledger: Ledger, slot: Slot) -> AsyncIterator[None]:
        """As `begin` and `end`, once nothing else is worked on; what would begin meanwhile waits."""
        loop = asyncio.get_running_loop()
        if not self._suspects:
            self._row_began = loop.time()
        self._suspects += 1
        try:
            async with self._turns:
                if loop.time() - self._row_began > SHARE_S:
                    await self._stop.sleep(BREAK_S)
                    self._row_began = loop.time()
                async with self._held_back(loop):
                    await self._others_ended()
                    await self._begin(ledger, slot)
                    yield
        finally:
            self.end(ledger, slot)
            self._suspects -= 1

    @asynccontextmanager
    async def _held_back(self, loop: asyncio.AbstractEventLoop) -> AsyncIterator[None]:
        """Let nothing else begin, for `ALONE_S` at most."""
        self._free.clear()
        opening = loop.call_later(ALONE_S, self._free.set)
        try:
            yield
        finally:
            opening.cancel()
            self._free.set()

    async def _begin(self, ledger: Ledger, slot: Slot) -> None:
        if self._stop.is_set:
            raise LeftForLater
        ledger.begin(slot)
        self._working += 1
        if not self._is_slow and not self.is_held_up():
            await self._told()

    async def _others_ended(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                while self._working:
                    self._ended.clear()
                    await self._stop.wait_unless_stopping(self._ended)

    async def _told(self) -> None:
        """Wait until a commit that was begun after now has been answered."""
        if self._wanted is None:
            self._wanted = asyncio.Event()
        wanted = self._wanted
        if self._telling is None or self._telling.done():
            self._telling = asyncio.create_task(self._tell_all())
        await wanted.wait()

    async def _tell_all(self) -> None:
        while (wanted := self._wanted) is not None:
            self._wanted = None
            telling = asyncio.create_task(self._tell())
            await asyncio.wait({telling}, timeout=TOLD_S)
            if not telling.done():
                self._is_slow = True  # nobody waits for the next one either, until this one is answered
                self._let_go()
            wanted.set()
            try:
                await telling
            except Exception as error:
                log.error("trace_not_left", exc_info=error)
            self._is_slow = False
            await asyncio.sleep(PACE_S)

    def _let_go(self) -> None:
        if self._wanted is not None:
            self._wanted.set()
            self._wanted = None
