"""What is believed of a record on a source topic: whoever may produce there can write any headers and times.

The rules (docs/SECURITY.md, "Headers and times of others"):

- An origin counts when all four of its headers can be read and name the very topic the record is on, as the retries
  agent and `dlq redrive` write it. Its time is cut to the time of the record itself, which on the topics as declared
  is the broker's (LogAppendTime): what comes again is never newer than its coming.
- Tries count when the whole story can be read, says what a retry says, and stays below the tries there are. Whoever
  forges all of that takes tries from his own record, and nothing else.
- Everything else of the story is as if it were not there: the record comes for the first time.
- A time that a producer set itself (CreateTime) is believed up to `AHEAD_MAX` beyond our clock.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from app.errors import FailureKind, Rejected
from app.failures.headers import ORIGIN_HEADERS, STORY_HEADERS, Origin, origin_of, producer_headers, story_of
from app.model.file import ListingFile
from app.model.source_record import SourceRecord

AHEAD_MAX = timedelta(minutes=5)
"""How far the clocks of producers and stores may be ahead of ours before their times are not believed."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FAR_MS = 253_000_000_000_000
"""In the year 9987: the broker takes any number, `datetime` does not."""


@dataclass(frozen=True, slots=True)
class Trust:
    """Judges the records of a source topic, before anything is done with them."""

    attempts: int
    """Tries in all, as of the retry policy."""

    def judged(self, record: SourceRecord) -> SourceRecord:
        """The record with so much of its story as is believed; never raises."""
        if not record.headers or STORY_HEADERS.isdisjoint(record.headers):
            return record
        origin = _believed_origin(record)
        if origin is None:
            return replace(record, headers=producer_headers(record))
        kept = dict(record.headers) if self._is_retry(record) else _only_origin(record)
        kept["failure-origin-timestamp"] = str(min(origin.timestamp_ms, record.timestamp_ms)).encode()
        return replace(record, headers=kept)

    def _is_retry(self, record: SourceRecord) -> bool:
        try:
            story = story_of(record)
        except Rejected:
            return False
        return story.kind is FailureKind.TRANSIENT and story.due_at is None and 0 < story.attempts < self.attempts


def _believed_origin(record: SourceRecord) -> Origin | None:
    if "failure-origin-topic" not in record.headers:
        return None
    try:
        origin = origin_of(record)
    except Rejected:
        return None
    return origin if origin.topic == record.topic else None


def _only_origin(record: SourceRecord) -> dict[str, bytes]:
    return {
        name: value for name, value in record.headers.items() if name in ORIGIN_HEADERS or name not in STORY_HEADERS
    }


def time_of(record: SourceRecord) -> datetime | None:
    """The time that the record carries, whatever it is; None when it has none."""
    return None if record.timestamp_ms < 0 else _EPOCH + timedelta(milliseconds=min(record.timestamp_ms, _FAR_MS))


def is_ahead(at: datetime, record: SourceRecord, now: datetime) -> bool:
    """Whether a time that the record's producer set is too far in the future; the broker's own time never is."""
    return not record.is_broker_timed and at > now + AHEAD_MAX


def bounded_file(file: ListingFile, record: SourceRecord, now: datetime) -> ListingFile:
    """The file with times no later than its record's, and `AHEAD_MAX` for a store whose clock is ahead; `now` in UTC.

    They order the outcomes of objects that can not be read; of one that can, the store's Last-Modified counts.
    """
    latest = time_of(record) or now
    if not record.is_broker_timed:
        latest = min(latest, now)
    latest += AHEAD_MAX
    if _EPOCH <= file.uploaded_at <= latest and file.queued_at <= latest:
        return file
    uploaded_at = max(_EPOCH, min(file.uploaded_at, latest))
    return replace(file, uploaded_at=uploaded_at, queued_at=min(file.queued_at, latest))
