"""Every hostile file becomes what the corpus says, however it is cut, plain or packed; its neighbours are unharmed."""

from __future__ import annotations

import gzip
import tracemalloc
from dataclasses import replace

import pytest

from app.errors import FailureCode
from app.pipeline.sniff import hints_from_name
from tests.support.hostile import HOSTILE, PACKED_FILES, HostileFile
from tests.support.limits import limits
from tests.support.reading import Reading, read_file

pytestmark = pytest.mark.slow

_MIB = 1024 * 1024
_LOOKING_BACK = ("hostile/bomb-lzma.zip", "hostile/bomb.ndjson.xz", "hostile/bomb.ndjson.zst")


def _read(file: HostileFile, data: bytes, chunk: int = 256 * 1024, block: int = 64 * 1024) -> Reading:
    hints = file.read_hints(hints_from_name(file.key))
    return read_file(data, hints, chunk=chunk, block=block, within=limits(**file.limits))


@pytest.mark.parametrize("file", HOSTILE, ids=lambda file: file.key)
def test_it_becomes_what_the_corpus_says(file: HostileFile) -> None:
    reading = _read(file, file.build())

    assert reading.code == file.file
    assert (len(reading.records), reading.codes, reading.blank) == (file.good, file.bad, file.blank)
    numbers = sorted([record.number for record in reading.records] + [bad.number for bad in reading.bad])
    assert numbers == list(range(1, len(numbers) + 1))
    if file.position is not None:
        assert reading.error is not None
        assert file.position in (reading.error.position or "")


@pytest.mark.parametrize("file", HOSTILE, ids=lambda file: file.key)
def test_it_is_the_same_however_it_is_cut(file: HostileFile) -> None:
    data = file.build()
    whole = _read(file, data)
    expected = whole.account()

    small = len(data) < 20_000 and whole.unpacked < 100_000
    for chunk in (1, 3, 100) if small else (1_000, 4_097):
        assert _read(file, data, chunk=chunk).account() == expected
    for block in (1, 7, 64) if small else (3_001,):
        assert _read(file, data, block=block).account() == expected


_ABOUT_WHAT_IS_STORED = (FailureCode.FILE_TOO_BIG, FailureCode.OBJECT_EMPTY, FailureCode.COMPRESSION_RATIO)


@pytest.mark.parametrize(
    "file",
    [file for file in HOSTILE if file not in PACKED_FILES and file.file not in _ABOUT_WHAT_IS_STORED],
    ids=lambda file: file.key,
)
def test_packed_it_is_the_same(file: HostileFile) -> None:
    data = file.build()
    plain = _read(file, data)
    generous = replace(file, limits={**file.limits, "compression_max_ratio": 10_000.0})

    packed = _read(generous, gzip.compress(data))

    assert packed.account()[:-1] == plain.account()[:-1]


@pytest.mark.parametrize(
    "key",
    [
        "hostile/ten-megabyte-description.json",
        "hostile/ten-megabyte-description.ndjson",
        "hostile/longer-cell.csv",
        "hostile/bomb.ndjson.gz",
        "hostile/zeros.json.gz",
        "hostile/bomb.zip",
        "hostile/bomb-bzip2.zip",
        "hostile/bomb-lzma.zip",
        "hostile/bomb.ndjson.bz2",
        "hostile/bomb.ndjson.xz",
        "hostile/bomb.ndjson.zst",
        "hostile/array-of-nothing.avro",
        "hostile/huge-items.avro",
        "hostile/pyramid.avro",
        "hostile/snappy-bomb.avro",
        "hostile/giant-text.xml",
        "hostile/giant-cdata.xml",
        "hostile/giant-attribute.xml",
        "hostile/giant-comment.xml",
        "hostile/never-closed.xml",
    ],
)
def test_it_takes_little_memory(key: str) -> None:
    file = next(file for file in HOSTILE if file.key == key)
    data = file.build()
    tracemalloc.start()

    _read(file, data)

    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # zstd and lzma look back 8 MiB here, and a zstd step may give 4
    assert peak < (12 if key in _LOOKING_BACK else 4) * _MIB
