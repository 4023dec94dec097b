"""Where a failed record goes next, and with which headers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from app.errors import FailureKind, Rejected
from app.failures.backoff import Backoff
from app.failures.classify import NextStep, Verdict
from app.failures.headers import (
    Origin,
    Story,
    attempts_of,
    first_failure_at,
    origin_of,
    producer_headers,
)
from app.model.source_record import SourceRecord
from app.model.topics import DEAD_LETTER_TOPIC, RETRY_TOPIC


@dataclass(frozen=True, slots=True)
class Handoff:
    """A failed record on its way: key and value are the original's, unchanged."""

    topic: str
    story: Story
    headers: dict[str, bytes]


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often, and how long apart."""

    attempts: int
    """Tries in all, the first one included."""
    backoff: Backoff

    def route(
        self,
        record: SourceRecord,
        verdict: Verdict,
        *,
        stage: str,
        now: datetime,
        draw: Callable[[], float],
        listing_file: str | None = None,
        listing_record: int | None = None,
    ) -> Handoff:
        """The retry topic while tries are left and it may succeed; else the dead-letter topic."""
        tries = _tries_so_far(record) + verdict.is_try
        again = verdict.step is not NextStep.REJECT and (tries < self.attempts or not verdict.is_try)
        delay_s = self.backoff.delay_s(tries, draw, verdict.retry_after_s) if again else None
        story = Story(
            origin=_origin(record),
            stage=stage,
            kind=verdict.kind,
            code=verdict.code,
            message=verdict.message,
            exception=verdict.exception,
            attempts=tries,
            first_at=_first_at(record, now),
            last_at=now,
            due_at=None if delay_s is None else now + timedelta(seconds=delay_s),
            listing_file=listing_file,
            listing_record=listing_record,
        )
        return Handoff(
            RETRY_TOPIC if again else DEAD_LETTER_TOPIC,
            story,
            {**producer_headers(record), **story.to_headers()},
        )

    def without_content(self, record: SourceRecord, story: Story, refused: Rejected) -> Handoff:
        """The dead letter for a record that the topic it was to be handed on to does not take (`refused`).

        Neither key and value nor the producer's headers travel with it; its origin says where they can be read.
        """
        message = (
            f"{refused.message}; its content is left out here; it failed before with {story.code}: {story.message}"
        )
        told = replace(story, kind=FailureKind.REJECT, code=refused.code, message=message, exception=None, due_at=None)
        return Handoff(DEAD_LETTER_TOPIC, told, told.to_headers())


# Topics can be written by others: unreadable story headers must not turn a dead letter into a crash.
def _tries_so_far(record: SourceRecord) -> int:
    try:
        return attempts_of(record)
    except Rejected:
        return 0


def _origin(record: SourceRecord) -> Origin:
    try:
        return origin_of(record)
    except Rejected:
        return Origin(record.topic, record.partition, record.offset, record.timestamp_ms)


def _first_at(record: SourceRecord, now: datetime) -> datetime:
    try:
        return min(first_failure_at(record, now), now)
    except Rejected:
        return now
