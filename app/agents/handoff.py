"""Hands failed records on: publish, wait for the broker's confirmation, only then is the original done."""

from __future__ import annotations

from collections.abc import Callable

import structlog

from app.agents.outages import Outages
from app.errors import Dependency, Outage
from app.failures.classify import classify
from app.failures.headers import Story
from app.failures.route import DEAD_LETTER_TOPIC, RetryPolicy
from app.model.source_record import SourceRecord
from app.observability import metrics
from app.ports import Clock, Headers, Publisher

log = structlog.get_logger("listings.handoff")


class Handoff:
    """Everything an agent publishes goes through here; an outage of the broker is waited out, however long."""

    def __init__(
        self,
        publisher: Publisher,
        policy: RetryPolicy,
        clock: Clock,
        draw: Callable[[], float],
        outages: Outages,
    ) -> None:
        self._publisher = publisher
        self._policy = policy
        self._clock = clock
        self._draw = draw
        self._outages = outages

    async def publish(
        self, topic: str, *, key: bytes | None, value: bytes | None, headers: Headers | None = None
    ) -> None:
        """Send one record, confirmed; raises `LeftForLater` when the worker stops while the broker is away."""
        while True:
            try:
                await self._publisher.publish(topic, key=key, value=value, headers=headers)
            except Outage as outage:
                await self._outages.wait_over(outage)
            else:
                self._outages.answered(Dependency.BROKER)
                return

    async def wait_over(self, outage: Outage) -> None:
        """Wait an outage out, whatever is down; `LeftForLater` when the worker stops first."""
        await self._outages.wait_over(outage)

    async def failed(
        self,
        record: SourceRecord,
        error: BaseException,
        *,
        stage: str,
        listing_file: str | None = None,
        listing_record: int | None = None,
    ) -> Story:
        """Send a failed record to the retry topic, or to the dead-letter topic when that is its place.

        `listing_file` (`bucket/key`) and `listing_record` (1-based) say what the failure is about; the record itself
        travels unchanged. Returns the story that was written into its headers, once the broker has confirmed it.
        """
        verdict = classify(error)
        if verdict.exception is not None:
            log.error("unexpected_failure", stage=stage, record=record.place, exc_info=error)
        handoff = self._policy.route(
            record,
            verdict,
            stage=stage,
            now=self._clock.now(),
            draw=self._draw,
            listing_file=listing_file,
            listing_record=listing_record,
        )
        await self.publish(handoff.topic, key=record.key, value=record.value, headers=handoff.headers)
        dead = handoff.topic == DEAD_LETTER_TOPIC
        (metrics.DEAD_LETTERS if dead else metrics.RETRIES).labels(verdict.code).inc()
        if listing_record is None:
            metrics.EVENTS.labels(record.topic, "dead_lettered" if dead else "retried").inc()
            log.warning(
                "record_dead_lettered" if dead else "retry_scheduled",
                record=record.place,
                stage=stage,
                error_code=verdict.code,
                reason=verdict.message,
                attempts=handoff.story.attempts,
                listing_file=listing_file,
            )
        return handoff.story
