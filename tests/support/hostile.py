"""Files that senders should not send and do, with what has to become of each; used at every level of the tests.

`good` listings of a file carry our own field names and would be indexed; `bad` are the codes of the others in order.
"""

from __future__ import annotations

import codecs
import gzip
from collections.abc import Callable

import orjson

from app.errors import FailureCode
from tests.support.feed_text import array, json_text, lines, listing, row, table
from tests.support.hostile_binary import BINARY_FILES
from tests.support.hostile_file import HostileFile as HostileFile
from tests.support.hostile_markup import MARKUP_FILES
from tests.support.hostile_packed import ARCHIVES, STREAMS

Code = FailureCode
_MIB = 1024 * 1024

_GOOD = json_text(1)
_DEEP = b'{"make":' + b"[" * 5_000 + b"]" * 5_000 + b"}"
_LONG_NUMBER = b'{"price_amount":' + b"9" * 5_000 + b"}"
_LONG_ID = b'{"source_listing_id":123456789012345678901234}'
_SURROGATE = rb'{"make":"\ud800"}'
_BAD_ESCAPE = rb'{"make":"\x41"}'
_LONG_TEXT = b'{"description":"' + b"x" * 10 * _MIB + b'"}'


def _one_bad(bad: bytes) -> tuple[Callable[[], bytes], Callable[[], bytes]]:
    return lambda: array(_GOOD, bad, json_text(3)), lambda: lines(_GOOD, bad, json_text(3))


def _poison(name: str, bad: bytes, code: FailureCode) -> list[HostileFile]:
    in_array, in_lines = _one_bad(bad)
    return [
        HostileFile(f"hostile/{name}.json", in_array, good=2, bad=(code,)),
        HostileFile(f"hostile/{name}.ndjson", in_lines, good=2, bad=(code,)),
    ]


RECORDS = (
    *_poison("deep", _DEEP, Code.RECORD_TOO_DEEP),
    *_poison("forty-levels", b'{"a":' * 40 + b"1" + b"}" * 40, Code.RECORD_TOO_DEEP),
    *_poison("long-number", _LONG_NUMBER, Code.RECORD_MALFORMED),
    *_poison("long-id", _LONG_ID, Code.RECORD_MALFORMED),
    *_poison("not-a-number", b'{"price_amount":nan}', Code.RECORD_MALFORMED),
    *_poison("lone-surrogate", _SURROGATE, Code.RECORD_MALFORMED),
    *_poison("bad-escape", _BAD_ESCAPE, Code.RECORD_MALFORMED),
    *_poison("control-character", b'{"make":"\x01"}', Code.RECORD_MALFORMED),
    *_poison("missing-comma", b'{"make":"VW" "model":"Golf"}', Code.RECORD_MALFORMED),
    *_poison("ten-megabyte-description", _LONG_TEXT, Code.RECORD_TOO_BIG),
    *_poison("many-values", b'{"a":[' + b"[]," * 50_000 + b"1]}", Code.RECORD_TOO_BIG),
    *_poison("list", b"[1,2]", Code.RECORD_NOT_AN_OBJECT),
    *_poison("null", b"null", Code.RECORD_NOT_AN_OBJECT),
    *_poison("word", b"car", Code.RECORD_MALFORMED),
)

