"""One record of a Kafka topic, as it came, whichever client read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from app.errors import Rejected

APPEND_TIME = 1
"""Kafka's number for a time that the broker set."""
_HEADER_COST = 200


@dataclass(frozen=True, slots=True)
class SourceRecord:
    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    """Milliseconds since 1970, as the record carries it."""
    key: bytes | None
    value: bytes | None
    headers: Mapping[str, bytes]
    """The last one wins where a name is repeated. Names that are no UTF-8 keep their bytes as surrogate escapes."""
    is_broker_timed: bool = False
    """The broker set the time when the record was appended (LogAppendTime); else its producer did, as it liked."""
    trouble: Rejected | None = None
    """Why it could not be read; what could not be is left out, which may be all of it but its place."""

    @property
    def size_bytes(self) -> int:
        """What it takes in memory, about: key, value and headers, which take some 200 bytes each however short."""
        named = sum([len(name) + len(value) + _HEADER_COST for name, value in self.headers.items()])
        return len(self.key or b"") + len(self.value or b"") + named

    @property
    def place(self) -> str:
        """`topic/partition/offset`, for people and logs."""
        return f"{self.topic}/{self.partition}/{self.offset}"


def time_of_record(timestamp_ms: int) -> datetime | None:
    """Return the time that a record carries; None when it carries none, or one that no calendar has."""
    try:
        return datetime.fromtimestamp(timestamp_ms / 1000, UTC) if timestamp_ms >= 0 else None
    except (ValueError, OverflowError, OSError):
        return None
