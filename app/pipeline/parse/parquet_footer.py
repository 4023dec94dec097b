"""The row groups that a Parquet file's footer tells of, read one by one (Parquet format 2.12, `parquet.thrift`).

The library reads the footer too. But what it offers to look at a row group (pyarrow 26, `FileMetaData.row_group`) does
not catch the C++ exceptions of a damaged one: the process ends. Its reading of data does catch them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from app.errors import FailureCode, FileRejected
from app.pipeline.parse.thrift_compact import LIST, Compact, NotThrift
from app.pipeline.unpack.spool import Readable

MAX_FOOTER_BYTES = 8 * 1024 * 1024
_MAGIC = b"PAR1"
_LENGTH_AND_MAGIC = 8
_ROW_GROUPS = 4
_COLUMNS, _ROWS = 1, 3
_FILE_PATH, _COLUMN = 1, 3
_PACKED_SIZE, _DATA_PAGE, _DICTIONARY_PAGE = 7, 9, 11


class BadFooter(Exception):
    """The footer is not what the format says."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Where the pages of one column of a row group are: offsets in the file."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class RowGroup:
    """What the footer says of a row group; nothing of it is checked yet."""

    rows: int
    chunks: tuple[Chunk, ...]


def check_footer(spool: Readable) -> None:
    """Does the file end as such a file does? Raises FILE_BROKEN, FORMAT_UNKNOWN (encrypted), SCHEMA_REFUSED."""
    end = spool.read_at(max(0, spool.size - _LENGTH_AND_MAGIC), _LENGTH_AND_MAGIC)
    if end.endswith(b"PARE"):
        raise FileRejected(FailureCode.FORMAT_UNKNOWN, "expected a Parquet file that is not encrypted")
    length = int.from_bytes(end[:4], "little")
    if not end.endswith(_MAGIC) or length > spool.size - _LENGTH_AND_MAGIC - len(_MAGIC):
        raise FileRejected(
            FailureCode.FILE_BROKEN, "the Parquet file has no end; it was cut off, upload it again", "footer"
        )
    if length > MAX_FOOTER_BYTES:
        raise FileRejected(
            FailureCode.SCHEMA_REFUSED,
            f"the footer has {length:,} bytes, more than {MAX_FOOTER_BYTES:,}; write fewer columns and row groups",
            "footer",
        )


def read_footer(spool: Readable) -> bytes:
    """The footer of a file that has one."""
    end = spool.size - _LENGTH_AND_MAGIC
    length = int.from_bytes(spool.read_at(end, 4), "little")
    return spool.read_at(end - length, length)


def row_groups(footer: bytes) -> Iterator[RowGroup]:
    """The row groups in their order. Raises `BadFooter`."""
    reader = Compact(footer)
    try:
        for number, kind in reader.fields():
            if number == _ROW_GROUPS and kind == LIST:
                for _ in range(reader.list_size()):
                    yield _row_group(reader)
            else:
                reader.value(kind, 0)
    except (NotThrift, IndexError) as error:
        raise BadFooter from error


def _row_group(reader: Compact) -> RowGroup:
    rows = 0
    chunks: list[Chunk] = []
    for number, kind in reader.fields():
        if number == _COLUMNS and kind == LIST:
            chunks += [_chunk(reader.struct(2)) for _ in range(reader.list_size())]
        else:
            value = reader.value(kind, 1)
            rows = value if number == _ROWS and isinstance(value, int) else rows
    return RowGroup(rows, tuple(chunks))


def _chunk(fields: dict[int, object]) -> Chunk:
    column = fields.get(_COLUMN)
    if not isinstance(column, dict) or _FILE_PATH in fields:
        raise BadFooter
    data, packed = column.get(_DATA_PAGE), column.get(_PACKED_SIZE)
    dictionary = column.get(_DICTIONARY_PAGE)
    if not isinstance(data, int) or not isinstance(packed, int):
        raise BadFooter
    # a file may say 0 for a dictionary that is not there
    start = dictionary if isinstance(dictionary, int) and 0 < dictionary < data else data
    return Chunk(start, start + packed)
