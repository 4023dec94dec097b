"""Outages: while a dependency is down for everybody, work that needs it waits, and nothing is burnt or lost.

One probe a dependency, with capped backoff; everybody who waits goes on when it succeeds. Where there is no probe (the
broker), those who wait try again themselves, ever less often, until `answered` is told. Consecutive failures of
different objects are taken for an outage as well: a store that answers 500 to everybody is down.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import structlog

from app.agents.stopping import StopSignal
from app.errors import Dependency, FailureCode, ListingsError, Outage, Transient
from app.failures.backoff import Backoff
from app.observability import metrics
from app.ports import Clock

log = structlog.get_logger("listings.outages")

T = TypeVar("T")
Probe = Callable[[], Awaitable[None]]
FAILURES_TO_OPEN = 10
_QUIET_S = 60.0
"""Longer than an attempt lasts with the default settings: who has not complained by then no longer needs it."""


@dataclass(frozen=True, slots=True)
class OpenOutage:
    """A dependency that is down, since when, and what it said."""

    dependency: Dependency
    since: datetime
    reason: str


class Outages:
    """The state of every dependency, shared by all agents of a worker.

    `probes` are asked while their dependency is down; a probe that raises `Outage` or `Transient` says: still down.
    """

    def __init__(self, probes: Mapping[Dependency, Probe], backoff: Backoff, clock: Clock, stop: StopSignal) -> None:
        self._probes = dict(probes)
        self._backoff = backoff
        self._clock = clock
        self._stop = stop
        self._open: dict[Dependency, OpenOutage] = {}
        self._over: dict[Dependency, asyncio.Event] = {}
        self._failed: dict[Dependency, set[str]] = {}
        self._tries: dict[Dependency, int] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def open(self) -> tuple[OpenOutage, ...]:
        return tuple(self._open.values())

    def changed(self, dependency: Dependency, is_open: bool, reason: str) -> None:
        """Note what a component that probes by itself (the bulk writer) found."""
        if is_open and dependency not in self._open:
            self._open[dependency] = OpenOutage(dependency, self._clock.now(), reason)
            metrics.OUTAGE.labels(dependency).set(1)
            log.error("outage_began", dependency=dependency, reason=reason)
        elif not is_open and dependency in self._open:
            began = self._open.pop(dependency)
            metrics.OUTAGE.labels(dependency).set(0)
            lasted = (self._clock.now() - began.since).total_seconds()
            log.warning("outage_ended", dependency=dependency, lasted_s=round(lasted, 3))

    async def wait_over(self, outage: Outage) -> None:
        """Wait until the dependency answers again; `LeftForLater` when the worker stops first."""
        dependency = outage.dependency
        if dependency not in self._over:
            self._over[dependency] = asyncio.Event()
            self.changed(dependency, True, outage.message)
            task = asyncio.create_task(self._probe_until_over(dependency))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        await self._stop.wait_unless_stopping(self._over[dependency])

    def answered(self, dependency: Dependency) -> None:
        """Note that a dependency without a probe did what it was asked: its outage is over."""
        if dependency in self._tries:
            del self._tries[dependency]
            self.changed(dependency, False, "")

    def _forget(self, dependency: Dependency, tries: int) -> None:
        """End an outage without a probe whose last waiter has gone without an answer."""
        if self._tries.get(dependency) == tries:
            self.answered(dependency)

    async def ride_out(self, dependency: Dependency, subject: str, attempt: Callable[[], Awaitable[T]]) -> T:
        """Try something that needs the dependency, as often as outages interrupt it.

        `subject` names what it is about: a dependency that fails for one subject only is not down. Raises what the
        attempt raises: `Rejected`, or `Transient` when it is this subject's own trouble; `LeftForLater` on a stop.
        """
        while True:
            try:
                result = await attempt()
            except Outage as outage:
                await self.wait_over(outage)
            except Transient as error:
                outage_now = self._failed_once_more(dependency, subject, error.message)
                if outage_now is None:
                    raise
                await self.wait_over(outage_now)
            else:
                self._failed.pop(dependency, None)
                return result

    async def aclose(self) -> None:
        """Stop probing."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _probe_until_over(self, dependency: Dependency) -> None:
        probe = self._probes.get(dependency)
        if probe is None:
            self._tries[dependency] = tries = self._tries.get(dependency, 0) + 1
            await asyncio.sleep(self._backoff.ceiling_s(tries))
            asyncio.get_running_loop().call_later(_QUIET_S, self._forget, dependency, tries)
        else:
            failures = 1
            await asyncio.sleep(self._backoff.ceiling_s(failures))
            while not await _answers(dependency, probe):
                failures += 1
                await asyncio.sleep(self._backoff.ceiling_s(failures))
            self._failed.pop(dependency, None)
            self.changed(dependency, False, "")
        self._over.pop(dependency).set()

    def _failed_once_more(self, dependency: Dependency, subject: str, message: str) -> Outage | None:
        """The `Outage` to wait for once enough different subjects failed in a row."""
        subjects = self._failed.setdefault(dependency, set())
        subjects.add(subject)
        if dependency not in self._open and len(subjects) < FAILURES_TO_OPEN:
            return None
        reason = f"{len(subjects)} different objects failed in a row; last: {message}"
        return Outage(FailureCode.UNREACHABLE, dependency, reason)


async def _answers(dependency: Dependency, probe: Probe) -> bool:
    try:
        await probe()
    except (Outage, Transient, OSError):
        return False
    except ListingsError:
        return True  # it answered: the object of the probe need not exist
    except Exception as error:
        # A bug of ours in the probe. The outage goes on: nothing is lost by waiting, and `/readyz` tells of it.
        log.error("probe_failed", dependency=dependency, exc_info=error)
        return False
    return True
