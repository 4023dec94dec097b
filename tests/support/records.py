"""Builders of Kafka records."""

from __future__ import annotations

from app.model.source_record import SourceRecord


def source_record(
    value: bytes | None = b"{}",
    *,
    topic: str = "listing-files",
    partition: int = 3,
    offset: int = 41,
    timestamp_ms: int = 1_772_359_380_000,
    key: bytes | None = b"bucket/key",
    headers: dict[str, bytes] | None = None,
) -> SourceRecord:
    return SourceRecord(topic, partition, offset, timestamp_ms, key, value, headers or {})
