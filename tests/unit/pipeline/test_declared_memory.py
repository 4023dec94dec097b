"""The law of memory: no file keeps more than it has said, and what it may without saying so is little.

What counts is what is kept from one slice to the next: of all files but one, nothing else is there at the same time.
The same at larger sizes: `HEAVY_BYTES=67108864 pytest tests/unit/pipeline/test_declared_memory.py`.
"""

from __future__ import annotations

import os
import tracemalloc
from collections.abc import Iterator

import pytest

from app.errors import FileRejected
from app.model.record import ReadHints, Slice
from app.pipeline.parse import FileReader
from tests.support.heavy import HEAVY_TEXTS
from tests.support.limits import limits

_KIB, _MIB = 1024, 1024 * 1024
UNSAID_BYTES = 1_000 * _KIB
"""A chunk, its block, what was looked at to recognise the format, a slice; with what Python adds."""
SIZES = (64 * _KIB, 512 * _KIB, int(os.environ.get("HEAVY_BYTES", 2 * _MIB)))


@pytest.mark.timeout(600)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", HEAVY_TEXTS)
def test_what_is_kept_between_two_slices_was_said_before(kind: str, size: int) -> None:
    data = HEAVY_TEXTS[kind](size)
    reader = FileReader(ReadHints(), limits(compression_max_ratio=1e9), len(data))
    said = worst = 0
    tracemalloc.start()
    try:
        at_rest = tracemalloc.get_traced_memory()[0]
        for piece in _slices(reader, data):
            said = max(said, piece.memory)
            del piece  # it is worked off before another file has its turn
            worst = max(worst, tracemalloc.get_traced_memory()[0] - at_rest - said)
    except FileRejected:
        pass
    finally:
        tracemalloc.stop()
        reader.close()
    assert worst <= UNSAID_BYTES, f"{worst:,} bytes beyond the {said:,} that were said"


def _slices(reader: FileReader, data: bytes) -> Iterator[Slice]:
    for at in range(0, len(data), 256 * _KIB):
        yield from reader.feed(data[at : at + 256 * _KIB])
    yield from reader.finish()
