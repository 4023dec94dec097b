"""Properties: nothing is lost, nothing is invented, and the cutting does not matter."""

from __future__ import annotations

import csv
import gzip
import io
import tracemalloc
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.model.file import FileFormat
from app.model.record import ReadHints
from app.pipeline.parse import FileReader
from tests.support.limits import limits
from tests.support.reading import read_file

pytestmark = pytest.mark.slow

_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
_JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(-1e9, 1e9) | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=8,
)
_RECORDS = st.dictionaries(_TEXT, _JSON_VALUES, max_size=5)
_BAD_ELEMENTS = st.sampled_from(
    [
        rb'{"a":"\ud800"}',
        b'{"a":nan}',
        b'{"a":' + b"9" * 400 + b"}",
        b'{"a" 1}',
        b"5",
        b"null",
        b'"x"',
        b"[{}]",
        b"oops",
    ]
)
_SPACE = st.sampled_from([b"", b" ", b"\n", b"\r\n  "])
_CHUNKS = st.integers(1, 40)
_JSON = ReadHints(format=FileFormat.JSON)
_NDJSON = ReadHints(format=FileFormat.NDJSON)
_CSV = ReadHints(format=FileFormat.CSV)


@settings(deadline=None)
@given(st.lists(_RECORDS, max_size=8), _SPACE, _CHUNKS, _CHUNKS)
def test_a_json_array_gives_its_elements(records: list[dict[str, Any]], space: bytes, chunk: int, block: int) -> None:
    data = space + b"[" + (space + b"," + space).join(map(orjson.dumps, records)) + space + b"]" + space

    reading = read_file(data, _JSON, chunk=chunk, block=block)

    assert reading.code is None
    assert reading.values == records
    assert reading.bad == []


@settings(deadline=None)
@given(st.lists(st.one_of(_RECORDS.map(orjson.dumps), _BAD_ELEMENTS), min_size=1, max_size=12), _SPACE, _CHUNKS)
def test_a_bad_element_costs_only_itself(elements: list[bytes], space: bytes, block: int) -> None:
    data = b"[" + (space + b"," + space).join(elements) + b"]"

    reading = read_file(data, _JSON, block=block)

    assert reading.code is None
    good = {number: element for number, element in enumerate(elements, 1) if _is_object(element)}
    assert {record.number: record.value for record in reading.records} == {
        number: orjson.loads(element) for number, element in good.items()
    }
    assert [bad.number for bad in reading.bad] == [n for n in range(1, len(elements) + 1) if n not in good]


def _is_object(text: bytes) -> bool:
    try:
        return isinstance(orjson.loads(text), dict)
    except orjson.JSONDecodeError:
        return False


@settings(deadline=None)
@given(st.lists(st.one_of(_RECORDS.map(orjson.dumps), _BAD_ELEMENTS, _SPACE), max_size=12), _CHUNKS, _CHUNKS)
def test_every_line_of_ndjson_is_accounted_for(parts: list[bytes], chunk: int, block: int) -> None:
    lines = [b'{"first":1}', *(part.strip() for part in parts)]
    data = b"\n".join(lines) + b"\n"

    reading = read_file(data, _NDJSON, chunk=chunk, block=block)

    assert reading.code is None
    assert [record.line for record in reading.records] == [n for n, line in enumerate(lines, 1) if _is_object(line)]
    assert reading.blank == lines.count(b"")
    assert len(reading.records) + len(reading.bad) + reading.blank == len(lines)


_CELLS = st.text(st.sampled_from("ab \"',;\n\t|ü"), max_size=8)


@settings(deadline=None)
@given(st.lists(st.lists(_CELLS, min_size=3, max_size=3), max_size=10), st.sampled_from(["\n", "\r\n"]), _CHUNKS)
def test_rows_that_a_csv_writer_wrote_come_back(rows: list[list[str]], end: str, block: int) -> None:
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator=end)
    writer.writerow(["id", "title", "price"])
    writer.writerows([["x" + row[0], *row[1:]] for row in rows])

    reading = read_file(file.getvalue().encode(), _CSV, block=block)

    assert reading.code is None
    assert reading.bad == []
    assert [list(value.values()) for value in reading.values] == [["x" + row[0], *row[1:]] for row in rows]
    starts = [2 + sum(1 + "".join(row).count("\n") for row in rows[:index]) for index in range(len(rows))]
    assert [record.line for record in reading.records] == starts


_ROWS = st.lists(st.text(st.sampled_from('ab,"\r x'), max_size=12).map(str.strip), max_size=12)


