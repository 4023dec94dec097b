"""Files as senders write them: which format has which quirk, and what has to come of it.

`QUIRKS` is a table that tests run cell by cell, and that docs/FORMATS.md shows. Every file holds the same two records,
unless its quirk says otherwise.
"""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

import fastavro
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import zstandard

from app.errors import FailureCode
from app.model.record import ReadHints

FORMATS = ("JSON", "NDJSON", "CSV", "TSV", "XML", "HTML", "Avro", "Parquet")
Row = dict[str, object]
ROWS: list[Row] = [{"id": "a1", "make": "Škoda"}, {"id": "a2", "make": "Opel"}]
ENDINGS = {name: name.lower() for name in FORMATS}


@dataclass(frozen=True)
class Case:
    """A file and what it has to become."""

    content: bytes
    rows: list[Row] = field(default_factory=lambda: ROWS)
    bad: tuple[FailureCode, ...] = ()
    blank: int = 0
    failure: FailureCode | None = None
    hints: ReadHints = field(default_factory=ReadHints)


@dataclass(frozen=True)
class Quirk:
    """What senders do, in words, and a case for each format that they do it in."""

    name: str
    becomes: str
    cases: dict[str, Case]


def as_json(rows: list[Row] = ROWS) -> str:
    return json.dumps(rows, ensure_ascii=False)


def as_ndjson(rows: list[Row] = ROWS, end: str = "\n") -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + end for row in rows)


def as_csv(delimiter: str = ",", end: str = "\n") -> str:
    return end.join(delimiter.join(line) for line in (("id", "make"), ("a1", "Škoda"), ("a2", "Opel"))) + end


def as_xml(head: str = '<?xml version="1.0" encoding="UTF-8"?>', end: str = "\n") -> str:
    cars = "".join(f"<car><id>{row['id']}</id><make>{row['make']}</make></car>{end}" for row in ROWS)
    return f"{head}{end}<cars>{end}{cars}</cars>{end}"


def as_html(rows: list[Row] = ROWS) -> str:
    cars = json.dumps([{"@type": "Car", **row} for row in rows], ensure_ascii=False)
    script = f'<script type="application/ld+json">{{"@context": "https://schema.org", "@graph": {cars}}}</script>'
    return f"<!DOCTYPE html><html><head><title>x</title>{script}</head><body></body></html>"


def as_avro(
    rows: list[Row] = ROWS, fields: tuple[tuple[str, object], ...] = (("id", "string"), ("make", "string"))
) -> bytes:
    out = io.BytesIO()
    schema = {"type": "record", "name": "Car", "fields": [{"name": name, "type": kind} for name, kind in fields]}
    fastavro.writer(out, fastavro.parse_schema(schema), rows)
    return out.getvalue()


def as_parquet(rows: list[Row] = ROWS) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), out)
    return out.getvalue()


def _types(rows: list[Row]) -> list[Row]:
    return [{"@type": "Car", **row} for row in rows]


PLAIN: dict[str, Case] = {
    "JSON": Case(as_json().encode()),
    "NDJSON": Case(as_ndjson().encode()),
    "CSV": Case(as_csv().encode()),
    "TSV": Case(as_csv("\t").encode()),
    "XML": Case(as_xml().encode()),
    "HTML": Case(as_html().encode(), _types(ROWS)),
    "Avro": Case(as_avro()),
    "Parquet": Case(as_parquet()),
}
"""One file of each format without any quirk."""

_TEXTS = {
    "JSON": as_json(), "NDJSON": as_ndjson(), "CSV": as_csv(), "TSV": as_csv("\t"),
    "XML": as_xml('<?xml version="1.0"?>'),
}  # fmt: skip


def _each(make: Callable[[str], bytes], *formats: str, hints: ReadHints | None = None) -> dict[str, Case]:
    return {name: Case(make(_TEXTS[name]), hints=hints or ReadHints()) for name in formats}


