"""Archives, Avro and Parquet files as tests want them, sound ones and such as no honest tool writes."""

from __future__ import annotations

import bz2
import io
import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import cramjam
import fastavro
import orjson
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import zstandard

MARK = bytes(range(16))
"""The mark between the blocks of every Avro file made here."""


def zip_of(members: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """An archive; a name that ends in a slash is a folder."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return file.getvalue()


def streamed_zip(name: str, content: bytes) -> bytes:
    """As from a pipe: sizes follow the data (data descriptor), and every field has 64 bits."""

    class Pipe(io.RawIOBase):
        def __init__(self) -> None:
            self.data = bytearray()

        def writable(self) -> bool:
            return True

        def write(self, data: Any) -> int:
            self.data += data
            return len(data)

    pipe = Pipe()
    with (
        zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open(name, "w", force_zip64=True) as member,
    ):
        member.write(content)
    return bytes(pipe.data)


def zip64_of(name: str, content: bytes) -> bytes:
    """An archive whose directory and end keep sizes and offsets in their 64-bit parts."""
    plain = zip_of({name: content})
    directory = plain.index(b"PK\x01\x02")
    end = plain.rindex(b"PK\x05\x06")
    entry = bytearray(plain[directory:end])
    packed, size = struct.unpack_from("<2L", entry, 20)
    extra = struct.pack("<2H3Q", 1, 24, size, packed, 0)
    struct.pack_into("<2L", entry, 20, 0xFFFFFFFF, 0xFFFFFFFF)
    struct.pack_into("<H", entry, 30, len(extra))
    struct.pack_into("<L", entry, 42, 0xFFFFFFFF)
    entry += extra
    end64 = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 1, 1, len(entry), directory)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, directory + len(entry), 1)
    last = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    return plain[:directory] + bytes(entry) + end64 + locator + last


def with_flag(archive: bytes, flag: int) -> bytes:
    """The archive with a flag set on every member, in both places: 1 says that it is encrypted."""
    changed = bytearray(archive)
    for magic, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = changed.find(magic)
        while at >= 0:
            changed[at + offset] |= flag
            at = changed.find(magic, at + 1)
    return bytes(changed)


def with_entry(archive: bytes, offset: int, layout: str, value: int) -> bytes:
    """The archive with a field of its first directory entry changed (APPNOTE.TXT 4.3.12)."""
    changed = bytearray(archive)
    struct.pack_into(layout, changed, changed.index(b"PK\x01\x02") + offset, value)
    return bytes(changed)


def with_end(archive: bytes, offset: int, layout: str, value: int) -> bytes:
    """The archive with a field of its end record changed (APPNOTE.TXT 4.3.16)."""
    changed = bytearray(archive)
    struct.pack_into(layout, changed, changed.rindex(b"PK\x05\x06") + offset, value)
    return bytes(changed)


def zstd_member_zip(name: str, content: bytes) -> bytes:
    """A member packed by zstd (method 93), which Python's own library can not write before 3.14."""
    packed = zstandard.compress(content)
    stored = zip_of({name: packed}, zipfile.ZIP_STORED)
    changed = bytearray(with_entry(with_entry(stored, 10, "<H", 93), 24, "<L", len(content)))
    struct.pack_into("<L", changed, changed.index(b"PK\x01\x02") + 16, zlib.crc32(content))
    struct.pack_into("<H", changed, 8, 93)
    return bytes(changed)


def zstd_with_window(content: bytes, window_log: int) -> bytes:
    parameters = zstandard.ZstdCompressionParameters(window_log=window_log)
    packer = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    return bytes(packer.compress(content) + packer.flush())


def long(value: int) -> bytes:
    """A number as Avro writes it."""
    number = value << 1 if value >= 0 else (-value << 1) - 1
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def avro_text(text: bytes) -> bytes:
    return long(len(text)) + text


def avro_header(schema: object, codec: str | None = "null") -> bytes:
    """`schema` as JSON values, or its text as bytes."""
    text = schema if isinstance(schema, bytes) else orjson.dumps(schema)
    pairs = [(b"avro.schema", text)] + ([] if codec is None else [(b"avro.codec", codec.encode())])
    return (
        b"Obj\x01"
        + long(len(pairs))
        + b"".join(avro_text(name) + avro_text(value) for name, value in pairs)
        + long(0)
        + MARK
    )


def avro_block(count: int, data: bytes, codec: str = "null", mark: bytes = MARK) -> bytes:
    packed: bytes = PACKERS[codec](data)
    return long(count) + long(len(packed)) + packed + mark


def avro_datum(schema: Any, value: Any) -> bytes:
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(schema), value)
    return out.getvalue()


def avro_file(schema: Any, blocks: Iterable[Sequence[Any]], codec: str = "null") -> bytes:
    """A sound Avro file with the given records in each block."""
    made = [
        avro_block(len(records), b"".join(avro_datum(schema, record) for record in records), codec)
        for records in blocks
    ]
    return avro_header(schema, codec) + b"".join(made)


def _deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


def _snappy(data: bytes) -> bytes:
    return bytes(cramjam.snappy.compress_raw(data)) + zlib.crc32(data).to_bytes(4, "big")


PACKERS: dict[str, Any] = {
    "null": bytes,
    "deflate": _deflate,
    "snappy": _snappy,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstandard": zstandard.compress,
}

LISTING_SCHEMA: dict[str, Any] = {
    "type": "record",
    "name": "Listing",
    "fields": [
        {"name": "source_listing_id", "type": "string"},
        {"name": "make", "type": "string"},
        {"name": "model", "type": "string"},
        {"name": "year", "type": "int"},
        {"name": "title", "type": ["null", "string"], "default": None},
    ],
}


def parquet_file(columns: Mapping[str, Any] | Any, **options: Any) -> bytes:
    """A Parquet file of these columns (or of a table), as pyarrow writes it."""
    out = io.BytesIO()
    pq.write_table(columns if isinstance(columns, pa.Table) else pa.table(columns), out, **options)
    return out.getvalue()


def listing_columns(count: int, **more: Any) -> dict[str, Any]:
    """Columns of as many listings that are accepted."""
    return {
        "source_listing_id": [f"car-{number}" for number in range(1, count + 1)],
        "make": ["Volkswagen"] * count,
        "model": ["Golf"] * count,
        "year": [2019] * count,
        **more,
    }
