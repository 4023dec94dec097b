"""Offsets and a consumer group in memory."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime


class MemoryOffsets:
    """Partition 0 holds 10 to before 50, partition 1 is empty at 7; 30 and nothing are committed."""

    marks = {0: (10, 50), 1: (7, 7)}  # noqa: RUF012
    commits: dict[int, int | None] = {0: 30, 1: None}  # noqa: RUF012
    at_noon = {0: 25, 1: 7}  # noqa: RUF012

    def watermarks(self, topic: str) -> dict[int, tuple[int, int]]:
        return self.marks

    def committed(self, topic: str) -> dict[int, int | None]:
        return self.commits

    def offsets_at(self, topic: str, since: datetime) -> dict[int, int]:
        return self.at_noon


class MemoryGroup:
    def __init__(self, *members: str) -> None:
        self._members = list(members)
        self.committed: dict[str, dict[int, int]] = {}

    def members(self) -> list[str]:
        return self._members

    def commit(self, topic: str, offsets: Mapping[int, int]) -> None:
        self.committed[topic] = dict(offsets)
