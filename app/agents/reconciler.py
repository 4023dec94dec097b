"""The reconciler of a worker: compares the buckets with the outcomes, in one worker at a time.

The lease is the membership in the consumer group: the comparing worker is the one that owns partition 0 of
`listing-uploads`, asked again before each page. For the moment in which two believe so (a worker that was frozen and
does not know yet) both may queue the same object; a file processed twice is harmless. An outage pauses it, a fault of
its own delays it, and neither stops the worker.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

import structlog

from app.agents.outages import Outages
from app.agents.stopping import LeftForLater, StopSignal
from app.errors import ListingsError
from app.failures.backoff import Backoff
from app.model.listed import Progress
from app.observability import metrics

log = structlog.get_logger("listings.reconciler")
_LOOK_S = 1.0


class Comparison(Protocol):
    """One round after the other (`app.ops.reconcile.Reconciliation`)."""

    @property
    def progress(self) -> Progress | None: ...

    @property
    def held_by(self) -> int | None: ...

    async def due_in_s(self) -> float: ...

    async def round(self, check: Callable[[], None]) -> None: ...

    def forget(self) -> None: ...


class _Interrupted(Exception):
    """Another worker has taken over, or something is down; the round goes on later, here or there."""


class Reconciler:
    """Runs the comparison while `is_ours` says that it is this worker's turn."""

    def __init__(
        self, comparison: Comparison, is_ours: Callable[[], bool], outages: Outages, stop: StopSignal, pauses: Backoff
    ) -> None:
        self._comparison = comparison
        self._is_ours = is_ours
        self._outages = outages
        self._stop = stop
        self._pauses = pauses
        self._task: asyncio.Task[None] | None = None
        self._failures = 0
        self._paused: str | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def aclose(self) -> None:
        """Stop at once; what was not confirmed is found again."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    def facts(self) -> dict[str, object]:
        """For `/readyz`: whether it is this worker's turn, how far it is, and why it waits."""
        progress = self._comparison.progress
        held = self._comparison.held_by
        waits = self._paused or (None if held is None else f"{held:,} records wait for the workers")
        facts: dict[str, object] = {"active": self._is_ours(), "waits": waits}
        if progress is not None:
            facts |= {
                "began_at": progress.began_at.isoformat(),
                "objects": progress.objects,
                "queued": progress.queued,
                "completed_at": None if progress.completed_at is None else progress.completed_at.isoformat(),
                "took_s": progress.took_s,
            }
        return facts

    async def _run(self) -> None:
        while True:
            try:
                await self._unless_stopping(self._turn())
            except LeftForLater:
                self._release()
                await asyncio.sleep(_LOOK_S)
            except _Interrupted:
                pass
            except ListingsError as error:
                await self._pause(error.message)
            except Exception as error:
                log.error("reconcile_failed", exc_info=error)
                await self._pause(f"a fault of the application: {type(error).__name__}")

    async def _turn(self) -> None:
        """A round when it is due and our turn, else a moment's wait."""
        if not self._is_ours():
            self._release()
            await asyncio.sleep(_LOOK_S)
            return
        metrics.RECONCILE_ACTIVE.set(1)
        if self._outages.open:
            await asyncio.sleep(_LOOK_S)
            return
        due_s = await self._comparison.due_in_s()
        if due_s > 0:
            await asyncio.sleep(min(due_s, _LOOK_S))
            return
        await self._comparison.round(self._check)
        self._failures, self._paused = 0, None

    def _check(self) -> None:
        if self._outages.open or not self._is_ours():
            raise _Interrupted

    def _release(self) -> None:
        metrics.RECONCILE_ACTIVE.set(0)
        self._comparison.forget()

    async def _pause(self, reason: str) -> None:
        """Wait ever longer; it is told once for each reason, as the servers' own outages are told elsewhere."""
        self._failures += 1
        if reason != self._paused:
            log.warning("reconcile_paused", reason=reason)
        self._paused = reason
        await asyncio.sleep(self._pauses.ceiling_s(self._failures))

    async def _unless_stopping(self, work: Coroutine[Any, Any, None]) -> None:
        """Do it, or drop it as soon as the worker stops or hands over partitions."""
        task = asyncio.create_task(work)
        done = asyncio.Event()
        task.add_done_callback(lambda _: done.set())
        try:
            await self._stop.wait_unless_stopping(done)
        finally:
            if not task.done():
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        await task
