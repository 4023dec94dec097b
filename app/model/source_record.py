"""One record of a Kafka topic, as it came, whichever client read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

APPEND_TIME = 1
"""Kafka's number for a time that the broker set."""


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
    """The last one wins where a name is repeated."""
    is_broker_timed: bool = False
    """The broker set the time when the record was appended (LogAppendTime); else its producer did, as it liked."""

    @property
    def size_bytes(self) -> int:
        """What it takes on the wire, give or take some names: key, value and headers."""
        return len(self.key or b"") + len(self.value or b"") + sum([len(value) for value in self.headers.values()])

    @property
    def place(self) -> str:
        """`topic/partition/offset`, for people and logs."""
        return f"{self.topic}/{self.partition}/{self.offset}"
