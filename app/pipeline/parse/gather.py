"""Numbers what a parser finds and hands it on in slices that do not hold the event loop."""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from app.errors import FailureCode, FileRejected, Problem
from app.model.record import BadRecord, Limits, RawRecord, Slice
from app.pipeline.parse import judge
from app.pipeline.parse.json_repair import repaired_record

_SLICE_ROOM = 256 * 1024
_RECORD_COST = _SLICE_ROOM // 200
"""So a slice holds at most 200 records, or some 256 KiB of them."""
_BLANK_COST = 40


class Gather:
    """Where a parser puts records; it asks `full` after each and then hands on what `take` gives.

    Every record gets the next number, good or bad. TOO_MANY_RECORDS is raised before the one too many is kept.
    """

    def __init__(self, limits: Limits) -> None:
        self._max_records = limits.file_max_records
        self._max_bytes = limits.record_max_bytes
        self._max_depth = limits.record_max_depth
        self._records: list[RawRecord] = []
        self._bad: list[BadRecord] = []
        self._blank = 0
        self._room = _SLICE_ROOM
        self.number = 0
        self.memory = 0
        """What the parser has said that it takes, in bytes."""

    @property
    def full(self) -> bool:
        """True once the slice is some 5 ms of work; it may even be empty, so that the caller gets its turn."""
        return self._room <= 0

    def take(self) -> Slice:
        """What was gathered since the last time."""
        taken = Slice(self._records, self._bad, self._blank)
        self._records, self._bad, self._blank, self._room = [], [], 0, _SLICE_ROOM
        return taken

    def has_any(self) -> bool:
        return bool(self._records or self._bad or self._blank)

    def will_take(self, memory: int) -> None:
        """Say that the parser takes `memory` bytes from here on, beyond a block and what it has gathered."""
        self.memory = max(self.memory, memory)

    def spend(self, cost: int) -> None:
        """Account for work that gives no record: some 20 ns a unit."""
        self._room -= cost

    def read_json(self, text: bytes) -> tuple[object, Problem | None]:
        """(the value, why it can not be read) of one record's text; what the value is worth, `add_value` judges."""
        size = len(text)
        problem = None
        if size > self._max_bytes and size - text.endswith(b"\r") > self._max_bytes:
            problem = judge.too_big(self._max_bytes)
        elif size > judge.MANY_BYTES:
            problem = judge.too_many_values(text)
        if problem is not None:
            return None, problem
        try:
            return orjson.loads(text), None
        except orjson.JSONDecodeError as error:
            try:
                return repaired_record(text), None
            except orjson.JSONDecodeError:
                return None, judge.malformed(error, self._max_depth)

    def add_value(self, value: object, line: int | None, size: int, key: str | None = None) -> None:
        """One JSON value that was parsed from `size` bytes; judged here."""
        problem = judge.problem_of(value, self._max_depth)
        if problem is not None:
            self.reject(problem, line)
            return
        assert isinstance(value, dict)
        if key is not None:
            value.setdefault("_key", key)
        self.add_row(value, line, size)

    def add_row(self, value: Mapping[str, object], line: int | None, size: int) -> None:
        """One record that needs no judgement; `size` in bytes."""
        self._records.append(RawRecord(self._next(), line, value))
        self._room -= _RECORD_COST + size

    def reject(self, problem: Problem, line: int | None) -> None:
        self._bad.append(BadRecord(self._next(), line, problem))
        self._room -= _RECORD_COST

    def add_blank(self) -> None:
        self._blank += 1
        self._room -= _BLANK_COST

    def _next(self) -> int:
        if self.number >= self._max_records:
            raise FileRejected(
                FailureCode.TOO_MANY_RECORDS,
                f"more than {self._max_records:,} records; split the file",
                f"record {self.number + 1:,}",
            )
        self.number += 1
        return self.number
