"""One record of a Kafka topic, as it came, whichever client read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


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

    @property
    def place(self) -> str:
        """`topic/partition/offset`, for people and logs."""
        return f"{self.topic}/{self.partition}/{self.offset}"
