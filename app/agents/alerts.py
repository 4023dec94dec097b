"""Tells ops of every dead letter: one line in the log, and a share in the next message to people.

It never fails a record: a dead letter of a dead letter helps nobody.
"""

from __future__ import annotations

from collections.abc import Callable

import structlog

from app.errors import FailureCode, Rejected
from app.failures.headers import story_of
from app.model.source_record import SourceRecord
from app.observability import metrics
from app.observability.alerts.dead_letters import Letter

log = structlog.get_logger("listings.alerts")


class AlertsHandler:
    """Handles one record of `listing-dlq`; `tell` takes what people are told of it."""

    def __init__(self, tell: Callable[[Letter], None]) -> None:
        self._tell = tell

    async def __call__(self, record: SourceRecord) -> None:
        """Log one alert line, count and tell; never raises. Headers that can not be read are reported as such."""
        try:
            self._report(record)
        except Rejected as error:
            self._report_unreadable(record, error.code, error.message)
        except Exception as error:
            self._report_unreadable(
                record, FailureCode.UNEXPECTED, f"its story can not be told: {type(error).__name__}"
            )

    def _report(self, record: SourceRecord) -> None:
        story = story_of(record)
        metrics.DEAD_LETTERS_SEEN.labels(story.code).inc()
        log.error(
            "dead_letter",
            place=record.place,
            stage=story.stage,
            kind=story.kind,
            error_code=story.code,
            reason=story.message,
            attempts=story.attempts,
            listing_file=story.listing_file,
            listing_record=story.listing_record,
            look=f"listings dlq show {_place(record)}",
        )
        self._tell(Letter(_place(record), story.code, story.message, story.listing_file, story.listing_record))

    def _report_unreadable(self, record: SourceRecord, code: FailureCode, message: str) -> None:
        metrics.DEAD_LETTERS_SEEN.labels(code).inc()
        look = f"listings dlq show {_place(record)}"
        log.error("dead_letter", place=record.place, error_code=code, reason=message, look=look)
        self._tell(Letter(_place(record), code, message))


def _place(record: SourceRecord) -> str:
    return f"{record.partition}/{record.offset}"