_BROKEN = FailureCode.RECORD_MALFORMED
_NOT_A_NUMBER: list[Row] = [{**row, "price": "NaN"} for row in ROWS]
_TWO_LINES: list[Row] = [{"id": "a1", "make": "Ško\nda"}, {"id": "a2", "make": "Opel"}]
_NESTED: list[Row] = [{"id": "a1", "price": {"amount": 5}}, {"id": "a2", "price": {"amount": 6}}]
_PRICE = {"type": "record", "name": "Price", "fields": [{"name": "amount", "type": "int"}]}
_NUMBERS: list[Row] = [{"id": "a1", "price": Decimal("9900.50")}, {"id": "a2", "price": Decimal("1.00")}]
_DECIMAL = {"type": "bytes", "logicalType": "decimal", "precision": 10, "scale": 2}
_PRICES: list[Row] = [{"id": "a1", "price": "9900.50"}, {"id": "a2", "price": "1.00"}]
_REPEATED: list[Row] = [{"id": "a1", "image": ["x", "y"]}, {"id": "a2", "image": ["z", "w"]}]
_LD = {"@context": "https://schema.org", "@graph": [{"@type": "Car", **row} for row in ROWS]}

QUIRKS: tuple[Quirk, ...] = (
    Quirk("UTF-8 with a byte order mark", "read", _each(lambda t: t.encode("utf-8-sig"), *_TEXTS)),
    Quirk("UTF-16 with a byte order mark", "read", _each(lambda t: t.encode("utf-16"), *_TEXTS)),
    Quirk(
        "windows-1252, named by the profile", "read",
        _each(lambda t: t.encode("cp1252"), *_TEXTS, hints=ReadHints(encoding="windows-1252")),
    ),
    Quirk(
        "an encoding that the file declares", "read",
        {"XML": Case(as_xml('<?xml version="1.0" encoding="ISO-8859-2"?>').encode("iso-8859-2"))},
    ),
    Quirk(
        "not UTF-8, and nobody says what", "the file is refused",
        {name: Case(text.encode("cp1252"), [], failure=FailureCode.ENCODING_INVALID) for name, text in _TEXTS.items()},
    ),
    Quirk(
        "lines end with CR LF", "read",
        _each(lambda t: t.replace("\n", "\r\n").encode(), "NDJSON", "CSV", "TSV", "XML"),
    ),
    Quirk("lines end with CR alone", "read", _each(lambda t: t.replace("\n", "\r").encode(), "CSV", "TSV")),
    Quirk(
        "no line end after the last record", "read",
        _each(lambda t: t.rstrip("\n").encode(), "NDJSON", "CSV", "TSV", "XML"),
    ),
    Quirk(
        "blank lines, rows, elements", "skipped and counted",
        {
            "NDJSON": Case(("\n" + as_ndjson()).encode(), blank=1),
            "CSV": Case(as_csv().replace("a2", ",\n\na2").encode(), blank=2),
            "TSV": Case(as_csv("\t").replace("a2", "\t\na2").encode(), blank=1),
            "XML": Case(as_xml().replace("</cars>", "<car/></cars>").encode(), blank=1),
        },
    ),
    Quirk(
        "cells apart by ; or |", "found by looking",
        {"CSV": Case(as_csv(";").encode()), "TSV": Case(as_csv("|").encode())},
    ),
    Quirk("Excel's sep= line", "read", {"CSV": Case(("sep=;\n" + as_csv(";")).encode())}),
    Quirk(
        "no header row", "names from the profile",
        {
            "CSV": Case(as_csv().partition("\n")[2].encode(), hints=ReadHints(header=("id", "make"))),
            "TSV": Case(as_csv("\t").partition("\n")[2].encode(), hints=ReadHints(header=("id", "make"))),
        },
    ),
    Quirk(
        "a line break inside of a value", "kept",
        {
            "JSON": Case(as_json(_TWO_LINES).encode(), _TWO_LINES),
            "NDJSON": Case(as_ndjson(_TWO_LINES).encode(), _TWO_LINES),
            "CSV": Case(as_csv().replace("Škoda", '"Ško\nda"').encode(), _TWO_LINES),
            "TSV": Case(as_csv("\t").replace("Škoda", '"Ško\nda"').encode(), _TWO_LINES),
            "XML": Case(as_xml().replace("Škoda", "Ško\nda").encode(), _TWO_LINES),
        },
    ),
    Quirk(
        "a quote that is not closed", "part of its value; the rows behind it are read",
        {"CSV": Case(as_csv().replace("Škoda", '"Škoda').encode(), [{"id": "a1", "make": '"Škoda'}, ROWS[1]])},
    ),
    Quirk(
        "inch marks inside of a cell", "read as they are",
        {"CSV": Case(as_csv().replace("Škoda", 'Fox 17" R').encode(), [{"id": "a1", "make": 'Fox 17" R'}, ROWS[1]])},
    ),
    Quirk(
        "a row with too many or too few cells", "refused, its neighbours are read",
        {
            "CSV": Case(as_csv().replace("Škoda", "Škoda,x,y").encode(), [ROWS[1]], (FailureCode.ROW_RAGGED,)),
            "TSV": Case(as_csv("\t").replace("Škoda", "Škoda\tx").encode(), [ROWS[1]], (FailureCode.ROW_RAGGED,)),
        },
    ),
    Quirk(
        "a comma before a closing bracket", "as if it were not there",
        {
            "JSON": Case(as_json().replace('"}', '",}').replace("]", ",]").encode()),
            "NDJSON": Case(as_ndjson().replace('"}', '",}').encode()),
        },
    ),
    Quirk(
        "`NaN` and `Infinity`, as Python and JavaScript write them", "a text; no value, where a profile reads it",
        {
            "JSON": Case(as_json(_NOT_A_NUMBER).replace('"NaN"', "NaN").encode(), _NOT_A_NUMBER),
            "NDJSON": Case(as_ndjson(_NOT_A_NUMBER).replace('"NaN"', "NaN").encode(), _NOT_A_NUMBER),
        },
    ),
    Quirk(
        "a record that can not be read", "refused, its neighbours are read",
        {
            "JSON": Case(as_json().replace('"id": "a1"', '"id" "a1"').encode(), [ROWS[1]], (_BROKEN,)),
            "NDJSON": Case(as_ndjson().replace('"id": "a1"', '"id" "a1"').encode(), [ROWS[1]], (_BROKEN,)),
        },
    ),
    Quirk(
        "one name several times", "a list",
        {
            "CSV": Case(b"id,image,image\na1,x,y\na2,z,w\n", _REPEATED),
            "TSV": Case(b"id\timage\timage\na1\tx\ty\na2\tz\tw\n", _REPEATED),
            "XML": Case(
                b"<cars><car><id>a1</id><image>x</image><image>y</image></car>"
                b"<car><id>a2</id><image>z</image><image>w</image></car></cars>",
                _REPEATED,
            ),
        },
    ),
    Quirk(
        "values inside of values", "paths such as price.amount",
        {
            "JSON": Case(as_json(_NESTED).encode(), _NESTED),
            "NDJSON": Case(as_ndjson(_NESTED).encode(), _NESTED),
            "XML": Case(
                b"<cars><car><id>a1</id><price><amount>5</amount></price></car>"
                b"<car><id>a2</id><price><amount>6</amount></price></car></cars>",
                [{"id": "a1", "price": {"amount": "5"}}, {"id": "a2", "price": {"amount": "6"}}],
            ),
            "HTML": Case(as_html(_NESTED).encode(), _types(_NESTED)),
            "Avro": Case(as_avro(_NESTED, (("id", "string"), ("price", _PRICE))), _NESTED),
            "Parquet": Case(as_parquet(_NESTED), _NESTED),
        },
    ),
    Quirk(
        "decimal numbers of a type of their own", "their digits, exact",
        {
            "Avro": Case(as_avro(_NUMBERS, (("id", "string"), ("price", _DECIMAL))), _PRICES),
            "Parquet": Case(as_parquet(_NUMBERS), _PRICES),
        },
    ),
    Quirk(
        "records inside of a wrapper", "by the profile's path; in XML found by looking",
        {
            "JSON": Case(f'{{"page": {{"cars": {as_json()}}}}}'.encode(), hints=ReadHints(records_path="page.cars[]")),
            "XML": Case(as_xml().replace("<cars>", "<a><b><cars>").replace("</cars>", "</cars></b></a>").encode()),
        },
    ),
    Quirk(
        "an object keyed by id", "by the profile's path",
        {
            "JSON": Case(
                json.dumps({"a1": {"make": "Škoda"}, "a2": {"make": "Opel"}}).encode(),
                [{"make": "Škoda", "_key": "a1"}, {"make": "Opel", "_key": "a2"}],
                hints=ReadHints(records_path="*"),
            )
        },
    ),
    Quirk(
        "several documents one after the other", "read",
        {"JSON": Case("\n\n".join(json.dumps(row, indent=1) for row in ROWS).encode())},
    ),
    Quirk("one record alone", "read", {
        "JSON": Case(json.dumps(ROWS[0], indent=1).encode(), ROWS[:1]),
        "XML": Case("<car><id>a1</id><make>Škoda</make></car>".encode(), ROWS[:1]),
    }),
    Quirk(
        "schema.org vehicles as JSON-LD", "each vehicle is a record",
        {
            "JSON": Case(json.dumps(_LD).encode(), _types(ROWS)),
            "NDJSON": Case((json.dumps(_LD) + "\n").encode(), _types(ROWS)),
            "HTML": PLAIN["HTML"],
        },
    ),
    Quirk(
        "names with a namespace (RSS, Atom, g:)", "the prefix is dropped",
        {
            "XML": Case(
                '<rss xmlns:g="http://base.google.com/ns/1.0"><channel><title>x</title>'
                "<item><g:id>a1</g:id><g:make>Škoda</g:make></item>"
                "<item><g:id>a2</g:id><g:make>Opel</g:make></item></channel></rss>".encode()
            )
        },
    ),
    Quirk(
        "values in attributes", "@name",
        {
            "XML": Case(
                '<cars><car id="a1"><make>Škoda</make></car><car id="a2"><make>Opel</make></car></cars>'.encode(),
                [{"@id": "a1", "make": "Škoda"}, {"@id": "a2", "make": "Opel"}],
            )
        },
    ),
    Quirk("comments and CDATA", "read", {"XML": Case(as_xml().replace("Opel", "<!-- x --><![CDATA[Opel]]>").encode())}),
    Quirk(
        "XML as the text of an element", "unpacked and read",
        {"XML": Case(f"<string>{as_xml().replace('<', '&lt;').replace('>', '&gt;')}</string>".encode())},
    ),
    Quirk(
        "entities that multiply", "the file is refused",
        {
            "XML": Case(
                b'<?xml version="1.0"?><!DOCTYPE c [<!ENTITY a "aaaa">]><cars><car><id>&a;</id></car></cars>',
                [], failure=FailureCode.DTD_FORBIDDEN,
            )
        },
    ),
    Quirk(
        "a file that was cut off", "what was whole is kept, the file is refused",
        {
            "JSON": Case(as_json().encode()[:-10], ROWS[:1], failure=FailureCode.FILE_BROKEN),
            "XML": Case(as_xml().encode()[:-9], ROWS, failure=FailureCode.FILE_BROKEN),
        },
    ),
)  # fmt: skip


def _zipped(content: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("stock", content)
    return out.getvalue()


def _members(content: bytes) -> bytes:
    half = len(content) // 2
    return gzip.compress(content[:half]) + gzip.compress(content[half:])


PACKED: dict[str, Callable[[bytes], bytes]] = {
    "plain": bytes,
    "gzip": gzip.compress,
    "gzip, several members": _members,
    "zip": _zipped,
    "zstandard": zstandard.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
}
"""How a file may be packed; every format is tried in every one."""
