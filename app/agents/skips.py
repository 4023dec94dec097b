"""Records that a person had the workers walk past: known before the first one is taken, and followed from then on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

import structlog

from app.errors import Outage
from app.model.skip import Skip

log = structlog.get_logger("listings.skips")
LOOK_S = 2.0
_FIRST_S = 30.0


class SkipSource(Protocol):
    """Where they are kept (`app.adapters.kafka_skips.KafkaSkips`)."""

    async def new(self) -> list[Skip]:
        """What was added since the last call, all of it at the first; `Outage(BROKER)`."""
        ...

    async def aclose(self) -> None: ...


class Skips:
    """Tells `walk_past` of each, once."""

    def __init__(self, source: SkipSource, walk_past: Callable[[Skip], None]) -> None:
        self._source = source
        self._walk_past = walk_past
        self._known: set[tuple[str, str]] = set()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Learn of what there is, for at most half a minute, and go on to look; before the first record is taken.

        A worker that ends at such a record would end again, if it took it before it knew.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _FIRST_S
        while not await self._look() and loop.time() < deadline:
            await asyncio.sleep(1.0)
        self._task = asyncio.create_task(self._run())

    async def aclose(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        await self._source.aclose()

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            await self._look()

    async def _look(self) -> bool:
        """True when the topic could be read."""
        try:
            for skip in await self._source.new():
                if (skip.place, skip.topic_id) not in self._known:
                    self._known.add((skip.place, skip.topic_id))
                    self._walk_past(skip)
        except Outage as outage:
            log.warning("skips_not_read", reason=outage.message)
            return False
        except Exception as error:
            log.error("skips_failed", exc_info=error)
            return False
        return True
