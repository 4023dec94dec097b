"""One column of a Parquet file's records, row group by row group, down to JSON-like values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]

from app.errors import Problem
from app.pipeline.parse.json_like import NotJsonLike, json_like
from app.pipeline.parse.parquet_arrays import all_finite, is_json, singles_of


class Column:
    """The library reads each column by itself, so that one step is never long.

    `leaves` are the places of what it is made of among the file's flat columns, `kind` its readable type, `stored` that
    of the file.
    """

    def __init__(self, name: str, leaves: list[int], kind: Any, stored: Any) -> None:
        self.name = name
        self._leaves = leaves
        self._kind = kind
        self._options = pc.CastOptions(target_type=kind, allow_time_truncate=True)
        self._is_json = is_json(kind)
        self._singles = singles_of(stored)
        self._batches: Iterator[Any] = iter(())
        self._array: Any = None

    def begin(self, file: Any, group: int, rows: int) -> None:
        """Start on a row group, `rows` at once."""
        self._array = None
        self._batches = file.reader.iter_batches(rows, [group], column_indices=self._leaves, use_threads=False)

    def available(self) -> int:
        """How many rows are at hand; 0 at the end of the row group."""
        while self._array is None or not len(self._array):
            batch = next(self._batches, None)
            if batch is None:
                return 0
            self._array = batch.column(0)
        return len(self._array)

    def take(self, count: int) -> Any:
        """The next rows; at most those at hand."""
        taken, self._array = self._array.slice(0, count), self._array.slice(count)
        return taken

    def made_ready(self, array: Any) -> Any:
        """The array in the readable type; as it is when one of its values does not fit there."""
        if array.type == self._kind:
            return array
        try:
            return pc.cast(array, options=self._options)
        except pa.ArrowInvalid:
            return array

    def values(self, array: Any, bad: dict[int, Problem]) -> list[Any]:
        """A value for each row, as JSON has them. Where there is none, `bad` gets the problem, by the row."""
        values = self._values(array, bad)
        return values if self._singles is None else [self._singles.mark(value) for value in values]

    def _values(self, array: Any, bad: dict[int, Problem]) -> list[Any]:
        array = self.made_ready(array)
        try:
            if array.type != self._kind:
                raise OverflowError
            values: list[Any] = array.to_pylist(maps_as_pydicts="lossy")
        except (UnicodeDecodeError, OverflowError, ValueError):
            return [self._one(array.slice(row, 1), row, bad) for row in range(len(array))]
        if self._is_json and all_finite(array):
            return values
        for row, value in enumerate(values):
            try:
                values[row] = json_like(value)
            except NotJsonLike as problem:
                bad.setdefault(row, problem.problem(self.name))
        return values

    def _one(self, array: Any, row: int, bad: dict[int, Problem]) -> Any:
        try:
            return json_like(pc.cast(array, options=self._options).to_pylist(maps_as_pydicts="lossy")[0])
        except NotJsonLike as problem:
            bad.setdefault(row, problem.problem(self.name))
        except UnicodeDecodeError:
            bad.setdefault(row, NotJsonLike("text in UTF-8", "other bytes").problem(self.name))
        except (OverflowError, ValueError):
            bad.setdefault(row, NotJsonLike("a value in the range of its type", "another").problem(self.name))
        return None