@settings(deadline=None)
@given(_ROWS, _CHUNKS, _CHUNKS)
def test_whatever_its_quotes_every_line_of_csv_is_accounted_for(rows: list[str], chunk: int, block: int) -> None:
    """Cells without line breaks: each line is one record, one refusal, blank, or part of a row that says so."""
    lines = ["id,title", *(row.replace("\r", "") for row in rows)]
    data = "\n".join(lines).encode() + b"\n"

    reading = read_file(data, _CSV, chunk=chunk, block=block)

    assert reading.code is None
    starts = sorted([r.line or 0 for r in reading.records] + [b.line or 0 for b in reading.bad])
    assert len(set(starts)) == len(starts)
    continued = sum(str(record.value).count("\\n") for record in reading.records)
    unclosed = [bad for bad in reading.bad if bad.problem.got == "no closing quote"]
    if not unclosed:
        assert len(starts) + reading.blank + continued == len(rows)


@settings(deadline=None)
@given(st.binary(max_size=300), _CHUNKS, _CHUNKS, st.sampled_from([None, *FileFormat]))
def test_any_bytes_give_the_same_however_they_are_cut(
    data: bytes, chunk: int, block: int, named: FileFormat | None
) -> None:
    hints = ReadHints(format=named, encoding="cp1252")
    assert read_file(data, hints, chunk=chunk, block=block).account() == read_file(data, hints).account()


_FRAGMENTS = st.lists(
    st.sampled_from(
        [*(bytes([byte]) for byte in b'[]{}":,\\\n\r; '), b'{"a":1}', b'},{"a":', b'"a":', b"12", b"null", b"\xc3\xbc"]
    ),
    max_size=40,
).map(b"".join)


@settings(deadline=None)
@given(_FRAGMENTS, _CHUNKS, _CHUNKS, st.sampled_from([None, *FileFormat]))
def test_almost_json_gives_the_same_however_it_is_cut(
    data: bytes, chunk: int, block: int, named: FileFormat | None
) -> None:
    hints = ReadHints(format=named)
    expected = read_file(data, hints, block=1 << 20)

    assert read_file(data, hints, chunk=chunk, block=block).account() == expected.account()
    packed = read_file(gzip.compress(data), hints, chunk=chunk, block=block)
    assert packed.account()[:-1] == expected.account()[:-1]


@settings(deadline=None)
@given(st.lists(_RECORDS, min_size=1, max_size=6), _CHUNKS, st.data())
def test_what_stands_before_a_break_is_read(records: list[dict[str, Any]], block: int, data: st.DataObject) -> None:
    text = orjson.dumps(records)
    cut = data.draw(st.integers(1, len(text) - 1))

    reading = read_file(text[:cut], _JSON, block=block)

    ends = [len(orjson.dumps(records[:count])) - 1 for count in range(1, len(records) + 1)]
    assert reading.values == records[: sum(end <= cut for end in ends)]
    assert reading.error is not None


@settings(deadline=None)
@given(st.lists(_RECORDS, min_size=1, max_size=5))
def test_every_record_can_be_written_out_again(records: list[dict[str, Any]]) -> None:
    for value in read_file(orjson.dumps(records)).values:
        orjson.dumps(value)


def test_slices_are_small() -> None:
    many = b"[" + b'{"a":1},' * 5_000 + b"1]"
    assert read_file(many).largest_slice <= 200
    assert read_file(many.replace(b",", b"\n")[1:], _NDJSON).largest_slice <= 200
    assert read_file(b"a,b\n" + b"1,2\n" * 5_000).largest_slice <= 200


def test_numbers_go_on_over_slices_and_limits_hold() -> None:
    reading = read_file(b'{"a":1}\n' * 1_000, within=limits(file_max_records=450))
    assert [record.number for record in reading.records] == list(range(1, 451))


_XML = ReadHints(format=FileFormat.XML, records_path="cars.car[]")
_XML_TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20).map(str.strip)
_TAGS = st.sampled_from(["a", "b", "c"])


