"""The story of a failed record, as Kafka headers of constant size.

The record's key and value travel unchanged; everything we know of the failure is in `failure-…` headers. Those that
name the origin are set once; the others are replaced by each failure, so their size does not grow with attempts.
Headers of the producer (`traceparent`, …) pass through.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from app.errors import FailureCode, FailureKind, Rejected
from app.model.source_record import SourceRecord

MESSAGE_MAX_BYTES = 1024
HEADERS_ROOM_BYTES = 64 * 1024
"""What a record may grow by when it is handed on: its story (some 6 KiB at most), and room for what is to come."""
_PASSED_ON_MAX_BYTES = 4096
_NAME_MAX_BYTES = 1200
_WORD_MAX_BYTES = 249  # Kafka's limit on the name of a topic; others may have written these headers
_STORY = (
    "failure-origin-topic",
    "failure-origin-partition",
    "failure-origin-offset",
    "failure-origin-timestamp",
    "failure-stage",
    "failure-kind",
    "failure-code",
    "failure-message",
    "failure-exception",
    "failure-attempts",
    "failure-first-at",
    "failure-last-at",
    "retry-due-at",
    "listing-file",
    "listing-record",
)
STORY_HEADERS = frozenset(_STORY)
ORIGIN_HEADERS = frozenset(name for name in _STORY if name.startswith("failure-origin-"))
_NUMBER_MAX = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a failed record was first read."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int


@dataclass(frozen=True, slots=True)
class Story:
    """What is known of a failed record; written by `to_headers`, read back by `story_of`."""

    origin: Origin
    stage: str
    kind: FailureKind
    code: FailureCode
    message: str
    exception: str | None
    attempts: int
    """How often the record was tried, the first time included."""
    first_at: datetime
    last_at: datetime
    due_at: datetime | None = None
    """When the retry may start; only on the retry topic."""
    listing_file: str | None = None
    """`bucket/key` of the file concerned."""
    listing_record: int | None = None
    """The record of that file, when a single listing was refused."""

    def to_headers(self) -> dict[str, bytes]:
        """UTF-8, every name present only when known."""
        values: dict[str, object | None] = {
            "failure-origin-topic": _cut(self.origin.topic, _WORD_MAX_BYTES),
            "failure-origin-partition": self.origin.partition,
            "failure-origin-offset": self.origin.offset,
            "failure-origin-timestamp": self.origin.timestamp_ms,
            "failure-stage": _cut(self.stage, _WORD_MAX_BYTES),
            "failure-kind": self.kind,
            "failure-code": self.code,
            "failure-message": _cut(self.message, MESSAGE_MAX_BYTES),
            "failure-exception": None if self.exception is None else _cut(self.exception, _WORD_MAX_BYTES),
            "failure-attempts": self.attempts,
            "failure-first-at": _format_time(self.first_at),
            "failure-last-at": _format_time(self.last_at),
            "retry-due-at": None if self.due_at is None else _format_time(self.due_at),
            "listing-file": None if self.listing_file is None else _cut(self.listing_file, _NAME_MAX_BYTES),
            "listing-record": self.listing_record,
        }
        return {name: str(value).encode(errors="replace") for name, value in values.items() if value is not None}


def _cut(text: str, limit: int) -> str:
    encoded = text.encode(errors="replace")
    return encoded.decode() if len(encoded) <= limit else encoded[: limit - 3].decode(errors="ignore") + "…"


def _format_time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def producer_headers(record: SourceRecord) -> dict[str, bytes]:
    """The headers that are not ours: they pass through every hop."""
    return {name: value for name, value in record.headers.items() if name not in STORY_HEADERS}


def part_of(record: SourceRecord, value: bytes | None) -> SourceRecord:
    """One of the many records that are made of this one, with `value`; its place and its story stay.

    What its producer put into key and headers travels with each of them only as far as it is small: a thousand records
    with a megabyte each would be made of one.
    """
    room = _PASSED_ON_MAX_BYTES
    headers = {}
    for name, content in record.headers.items():
        if name not in STORY_HEADERS:
            size = len(name.encode(errors="replace")) + len(content)
            if size > room:
                continue
            room -= size
        headers[name] = content
    key = record.key if len(record.key or b"") <= _PASSED_ON_MAX_BYTES else None
    return replace(record, key=key, value=value, headers=headers)


def origin_of(record: SourceRecord) -> Origin:
    """Where the record was first read: from its headers when it was handed on before, else here.

    Raises `Rejected(HEADER_INVALID)` when the headers name an origin that can not be read.
    """
    if "failure-origin-topic" not in record.headers:
        return Origin(record.topic, record.partition, record.offset, record.timestamp_ms)
    return Origin(
        _text(record.headers, "failure-origin-topic"),
        _number(record.headers, "failure-origin-partition"),
        _number(record.headers, "failure-origin-offset"),
        _timestamp(record.headers, "failure-origin-timestamp"),
    )


def attempts_of(record: SourceRecord) -> int:
    """How often the record has failed already: 0 for one that comes for the first time."""
    return _number(record.headers, "failure-attempts") if "failure-attempts" in record.headers else 0


def first_failure_at(record: SourceRecord, now: datetime) -> datetime:
    """When the record failed first; `now` when it never did."""
    return _time(record.headers, "failure-first-at") if "failure-first-at" in record.headers else now


def story_of(record: SourceRecord) -> Story:
    """Read the headers of a record of the retry or dead-letter topic.

    `Rejected(HEADER_INVALID)` if it has no story; its own `trouble` if it could not be read.
    """
    if record.trouble is not None:
        raise record.trouble
    headers = record.headers
    try:
        kind = FailureKind(_text(headers, "failure-kind"))
        code = FailureCode(_text(headers, "failure-code"))
    except ValueError as error:
        raise _invalid("failure-code", "a known kind and code") from error
    return Story(
        origin=origin_of(record) if "failure-origin-topic" in headers else _missing("failure-origin-topic"),
        stage=_text(headers, "failure-stage"),
        kind=kind,
        code=code,
        message=_text(headers, "failure-message"),
        exception=_text(headers, "failure-exception") if "failure-exception" in headers else None,
        attempts=_number(headers, "failure-attempts"),
        first_at=_time(headers, "failure-first-at"),
        last_at=_time(headers, "failure-last-at"),
        due_at=_time(headers, "retry-due-at") if "retry-due-at" in headers else None,
        listing_file=_text(headers, "listing-file") if "listing-file" in headers else None,
        listing_record=_number(headers, "listing-record") if "listing-record" in headers else None,
    )


def _invalid(name: str, expected: str) -> Rejected:
    return Rejected(FailureCode.HEADER_INVALID, f"header {name}: expected {expected}")


def _missing(name: str) -> Origin:
    raise _invalid(name, "to be there")


def _text(headers: Mapping[str, bytes], name: str) -> str:
    try:
        return headers[name].decode()
    except KeyError:
        raise _invalid(name, "to be there") from None
    except UnicodeDecodeError:
        raise _invalid(name, "UTF-8 text") from None


def _number(headers: Mapping[str, bytes], name: str) -> int:
    text = _text(headers, name)
    if not (text.isascii() and text.isdigit() and len(text) <= 19 and int(text) <= _NUMBER_MAX):
        raise _invalid(name, "a whole number, not negative")
    return int(text)


def _timestamp(headers: Mapping[str, bytes], name: str) -> int:
    """As Kafka has it: -1 for a record without one, and whatever else its producer has set."""
    text = _text(headers, name)
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 19 and int(digits) <= _NUMBER_MAX):
        raise _invalid(name, "milliseconds since 1970")
    return int(text)


def _time(headers: Mapping[str, bytes], name: str) -> datetime:
    try:
        at = datetime.fromisoformat(_text(headers, name))
        return at.astimezone(UTC) if at.tzinfo is not None else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise _invalid(name, "an RFC 3339 time") from None
