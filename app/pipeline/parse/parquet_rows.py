"""The rows of a Parquet file, row group by row group, a few at a time.

The library (pyarrow) decodes; what it may be asked to decode is judged first (`parquet_budget`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterator
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]
from pyarrow.parquet import ParquetFile  # type: ignore[import-untyped]

from app.errors import FailureCode, FileRejected, Problem
from app.model.record import Limits, Slice
from app.pipeline.parse import judge
from app.pipeline.parse.gather import Gather
from app.pipeline.parse.parquet_arrays import readable_type, weights
from app.pipeline.parse.parquet_budget import Budget, Plan
from app.pipeline.parse.parquet_columns import Column
from app.pipeline.parse.parquet_footer import MAX_FOOTER_BYTES, BadFooter, read_footer, row_groups
from app.pipeline.unpack.bombs import check_unpacked
from app.pipeline.unpack.spool import Readable

_MAX_LIST = 200_000
"""Of anything in the footer."""
_MAX_COLUMNS = 4_000
_BUFFER_BYTES = 8 * 1024
_GROUP_WEIGHT = 128 * 1024
"""Rows made into values at once: a few milliseconds."""
_READY_WEIGHT = 8 * 1024 * 1024
"""Up to here a whole batch is turned into its readable types at once, beyond it each group by itself."""
_BATCH_COST = 25_000
_CHUNK_COST = 5_000
"""Of reading the footer's words on one column of a row group."""


