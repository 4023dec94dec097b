"""JSON documents: where their records are, and what is told when they break."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from app.errors import FailureCode, OperatorError
from app.model.file import FileFormat
from app.model.record import ReadHints
from app.pipeline.parse.json_path import Every, parse_records_path
from tests.support.limits import limits
from tests.support.reading import Reading, read_file


def _at(path: str | None, data: bytes, block: int = 64 * 1024) -> Reading:
    return read_file(data, ReadHints(format=FileFormat.JSON, records_path=path), block=block)


@pytest.mark.parametrize("block", [1, 5, 65_536])
@pytest.mark.parametrize(
    ("path", "document", "expected"),
    [
        (None, [{"a": 1}, {"a": 2}], [{"a": 1}, {"a": 2}]),
        (None, {"vehicles": [{"a": 1}]}, [{"vehicles": [{"a": 1}]}]),
        ("vehicles[]", {"n": 1, "vehicles": [{"a": 1}, {"a": 2}], "x": [{"a": 3}]}, [{"a": 1}, {"a": 2}]),
        ("p.q.cars[]", {"p": {"cars": [{}], "q": {"cars": [{"a": 1}]}}, "cars": [{}]}, [{"a": 1}]),
        ("dealers[].cars[]", {"dealers": [{"cars": [{"a": 1}]}, {"x": 1}, {"cars": [{"a": 2}]}]}, [{"a": 1}, {"a": 2}]),
        ("[].car", [{"car": {"a": 1}}, {"car": {"a": 2}}], [{"a": 1}, {"a": 2}]),
        ("data.car", {"data": {"car": {"a": 1}}}, [{"a": 1}]),
        ("cars.*", {"cars": {"x": {"a": 1}, "y": {"_key": "own"}}}, [{"a": 1, "_key": "x"}, {"_key": "own"}]),
        ("*", {"x": {"a": 1}, "y": {"a": 2}}, [{"a": 1, "_key": "x"}, {"a": 2, "_key": "y"}]),
        ("*.*", {"x": {"1": {"a": 1}}}, [{"a": 1, "_key": "1"}]),
        ("*.cars[]", {"x": {"cars": [{"a": 1}]}}, [{"a": 1}]),
        ("grid[][]", {"grid": [[{"a": 1}], [], [{"a": 2}]]}, [{"a": 1}, {"a": 2}]),
        ("cars[]", {"cars": []}, []),
        ('ca"rs ü[]', {'ca"rs ü': [{"a": 1}]}, [{"a": 1}]),
    ],
)
def test_records_are_found_where_the_path_leads(
    path: str | None, document: object, expected: list[dict[str, Any]], block: int
) -> None:
    for option in (0, orjson.OPT_INDENT_2):
        reading = _at(path, orjson.dumps(document, option=option), block)
        assert reading.error is None
        assert reading.values == expected
        assert all(record.line is None for record in reading.records)


@pytest.mark.parametrize(
    ("path", "document"),
    [
        ("cars[]", {"vehicles": [{}]}),
        ("cars[]", {"cars": {"a": {}}}),
        ("cars[]", {"cars": None}),
        ("cars.*", {"cars": [{}]}),
        ("cars[]", [{"cars": [{}]}]),
        ("a.b[]", {"a": 5}),
    ],
)
def test_nothing_where_the_path_leads_is_a_reject(path: str, document: object) -> None:
    reading = _at(path, orjson.dumps(document))
    assert reading.code is FailureCode.RECORDS_NOT_FOUND
    assert reading.records == []


def test_several_documents_are_read_one_after_the_other() -> None:
    data = b'{"cars":[{"a":1}]}\n{"other":1}{"cars":[{"a":2}]}'
    assert _at("cars[]", data).values == [{"a": 1}, {"a": 2}]
    assert _at(None, b'[{"a":1}][{"a":2}]\n{"a":3}').values == [{"a": 1}, {"a": 2}, {"a": 3}]


def test_long_runs_and_what_interrupts_them() -> None:
    """More than a block of elements, with nested objects that look like the seam between two elements."""
    elements = [{"id": i, "images": [{"id": 1}, {"id": 2}], "text": '},{"id":' + "x" * (i % 300)} for i in range(2_000)]
    texts = [orjson.dumps(element) for element in elements]
    texts[700] = rb'{"id":"\ud800"}'
    texts[1_500] = b'{"id":1,"text":"' + b"x" * 200_000 + b'"}'

    reading = _at(None, b"[" + b",".join(texts) + b"]")

    assert reading.error is None
    assert [bad.number for bad in reading.bad] == [701]
    assert len(reading.records) == 1_999
    assert [r.value for r in reading.records if r.number != 1_501] == [
        element for index, element in enumerate(elements) if index not in (700, 1_500)
    ]


@pytest.mark.parametrize(
    ("data", "records", "position"),
    [
        (b"[{}\n {}]", 1, "record 2, line 2, byte 5"),
        (b"[{},\n,{}]", 1, "record 2, line 2, byte 5"),
        (b"[,{}]", 0, "record 1, line 1, byte 1"),
        (b"[{}}", 1, "record 2, line 1, byte 3"),
        (b'[{},\n{"a":', 1, "record 2, line 2, byte 5"),
        (b"[{}", 1, "record 2, line 1, byte 3"),
        (b"[", 0, "record 1, line 1, byte 1"),
        (b"[{}]\n]", 1, "record 2, line 2, byte 5"),
        (b"[{}]\nx", 1, "record 2, line 2, byte 5"),
    ],
)
def test_the_place_where_it_breaks_is_told(data: bytes, records: int, position: str) -> None:
    reading = _at(None, data, block=2)
    assert len(reading.records) == records
    assert reading.code is FailureCode.FILE_BROKEN
    assert reading.error is not None
    assert reading.error.position == position


@pytest.mark.parametrize("data", [b'{"a" 1}', b'{"a":1 "b":2}', b'{"a":1,', b"{a:1}", b'{"\\x":1}', b'{"a":1]'])
def test_a_wrapper_that_is_no_json_is_a_broken_file(data: bytes) -> None:
    assert _at("cars[]", data, block=1).code is FailureCode.FILE_BROKEN


@pytest.mark.parametrize("block", [1, 65_536])
@pytest.mark.parametrize(
    ("path", "data"),
    [
        (None, b'[{"a":1},{"a":[2,],},\n]\n'),
        (None, b'{"a":1 , }{"a":[2]}'),
        ("cars[]", b'{"n":0,"cars":[{"a":1},{"a":[2]},],"more":{"x":1,},}'),
        ("cars.*", b'{"cars":{"x":{"a":1,"_key":""},"y":{"a":[2],"_key":""},},}'),
    ],
)
def test_a_comma_before_a_closing_bracket_costs_nothing(path: str | None, data: bytes, block: int) -> None:
    reading = _at(path, data, block)
    assert (reading.code, reading.bad) == (None, [])
    assert [value["a"] for value in reading.values] == [1, [2]]


@pytest.mark.parametrize("form", [FileFormat.JSON, FileFormat.NDJSON])
def test_what_programs_write_for_no_number_is_a_text(form: FileFormat) -> None:
    """`json.dumps(float("nan"))` in Python; a profile takes `NaN` for no value, as in a CSV file."""
    records = [b'{"a":NaN,"b":"NaN, Infinity,]","c":[-Infinity,Infinity]}', b'{"a":1}', b'{"a":NaNa}', b'{"a":1NaN}']
    data = b"[" + b",".join(records) + b"]" if form is FileFormat.JSON else b"\n".join(records)
    reading = read_file(data, ReadHints(format=form))
    assert reading.values == [{"a": "NaN", "b": "NaN, Infinity,]", "c": ["-Infinity", "Infinity"]}, {"a": 1}]
    assert reading.codes == (FailureCode.RECORD_MALFORMED, FailureCode.RECORD_MALFORMED)


def test_what_surrounds_the_records_may_be_as_big_as_it_likes() -> None:
    data = b'{"html":"' + b"<p>" * 500_000 + b'","deep":' + b"[" * 5_000 + b"]" * 5_000 + b',"cars":[{"a":1}]}'
    assert _at("cars[]", data).values == [{"a": 1}]


def test_the_size_limit_of_a_record_is_exact() -> None:
    record = b'{"a":"' + b"x" * 992 + b'"}'
    for data, hints in (
        (b"[" + record + b",{}]", ReadHints()),
        (record + b"\r\n{}\n", ReadHints(format=FileFormat.NDJSON)),
    ):
        within = limits(record_max_bytes=1_000)
        assert len(read_file(data, hints, within=within, block=300).records) == 2
        longer = data.replace(b"xx", b"xxx", 1) if hints.format is None else data.replace(b"xx", b"xxxx", 1)
        assert read_file(longer, hints, within=within, block=300).codes == (FailureCode.RECORD_TOO_BIG,)


def test_depth_counts_the_record_itself() -> None:
    within = limits(record_max_depth=3)
    assert len(read_file(b'[{"a":{"b":[1]}}]', within=within).records) == 1
    assert read_file(b'[{"a":{"b":[[]]}}]', within=within).codes == (FailureCode.RECORD_TOO_DEEP,)


@pytest.mark.parametrize("number", [b"18446744073709551616", b"-9223372036854775809", b"1e30", b"-1e300", b"1e999"])
def test_numbers_that_would_change_are_refused(number: bytes) -> None:
    for text in (b'{"id":%b}' % number, b'{"a":[{"b":%b}]}' % number):
        assert read_file(b"[" + text + b"]").codes == (FailureCode.RECORD_MALFORMED,)


def test_the_field_of_such_a_number_is_told_but_no_payload() -> None:
    reading = read_file(b'[{"stock":12345678901234567890123},{"secret":"tell\\x no one"}]')
    assert reading.bad[0].problem.field == "stock"
    assert "no one" not in str(reading.bad[1].problem)
    assert "column 16" in str(reading.bad[1].problem)


def test_paths() -> None:
    assert parse_records_path("pageProps.listings[]") == ("pageProps", "listings", Every.ELEMENT)
    assert parse_records_path("cars.*") == ("cars", Every.VALUE)
    assert parse_records_path("[][]") == (Every.ELEMENT, Every.ELEMENT)


@pytest.mark.parametrize("path", ["", "a..b", "a.", "a[0]", "a[", "[]a", "a.[]", "a*"])
def test_what_is_no_path_is_an_operators_error(path: str) -> None:
    with pytest.raises(OperatorError):
        parse_records_path(path)
