from __future__ import annotations

import pytest

from app.errors import FailureCode, FileRejected
from app.model.file import Compression, FileFormat
from app.model.record import ReadHints
from app.pipeline.sniff import hints_from_name, sniff
from app.pipeline.sniff_binary import binary_format, refuse_binary

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
        ("cars.csv.zip", None, _CSV, Compression.ZIP),
        ("cars.ZIP", None, None, Compression.ZIP),
        ("cars.json.zst", None, _JSON, Compression.ZSTD),
        ("cars.jsonl.zstd", None, _NDJSON, Compression.ZSTD),
        ("cars.tsv.bz2", None, _CSV, Compression.BZIP2),
        ("cars.csv.xz", None, _CSV, Compression.XZ),
        ("cars.avro", None, FileFormat.AVRO, Compression.NONE),
        ("cars.parquet.gz", None, FileFormat.PARQUET, Compression.GZIP),
        ("zip", None, None, Compression.NONE),
        ("cars", "application/zip", None, Compression.ZIP),
        ("cars", "application/x-zip-compressed", None, Compression.ZIP),
        ("cars", "application/zstd", None, Compression.ZSTD),
        ("cars", "application/x-bzip2", None, Compression.BZIP2),
        ("cars.csv", "application/x-xz; a=b", _CSV, Compression.XZ),
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
        (b"<3 cars", ReadHints(), FailureCode.FORMAT_UNKNOWN),
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


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"PARE\x15\x00\x15" + bytes(50), "an encrypted Parquet file"),
        (b"ORC\x11\x00\x00" + bytes(50), "an ORC file"),
        (b"ARROW1\x00\x00" + bytes(50), "an Arrow file"),
        (b"\x89PNG\r\n\x1a\n", "a PNG picture"),
        (b"%PDF-1.7\n", "a PDF"),
        (b"stock/a.csv".ljust(257, b"\0") + b"ustar\x0000", "a tar archive"),
    ],
)
def test_what_people_send_by_mistake_is_called_by_its_name(head: bytes, name: str) -> None:
    with pytest.raises(FileRejected, match=name):
        refuse_binary(head, None)


@pytest.mark.parametrize("head", [b"PARENT_ID,make\n1,VW\n", b"ORC;make\n1;VW\n", b"ARROW1\n", b"BZh,make\n"])
def test_text_may_begin_with_the_letters_of_a_binary_format(head: bytes) -> None:
    refuse_binary(head, None)
    assert binary_format(head) is None
    assert binary_format(b"PAR1,PAR2\n") is None


def test_text_with_a_mark_is_no_binary() -> None:
    refuse_binary("id,make\n".encode("utf-16"), "utf-16-le")
    refuse_binary(b"id,make\n" * 50 + b"\0", None)
    refuse_binary(b"", None)


@pytest.mark.parametrize(
    ("text", "format_"),
    [
        (b"<rss/>", FileFormat.XML),
        (b"\n \t<cars>", FileFormat.XML),
        (b"<?xml version='1.0'?><!-- <html> --><cars/>", FileFormat.XML),
        (b"<!DOCTYPE cars SYSTEM 'a'><html2/>", FileFormat.XML),
        (b"<a:title/>", FileFormat.XML),
        (b"<!DOCTYPE html>", FileFormat.HTML),
        (b"<!doctype HTML PUBLIC '-//W3C//DTD'>", FileFormat.HTML),
        (b"<!-- a\n page --><HTML lang='de'>", FileFormat.HTML),
        (b"<?xml version='1.0'?>\n<!DOCTYPE html><html xmlns='urn:x'>", FileFormat.HTML),
        (b"<?xml version='1.0'?><h:html xmlns:h='urn:x'>", FileFormat.HTML),
        (b"<script type='application/ld+json'>{}", FileFormat.HTML),
        (b"<head><title>", FileFormat.HTML),
        (b"<?xml version='1.0'?><head><title/></head>", FileFormat.XML),
        (b"<!-- " + b"x" * 70_000, FileFormat.XML),
    ],
)
@pytest.mark.parametrize("named", [None, FileFormat.JSON, FileFormat.CSV, FileFormat.XML])
def test_markup_is_told_by_its_first_element(text: bytes, format_: FileFormat, named: FileFormat | None) -> None:
    assert sniff(text, True, ReadHints(format=named)).format is format_


@pytest.mark.parametrize("text", [b"<x-app>", b"<!-- " + b"x" * 70_000, b"<p", b"</b>"])
def test_the_name_tells_a_page_where_the_content_does_not(text: bytes) -> None:
    assert sniff(text, True, ReadHints(format=FileFormat.HTML)).format is FileFormat.HTML
    assert sniff(text, True, ReadHints(content_type="text/html")).format is FileFormat.HTML


@pytest.mark.parametrize(
    ("key", "format_"),
    [
        ("a/stock.XML", FileFormat.XML),
        ("feed.rss.gz", FileFormat.XML),
        ("feed.atom", FileFormat.XML),
        ("page.htm", FileFormat.HTML),
        ("page.html", FileFormat.HTML),
        ("cars.jsonld", FileFormat.JSON),
    ],
)
def test_names_of_markup(key: str, format_: FileFormat) -> None:
    assert hints_from_name(key).format is format_


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"Obj\x01", FileFormat.AVRO),
        (b"Obj,1", None),
        (b"PAR1", FileFormat.PARQUET),
        (b"PARTS", None),
        (b"", None),
    ],
)
def test_binary_formats_are_known_by_their_first_bytes(head: bytes, expected: FileFormat | None) -> None:
    assert binary_format(head) is expected


@pytest.mark.parametrize("kind", ["application/avro", "application/vnd.apache.parquet"])
def test_content_that_is_no_such_file_is_a_mismatch_by_its_content_type(kind: str) -> None:
    with pytest.raises(FileRejected) as refused:
        sniff(b"Please find our cars attached.\n", True, ReadHints(content_type=kind))
    assert refused.value.code is FailureCode.FORMAT_MISMATCH
