"""The retries agent: holds failed records until they are due, then hands each back to the topic it came from.

Handing back keeps the order of an object: the record lands on the partition of its key again, behind what is already
there, and is handled by the same agent, one at a time. Records wait un-acknowledged; a late one delays no early one.

Memory is bounded, so not all may fit. What is behind them on the topic may be due earlier: therefore the oldest of
those held is then sent to the end of the topic, at a steady pace of records and of bytes, and the next one read. The
oldest, because offsets are committed in order: whatever else went to the end would be read again after a restart.
A due time that lies further away than any delay can is cut to the longest delay, counted from when the record came.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from app.agents.handoff import Handoff
from app.agents.stopping import StopSignal
from app.errors import FailureCode, Rejected
from app.failures.headers import Story, producer_headers, story_of
from app.failures.trust import time_of
from app.model.source_record import SourceRecord
from app.observability import metrics
from app.ports import Clock

log = structlog.get_logger("listings.retries")
STAGE = "retries"
SENT_BACK_AT_ONCE = 50
"""On their way to the end of the topic, besides those that are held."""
SENT_BACK_EVERY_S = 0.005
"""So fast a backlog is searched for what is due: 200 records a second, at some 4 % of a core."""
SENT_BACK_BYTES_PER_S = 2 * 1024 * 1024
"""Large records are sent back more slowly: whoever fills the topic with them shall not fill the network as well."""
_SURELY_DUE_S = 1.0
"""What is due so soon is not sent away any more."""


@dataclass(frozen=True, slots=True)
class HeldLimits:
    records: int
    size_bytes: int


@dataclass(eq=False, slots=True)
class _Held:
    sleeper: asyncio.Future[None]
    size: int
    is_moved: bool = False


class RetriesHandler:
    """Handles one record of `listing-retry`.

    `origins` are the topics a record may be handed back to: headers can be written by others. No record waits longer
    than `longest_s`, whatever its header says. At most `limits` are held; the caller has to allow for some more to be
    handled at once: those that are being sent back (`SENT_BACK_AT_ONCE`), up to as large as those held.
    """

    def __init__(
        self,
        handoff: Handoff,
        clock: Clock,
        stop: StopSignal,
        origins: frozenset[str],
        longest_s: float,
        limits: HeldLimits,
    ) -> None:
        self._handoff = handoff
        self._clock = clock
        self._stop = stop
        self._origins = origins
        self._longest_s = longest_s
        self._limits = limits
        self._held: dict[_Held, None] = {}  # in the order in which they were read
        self._bytes = 0
        self._sending_back = asyncio.Lock()

    async def __call__(self, record: SourceRecord) -> None:
        """Raises `Rejected` when the headers do not say where the record came from, or name a foreign topic."""
        story = story_of(record)
        if story.origin.topic not in self._origins:
            raise Rejected(
                FailureCode.HEADER_INVALID,
                f"header failure-origin-topic: expected one of {', '.join(sorted(self._origins))}",
            )
        story = replace(story, due_at=self._due_at(record, story))
        left_s = self._left_s(story)
        if left_s > 0 and not await self._hold(record, left_s) and self._left_s(story) > _SURELY_DUE_S:
            await self._send_back(record, story)
            return
        headers = {**producer_headers(record), **replace(story, due_at=None).to_headers()}
        await self._handoff.publish(story.origin.topic, key=record.key, value=record.value, headers=headers)
        log.info("retry_handed_back", origin=story.origin.topic, attempts=story.attempts, error_code=story.code)

    def _due_at(self, record: SourceRecord, story: Story) -> datetime | None:
        if story.due_at is None:
            return None
        came_at = min(self._clock.now(), time_of(record) or self._clock.now())
        return min(story.due_at, came_at + timedelta(seconds=self._longest_s))

    def _left_s(self, story: Story) -> float:
        return 0.0 if story.due_at is None else (story.due_at - self._clock.now()).total_seconds()

    async def _hold(self, record: SourceRecord, left_s: float) -> bool:
        """Whether it could be held until it was due; False when it has to make room."""
        size = record.size_bytes
        held = _Held(asyncio.get_running_loop().create_future(), size)
        self._held[held] = None
        self._bytes += size
        while len(self._held) > 1 and (len(self._held) > self._limits.records or self._bytes > self._limits.size_bytes):
            self._move(next(iter(self._held)))
        try:
            with metrics.RETRIES_WAITING.track_inprogress():
                await self._stop.sleep(left_s, held.sleeper)
        finally:
            self._let_go(held)
        return not held.is_moved

    def _move(self, held: _Held) -> None:
        self._let_go(held)
        if not held.sleeper.done():  # else it is due at this very moment
            held.is_moved = True
            held.sleeper.set_result(None)

    def _let_go(self, held: _Held) -> None:
        if held in self._held:
            del self._held[held]
            self._bytes -= held.size

    async def _send_back(self, record: SourceRecord, story: Story) -> None:
        """To the end of the topic, with its story as it is."""
        async with self._sending_back:
            await self._stop.sleep(max(SENT_BACK_EVERY_S, record.size_bytes / SENT_BACK_BYTES_PER_S))
            await self._handoff.send_back(record, story)
