"""Where the workers stand on the partitions of their topics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from app.errors import FailureCode, OperatorError
from app.model.topics import READ_TOPICS


class Offsets(Protocol):
    """A reader of a topic's offsets, with those of one consumer group."""

    def watermarks(self, topic: str) -> dict[int, tuple[int, int]]:
        """First and next offset of each partition, as far as it can be read: up to the first open transaction."""
        ...

    def committed(self, topic: str) -> dict[int, int | None]: ...

    def offsets_at(self, topic: str, since: datetime) -> dict[int, int]: ...


@dataclass(frozen=True, slots=True)
class Standing:
    """One partition: records lie from `low` to before `high`, those before `position` are acknowledged."""

    topic: str
    partition: int
    low: int
    high: int
    committed: int | None

    @property
    def position(self) -> int:
        """Where a worker would begin: at the first record when nothing is committed, or what is not there any more."""
        committed = self.committed
        return self.low if committed is None or committed > self.high else max(committed, self.low)

    @property
    def lag(self) -> int:
        return self.high - self.position


def standings(offsets: Offsets, topics: Sequence[str] = READ_TOPICS) -> list[Standing]:
    """Every partition of these topics; `OperatorError` for a topic that the workers do not read."""
    found = []
    for topic in topics:
        if topic not in READ_TOPICS:
            raise OperatorError(
                FailureCode.COMMAND_FAILED, f"workers do not read topic {topic}; they read {', '.join(READ_TOPICS)}"
            )
        committed = offsets.committed(topic)
        for partition, (low, high) in sorted(offsets.watermarks(topic).items()):
            found.append(Standing(topic, partition, low, high, committed.get(partition)))
    return found
