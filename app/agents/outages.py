"""Outages: while a dependency is down for everybody, work that needs it waits, and nothing is burnt or lost.

One probe a dependency, with capped backoff; everybody who waits goes on when it succeeds. Where there is no probe (the
broker), those who wait try again themselves, ever less often, until `answered` is told. Consecutive failures of
different objects are taken for an outage as well: a store that answers 500 to everybody is down. So is a failure of
which nothing tells whether others have it too (`Transient.in_doubt`). If the probe says otherwise, that is believed
only for so long: what still fails after a minute, with nothing else between that works, is those objects' own trouble,
and goes to the retry topic.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import structlog

from app.agents.stopping import StopSignal
from app.errors import Dependency, FailureCode, ListingsError, Outage, Transient
from app.failures.backoff import RETRY_AFTER_HEEDED_S, Backoff
from app.observability import metrics
from app.ports import Clock

log = structlog.get_logger("listings.outages")

T = TypeVar("T")
Probe = Callable[[], Awaitable[object]]
FAILURES_TO_OPEN = 10
OWN_TROUBLE_AFTER_S = 60.0
"""So long a subject that fails beside others is taken for a victim of an outage that the probe does not see."""
_SAME_OUTAGE_S = 10.0
"""What fails again so soon after a probe succeeded belongs to the same outage: the backoff goes on where it was."""
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

    def __init__(
        self,
        probes: Mapping[Dependency, Probe],
        backoff: Backoff,
        clock: Clock,
        stop: StopSignal,
        draw: Callable[[], float] = random.random,
    ) -> None:
        """`draw` spreads the probes of workers that lost the same dependency: evenly spread numbers in [0, 1)."""
        self._draw = draw
        self._ended: dict[Dependency, _Ended] = {}
        self._confirmed: set[Dependency] = set()
        self._probes = dict(probes)
        self._backoff = backoff
        self._clock = clock
        self._stop = stop
        self._open: dict[Dependency, OpenOutage] = {}
        self._told: set[Dependency] = set()
        """Those of which a component that probes by itself says that they are down."""
        self._over: dict[Dependency, asyncio.Event] = {}
        self._failed: dict[Dependency, set[str]] = {}
        self._tries: dict[Dependency, int] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def open(self) -> tuple[OpenOutage, ...]:
        return tuple(self._open.values())

    def changed(self, dependency: Dependency, is_open: bool, reason: str) -> None:
        """Note what a component that probes by itself (the bulk writer) found."""
        if is_open:
            self._told.add(dependency)
        else:
            self._told.discard(dependency)
        if is_open or dependency not in self._over:
            self._note(dependency, is_open, reason)

    def _note(self, dependency: Dependency, is_open: bool, reason: str) -> None:
        """An outage lasts as long as anybody has it: a probe may not see what a writer is refused for."""
        if not is_open and dependency in self._told:
            return
        if is_open and dependency not in self._open:
            ended = self._ended_just_now(dependency)
            since = ended.since if ended else self._clock.now()
            self._open[dependency] = OpenOutage(dependency, since, reason)
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
            self._note(dependency, True, outage.message)
            task = asyncio.create_task(self._probe_until_over(dependency, outage.retry_after_s))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        await self._stop.wait_unless_stopping(self._over[dependency])

    async def hold(self, tries: int) -> None:
        """Wait before a record is tried again that is refused for a reason of its own; `LeftForLater` on a stop."""
        await self._stop.sleep(self._backoff.ceiling_s(tries))

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
        unseen_since: float | None = None
        repeated = False
        while True:
            try:
                result = await attempt()
            except Outage as outage:
                unseen_since, repeated = None, False
                await self.wait_over(outage)
            except Transient as error:
                if error.by_chance and not error.in_doubt and not repeated:
                    repeated = True
                    continue
                now = self._clock.monotonic()
                unseen_since = now if unseen_since is None else unseen_since
                outage_now = self._failed_once_more(dependency, subject, error)
                if outage_now is None or now - unseen_since >= OWN_TROUBLE_AFTER_S:
                    raise
                await self.wait_over(outage_now)
                repeated = False
                if dependency in self._confirmed:
                    unseen_since = None
            else:
                self._failed.pop(dependency, None)
                self._ended.pop(dependency, None)
                return result

    async def aclose(self) -> None:
        """Stop probing."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _probe_until_over(self, dependency: Dependency, wish_s: float | None) -> None:
        probe = self._probes.get(dependency)
        if probe is None:
            self._tries[dependency] = tries = self._tries.get(dependency, 0) + 1
            await self._pause(tries, wish_s)
            if self._tries.get(dependency) == tries:
                asyncio.get_running_loop().call_later(_QUIET_S, self._forget, dependency, tries)
            else:
                self._note(dependency, False, "")  # it answered somebody meanwhile; who waits will see
        else:
            self._confirmed.discard(dependency)
            failures = self._failures_before(dependency) + 1
            await self._pause(failures, wish_s)
            while (answer := await _ask(dependency, probe)) is not None:
                self._confirmed.add(dependency)
                failures += 1
                await self._pause(failures, answer.retry_after_s)
            self._failed.pop(dependency, None)
            began = self._open.get(dependency)
            since = began.since if began else self._clock.now()
            self._ended[dependency] = _Ended(self._clock.monotonic(), failures, since)
            self._note(dependency, False, "")
        self._over.pop(dependency).set()

    async def _pause(self, failures: int, wish_s: float | None) -> None:
        """Ever longer, spread, and at least as long as the dependency wishes, up to a bound."""
        pause_s = self._backoff.ceiling_s(failures) * (0.5 + 0.5 * self._draw())
        await asyncio.sleep(max(pause_s, min(wish_s or 0.0, RETRY_AFTER_HEEDED_S)))

    def _failures_before(self, dependency: Dependency) -> int:
        """How often the same outage was probed."""
        ended = self._ended_just_now(dependency)
        self._ended.pop(dependency, None)
        return ended.failures if ended else 0

    def _ended_just_now(self, dependency: Dependency) -> _Ended | None:
        """The outage that what fails now belongs to: it ended only just now, with nothing that worked since."""
        ended = self._ended.get(dependency)
        return ended if ended and self._clock.monotonic() - ended.at < _SAME_OUTAGE_S else None

    def _is_on_probation(self, dependency: Dependency) -> bool:
        """After an outage only a success proves that it is over: a probe may not see what is wrong. Until then each
        failure belongs to it, or every false end of an outage would cost ten of those who wait an attempt."""
        ended = self._ended.get(dependency)
        return ended is not None and self._clock.monotonic() - ended.at < _QUIET_S

    def _failed_once_more(self, dependency: Dependency, subject: str, error: Transient) -> Outage | None:
        """The `Outage` to wait for once enough different subjects failed in a row."""
        subjects = self._failed.setdefault(dependency, set())
        subjects.add(subject)
        belongs = error.in_doubt or dependency in self._open or self._is_on_probation(dependency)
        if not belongs and len(subjects) < FAILURES_TO_OPEN:
            return None
        row = f"{len(subjects)} different objects failed in a row" if len(subjects) > 1 else "an object failed again"
        if error.in_doubt:
            row = "an object failed, and nothing tells whether others do too"
        reason = f"{row}; last: {error.message}"
        return Outage(FailureCode.UNREACHABLE, dependency, reason, error.retry_after_s)


@dataclass(frozen=True, slots=True)
class _Ended:
    """An outage that the probe took for over: when, after how many probes, and since when it had lasted."""

    at: float
    failures: int
    since: datetime


@dataclass(frozen=True, slots=True)
class _StillDown:
    retry_after_s: float | None = None


async def _ask(dependency: Dependency, probe: Probe) -> _StillDown | None:
    """None when the dependency answers."""
    try:
        await probe()
    except (Outage, Transient) as error:
        return _StillDown(error.retry_after_s)
    except OSError:
        return _StillDown()
    except ListingsError:
        return None  # it answered: the object of the probe need not exist
    except Exception as error:
        # A bug of ours in the probe. The outage goes on: nothing is lost by waiting, and `/readyz` tells of it.
        log.error("probe_failed", dependency=dependency, exc_info=error)
        return _StillDown()
    return None
