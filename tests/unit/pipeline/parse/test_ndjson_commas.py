"""NDJSON with the marks of an array: each line is read alone, and a bad one costs itself."""

from __future__ import annotations

import pytest

from app.model.file import FileFormat
from app.pipeline.parse import FileReader
from app.pipeline.sniff import hints_from_name
from tests.support.limits import limits

_GOOD = [
    b'{"n":1},\n{"n":2},\n{"n":3},\n',
    b'{"n":1},\r\n{"n":2},\r\n{"n":3},\r\n',
    b'{"n":1},\n{"n":2},\n{"n":3}\n',
    b'{"n":1},\n{"n":2},\n{"n":3},',
    b'{"n":1} , \n{"n":2} ,\n{"n":3}',
    b'{"n":1}\n,{"n":2}\n,{"n":3}\n',
    b'{"n":1}\n, {"n":2}\n,\n{"n":3}\n',
]
_WRAPPED = [
    b'[\n{"n":1},\n{"n":2},\n{"n":3}\n]\n',
    b'[\r\n{"n":1},\r\n{"n":2},\r\n{"n":3},\r\n]',
    b'[\n{"n":1}\n,{"n":2}\n,{"n":3}\n]\n',
    b'[{"n":1},\n{"n":2},\n{"n":3}]\n',
    b'[{"n":1},\n{"n":2},\n{"n":3},]\n',
    b'[{"n":1},\n{"n":2},\n{"n":3}\n],\n',
]


def _read(name: str, content: bytes) -> tuple[FileFormat | None, list[object], list[int | None]]:
    reader = FileReader(hints_from_name(name), limits(), len(content))
    slices = [*reader.feed(content), *reader.finish()]
    records = [record.value["n"] for piece in slices for record in piece.records]
    shape = reader.shape
    return None if shape is None else shape.format, records, [bad.line for piece in slices for bad in piece.bad]


@pytest.mark.parametrize("name", ["a.ndjson", "a.jsonl", "a.json", "a"])
@pytest.mark.parametrize("content", _GOOD)
def test_lines_with_commas_are_lines(name: str, content: bytes) -> None:
    assert _read(name, content) == (FileFormat.NDJSON, [1, 2, 3], [])


@pytest.mark.parametrize("content", _WRAPPED)
def test_lines_in_brackets_are_lines_where_they_were_promised(content: bytes) -> None:
    assert _read("a.ndjson", content) == (FileFormat.NDJSON, [1, 2, 3], [])


@pytest.mark.parametrize("bad", [b'{"n":', b'{"n":"2', b'{"n":2}}', b"nonsense", b'{"n":2]', b'"', b"{"])
@pytest.mark.parametrize("content", [*_GOOD, *_WRAPPED])
def test_a_bad_line_costs_itself_alone(content: bytes, bad: bytes) -> None:
    line = content[: content.index(b'{"n":2}')].count(b"\n") + 1
    format_, records, lines = _read("a.ndjson", content.replace(b'{"n":2}', bad))
    assert (format_, records, lines) == (FileFormat.NDJSON, [1, 3], [line])


def test_the_first_line_may_be_the_bad_one() -> None:
    assert _read("a.ndjson", b'{"n":x},\n{"n":2},\n{"n":3},\n')[1] == [2, 3]


@pytest.mark.parametrize(
    ("name", "content", "format_"),
    [
        ("a.json", b'{"vehicles":[\n{"n":1},\n{"n":2},\n{"n":3}\n],"n":0}', FileFormat.JSON),
        ("a.json", b'[\n{"n":1},\n{"n":2}\n]', FileFormat.JSON),
        ("a.ndjson", b'[\n  {\n    "n": 1\n  },\n  {\n    "n": 2\n  }\n]', FileFormat.JSON),
        ("a.json", b'{\n"a": {"x":1},\n"n": 2\n}', FileFormat.JSON),
    ],
)
def test_documents_stay_documents(name: str, content: bytes, format_: FileFormat) -> None:
    assert _read(name, content)[0] is format_


def test_an_array_on_one_line_is_no_object() -> None:
    _, records, lines = _read("a.ndjson", b'{"n":1}\n[{"n":2}]\n[{"n":3}],\n{"n":4}\n')
    assert records == [1, 4]
    assert lines == [2, 3]
