"""How much of a batch of records is read before it is refused."""

from __future__ import annotations

from dataclasses import dataclass

from app.failures.headers import HEADERS_ROOM_BYTES
from app.settings import KafkaSettings

HEADERS_MAX = 16_384
"""Headers of one record; each costs some 200 bytes of memory, however short it is."""
WINDOW_MAX_BYTES = 32 * 1024 * 1024
"""How far zstd data may look back: that of the highest levels is more, and is memory."""


@dataclass(frozen=True, slots=True)
class Bounds:
    batch_bytes: int
    """What the records of one batch may be together, unpacked."""
    batch_records: int
    record_bytes: int
    """What could not be handed on (to the retry or dead-letter topic) is not read."""
    headers: int = HEADERS_MAX
    window_bytes: int = WINDOW_MAX_BYTES


def bounds_of(kafka: KafkaSettings) -> Bounds:
    """What the settings say."""
    return Bounds(
        kafka.batch_max_bytes,
        kafka.batch_max_records,
        max(kafka.max_message_bytes, 1024 * 1024) + HEADERS_ROOM_BYTES,
    )
