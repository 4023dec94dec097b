"""The retries agent: holds failed records until they are due, then hands each back to the topic it came from.

Handing back keeps the order of an object: the record lands on the partition of its key again, behind what is already
there, and is handled by the same agent, one at a time. Records wait un-acknowledged; a late one delays no early one.
"""

from __future__ import annotations

from dataclasses import replace

import structlog

from app.agents.handoff import Handoff
from app.agents.stopping import StopSignal
from app.errors import FailureCode, Rejected
from app.failures.headers import producer_headers, story_of
from app.model.source_record import SourceRecord
from app.observability import metrics
from app.ports import Clock

log = structlog.get_logger("listings.retries")
STAGE = "retries"


class RetriesHandler:
    """Handles one record of `listing-retry`.

    `origins` are the topics a record may be handed back to: headers can be written by others. No record waits longer
    than `longest_s`, whatever its header says.
    """

    def __init__(
        self, handoff: Handoff, clock: Clock, stop: StopSignal, origins: frozenset[str], longest_s: float
    ) -> None:
        self._handoff = handoff
        self._clock = clock
        self._stop = stop
        self._origins = origins
        self._longest_s = longest_s

    async def __call__(self, record: SourceRecord) -> None:
        """Raises `Rejected` when the headers do not say where the record came from, or name a foreign topic."""
        story = story_of(record)
        if story.origin.topic not in self._origins:
            raise Rejected(
                FailureCode.HEADER_INVALID,
                f"header failure-origin-topic: expected one of {', '.join(sorted(self._origins))}",
            )
        if story.due_at is not None:
            left_s = min((story.due_at - self._clock.now()).total_seconds(), self._longest_s)
            if left_s > 0:
                with metrics.RETRIES_WAITING.track_inprogress():
                    await self._stop.sleep(left_s)
        headers = {**producer_headers(record), **replace(story, due_at=None).to_headers()}
        await self._handoff.publish(story.origin.topic, key=record.key, value=record.value, headers=headers)
        log.info("retry_handed_back", origin=story.origin.topic, attempts=story.attempts, error_code=story.code)
