"""Avro and Parquet files that senders should not send; see `tests.support.hostile`."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]

from app.errors import FailureCode
from tests.support.feed_text import listing
from tests.support.hostile_file import HostileFile
from tests.support.packed import (
    LISTING_SCHEMA,
    avro_block,
    avro_datum,
    avro_file,
    avro_header,
    avro_text,
    listing_columns,
    long,
    parquet_file,
)

Code = FailureCode
_MIB = 1024 * 1024
_DATUM = avro_datum(LISTING_SCHEMA, listing(1))
_NOT_TEXT = avro_text(b"\xff\xfe") + avro_datum(LISTING_SCHEMA, listing(1))[6:]
_LONG_DATUM = avro_datum(LISTING_SCHEMA, listing(2, title="x" * 2 * _MIB))


def _schema(*fields: Any) -> dict[str, Any]:
    return {"type": "record", "name": "Listing", "fields": [{"name": f"f{n}", "type": f} for n, f in enumerate(fields)]}


def _pyramid() -> dict[str, Any]:
    """Each record holds the one below twice: thirty of them are a billion values."""
    kind: Any = _schema("null") | {"name": "r0"}
    for level in range(1, 31):
        kind = _schema(kind, f"r{level - 1}") | {"name": f"r{level}"}
    return dict(kind)


def _avro(schema: Any, *blocks: bytes, codec: str = "null") -> Callable[[], bytes]:
    return lambda: avro_header(schema, codec) + b"".join(blocks)


_RECURSIVE = _schema("int", ["null", "Listing"])
_ITEMS = _schema({"type": "array", "items": "int"})
_BLOCK = avro_block(2, _DATUM * 2)

AVRO_FILES = (
    HostileFile(
        "hostile/sound.avro", lambda: avro_file(LISTING_SCHEMA, [[listing(1)], [], [listing(2), listing(3)]]), 3
    ),
    HostileFile("hostile/avro.json", _avro(LISTING_SCHEMA, _BLOCK), 2),
    HostileFile("hostile/no-codec.avro", lambda: avro_header(LISTING_SCHEMA, None) + _BLOCK, 2),
    HostileFile("hostile/nothing.avro", _avro(LISTING_SCHEMA)),
    HostileFile(
        "hostile/recursive.avro", _avro(_RECURSIVE, avro_block(1, b"\x02\x02" * 40_000)), file=Code.SCHEMA_REFUSED
    ),
    HostileFile("hostile/pyramid.avro", _avro(_pyramid(), avro_block(1, b"")), file=Code.SCHEMA_REFUSED),
    HostileFile(
        "hostile/array-of-nothing.avro",
        _avro(_schema({"type": "array", "items": "null"}), avro_block(1, long(1 << 40) + b"\0")),
        file=Code.SCHEMA_REFUSED,
    ),
    HostileFile(
        "hostile/wide-items.avro",
        _avro(_schema({"type": "array", "items": _schema("int", *["null"] * 500) | {"name": "i"}})),
        file=Code.SCHEMA_REFUSED,
    ),
    HostileFile("hostile/no-data.avro", _avro(_schema("null"), avro_block(1 << 60, b"")), file=Code.SCHEMA_REFUSED),
    HostileFile("hostile/no-records.avro", _avro({"type": "array", "items": "int"}), file=Code.SCHEMA_REFUSED),
    HostileFile("hostile/deep-schema.avro", _avro(b'{"type":' * 900 + b'"int"' + b"}" * 900), file=Code.SCHEMA_REFUSED),
    HostileFile("hostile/deep-json.avro", _avro(b"[" * 100_000), file=Code.SCHEMA_REFUSED),
    HostileFile("hostile/unknown-type.avro", _avro(_schema("car")), file=Code.SCHEMA_REFUSED),
    HostileFile("hostile/no-schema.avro", _avro(b""), file=Code.SCHEMA_REFUSED),
    HostileFile(
        "hostile/precise.avro",
        _avro(_schema({"type": "bytes", "logicalType": "decimal", "precision": 10**9})),
        file=Code.SCHEMA_REFUSED,
    ),
    HostileFile("hostile/codec.avro", lambda: avro_header(LISTING_SCHEMA, "lzo") + _BLOCK, file=Code.FORMAT_UNKNOWN),
    HostileFile(
        "hostile/long-header.avro",
        lambda: b"Obj\x01" + long(1 << 50) + b"\x02a\x02b" * 400_000,
        file=Code.SCHEMA_REFUSED,
    ),
    HostileFile("hostile/header-is-cut.avro", lambda: avro_header(LISTING_SCHEMA)[:-20], file=Code.FILE_BROKEN),
    HostileFile(
        "hostile/cut.avro",
        lambda: _avro(LISTING_SCHEMA, _BLOCK, _BLOCK)()[:-20],
        2,
        file=Code.FILE_BROKEN,
        position="block 2",
    ),
    HostileFile(
        "hostile/mark.avro",
        _avro(LISTING_SCHEMA, _BLOCK, avro_block(2, _DATUM * 2, mark=bytes(16)), _BLOCK),
        2,
        file=Code.FILE_BROKEN,
        position="block 2, after record 2",
    ),
    HostileFile(
        "hostile/negative.avro", _avro(LISTING_SCHEMA, _BLOCK, avro_block(-3, _DATUM)), 2, file=Code.FILE_BROKEN
    ),
    HostileFile(
        "hostile/huge-count.avro", _avro(LISTING_SCHEMA, _BLOCK, avro_block(1 << 60, _DATUM)), 2, file=Code.FILE_BROKEN
    ),
    HostileFile(
        "hostile/huge-block.avro", _avro(LISTING_SCHEMA, _BLOCK, long(1) + long(1 << 40)), 2, file=Code.BLOCK_TOO_BIG
    ),
    HostileFile("hostile/too-few.avro", _avro(LISTING_SCHEMA, avro_block(1, _DATUM * 2)), 1, file=Code.FILE_BROKEN),
    HostileFile(
        "hostile/not-text.avro",
        _avro(LISTING_SCHEMA, avro_block(3, _DATUM + _NOT_TEXT + _DATUM)),
        2,
        (Code.RECORD_MALFORMED,),
    ),
    HostileFile(
        "hostile/long.avro",
        _avro(LISTING_SCHEMA, avro_block(3, _DATUM + _LONG_DATUM + _DATUM)),
        2,
        (Code.RECORD_TOO_BIG,),
    ),
    HostileFile(
        "hostile/many-items.avro",
        _avro(_ITEMS, avro_block(3, b"\x02\x02\0" + long(300_000) + bytes(300_001) + b"\x02\x02\0")),
        2,
        (Code.RECORD_TOO_BIG,),
    ),
    HostileFile(
        "hostile/huge-items.avro",
        _avro(_ITEMS, avro_block(2, b"\x02\x02\0" + long(1 << 60) + b"\x02")),
        1,
        file=Code.FILE_BROKEN,
    ),
    HostileFile("hostile/runs-of-items.avro", _avro(_ITEMS, avro_block(1, long(-2) + long(2) + b"\x02\x04\0")), 1),
    HostileFile(
        "hostile/no-such-branch.avro",
        _avro(_schema(["null", "int"]), avro_block(1, b"\x08\x08")),
        file=Code.FILE_BROKEN,
    ),
    HostileFile(
        "hostile/no-such-day.avro",
        _avro(
            _schema("int", {"type": "long", "logicalType": "timestamp-millis"}),
            avro_block(2, b"\x02" + long(1 << 62) + b"\x02" + long(1)),
        ),
        1,
        (Code.RECORD_MALFORMED,),
    ),
    HostileFile(
        "hostile/bytes.avro", _avro(_schema("bytes"), avro_block(2, b"\x04ok\x04\xff\xff")), 1, (Code.RECORD_MALFORMED,)
    ),
    HostileFile(
        "hostile/infinite.avro",
        _avro(_schema("double"), avro_block(3, struct.pack("<3d", float("nan"), float("inf"), 1.5))),
        2,
        (Code.RECORD_MALFORMED,),
    ),
    HostileFile(
        "hostile/block-bomb.avro",
        _avro(LISTING_SCHEMA, avro_block(1, bytes(50 * _MIB), "deflate"), codec="deflate"),
        file=Code.BLOCK_TOO_BIG,
    ),
    HostileFile(
        "hostile/bomb-of-blocks.avro",
        _avro(_schema("string"), avro_block(2, avro_text(b" " * 900_000) * 2, "bzip2") * 8, codec="bzip2"),
        10,
        file=Code.COMPRESSION_RATIO,
    ),
    HostileFile(
        "hostile/snappy-bomb.avro",
        lambda: (
            avro_header(LISTING_SCHEMA, "snappy")
            + long(1)
            + long(13)
            + b"\xff\xff\xff\xff\x0f"
            + bytes(8)
            + bytes(range(16))
        ),
        file=Code.BLOCK_TOO_BIG,
    ),
    HostileFile(
        "hostile/damaged-block.avro",
        lambda: (
            avro_header(LISTING_SCHEMA, "deflate")
            + avro_block(1, _DATUM, "deflate")
            + long(1)
            + long(4)
            + b"\xff\xff\xff\xff"
            + bytes(range(16))
        ),
        1,
        file=Code.COMPRESSION_BROKEN,
        position="block 2",
    ),
)


def _huge_page() -> bytes:
    """A page of two megabytes whose header says that it takes 128 to unpack."""
    data = bytearray(
        parquet_file(
            listing_columns(30, title=["x" * 70_000 + str(n) for n in range(30)]),
            compression="none",
            use_dictionary=False,
            data_page_size=4 * _MIB,
        )
    )
    header = b"\x15\x00\x15" + long(2_100_000)[:0]
    at = data.index(header, data.index(b"x" * 1000) - 300)
    data[at + 3 : at + 7] = b"\xfe\xff\xff\x7f"
    return bytes(data)


def _lying_footer() -> bytes:
    data = parquet_file(listing_columns(3))
    return data[:-8] + (0x7FFF_0000).to_bytes(4, "little") + b"PAR1"


def _garbage_footer() -> bytes:
    data = parquet_file(listing_columns(3))
    length = int.from_bytes(data[-8:-4], "little")
    return data[: -8 - length] + b"\x15\x04\x19\xfc\xff\xff\xff\xff\x0f".ljust(length, b"\x1c") + data[-8:]


def _damaged_page() -> bytes:
    data = bytearray(parquet_file(listing_columns(3)))
    data[4:8] = b"\xff\xff\xff\xff"
    return bytes(data)


PARQUET_FILES = (
    HostileFile("hostile/sound.parquet", lambda: parquet_file(listing_columns(5), row_group_size=2), 5),
    HostileFile("hostile/parquet.csv", lambda: parquet_file(listing_columns(2)), 2),
    HostileFile("hostile/nothing.parquet", lambda: parquet_file(listing_columns(0))),
    HostileFile("hostile/cut.parquet", lambda: parquet_file(listing_columns(3))[:-10], file=Code.FILE_BROKEN),
    HostileFile("hostile/only-magic.parquet", lambda: b"PAR1PAR1", file=Code.FILE_BROKEN),
    HostileFile("hostile/lying-footer.parquet", _lying_footer, file=Code.FILE_BROKEN),
    HostileFile("hostile/garbage-footer.parquet", _garbage_footer, file=Code.FILE_BROKEN),
    HostileFile("hostile/damaged-page.parquet", _damaged_page, file=Code.FILE_BROKEN, position="row group 1"),
    HostileFile(
        "hostile/huge-page.parquet",
        _huge_page,
        file=Code.BLOCK_TOO_BIG,
        position="row group 1",
        limits={"parquet_open_max_bytes": 100 * _MIB},
    ),
    HostileFile(
        "hostile/wide.parquet",
        lambda: parquet_file({f"c{number}": [number] for number in range(4_001)}),
        file=Code.SCHEMA_REFUSED,
    ),
    HostileFile(
        "hostile/one-text-for-all.parquet",
        lambda: parquet_file(
            listing_columns(
                5_000, title=pa.DictionaryArray.from_arrays(pa.repeat(pa.scalar(0, pa.int32()), 5_000), ["x" * 900_000])
            ),
            compression="zstd",
            store_schema=False,
        ),
        11,
        file=Code.COMPRESSION_RATIO,
    ),
    HostileFile(
        "hostile/many-rows-in-few-bytes.parquet",
        lambda: parquet_file({f"year{number}": pa.repeat(2019, 100_000) for number in range(50)}),
        10 * _MIB // (8 * 50),
        file=Code.COMPRESSION_RATIO,
    ),
    HostileFile(
        "hostile/long-list.parquet",
        lambda: parquet_file(listing_columns(3, flags=[[True], [True] * 1_000_000, None])),
        2,
        (Code.RECORD_TOO_BIG,),
    ),
    HostileFile(
        "hostile/long-text.parquet",
        lambda: parquet_file(listing_columns(3, title=["a", "x" * 2 * _MIB, "b"])),
        2,
        (Code.RECORD_TOO_BIG,),
    ),
    HostileFile(
        "hostile/bytes.parquet",
        lambda: parquet_file(listing_columns(3, note=[b"ok", b"\xff\xfe", None])),
        2,
        (Code.RECORD_MALFORMED,),
    ),
    HostileFile(
        "hostile/infinite.parquet",
        lambda: parquet_file(listing_columns(3, price=[float("nan"), float("inf"), 1.5])),
        2,
        (Code.RECORD_MALFORMED,),
    ),
)

BINARY_FILES = (*AVRO_FILES, *PARQUET_FILES)
