from __future__ import annotations

import pytest

from app.errors import FailureCode, FileRejected
from app.model.file import Compression, FileFormat
from app.model.record import ReadHints
from app.pipeline.sniff import hints_from_name, refuse_binary, sniff

_JSON, _NDJSON, _CSV = FileFormat.JSON, FileFormat.NDJSON, FileFormat.CSV
_PRETTY = b'{\n  "cars": [\n    {"id": 1},\n    {"id": 2}\n  ]\n}\n'


@pytest.mark.parametrize(
    ("key", "content_type", "format_", "compression"),
    [
        ("raw/cars.json", None, _JSON, Compression.NONE),
        ("raw/cars.JSON.GZ", "text/csv", _JSON, Compression.GZIP),
        ("cars.jsonl", None, _NDJSON, Compression.NONE),
        ("cars.tsv", None, _CSV, Compression.NONE),
        ("my.json/cars", "application/gzip", None, Compression.GZIP),
        ("cars.txt", "application/json; charset=utf-8", None, Compression.NONE),
        ("cars", None, None, Compression.NONE),
        ("cars.gz", None, None, Compression.GZIP),
    ],
)
def test_a_name_promises(key: str, content_type: str | None, format_: FileFormat, compression: Compression) -> None:
    hints = hints_from_name(key, content_type)
    assert (hints.format, hints.compression, hints.content_type) == (format_, compression, content_type)


@pytest.mark.parametrize(
    ("text", "format_"),
    [
        (b'[{"a":1}]', _JSON),
        (b"  \n [ ]", _JSON),
        (b'{"a":1}', _JSON),
        (b'{"a":1}\n{"a":2}\n', _NDJSON),
        (b'{"a":1}\n5\n6\n', _NDJSON),
        (b'{"a":1\n{"a":2}\n{"a":3}\n', _NDJSON),
        (_PRETTY, _JSON),
        (b'{"a":1}{"a":2}', _JSON),
        (b"id,make\n1,VW\n", _CSV),
        (b"id;make\n1;a, b\n2;c\n", _CSV),
        (b"id\tmake\r\n", _CSV),
        (b"[id],[make]\n1,VW\n", _CSV),
        (b'"id","make"\n"1","VW"\n', _CSV),
    ],
)
def test_the_content_shows_its_format(text: bytes, format_: FileFormat) -> None:
    assert sniff(text, True, ReadHints()).format is format_


@pytest.mark.parametrize("named", FileFormat)
def test_the_content_wins_over_the_name(named: FileFormat) -> None:
    hints = ReadHints(format=named)
    assert sniff(b'[{"a":1}]', True, hints).format is _JSON
    assert sniff(b'{"a":1}\n{"a":2}\n', True, hints).format is _NDJSON
    assert sniff(_PRETTY, True, hints).format is _JSON
    assert sniff(b"id,make\n1,VW\n", True, hints).format is _CSV


def test_where_the_content_is_both_the_name_or_the_content_type_decides() -> None:
    assert sniff(b'{"a":1}', True, ReadHints(format=_NDJSON)).format is _NDJSON
    assert sniff(b'{"a":1}', True, ReadHints(content_type="application/x-ndjson")).format is _NDJSON
    assert sniff(b'{"a":"' + b"x" * 99, False, ReadHints(format=_NDJSON)).format is _NDJSON
    assert sniff(b'{"a":"' + b"x" * 99, False, ReadHints()).format is _JSON
    assert sniff(b"vin\n1\n2\n", True, ReadHints(content_type="text/csv; header=present")).format is _CSV


def test_a_path_to_the_records_makes_it_json() -> None:
    assert sniff(b'{"a":[]}\n{"a":[]}\n', True, ReadHints(records_path="a[]")).format is _JSON


@pytest.mark.parametrize(
    ("text", "delimiter"),
    [
        (b"a,b;c,d\n1,2;3,4\n", ","),
        (b"a;b;c\n1,5;2,5;3,5\n", ";"),
        (b"a\tb\nx, y; z\tw\n", "\t"),
        (b"a|b|c\n1;2;3|b|c\n", "|"),
        (b'"a, b";c\n"1, 2";3\n', ";"),
        (b"a;b\n\n;\n1;2;;\n", ";"),
    ],
)
def test_the_delimiter_is_the_one_that_cuts_all_lines_alike(text: bytes, delimiter: str) -> None:
    assert sniff(text, True, ReadHints()).delimiter == delimiter


def test_a_delimiter_that_we_were_told_is_not_questioned() -> None:
    assert sniff(b"a,b,c\n1,2,3\n", True, ReadHints(delimiter=";")).delimiter == ";"
    assert sniff(b"1;2,5;3\n", True, ReadHints(header=("a", "b", "c"))).delimiter == ";"


def test_a_cut_off_line_does_not_count() -> None:
    text = b"a;b\n1;2\n" + b"3;4;5;6;7"
    assert sniff(text, False, ReadHints()).delimiter == ";"


@pytest.mark.parametrize(
    ("text", "hints", "code"),
    [
        (b"<rss/>", ReadHints(), FailureCode.FORMAT_UNKNOWN),
        (b"Dear all\nplease find\n", ReadHints(), FailureCode.FORMAT_UNKNOWN),
        (b"a,b\n1\n2\n3\n4\n", ReadHints(), FailureCode.FORMAT_UNKNOWN),
        (b"Dear all\n", ReadHints(format=_JSON), FailureCode.FORMAT_MISMATCH),
        (b"Dear all\n", ReadHints(content_type="application/json"), FailureCode.FORMAT_MISMATCH),
    ],
)
def test_what_it_can_not_be_is_refused(text: bytes, hints: ReadHints, code: FailureCode) -> None:
    with pytest.raises(FileRejected) as refused:
        sniff(text, True, hints)
    assert refused.value.code is code


@pytest.mark.parametrize(
    ("head", "code"),
    [
        (b"PK\x03\x04" + b"x" * 50, FailureCode.FORMAT_UNKNOWN),
        (b"PAR1" + b"x" * 50, FailureCode.FORMAT_UNKNOWN),
        (b"\x1f\x8b\x08", FailureCode.FORMAT_UNKNOWN),
        (bytes(100), FailureCode.FORMAT_UNKNOWN),
        (bytes(range(200)), FailureCode.FORMAT_UNKNOWN),
        ("id,make\n1,VW\n".encode("utf-16-be"), FailureCode.ENCODING_INVALID),
    ],
)
def test_what_is_no_text_is_refused(head: bytes, code: FailureCode) -> None:
    with pytest.raises(FileRejected) as refused:
        refuse_binary(head, None)
    assert refused.value.code is code


def test_text_with_a_mark_is_no_binary() -> None:
    refuse_binary("id,make\n".encode("utf-16"), "utf-16-le")
    refuse_binary(b"id,make\n" * 50 + b"\0", None)
    refuse_binary(b"", None)
