"""Hands failed records on: publish, wait for the broker's confirmation, only then is the original done."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta

import structlog

from app.agents.outages import Outages
from app.errors import Dependency, Outage, Rejected
from app.failures.classify import classify
from app.failures.headers import Story, producer_headers, story_of
from app.failures.route import RetryPolicy
from app.model.source_record import SourceRecord
from app.model.topics import DEAD_LETTER_TOPIC, RETRY_TOPIC
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

        A record that the topic refuses, because it is too big, becomes a dead letter without its content: a worker
        that stopped for it would stop for it again and again.
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
        try:
            await self.publish(handoff.topic, key=record.key, value=record.value, headers=handoff.headers)
        except Rejected as refused:
            handoff = self._policy.without_content(record, handoff.story, refused)
            await self._publish_story(record, handoff.headers)
            verdict = classify(refused)
        dead = handoff.topic == DEAD_LETTER_TOPIC
        (metrics.DEAD_LETTERS if dead else metrics.RETRIES).labels(verdict.code).inc()
        if listing_record is None:
            metrics.EVENTS.labels(record.topic, "dead_lettered" if dead else "retried").inc()
            log.warning(
                "record_dead_lettered" if dead else "retry_scheduled",
                record=record.place,
                stage=stage,
                error_code=verdict.code,
                reason=handoff.story.message,
                attempts=handoff.story.attempts,
                listing_file=listing_file,
            )
        return handoff.story

    async def _publish_story(self, record: SourceRecord, headers: Headers) -> None:
        """Send a dead letter that is nothing but headers.

        Where the topic does not even take that, the record is held un-acknowledged until it does, or the worker stops:
        it is not lost, and nobody else waits for it but those behind it on its partition, once the worker restarts.
        """
        tries = 0
        with ExitStack() as held:
            while True:
                try:
                    return await self.publish(DEAD_LETTER_TOPIC, key=None, value=None, headers=headers)
                except Rejected as refused:
                    if not tries:
                        held.enter_context(metrics.DEAD_LETTERS_REFUSED.track_inprogress())
                        log.error("dead_letter_refused", record=record.place, reason=refused.message)
                    tries += 1
                    await self._outages.hold(tries)

    async def postpone(self, record: SourceRecord) -> None:
        """Send a retried record back to the retry topic: too many retries wait already. It burns no attempt.

        The new time is drawn evenly from the whole span of the delays: how long the others take is not known here.
        """
        story = story_of(record)
        due_at = self._clock.now() + timedelta(seconds=self._draw() * self._policy.backoff.cap_s)
        await self.send_back(record, replace(story, due_at=due_at))

    async def send_back(self, record: SourceRecord, story: Story) -> None:
        """To the end of the retry topic, to wait there until it is due; with its story as given."""
        headers = {**producer_headers(record), **story.to_headers()}
        await self.publish(RETRY_TOPIC, key=record.key, value=record.value, headers=headers)
        metrics.RETRIES_POSTPONED.labels(record.topic).inc()