class ParquetRows:
    """The records of the Parquet file in `spool`, whose end is known to be one.

    Values are those of `json_like`; a row that has one without such a form costs only itself, and so does one over
    the limit on a record. Columns with one name make a list, as in a CSV file. Raises FILE_BROKEN, SCHEMA_REFUSED,
    BLOCK_TOO_BIG, COMPRESSION_RATIO, DECOMPRESSED_TOO_BIG, with the row group.
    """

    def __init__(self, gather: Gather, limits: Limits, spool: Readable) -> None:
        self._gather = gather
        self._limits = limits
        self._spool = spool
        self._weight = 0

    def read(self) -> Iterator[Slice]:
        """All records, in slices."""
        try:
            yield from self._read_file()
        except MemoryError as error:  # the library's own among them
            raise FileRejected(
                FailureCode.BLOCK_TOO_BIG,
                "reading it takes more memory than there is for one file; write row groups of fewer rows",
                f"after record {self._gather.number:,}",
            ) from error
        except (BadFooter, pa.ArrowException, OSError, ValueError, TypeError, OverflowError) as error:
            raise FileRejected(
                FailureCode.FILE_BROKEN,
                "the Parquet data is damaged, or written in a way that is not read; write the file again",
                f"after record {self._gather.number:,}",
            ) from error

    def _read_file(self) -> Iterator[Slice]:
        plain: frozenset[int] = frozenset()
        file = self._open(plain)
        if file.metadata.num_columns > _MAX_COLUMNS:
            raise _refused(f"it has {file.metadata.num_columns:,} columns, more than {_MAX_COLUMNS:,}")
        columns = _columns(file, self._limits.record_max_depth)
        budget = Budget(self._spool, self._limits)
        for number, group in enumerate(row_groups(read_footer(self._spool))):
            if group.rows > 0:
                plan = yield from self._with_turns(budget.plan(group, file.schema, number + 1))
                if not plan.plain <= plain:
                    plain |= plan.plain
                    file = self._open(plain)
                for column in columns:
                    column.begin(file, number, plan.rows)
                yield from self._read_group(number, group.rows, columns)
            yield from self._turn(len(group.chunks) * _CHUNK_COST)

    def _open(self, plain: frozenset[int]) -> Any:
        """The file, its texts read as dictionaries but for those leaves of which that is not possible."""
        schema = self._opened().schema
        leaves = [schema.column(index) for index in range(len(schema)) if index not in plain]
        texts = [
            leaf.path for leaf in leaves if leaf.physical_type == "BYTE_ARRAY" and leaf.logical_type.type != "DECIMAL"
        ]
        return self._opened(read_dictionary=texts)

    def _opened(self, **more: Any) -> Any:
        return ParquetFile(
            pa.PythonFile(self._spool.file, mode="r"),
            buffer_size=_BUFFER_BYTES,
            pre_buffer=False,
            coerce_int96_timestamp_unit="us",
            thrift_string_size_limit=MAX_FOOTER_BYTES,
            thrift_container_size_limit=_MAX_LIST,
            **more,
        )

    def _with_turns(self, steps: Generator[None, None, Plan]) -> Generator[Slice, None, Plan]:
        while True:
            try:
                next(steps)
            except StopIteration as end:
                plan: Plan = end.value
                return plan
            yield self._gather.take()

    def _read_group(self, number: int, left: int, columns: list[Column]) -> Iterator[Slice]:
        """The `left` records of a row group on which the columns have begun."""
        while left > 0:
            count = left
            for column in columns:
                count = min(count, column.available())
                yield from self._turn(_BATCH_COST)
            if count <= 0:
                raise FileRejected(
                    FailureCode.FILE_BROKEN, "a row group has fewer rows than it says", f"row group {number + 1:,}"
                )
            yield from self._read_rows([column.take(count) for column in columns], columns)
            left -= count

    def _turn(self, cost: int) -> Iterator[Slice]:
        self._gather.spend(cost)
        if self._gather.full:
            yield self._gather.take()

    def _read_rows(self, arrays: list[Any], columns: list[Column]) -> Iterator[Slice]:
        """Rows of equally long arrays, in groups that are small when they are values."""
        total = weights(arrays[0])
        for array in arrays[1:]:
            total = pc.add(total, weights(array))
        each: list[int] = total.to_pylist()
        if sum(each) <= _READY_WEIGHT:
            ready = []
            for column, array in zip(columns, arrays, strict=True):
                ready.append(column.made_ready(array))
                yield from self._turn(_BATCH_COST)
            arrays = ready
        start = weight = 0
        for row, own in enumerate(each):
            if own > self._limits.record_max_bytes or weight + own > _GROUP_WEIGHT:
                yield from self._make(arrays, columns, each, start, row)
                start, weight = row, 0
            if own > self._limits.record_max_bytes:
                self._gather.reject(judge.too_big(self._limits.record_max_bytes), None)
                start = row + 1
            else:
                weight += own
        yield from self._make(arrays, columns, each, start, len(each))

    def _make(self, arrays: list[Any], columns: list[Column], each: list[int], start: int, end: int) -> Iterator[Slice]:
        """The records of the rows from `start` to before `end`."""
        if start == end:
            return
        bad: dict[int, Problem] = {}
        made = [
            column.values(array.slice(start, end - start), bad) for column, array in zip(columns, arrays, strict=True)
        ]
        names = [column.name for column in columns]
        repeated = {name for name, count in Counter(names).items() if count > 1}
        for row, values in enumerate(zip(*made, strict=True)):
            weight = each[start + row]
            self._account(weight)
            if row in bad:
                self._gather.reject(bad[row], None)
            else:
                record: dict[str, object] = dict(zip(names, values, strict=True))
                for name in repeated:
                    record[name] = [value for own, value in zip(names, values, strict=True) if own == name]
                self._gather.add_value(record, None, weight)
            if self._gather.full:
                yield self._gather.take()

    def _account(self, weight: int) -> None:
        """A page of a few bytes can stand for millions of rows, so what the rows hold counts as unpacked too."""
        self._weight += weight
        check_unpacked(self._weight, self._spool.size, self._limits, f"after record {self._gather.number:,}")


def _columns(file: Any, max_depth: int) -> list[Column]:
    """The columns of the records, each with the leaves it is made of."""
    schema = file.schema_arrow
    found, leaf = [], 0
    for part in schema:
        kind = readable_type(part.type, max_depth - 1)
        if kind is None:
            raise _refused(f"column {part.name[:60]!r} is of a type that is not read, or nests too deep")
        count = _leaves(part.type)
        found.append(Column(part.name, list(range(leaf, leaf + count)), kind, part.type))
        leaf += count
    if not found or leaf != len(file.schema):
        raise _refused("its columns and their types do not fit")
    return found


def _leaves(kind: Any) -> int:
    if pa.types.is_map(kind):
        return _leaves(kind.key_type) + _leaves(kind.item_type)
    if pa.types.is_struct(kind):
        return sum(_leaves(part.type) for part in kind)
    if pa.types.is_nested(kind):
        return _leaves(kind.value_type)
    return 1


def _refused(reason: str) -> FileRejected:
    return FileRejected(FailureCode.SCHEMA_REFUSED, f"the Parquet schema can not be read: {reason}", "footer")
