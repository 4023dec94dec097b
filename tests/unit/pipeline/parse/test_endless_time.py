"""Texts that once cost time by the square of their length: twice as long may cost some twice as much.

CPU time of this thread is measured, and texts are long enough for the growth to show whatever else runs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import orjson
import pytest

from app.errors import FileRejected
from app.model.file import FileFormat
from app.model.record import ReadHints, Slice
from app.pipeline.parse import FileReader
from app.pipeline.parse.json_repair import lenient_json, repaired_record
from app.pipeline.parse.json_scan import swallowed_neighbours
from tests.support.limits import limits

_HALF, _WHOLE = 128 * 1024, 512 * 1024
_MOST_S = 1.0
"""The square would take minutes at the greater size."""

_STORMS = {
    "escaped quotes": rb'{"a":"%s' % (rb"\"" * (_WHOLE // 2)),
    "comments without an end": b'{"a":' + b"/*" * (_WHOLE // 2),
    "empty strings": b'{"a":' + b'""' * (_WHOLE // 2),
    "commas before nothing": b'{"a":[' + b"1,   " * (_WHOLE // 5),
    "words": b'{"a":' + b"Na " * (_WHOLE // 3),
    "seams without an end": b'{"a":"' + rb"}, {\"" * (_WHOLE // 6),
}


def _cpu_s(work: Callable[[], object]) -> float:
    started = time.thread_time()
    with suppress(orjson.JSONDecodeError, FileRejected):
        work()
    return time.thread_time() - started


@pytest.mark.parametrize("work", [repaired_record, lenient_json, swallowed_neighbours])
@pytest.mark.parametrize("storm", _STORMS)
def test_what_can_not_be_repaired_costs_linear_time(work: Callable[[bytes], object], storm: str) -> None:
    text = _STORMS[storm]
    small = max(_cpu_s(lambda: work(text[:_HALF])), 0.001)
    assert small < _MOST_S
    assert _cpu_s(lambda: work(text)) < min(_MOST_S, 12 * small)


@pytest.mark.parametrize(
    ("format_", "before", "after"),
    [
        (FileFormat.NDJSON, b"", b"\n"),
        (FileFormat.JSON, b"[", b"]"),
        (FileFormat.HTML, b'<html><script type="application/ld+json">', b"</script></html>"),
    ],
)
@pytest.mark.parametrize("storm", _STORMS)
def test_no_step_of_a_reader_is_long(format_: FileFormat, before: bytes, after: bytes, storm: str) -> None:
    reader = FileReader(ReadHints(format=format_), limits(), None)
    content = before + _STORMS[storm] + after
    steps = iter(_steps(reader, content))
    longest = 0.0
    while True:
        started = time.thread_time()
        try:
            next(steps)
        except (StopIteration, FileRejected):
            break
        finally:
            longest = max(longest, time.thread_time() - started)
    assert longest < 0.05


def _steps(reader: FileReader, content: bytes) -> Iterator[Slice]:
    yield from reader.feed(content)
    yield from reader.finish()


def test_one_record_without_an_end_costs_its_neighbours_nothing() -> None:
    storm = rb'{"a":"%s' % (rb"\"" * (_WHOLE // 2))
    reader = FileReader(ReadHints(format=FileFormat.NDJSON), limits(), None)
    slices = [*reader.feed(b'{"b":1}\n' + storm + b'\n{"c":2}\n'), *reader.finish()]
    assert [record.value for piece in slices for record in piece.records] == [{"b": 1}, {"c": 2}]
    assert [bad.number for piece in slices for bad in piece.bad] == [2]


def test_scripts_with_nothing_in_them_are_not_kept_for_ever() -> None:
    """A page of 4 MiB kept a hundred thousand of them, unsaid, and refused them all in one step."""
    content = b"<html>" + b'<script type="application/ld+json"></script>' * 100_000
    reader = FileReader(ReadHints(format=FileFormat.HTML), limits(), len(content))
    most = said = 0
    with suppress(FileRejected):
        for piece in _steps(reader, content):
            most, said = max(most, len(piece.bad)), max(said, piece.memory)
    assert most < 300
    assert said > 20 * 1024 * 1024
