"""Tells ops of every dead letter: one line, with what failed and the command to look closer.

It never fails a record: a dead letter of a dead letter helps nobody.
"""

from __future__ import annotations

import structlog

from app.errors import Rejected
from app.failures.headers import story_of
from app.model.source_record import SourceRecord
from app.observability import metrics

log = structlog.get_logger("listings.alerts")


class AlertsHandler:
    """Handles one record of `listing-dlq`."""

    async def __call__(self, record: SourceRecord) -> None:
        """Log one alert line and count; a dead letter without readable headers is reported as such."""
        look = f"listings dlq show {record.partition}/{record.offset}"
        try:
            story = story_of(record)
        except Rejected as error:
            metrics.DEAD_LETTERS_SEEN.labels(error.code).inc()
            log.error("dead_letter", place=record.place, error_code=error.code, reason=error.message, look=look)
            return
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
            look=look,
        )
