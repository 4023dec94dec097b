"""However long a file is, reading it takes the same memory: a window, a block, a batch."""

from __future__ import annotations

import bz2
import lzma
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa  # type: ignore[import-untyped]
import pytest
import zstandard

from app.adapters.scratch_files import ScratchFiles
from app.model.record import ReadHints
from app.pipeline.parse import FileReader
from tests.support.feed_text import listing
from tests.support.limits import limits
from tests.support.packed import LISTING_SCHEMA, avro_block, avro_datum, avro_header, parquet_file, zip_of

pytestmark = pytest.mark.slow

_MIB = 1024 * 1024
_PIECE = 64 * 1024
_TITLE = "A car as good as new, with everything that one could wish for. " * 8


def _lines(count: int) -> bytes:
    return b"".join(b'{"source_listing_id":"%d","title":"%s"}\n' % (n, _TITLE.encode()) for n in range(count))


def _avro(codec: str) -> Callable[[int], bytes]:
    def build(count: int) -> bytes:
        blocks = (
            avro_block(100, b"".join(avro_datum(LISTING_SCHEMA, listing(n, title=_TITLE)) for n in range(100)), codec)
            for _ in range(count // 100)
        )
        return avro_header(LISTING_SCHEMA, codec) + b"".join(blocks)

    return build


def _parquet(count: int) -> bytes:
    columns = {"source_listing_id": [str(n) for n in range(count)], "title": [f"{n}{_TITLE}" for n in range(count)]}
    return parquet_file(columns, row_group_size=3_000, compression="zstd")


_BUILDERS: dict[str, Callable[[int], bytes]] = {
    "bzip2": lambda count: bz2.compress(_lines(count)),
    "xz": lambda count: lzma.compress(_lines(count), preset=0),
    "zstd": lambda count: zstandard.compress(_lines(count)),
    "zip": lambda count: zip_of({"a.ndjson": _lines(count)}),
    "zip-stored": lambda count: zip_of({"a.ndjson": _lines(count)}, zipfile.ZIP_STORED),
    "zip-lzma": lambda count: zip_of({"a.ndjson": _lines(count)}, zipfile.ZIP_LZMA),
    "avro": _avro("null"),
    "avro-deflate": _avro("deflate"),
    "avro-snappy": _avro("snappy"),
    "parquet": _parquet,
}


def _peak(data: bytes, folder: Path, count: int) -> int:
    """The most bytes in use while it is read, the library's own among them."""
    reader = FileReader(ReadHints(), limits(compression_max_ratio=100_000.0), len(data), scratch=ScratchFiles(folder))
    read = arrow = 0
    tracemalloc.start()
    for piece in (data[at : at + _PIECE] for at in range(0, len(data), _PIECE)):
        read += sum(len(part.records) for part in reader.feed(piece))
    for part in reader.finish():
        read += len(part.records)
        arrow = max(arrow, pa.total_allocated_bytes())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    reader.close()
    assert read == count
    return peak + arrow


@pytest.mark.parametrize("kind", _BUILDERS)
def test_a_longer_file_takes_no_more_memory(kind: str, tmp_path: Path) -> None:
    once, often = 6_000, 24_000
    build = _BUILDERS[kind]
    _peak(build(100), tmp_path, 100)  # what is loaded when the first such file comes

    short, long = build(once), build(often)
    assert _peak(long, tmp_path, often) < _peak(short, tmp_path, once) + 2 * _MIB
