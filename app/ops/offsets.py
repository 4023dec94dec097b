"""Where the workers stand on each topic, and having them read it again from another place.

A record that is handled again does no harm: what is newer in the index stays. The broker only takes other offsets for
a group that nobody is in, so the workers are stopped first.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from app.errors import FailureCode, OperatorError
from app.ops.standings import Offsets, Standing, standings


class Group(Protocol):
    """The consumer group of the workers."""

    def members(self) -> list[str]:
        """Who is in it at present, for people."""
        ...

    def commit(self, topic: str, offsets: Mapping[int, int]) -> None:
        """Set offsets; `OperatorError` when the broker refuses."""
        ...


class End(StrEnum):
    EARLIEST = "earliest"
    LATEST = "latest"


Target = End | int | datetime
"""The first or the next record of each partition, an offset, or the first record that is not older than a time."""


@dataclass(frozen=True, slots=True)
class Move:
    """A partition that is to be read from `target` on."""

    standing: Standing
    target: int

    @property
    def again(self) -> int:
        """Records that would be handled again."""
        return max(0, self.standing.position - self.target)

    @property
    def left_out(self) -> int:
        """Records that would never be handled."""
        return max(0, self.target - self.standing.position)


def plan_reset(offsets: Offsets, topic: str, target: Target, partitions: Collection[int] = ()) -> list[Move]:
    """What has to be moved, of all partitions or those named; `OperatorError` for a place that is not there."""
    every = {standing.partition: standing for standing in standings(offsets, [topic])}
    unknown = sorted(set(partitions) - every.keys())
    if unknown:
        raise OperatorError(
            FailureCode.COMMAND_FAILED, f"topic {topic} has partitions 0 to {max(every)}, not {unknown[0]}"
        )
    chosen = [every[number] for number in sorted(partitions or every)]
    at = offsets.offsets_at(topic, target) if isinstance(target, datetime) else {}
    moves = [Move(standing, _place(standing, target, at)) for standing in chosen]
    return [move for move in moves if move.target != move.standing.committed]


def plan_replay(offsets: Offsets, topic: str, since: datetime, partitions: Collection[int] = ()) -> list[Move]:
    """The same, back to a time; what is not acknowledged yet stays where it is, so nothing is ever left out."""
    return [move for move in plan_reset(offsets, topic, since, partitions) if move.again]


def apply_moves(moves: Sequence[Move], group: Group) -> None:
    """Set the offsets; `OperatorError`, and nothing is changed, while workers run."""
    running = group.members()
    if running:
        raise OperatorError(
            FailureCode.COMMAND_FAILED,
            f"{len(running)} workers are running ({'; '.join(running[:3])}{' …' if len(running) > 3 else ''}); "
            "stop them first, nothing was changed",
        )
    for topic in sorted({move.standing.topic for move in moves}):
        group.commit(topic, {move.standing.partition: move.target for move in moves if move.standing.topic == topic})


def _place(standing: Standing, target: Target, at: Mapping[int, int]) -> int:
    if isinstance(target, End):
        return standing.low if target is End.EARLIEST else standing.high
    if isinstance(target, datetime):
        return max(standing.low, min(at.get(standing.partition, standing.high), standing.high))
    if not standing.low <= target <= standing.high:
        raise OperatorError(
            FailureCode.COMMAND_FAILED,
            f"partition {standing.partition} of {standing.topic} holds offsets {standing.low} to before "
            f"{standing.high}, not {target}",
        )
    return target
