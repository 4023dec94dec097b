"""Looks, at the start and every few minutes, whether the registry offers producers less than our schemas have."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import structlog

from app.errors import ListingsError

log = structlog.get_logger("listings.schemas")
EVERY_S = 300.0


class SchemaWatch:
    """`look` gives what producers lose, by subject, in a sentence each (`app.ops.schemas.find_losses`)."""

    def __init__(self, look: Callable[[], Awaitable[Mapping[str, str]]], every_s: float = EVERY_S) -> None:
        self._look = look
        self._every_s = every_s
        self._task: asyncio.Task[None] | None = None
        self.found: Mapping[str, str] = {}
        """What is wrong now."""

    def start(self) -> None:
        """Look from now on; nobody waits for it."""
        self._task = asyncio.create_task(self._run())

    async def aclose(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def look(self) -> None:
        """Look once; what is new is told in the log. A registry that is away is told by whoever needs it."""
        try:
            found = await self._look()
        except ListingsError:
            return
        for subject in found.keys() - self.found.keys():
            log.warning("schema_superseded", subject=subject, reason=found[subject])
        self.found = found

    async def _run(self) -> None:
        while True:
            try:
                await self.look()
            except Exception as error:
                log.error("schema_look_failed", exc_info=error)  # a fault of ours stops nobody
            await asyncio.sleep(self._every_s)