JSON_FILES = (
    HostileFile("hostile/cut-off.json", lambda: array(_GOOD, json_text(2))[:-20], 1, file=Code.FILE_BROKEN),
    HostileFile(
        "hostile/no-closing-bracket.json", lambda: array(_GOOD)[:-1], 1, file=Code.FILE_BROKEN, position="byte 77"
    ),
    HostileFile(
        "hostile/garbage-between.json",
        lambda: b"[" + _GOOD + b"\ncar " + _GOOD + b"]",
        1,
        file=Code.FILE_BROKEN,
        position="line 2",
    ),
    HostileFile(
        "hostile/wrong-bracket.json",
        lambda: array(_GOOD, b'{"a":[{"b":1}],"d":1]', json_text(3)),
        2,
        (Code.RECORD_MALFORMED,),
    ),
    HostileFile(
        "hostile/missing-bracket.json",
        lambda: array(_GOOD, b'{"a":[1,2}', json_text(3)),
        1,
        file=Code.FILE_BROKEN,
        position="record 2",
    ),
    HostileFile(
        "hostile/stray-quote.json",
        lambda: array(_GOOD, b'{"title":"Lifted 11" springs"}', json_text(3), json_text(4)),
        1,
        file=Code.FILE_BROKEN,
        position="record 2",
    ),
    HostileFile("hostile/after-the-end.json", lambda: array(_GOOD) + b";", 1, file=Code.FILE_BROKEN),
    HostileFile("hostile/trailing-comma.json", lambda: b"[" + _GOOD + b",]", 1),
    HostileFile("hostile/never-closed.json", lambda: b"[" * 200_000, file=Code.FILE_BROKEN),
    HostileFile("hostile/no-records.json", lambda: b"[]"),
    HostileFile("hostile/one-object.json", lambda: orjson.dumps(listing(1), option=orjson.OPT_INDENT_2), 1),
    HostileFile("hostile/pretty-printed.ndjson", lambda: orjson.dumps(listing(1), option=orjson.OPT_INDENT_2), 1),
    HostileFile("hostile/concatenated.json", lambda: _GOOD + json_text(2) + b"\n" + array(json_text(3)), 3),
    HostileFile("hostile/lines.json", lambda: lines(_GOOD, json_text(2)), 2),
    HostileFile(
        "hostile/wrapped.json",
        lambda: b'{"count":2,"page":{"next":[{}],"cars":' + array(_GOOD, json_text(2)) + b'},"more":{"cars":[{}]}}',
        2,
        hints={"records_path": "page.cars[]"},
    ),
    HostileFile(
        "hostile/keyed.json",
        lambda: b'{"cars":{"a":' + _GOOD + b',"b":5,"c":' + json_text(3) + b"}}",
        2,
        (Code.RECORD_NOT_AN_OBJECT,),
        hints={"records_path": "cars.*"},
    ),
    HostileFile(
        "hostile/nothing-there.json",
        lambda: b'{"vehicles":' + array(_GOOD) + b"}",
        file=Code.RECORDS_NOT_FOUND,
        hints={"records_path": "cars[]"},
    ),
    HostileFile("hostile/blank-lines.ndjson", lambda: _GOOD + b"\r\n\r\n \n" + json_text(2), 2, blank=2),
    HostileFile("hostile/cut-off.ndjson", lambda: lines(_GOOD, json_text(2))[:-20], 1, (Code.RECORD_MALFORMED,)),
    HostileFile(
        "hostile/too-many.ndjson",
        lambda: lines(*(json_text(number) for number in range(5))),
        3,
        file=Code.TOO_MANY_RECORDS,
        position="record 4",
        limits={"file_max_records": 3},
    ),
)

_HIGH = row(2, "Käfer")

CSV_FILES = (
    HostileFile("hostile/header-only.csv", lambda: table()),
    HostileFile(
        "hostile/no-header.csv",
        lambda: b"\ncar-1,VW,Golf,https://example.com/1\ncar-2,VW,Polo,https://example.com/2\n",
        blank=1,
        file=Code.HEADER_ROW_INVALID,
        position="line 2",
    ),
    HostileFile("hostile/crlf.csv", lambda: table(row(1), "", row(2), end="\r\n"), 2, blank=1),
    HostileFile("hostile/cr.csv", lambda: table(row(1), row(2), end="\r"), 2),
    HostileFile("hostile/excel.csv", lambda: b"sep=;\r\n" + table(row(1, "a", ";"), end="\r\n", delimiter=";"), 1),
    HostileFile("hostile/tabs.tsv", lambda: table(row(1, "a, b; c", "\t"), delimiter="\t"), 1),
    HostileFile("hostile/pipes.txt", lambda: table(row(1, "a, b", "|"), row(2, "c", "|"), delimiter="|"), 2),
    HostileFile("hostile/ragged.csv", lambda: table(row(1), "car-2,Volkswagen", row(3)), 2, (Code.ROW_RAGGED,)),
    HostileFile("hostile/empty-cells.csv", lambda: table(row(1) + ",,", ",,,,", row(2)), 2, blank=1),
    HostileFile("hostile/inch-mark.csv", lambda: table(row(1, 'Lifted 11" springs'), row(2)), 2),
    HostileFile("hostile/open-quote.csv", lambda: table(row(1, '"Lifted 11 springs'), row(2), row(3, '"a, b"')), 3),
    HostileFile(
        "hostile/open-quote-in-the-middle.csv",
        lambda: table('car-1,"Volkswagen,Golf, GTI,2019,x', row(2), row(3)),
        2,
        (Code.ROW_RAGGED,),
    ),
    HostileFile(
        "hostile/open-quote-far.csv",
        lambda: table(row(1, '"Lifted'), *(row(number) for number in range(2, 20_002))),
        20_001,
    ),
    HostileFile("hostile/quoted-lines.csv", lambda: table(row(1, '"one\n\ntwo"'), row(2)), 2),
    HostileFile("hostile/long-cell.csv", lambda: table(row(1, "x" * 200_000), row(2)), 2),
    HostileFile(
        "hostile/longer-cell.csv", lambda: table(row(1), row(2, "x" * 10 * _MIB), row(3)), 2, (Code.RECORD_TOO_BIG,)
    ),
    HostileFile(
        "hostile/long-quoted-cell.csv",
        lambda: table(row(1), row(2, '"' + ("some words\n" * 200_000) + '"'), row(3)),
        2,
        (Code.RECORD_TOO_BIG,),
    ),
    HostileFile(
        "hostile/cut-off-in-quotes.csv", lambda: table(row(1), row(2, '"one\ntwo')), 1, (Code.RECORD_MALFORMED,)
    ),
)

