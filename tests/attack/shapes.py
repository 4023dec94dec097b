"""Contents made to cost: for each reader, texts that are nested, unclosed, repeated, without separators, storms of
quotes, escapes and entities, and bombs, of any size. Each shape is a function of its size in bytes (of the plain
content where it is packed)."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import fastavro
import orjson
import zstandard

Make = Callable[[int], bytes]


@dataclass(frozen=True)
class Shape:
    reader: str
    name: str
    make: Make
    key: str
    """Of the object: its ending says what the sender means."""
    profile: str | None = None
    """Declared in `PROFILES`."""
    asserted: bool = True
    """False: measured only."""


def _filled(before: bytes, piece: bytes, after: bytes = b"") -> Make:
    def make(size: int) -> bytes:
        count = max(1, (size - len(before) - len(after)) // len(piece))
        return before + piece * count + after

    return make


def _nested(opening: bytes, closing: bytes = b"", before: bytes = b"", after: bytes = b"") -> Make:
    def make(size: int) -> bytes:
        count = max(1, (size - len(before) - len(after)) // (len(opening) + len(closing)))
        return before + opening * count + closing * count + after

    return make


def _numbered(before: bytes, piece: bytes, between: bytes, after: bytes) -> Make:
    """`piece` with a number in it, as many as fit."""

    def make(size: int) -> bytes:
        parts: list[bytes] = []
        length, number = len(before) + len(after), 0
        while length < size or not parts:
            part = piece.replace(b"#", b"%d" % number)
            parts.append(part)
            length += len(part) + len(between)
            number += 1
        return before + between.join(parts) + after

    return make


_CAR = b'"source":"a","source_listing_id":"1","make":"VW","model":"Golf","year":2019'
_JSON = {
    "open arrays": _nested(b"[", before=b'{"a":'),
    "nested arrays": _nested(b"[", b"]", b'{"a":', b"}"),
    "open objects": _nested(b'{"a":'),
    "nested objects": _nested(b'{"a":', b"}", after=b""),
    "unclosed text": _filled(b'{"a":"', b"x"),
    "unclosed escapes": _filled(b'{"a":"', rb"\""),
    "unclosed backslashes": _filled(b'{"a":"', rb"\\"),
    "escapes": _filled(b'{"a":"', rb"\"", b'"}'),
    "unicode escapes": _filled(b'{"a":"', rb"\u00e9", b'"}'),
    "surrogates": _filled(b'{"a":"', rb"\ud83d\ude00", b'"}'),
    "lone surrogates": _filled(b'{"a":"', rb"\ud83d", b'"}'),
    "quotes": _filled(b'{"a":', b'""'),
    "texts without commas": _filled(b'{"a":', b'"b" ', b"}"),
    "commas": _filled(b'{"a":[', b",", b"]}"),
    "ones": _filled(b'{"a":[', b"1,", b"1]}"),
    "trailing commas": _filled(b'{"a":[', b"[1,],", b"]}"),
    "closers after commas": _filled(b'{"a":[', b",]"),
    "not a number": _filled(b'{"a":[', b"NaN,", b"1]}"),
    "bare words": _filled(b'{"a":', b"NaN "),
    "blanks": _filled(b'{"a":', b" ", b"1}"),
    "digits": _filled(b'{"a":', b"1", b"}"),
    "fractions": _filled(b'{"a":0.', b"0", b"1e5}"),
    "exponents": _filled(b'{"a":[', b"1e999,", b"1]}"),
    "comments": _filled(b'{"a":', b"/*", b"}"),
    "line comments": _filled(b'{"a":', b"//\n", b"1}"),
    "seams": _filled(b'{"a":"', b'}, {"'),
    "empty objects": _filled(b"", b"{} "),
    "keys": _numbered(b"{" + _CAR + b",", b'"k#":#', b",", b"}"),
    "one key": _filled(b"{" + _CAR, b',"a":1', b"}"),
    "images": _numbered(b"{" + _CAR + b',"image_urls":[', b'"http://a/#.jpg"', b",", b"]}"),
    "no images": _filled(b"{" + _CAR + b',"image_urls":[', b'"x",', b"1]}"),
    "features": _numbered(b"{" + _CAR + b',"features":[', b'"<b>#"', b",", b"]}"),
    "null features": _filled(b"{" + _CAR + b',"features":[', b"null,", b"1]}"),
    "feature text": _filled(b"{" + _CAR + b',"features":"', b"a|", b'"}'),
}
_TEXTS = {
    "tags": b"<b>",
    "angles": b"<",
    "ampersands": b"&",
    "entities": b"&amp;",
    "unended entities": b"&ampl",
    "number entities": b"&#x10FFFF;",
    "long entities": b"&CounterClockwiseContourIntegral;",
    "comments": b"<!--",
    "scripts": b"<script>",
    "script ends": b"<script></script ",
    "breaks": b"<br",
    "marks": "a\u0301\u0323".encode(),
    "ligatures": "\ufdfa".encode(),
    "hangul": "각".encode(),
    "digits": b"1",
    "numbers": b"1 ",
    "grouped": b"1 000 ",
    "phones": b"+1(2)3-",
    "mails": b"a@a.",
    "ats": b"@",
    "lines": rb"\n ",
    "blanks": b" ",
    "wide blanks": "\u3000".encode(),
    "controls": rb"\u0001",
    "capitals": b"AB ",
    "dates": b"2019-01-",
    "exponents": b"1e9",
    "minus": b"-",
    "points": b".",
    "units": b"1 km ",
}
_FIELDS = ("description", "title", "make", "source_listing_id", "price_amount", "mileage_value", "vin", "updated_at")
_LD = b'<html><script type="application/ld+json">'
_LD_END = b"</script></html>"
_LD_CAR = b'{"@context":"https://schema.org","@type":"Car","name":"x","a":'
_HTML = {
    "angles": _filled(b"<html>", b"<"),
    "comments": _filled(b"<html>", b"<!--"),
    "closed comments": _filled(b"<html>", b"<!-->"),
    "open scripts": _filled(b"<html>", b"<script "),
    "attributes": _filled(b"<html><script ", b"a=b ", b">"),
    "open attribute": _filled(b"<html><script a='", b"x"),
    "quotes": _filled(b"<html><script ", b"'\""),
    "titles": _filled(b"<html>", b"<title>"),
    "script ends": _filled(_LD, b"</script"),
    "empty scripts": _filled(b"<html>", _LD[6:] + b"</script>"),
    "small scripts": _filled(b"<html>", _LD[6:] + _LD_CAR + b"1}</script>"),
    "entity quotes": _filled(_LD + b"{&quot;a&quot;:[", b"&quot;x&quot;,", b"1]}" + _LD_END),
    "entities": _filled(_LD + b"{&quot;a&quot;:", b"&amp;", b"}" + _LD_END),
    "raw lines": _filled(_LD + b'{"a":"', b"\n", b'"}' + _LD_END),
    "line comments": _filled(_LD + b"{", b"//\n", b"}" + _LD_END),
    "vehicles": _filled(_LD + b"[", _LD_CAR + b"1},", b"1]" + _LD_END),
    "graph": _numbered(
        _LD + b'{"@context":"https://schema.org","@graph":[',
        b'{"@id":"#","@type":"Car","a":{"@id":"0"}}',
        b",",
        b"]}" + _LD_END,
    ),
    "circle": _numbered(
        _LD + b"[",
        b'{"@id":"#","@type":"Car","b":[{"@id":"1"},{"@id":"2"},{"@id":"3"}]}',
        b",",
        b"]" + _LD_END,
    ),
    "types": _filled(_LD + b'{"@context":"https://schema.org","@type":[', b'"a/",', b'"Car"]}' + _LD_END),
}
_CSV = {
    "one line": _filled(b"a,b\n", b"x"),
    "one line of cells": _filled(b"a,b\n", b"x,"),
    "quotes": _filled(b"a,b\n", b'"'),
    "open quotes": _filled(b"a,b\n", b'"a,'),
    "quotes at both ends": _filled(b"a,b\n", b'x","z\n'),
    "long quotes at both ends": _filled(b"a,b\n", b'x","' + b"z" * 10_000 + b"\n"),
    "quote a line": _filled(b"a,b\n", b'"\n'),
    "quote and lines": _filled(b'a,b\n"', b"x\n"),
    "doubled quotes": _filled(b'a,b\n"', b'""'),
    "blanks and quotes": _filled(b"a,b\n", b' "'),
    "lines": _filled(b"a,b\n", b"\n"),
    "returns": _filled(b"a,b\r", b"\r"),
    "empty rows": _filled(b"a,b\n", b",\n"),
    "ragged rows": _filled(b"a,b\n", b"1,2,3\n"),
    "rows": _numbered(b"source,source_listing_id,make,model,year\n", b"a,#,VW,Golf,2019", b"\n", b"\n"),
    "columns": _numbered(b"", b"c#", b",", b"\n1,2\n"),
    "wide rows": lambda size: (
        (b",".join(b"c%d" % n for n in range(4000)) + b"\n") + (b"," * 3999 + b"x\n") * max(1, size // 4001)
    ),
    "equal columns": lambda size: b",".join([b"a"] * 4000) + b"\n" + (b"1," * 3999 + b"x\n") * max(1, size // 8000),
    "semicolons": _filled(b"a;b\n", b";"),
}
_XML = {
    "open elements": _nested(b"<a>"),
    "nested elements": _nested(b"<a>", b"</a>"),
    "open tag": _filled(b"<r><a ", b'b="c" '),
    "open attribute": _filled(b'<r><a b="', b"x"),
    "names": _filled(b"<r><", b"x"),
    "comments": _filled(b"<r>", b"<!--"),
    "closed comments": _filled(b"<r>", b"<!---->", b"</r>"),
    "open comment": _filled(b"<r><!--", b"- "),
    "instructions": _filled(b"<r>", b"<?"),
    "character data": _filled(b"<r><![CDATA[", b"]]"),
    "open character data": _filled(b"<r>", b"<![CDATA["),
    "document types": _filled(b"", b"<!DOCTYPE "),
    "ampersands": _filled(b"<r>", b"&"),
    "entities": _filled(b"<r><a><b>", b"&amp;", b"</b></a></r>"),
    "numbers": _filled(b"<r><a><b>", b"&#65;", b"</b></a></r>"),
    "angles": _filled(b"<r>", b"<"),
    "ends": _filled(b"<r>", b">"),
    "blanks": _filled(b"<r>", b" "),
    "text": _filled(b"<r><a><b>", b"x", b"</b></a></r>"),
    "empty records": _filled(b"<r>", b"<a/>", b"</r>"),
    "records": _filled(b"<r>", b"<a><make>VW</make><model>Golf</model></a>", b"</r>"),
    "text between": _filled(b"<r><a><c>1</c>", b"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx<b/>", b"</a></r>"),
    "one name": _filled(b"<r><a>", b"<b>1</b>", b"</a></r>"),
    "many names": _numbered(b"<r><a>", b"<b#/>", b"", b"</a></r>"),
    "many attributes": _numbered(b"<r><a ", b'b#="1"', b" ", b"/></r>"),
    "namespaces": _numbered(b"<r ", b'xmlns:a#="u#"', b" ", b"><a/></r>"),
    "prefixes": _filled(b"<r><", b"a:", b"/></r>"),
    "documents in text": _filled(b"<r><a>", b"&lt;a>", b"</a></r>"),
    "lines": _filled(b"<r>", b"\n", b"</r>"),
}
_RSS = {
    "open items": _nested(b"<item>", before=b"<rss><channel>"),
    "items": _filled(b"<rss><channel>", b"<item><title>x</title></item>", b"</channel></rss>"),
    "one item": _filled(b"<rss><channel><item><title>", b"x", b"</title></item></channel></rss>"),
    "escaped markup": _filled(b"<rss><channel><item><title>", b"&lt;b>", b"</title></item></channel></rss>"),
    "links": _filled(b"<rss><channel><item>", b"<link>http://a</link>", b"</item></channel></rss>"),
}


def _avro(schema: object, records: Callable[[int], list[object]], codec: str = "null") -> Make:
    def make(size: int) -> bytes:
        file = io.BytesIO()
        fastavro.writer(file, schema, records(size), codec=codec, sync_interval=256 * 1024)  # type: ignore[arg-type]
        return file.getvalue()

    return make


def _record(*fields: tuple[str, object]) -> dict[str, object]:
    return {"type": "record", "name": "r", "fields": [{"name": name, "type": kind} for name, kind in fields]}


def _same(record: object, size: int) -> Callable[[int], list[object]]:
    """The record, of so many bytes, as often as it fits."""
    return lambda wanted: [record] * max(1, wanted // size)


_TEXT_SCHEMA = _record(("description", "string"))
_LONG_TEXT = {"description": "x" * 60_000}
_INTS = _record(("a", {"type": "array", "items": "int"}))
_NULLS = _record(("a", {"type": "array", "items": "null"}))
_MAP = _record(("a", {"type": "map", "values": "int"}))
_TEXTS_MAP = _record(("a", {"type": "map", "values": "string"}))
_MAPS = {"a": [{"k": 1}] * 5_000}
_LISTS = _record(("a", {"type": "array", "items": {"type": "array", "items": "int"}}))
_WIDE = _record(*((f"f{number}", ["null", "int"]) for number in range(900)))
_AVRO = {
    "text": _avro(_TEXT_SCHEMA, _same(_LONG_TEXT, 60_000)),
    "long text": _avro(_TEXT_SCHEMA, lambda size: [{"description": "x" * min(size, 900_000)}] * (1 + size // 900_000)),
    "small records": _avro(_record(("make", "string")), _same({"make": "VW"}, 3)),
    "nulls": _avro(_record(("a", "null")), _same({"a": None}, 4)),
    "array": _avro(_INTS, lambda size: [{"a": [1] * min(size, 400_000)}] * (1 + size // 400_000)),
    "array of nulls": _avro(_NULLS, _same({"a": [None] * 50_000}, 50_000)),
    "map": _avro(_MAP, _same({"a": {f"k{n}": n for n in range(4_000)}}, 32_000)),
    "large map": _avro(_MAP, _same({"a": {f"k{n}": n for n in range(19_000)}}, 150_000)),
    "map of texts": _avro(_TEXTS_MAP, _same({"a": {f"k{n}": "" for n in range(19_000)}}, 130_000)),
    "too large map": _avro(_MAP, _same({"a": {f"k{n}": n for n in range(100_000)}}, 900_000)),
    "maps": _avro(_record(("a", {"type": "array", "items": {"type": "map", "values": "int"}})), _same(_MAPS, 25_000)),
    "arrays in an array": _avro(_LISTS, _same({"a": [[1]] * 15_000}, 60_000)),
    "large array": _avro(_INTS, _same({"a": [1] * 95_000}, 95_000)),
    "wide records": _avro(_WIDE, _same({}, 900)),
    "packed text": _avro(_TEXT_SCHEMA, _same(_LONG_TEXT, 60_000), "deflate"),
}


def _parquet(size: int) -> bytes:
    import pyarrow as pa  # type: ignore[import-untyped]  # starts threads, which a forked process lacks
    import pyarrow.parquet as pq  # type: ignore[import-untyped]

    file = io.BytesIO()
    count = max(1, size // 20)
    pq.write_table(pa.table({"make": ["VW"] * count, "source_listing_id": [str(n) for n in range(count)]}), file)
    return file.getvalue()


def _repeated(piece: bytes) -> Make:
    return lambda size: piece * max(1, size // len(piece))


def _zip(method: int, content: Make) -> Make:
    def make(size: int) -> bytes:
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", method) as archive:
            archive.writestr("a.ndjson", content(size))
        return file.getvalue()

    return make


def _many_members(size: int) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for number in range(max(1, size // 110)):
            archive.writestr(f"{number}.txt", b"")
    return file.getvalue()


def _zeros(size: int) -> bytes:
    return b"[" + b" " * size + b"]"


_SKIPPED_FRAME = b"\x50\x2a\x4d\x18\x00\x00\x00\x00"
_PACKED: dict[str, dict[str, Make]] = {
    "gzip": {
        "bomb": lambda size: gzip.compress(_zeros(size)),
        "small members": _repeated(gzip.compress(b"1\n")),
        "empty members": _repeated(gzip.compress(b"")),
        "zeros behind": lambda size: gzip.compress(b"{}\n") + b"\0" * size,
        "unclosed text": lambda size: gzip.compress(_JSON["unclosed escapes"](size)),
        "named": lambda size: b"\x1f\x8b\x08\x08\0\0\0\0\0\0" + b"n" * size,
    },
    "zstd": {
        "bomb": lambda size: zstandard.compress(_zeros(size)),
        "small frames": _repeated(zstandard.compress(b"1\n")),
        "skipped frames": lambda size: _SKIPPED_FRAME * (size // 8) + zstandard.compress(b"{}\n"),
    },
    "xz": {
        "bomb": lambda size: lzma.compress(_zeros(size)),
        "small streams": _repeated(lzma.compress(b"1\n")),
    },
    "bz2": {
        "bomb": lambda size: bz2.compress(_zeros(size)),
        "small streams": _repeated(bz2.compress(b"1\n")),
    },
    "zip": {
        "bomb": _zip(zipfile.ZIP_DEFLATED, _zeros),
        "stored": _zip(zipfile.ZIP_STORED, lambda size: b"{}\n" * (size // 3)),
        "many members": _many_members,
        "no end": lambda size: b"PK\x03\x04" + b"PK\x01\x02" * (size // 4),
    },
}
_ENDINGS = {"gzip": "json.gz", "zstd": "json.zst", "xz": "json.xz", "bz2": "json.bz2", "zip": "zip"}


def shapes() -> Iterator[Shape]:
    """All of them."""
    for name, make in _JSON.items():
        yield Shape("json", name, make, "a.json")
        yield Shape("json array", name, _in_array(make), "a.json")
        yield Shape("ndjson", name, _in_line(make), "a.ndjson")
        yield Shape("html", f"script: {name}", _around(_LD, make, _LD_END), "a.html")
    for name, piece in _TEXTS.items():
        for field in _FIELDS:
            text = _field(field, piece)
            often = field in ("description", "price_amount")  # the others by command
            yield Shape("json", f"{field}: {name}", text, "a.json", asserted=often)
            if field in ("description", "title", "price_amount", "mileage_value", "updated_at"):
                yield Shape("json", f"{field} by profile: {name}", text, "a.json", profile="own", asserted=often)
    for name, make in _HTML.items():
        yield Shape("html", name, make, "a.html")
    for name, make in _CSV.items():
        yield Shape("csv", name, make, "a.csv")
        yield Shape("tsv", name, _tabbed(make), "a.tsv")
    for name, make in _XML.items():
        yield Shape("xml", name, make, "a.xml")
    for name, make in _RSS.items():
        yield Shape("rss", name, make, "a.rss")
    for name, make in _AVRO.items():
        yield Shape("avro", name, make, "a.avro")
    yield Shape("parquet", "rows", _parquet, "a.parquet", asserted=False)  # read elsewhere: a child process
    for reader, makes in _PACKED.items():
        for name, make in makes.items():
            yield Shape(reader, name, make, f"a.{_ENDINGS[reader]}")
    for name in ("images", "no images", "features", "keys", "feature text"):
        yield Shape("json", f"{name} by profile", _JSON[name], "a.json", profile="own")


def _around(before: bytes, make: Make, after: bytes) -> Make:
    return lambda size: before + make(size) + after


def _in_array(make: Make) -> Make:
    return _around(b'[{"a":1},', make, b',{"b":1}]')


def _in_line(make: Make) -> Make:
    return lambda size: b'{"a":1}\n' + make(size).replace(b"\n", b" ") + b'\n{"b":1}\n'


def _tabbed(make: Make) -> Make:
    return lambda size: make(size).replace(b",", b"\t")


def _field(field: str, piece: bytes) -> Make:
    car = orjson.loads(b"{" + _CAR + b"}")
    car.pop(field, None)
    return _filled(orjson.dumps(car)[:-1] + b',"' + field.encode() + b'":"', piece, b'"}')


PROFILES = {
    "own": {
        "description": "own names, every option that looks at a text",
        "source": "a",
        "match": [{"key": "x"}],
        "parts": {"head": {"from": "title", "match": r"\b(?P<make>\w+)\s+(?P<rest>(?:\w+\W*)+)$"}},
        "reject": [{"from": ["title", "description"], "match": r"\bwanted\b(?:.*\W)?now$", "because": "a wanted ad"}],
        "fields": {
            "source_listing_id": {"from": "source_listing_id", "accept": r"(?:\w+-?)+"},
            "make": {"from": ["make", "$head.make"], "unshout": "true"},
            "model": "model",
            "year": "year",
            "title": {"from": "title", "replace": {"a": "aa"}, "unshout": "true"},
            "description": {"from": "description", "extract": r"^((?:.|\n)*\w)"},
            "price_amount": {"from": "price_amount", "currency": "EUR"},
            "mileage": "mileage_value",
            "updated_at": {"from": "updated_at", "formats": ["%d.%m.%Y", "%Y/%m/%d %H:%M"], "day_first": "true"},
            "fuel_type": {"from": ["description"], "patterns": [{"match": r"\bдизель|diesel\b", "value": "diesel"}]},
            "features": {"from": ["features"], "separator": "|"},
            "image_urls": "image_urls",
        },
    }
}
