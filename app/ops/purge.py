"""Which dead letters a purge deletes. Kafka deletes from the start of a partition only: never one from the middle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.errors import FailureCode, OperatorError
from app.model.topics import DEAD_LETTER_TOPIC
from app.ops.standings import Offsets


@dataclass(frozen=True, slots=True)
class PurgePart:
    """What goes from one partition: everything before `upto`."""

    partition: int
    first: int
    upto: int
    unseen: int
    """Of these, dead letters that the alerts agent has not told of yet."""

    @property
    def count(self) -> int:
        """Offsets deleted; where records were compacted or aborted there are fewer of them."""
        return self.upto - self.first


def purge_before(offsets: Offsets, before: datetime) -> list[PurgePart]:
    """Everything dead-lettered before that time: of each partition up to its first record that is not."""
    return _parts(offsets, offsets.offsets_at(DEAD_LETTER_TOPIC, before))


def purge_all(offsets: Offsets) -> list[PurgePart]:
    """Everything there is now."""
    return _parts(offsets, {p: high for p, (_, high) in offsets.watermarks(DEAD_LETTER_TOPIC).items()})


def purge_upto(offsets: Offsets, places: Sequence[tuple[int, int]]) -> list[PurgePart]:
    """The dead letters at these places (partition, offset), and with each all that are older on its partition.

    `OperatorError(COMMAND_FAILED)` for a place that holds none.
    """
    marks = offsets.watermarks(DEAD_LETTER_TOPIC)
    upto: dict[int, int] = {}
    for partition, offset in places:
        low, high = marks.get(partition, (0, 0))
        if not low <= offset < high:
            raise OperatorError(FailureCode.COMMAND_FAILED, f"there is no dead letter {partition}/{offset}")
        upto[partition] = max(upto.get(partition, 0), offset + 1)
    return _parts(offsets, upto)


def _parts(offsets: Offsets, upto: Mapping[int, int]) -> list[PurgePart]:
    marks, committed = offsets.watermarks(DEAD_LETTER_TOPIC), offsets.committed(DEAD_LETTER_TOPIC)
    parts = []
    for partition, (low, high) in sorted(marks.items()):
        end = min(upto.get(partition, low), high)
        if end > low:
            told = committed.get(partition)
            parts.append(PurgePart(partition, low, end, max(0, end - max(low, low if told is None else told))))
    return parts