_PLAIN = lines(*(json_text(number) for number in range(3_000)))


def _broken_gzip() -> bytes:
    packed = bytearray(gzip.compress(_PLAIN, mtime=0))
    packed[len(packed) // 2] ^= 0xFF
    return bytes(packed)


PACKED_FILES = (
    HostileFile("hostile/plain-after-all.json.gz", lambda: array(_GOOD), 1),
    HostileFile("hostile/packed-after-all.json", lambda: gzip.compress(array(_GOOD)), 1),
    HostileFile("hostile/members.ndjson.gz", lambda: gzip.compress(lines(_GOOD)) + gzip.compress(lines(_GOOD)), 2),
    HostileFile("hostile/padded.ndjson.gz", lambda: gzip.compress(lines(_GOOD)) + bytes(700), 1),
    HostileFile("hostile/nothing-inside.csv.gz", lambda: gzip.compress(b""), file=Code.OBJECT_EMPTY),
    HostileFile(
        "hostile/cut-off.ndjson.gz",
        lambda: gzip.compress(lines(_GOOD, json_text(2)))[:-4],
        2,
        file=Code.COMPRESSION_BROKEN,
        position="as stored",
    ),
    HostileFile(
        "hostile/trailing-garbage.ndjson.gz",
        lambda: gzip.compress(lines(_GOOD)) + b"trailing",
        1,
        file=Code.COMPRESSION_BROKEN,
    ),
    HostileFile("hostile/twice.json.gz", lambda: gzip.compress(gzip.compress(array(_GOOD))), file=Code.FORMAT_UNKNOWN),
    HostileFile(
        "hostile/bomb.ndjson.gz",
        lambda: gzip.compress(lines(_GOOD) + b" " * 100 * _MIB),
        1,
        file=Code.COMPRESSION_RATIO,
        position="unpacked",
    ),
    HostileFile("hostile/zeros.json.gz", lambda: gzip.compress(bytes(100 * _MIB)), file=Code.FORMAT_UNKNOWN),
    HostileFile(
        "hostile/big-inside.ndjson.gz",
        lambda: gzip.compress(_PLAIN),
        good=len(_PLAIN[:100_000].splitlines()) - 1,
        file=Code.DECOMPRESSED_TOO_BIG,
        position="byte 100,000",
        limits={"decompressed_max_bytes": 100_000},
    ),
    HostileFile(
        "hostile/big.ndjson",
        lambda: _PLAIN,
        good=len(_PLAIN[:100_000].splitlines()) - 1,
        file=Code.FILE_TOO_BIG,
        limits={"file_max_bytes": 100_000},
    ),
    *ARCHIVES,
    *STREAMS,
)

OTHER_FILES = (
    HostileFile("hostile/empty.json", lambda: b"", file=Code.OBJECT_EMPTY),
    HostileFile("hostile/only-blanks.csv", lambda: b"\xef\xbb\xbf \r\n\n", file=Code.OBJECT_EMPTY),
    HostileFile("hostile/mark.csv", lambda: codecs.BOM_UTF8 + table(row(1)), 1),
    HostileFile("hostile/mark.json", lambda: codecs.BOM_UTF8 + array(_GOOD), 1),
    HostileFile("hostile/utf16.csv", lambda: table(row(1), _HIGH).decode().encode("utf-16"), 2),
    HostileFile(
        "hostile/utf16-without-mark.csv",
        lambda: table(row(1)).decode().encode("utf-16-le"),
        file=Code.ENCODING_INVALID,
    ),
    HostileFile(
        "hostile/windows-1252.csv",
        lambda: table(row(1), _HIGH, row(3)).decode().encode("cp1252"),
        1,
        file=Code.ENCODING_INVALID,
        position="line 3",
    ),
    HostileFile(
        "hostile/windows-1252-declared.csv",
        lambda: table(row(1), _HIGH, row(3)).decode().encode("cp1252"),
        3,
        hints={"encoding": "cp1252"},
    ),
    HostileFile("hostile/xml.json", lambda: b'<?xml version="1.0"?><cars/>'),
    HostileFile("hostile/picture.csv", lambda: bytes(range(256)) * 300, file=Code.FORMAT_UNKNOWN),
    HostileFile("hostile/prose.json", lambda: b"Please find our cars attached.\n", file=Code.FORMAT_MISMATCH),
    HostileFile("hostile/prose.txt", lambda: b"Please find our cars attached.\n", file=Code.FORMAT_UNKNOWN),
)

HOSTILE: tuple[HostileFile, ...] = (
    *(*RECORDS, *JSON_FILES, *CSV_FILES, *PACKED_FILES, *BINARY_FILES, *MARKUP_FILES, *OTHER_FILES),
)
