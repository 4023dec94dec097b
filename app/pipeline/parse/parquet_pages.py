"""The pages of a Parquet column chunk, read without unpacking them: what would unpacking take?

The footer only says what a chunk is said to be; the library trusts each page's own header and asks for the memory it
names. So the headers are read first. Apache Parquet format 2.12, `parquet.thrift` (PageHeader).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from app.pipeline.parse.thrift_compact import Compact, NotThrift
from app.pipeline.unpack.spool import Readable

_FIRST_READ = 128
_MAX_HEADER_BYTES = 256 * 1024
"""With the least and the greatest value of a page in it."""
DICTIONARY_PAGE = 2
DELTA_BYTE_ARRAY = 7
DICTIONARY_ENCODINGS = (0, 2, 8)
"""PLAIN, PLAIN_DICTIONARY, RLE_DICTIONARY."""


class BadPages(Exception):
    """What is there is no chain of pages."""


@dataclass(frozen=True, slots=True)
class Page:
    """What a page's header says of it; sizes in bytes without the header."""

    kind: int
    size: int
    packed_size: int
    values: int
    encoding: int


def pages_of(spool: Readable, start: int, end: int) -> Iterator[Page]:
    """The pages between two offsets of the file. Raises `BadPages`."""
    at = start
    while at < end:
        page, length = _header(spool, at, end)
        at += length + page.packed_size
        if page.packed_size < 0 or page.size < 0 or page.values < 0 or at > end:
            raise BadPages
        yield page


def _header(spool: Readable, at: int, end: int) -> tuple[Page, int]:
    """(the header at this offset, its length)."""
    size = _FIRST_READ
    while True:
        data = spool.read_at(at, min(size, end - at))
        try:
            return _parse(data)
        except NotThrift as error:
            raise BadPages from error
        except IndexError as error:
            if size >= min(end - at, _MAX_HEADER_BYTES) or len(data) < size:
                raise BadPages from error
            size *= 16


def _parse(data: bytes) -> tuple[Page, int]:
    """Raises IndexError when `data` ends before the header does."""
    reader = Compact(data)
    top = reader.struct(0)
    if reader.at > len(data):
        raise IndexError
    # each kind of page has its details in a field of its own: data 5, dictionary 7, data version 2 8
    details = top.get(5) or top.get(8) or top.get(7) or {}
    numbers = details if isinstance(details, dict) else {}
    encoding = numbers.get(4 if 8 in top else 2)
    page = Page(
        _number(top.get(1)), _number(top.get(2)), _number(top.get(3)), _number(numbers.get(1)), _number(encoding)
    )
    return page, reader.at


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0
