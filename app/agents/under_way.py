"""Which records are being worked on: told to the broker before work begins, so that one that ends the worker is known.

Work that begins together is told together, in one commit. A record that is to blame for the end of a worker is read
while no other such record is; one that is to blame for two is read while nothing else is: if the worker ends again, it
is that record, and if two only together took too much memory, it is neither.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from contextvars import ContextVar
from typing import Any

import structlog

from app.agents.ledger import Ledger, Slot
from app.agents.stopping import LeftForLater, StopSignal
from app.model.trace import READ

log = structlog.get_logger("listings.under_way")
ALONE_FROM = 2 * READ
"""A record with so much blame, for two workers, is read alone."""
REFUSED_FROM = 3 * READ
"""A record with so much blame, for three workers, is not begun again."""
PATIENCE_S = 60.0
"""So long one that has to be alone waits for the others to be read."""
ALONE_S = 120.0
"""So long the others wait for one that has to be alone, its own waiting for them included."""
TOLD_S = 1.0
"""Work begins after that, told or not: a broker that is slow to take a commit holds up nobody for longer."""
SHARE_S = 10.0
"""After so long of one that has to be alone after another, the others have `BREAK_S` for themselves."""
BREAK_S = 1.0
PACE_S = 0.005
"""Between two commits of traces; what begins meanwhile is told with the next one."""


class Work:
    """On one record, from its beginning to its end."""

    __slots__ = ("_is_reading", "_ledger", "_release", "_slot", "_under_way")

    def __init__(self, under_way: UnderWay, ledger: Ledger, slot: Slot, release: list[Callable[[], object]]) -> None:
        self._under_way = under_way
        self._ledger = ledger
        self._slot = slot
        self._release = release
        """What lets the others go on."""
        self._is_reading = True

    def read(self) -> None:
        """The record is read: what is left is to wait for servers, and that ends no worker."""
        if self._is_reading:
            self._ledger.wait(self._slot)
            self._let_go()

    def end(self) -> None:
        """It has ended, however it did."""
        self._ledger.end(self._slot)
        if self._is_reading:
            self._let_go()

    def _let_go(self) -> None:
        self._is_reading = False
        self._under_way.one_less(is_suspect=bool(self._release))
        for release in reversed(self._release):
            release()


WORK: ContextVar[Work | None] = ContextVar("work", default=None)
"""That on the record of this task."""


def record_read() -> None:
    """Tell that the record of this task is read, where somebody wants to know."""
    work = WORK.get()
    if work is not None:
        work.read()


class UnderWay:
    """Shared by all intakes of a worker."""

    def __init__(
        self, tell: Callable[[], Coroutine[Any, Any, None]], is_held_up: Callable[[], bool], stop: StopSignal
    ) -> None:
        """`tell` commits all traces as they are now. `is_held_up`: a server is down, so what began only waits."""
        self._tell = tell
        self.is_held_up = is_held_up
        self._stop = stop
        self._reading = 0
        self._one_less = asyncio.Event()
        self._one_by_one = asyncio.Lock()
        self._turns = asyncio.Lock()
        self._free = asyncio.Event()
        self._free.set()
        self._wanted: asyncio.Event | None = None
        self._telling: asyncio.Task[None] | None = None
        self._is_slow = False
        self._alone = 0
        self._row_began = 0.0

    async def begin(self, ledger: Ledger, slot: Slot, blame: int) -> Work:
        """Return when work on the record may begin, and it is known that it does. `end` of it has to follow, always.

        `LeftForLater` when the worker stops before.
        """
        release: list[Callable[[], object]] = []
        work: Work | None = None
        try:
            if blame >= ALONE_FROM:
                await self._have_alone(release)
            elif blame:
                await self._one_by_one.acquire()
                release.append(self._one_by_one.release)
            while blame < ALONE_FROM and not self._free.is_set():
                await self._stop.wait_unless_stopping(self._free)
            if self._stop.is_set:
                raise LeftForLater
            ledger.begin(slot)
            self._reading += 1
            work = Work(self, ledger, slot, release)
            if not self._is_slow and not self.is_held_up():
                await self._wish().wait()
        except BaseException:
            if work is not None:
                work.end()
            else:
                for one in reversed(release):
                    one()
            raise
        return work

    def one_less(self, *, is_suspect: bool) -> None:
        """A record is read, or given up; what is no longer done with a suspect is told at once."""
        self._reading -= 1
        self._one_less.set()
        if is_suspect:
            self._wish()

    async def _have_alone(self, release: list[Callable[[], object]]) -> None:
        """Wait until nothing else is read, and let nothing else begin, for `ALONE_S` at most."""
        loop = asyncio.get_running_loop()
        if not self._alone:
            self._row_began = loop.time()
        self._alone += 1
        release.append(self._one_alone_less)
        await self._turns.acquire()
        release.append(self._turns.release)
        if loop.time() - self._row_began > SHARE_S:
            await self._stop.sleep(BREAK_S)
            self._row_began = loop.time()
        self._free.clear()
        opening = loop.call_later(ALONE_S, self._free.set)
        release += (self._free.set, opening.cancel)
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                while self._reading:
                    self._one_less.clear()
                    await self._stop.wait_unless_stopping(self._one_less)

    def _one_alone_less(self) -> None:
        self._alone -= 1

    def _wish(self) -> asyncio.Event:
        """That the traces are told as they are now; the event is set when they were, or it takes too long."""
        if self._wanted is None:
            self._wanted = asyncio.Event()
        wanted = self._wanted
        if self._telling is None or self._telling.done():
            self._telling = asyncio.create_task(self._tell_all())
        return wanted

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