@st.composite
def _elements(draw: st.DrawFn, name: str, depth: int = 3) -> tuple[str, tuple[str, object]]:
    """An element as somebody may write it, and what has to become of it."""
    attributes = draw(st.dictionaries(st.sampled_from(["id", "key"]), _XML_TEXT, max_size=2))
    inner = _TAGS.flatmap(lambda tag: _elements(tag, depth - 1))
    children: list[tuple[str, tuple[str, object]]] = draw(st.lists(inner, max_size=3)) if depth else []
    text = draw(_XML_TEXT)
    value: dict[str, object] = {f"@{key}": entry for key, entry in attributes.items()}
    inside = draw(st.sampled_from([escape(text), _as_cdata(text), f"<!-- & -->{escape(text)}"]))
    for written, (tag, child) in children:
        inside += written
        value[tag] = child if tag not in value else [*_as_list(value[tag]), child]
    if text and value:
        value["#text"] = text
    head = "".join(f" {key}={quoteattr(entry)}" for key, entry in attributes.items())
    return f"<{name}{head}>{inside}</{name}>", (name.rpartition(":")[2], value or text)


def _as_cdata(text: str) -> str:
    return "<![CDATA[" + text.replace("]]>", "]]]]><![CDATA[>") + "]]>"


def _as_list(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


@settings(deadline=None)
@given(st.lists(_elements("x:car"), max_size=5), st.sampled_from(["", "\n", "<!-- \n -->"]), _CHUNKS, _CHUNKS)
def test_elements_come_back_as_they_were_written(
    elements: list[tuple[str, tuple[str, object]]], between: str, chunk: int, block: int
) -> None:
    data = f"<cars>{between.join(written for written, _ in elements)}</cars>".encode()

    reading = read_file(data, _XML, chunk=chunk, block=block)

    values = [value for _, (_, value) in elements]
    assert reading.code is None
    assert reading.values == [value for value in values if isinstance(value, dict)]
    assert reading.blank == values.count("")
    assert len(reading.records) + len(reading.bad) + reading.blank == len(elements)


_MARKUP = st.lists(
    st.sampled_from(
        [
            *("<a>", "</a>", "<b>", "</b>", "<c x='1' g:y=\"2>\">", "</c>", "<d/>", "<e p='1' q='2' r='3'/>"),
            *("text", " ", "\n", "\r", "ü", "x<y", "&amp;", "&#65;", "& ", "&nbsp;", "&lt;", "&gt;", '"', "'"),
            *("<![CDATA[", "]]>", "<!--", "-->", "-", "<?pi", "?>", "<!DOCTYPE a>", "<!DOCTYPE a [", "<!", "<", ">"),
            *("&lt;a&gt;", "&lt;/a&gt;", f"<n{'n' * 30} k='{'v' * 60}'/>", "x" * 50, "\0"),
            *("<html>", "<!-->", '<script type="application/ld+json">', "</script>", '{"@type":"Car","a":1}'),
        ]
    ),
    max_size=25,
).map("".join)


@settings(deadline=None)
@given(
    st.sampled_from(["<a>", "<a><b><c>1</c></b>", "<html>", "<?xml version='1.0'?>"]),
    _MARKUP,
    st.sampled_from(["", "</a>"]),
    _CHUNKS,
    _CHUNKS,
    st.sampled_from([None, "a.b[]", "a", "a.a.b"]),
    st.booleans(),
    st.sampled_from([40, 60, 400, 100_000]),
)
def test_almost_markup_gives_the_same_however_it_is_cut(
    start: str, middle: str, end: str, chunk: int, block: int, path: str | None, mends: bool, most: int
) -> None:
    data = (start + middle + end).encode()
    hints = ReadHints(records_path=path, mend_ampersands=mends)
    within = limits(record_max_bytes=most, record_max_depth=3)
    expected = read_file(data, hints, within=within)

    assert read_file(data, hints, chunk=chunk, block=block, within=within).account() == expected.account()


def test_slices_of_markup_are_small() -> None:
    many = b"<cars>" + b"<car a='1'/>" * 5_000 + b"</cars>"
    assert read_file(many, _XML).largest_slice <= 200
    listed = b'<html><script type="application/ld+json">[' + b'{"@type":"Car"},' * 5_000 + b"1]</script>"
    assert read_file(listed).largest_slice <= 200


def test_a_big_xml_file_is_read_in_little_memory() -> None:
    car = b"<car><make>VW</make><text>" + b"x &amp; " * 100 + b"</text><photo u='1'/><photo u='2'/></car>\n"
    reader = FileReader(_XML, limits(), None)
    tracemalloc.start()
    records = sum(len(piece.records) for piece in reader.feed(b"<cars>"))
    for _ in range(200):
        records += sum(len(piece.records) for piece in reader.feed(car * 50))
    records += sum(len(piece.records) for piece in reader.feed(b"</cars>"))
    records += sum(len(piece.records) for piece in reader.finish())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert records == 10_000
    assert peak < 3_000_000
