"""Files of any size in every format that is read, written as a stream."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, BinaryIO, cast
from xml.sax.saxutils import escape

import fastavro
import orjson
import pyarrow as pa  # type: ignore[import-untyped]
import zstandard
from pyarrow.parquet import ParquetWriter  # type: ignore[import-untyped]

from app.devstack.samples import as_csv, listing

_BLOCK = 2000
_ROW_GROUP_BLOCKS = 20
FORMS = (
    *("ndjson", "json+gzip", "csv", "csv+zip", "ndjson+zstd", "ndjson+bzip2", "ndjson+xz"),
    *("xml", "avro", "parquet", "parquet+zip"),
)
_ENDINGS = {"gzip": ".gz", "zip": ".zip", "zstd": ".zst", "bzip2": ".bz2", "xz": ".xz"}


def key_of(form: str) -> str:
    """The object key of such a file; `form` is one of `FORMS`: the format, then what it is packed in."""
    kind, _, packing = form.partition("+")
    return f"memory/{form.replace('+', '-')}.{kind}{_ENDINGS.get(packing, '')}"


def write_file(path: Path, form: str, size: int) -> None:
    """Write a file of about `size` plain bytes; every listing has its own id."""
    kind, _, packing = form.partition("+")
    with _PACKERS[packing](path) as out:
        _WRITERS.get(kind, _write_text(kind))(out, form, size)


def _records(form: str) -> Iterator[list[dict[str, Any]]]:
    """The same list over and over, with other ids: what is written is taken from it before the next one."""
    number = 0
    template = [listing(n, prefix="big") for n in range(_BLOCK)]
    while True:
        for record in template:
            number += 1
            record["source_listing_id"] = f"big-{form}-{number:08d}"
        yield template


def _texts(kind: str, form: str, size: int) -> Iterator[bytes]:
    written = 0
    first, between, last = {"json": (b"[", b",", b"]"), "xml": (b"<cars>", b"", b"</cars>")}.get(kind, (b"", b"", b""))
    yield first
    for records in _records(form):
        if kind == "csv":
            block = as_csv(records)
            block = block[block.index(b"\n") + 1 :] if written else block
        elif kind == "json":
            block = (between if written else b"") + orjson.dumps(records)[1:-1]
        elif kind == "xml":
            block = b"".join(map(_element, records))
        else:
            block = b"".join(orjson.dumps(record) + b"\n" for record in records)
        written += len(block)
        yield block
        if written >= size:
            break
    yield last


def _element(record: dict[str, Any]) -> bytes:
    parts = []
    for name, value in record.items():
        for item in value if isinstance(value, list) else [value]:
            text = f"{item['lat']},{item['lon']}" if isinstance(item, dict) else str(item)
            parts.append(f"<{name}>{escape(text)}</{name}>")
    return f"<car>{''.join(parts)}</car>\n".encode()


def _write_text(kind: str) -> Callable[[BinaryIO, str, int], None]:
    def write(out: BinaryIO, form: str, size: int) -> None:
        for block in _texts(kind, form, size):
            out.write(block)

    return write


def _write_avro(out: BinaryIO, form: str, size: int) -> None:
    kinds = {str: "string", int: "long", float: "double", list: {"type": "array", "items": "string"}}
    fields: list[dict[str, Any]] = []
    for name, value in listing(0, prefix="big").items():
        inner = {
            "type": "record",
            "name": name,
            "fields": [{"name": part, "type": "double"} for part in ("lat", "lon")],
        }
        fields.append({"name": name, "type": ["null", inner if isinstance(value, dict) else kinds[type(value)]]})
    writer = fastavro.write.Writer(out, {"type": "record", "name": "Listing", "fields": fields}, codec="deflate")
    for written, records in enumerate(_records(form), 1):
        for record in records:
            writer.write(record)
        if written * len(orjson.dumps(records)) >= size:
            break
    writer.flush()


def _write_parquet(out: BinaryIO, form: str, size: int) -> None:
    schema = pa.Table.from_pylist([listing(0, prefix="big")]).schema
    with ParquetWriter(out, schema) as writer:
        waiting: list[Any] = []
        written = 0
        for records in _records(form):
            waiting.append(pa.Table.from_pylist(records, schema))
            written += len(orjson.dumps(records))
            if len(waiting) == _ROW_GROUP_BLOCKS or written >= size:
                writer.write_table(pa.concat_tables(waiting))
                waiting.clear()
            if written >= size:
                break


_WRITERS: dict[str, Callable[[BinaryIO, str, int], None]] = {"avro": _write_avro, "parquet": _write_parquet}


class _Zip(io.BufferedIOBase):
    """The one member of an archive, which is complete once this is closed."""

    def __init__(self, path: Path) -> None:
        self._archive = zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1)
        self._member = self._archive.open("feed/listings", "w", force_zip64=True)

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        return self._member.write(data)

    def tell(self) -> int:
        return self._member.tell()

    def close(self) -> None:
        if not self.closed:
            self._member.close()
            self._archive.close()
        super().close()


def _zstd(path: Path) -> Any:
    """Looks back no further than a block of the samples is long: their repetition would be a bomb's."""
    parameters = zstandard.ZstdCompressionParameters.from_level(1, window_log=16)
    return zstandard.open(path, "wb", cctx=zstandard.ZstdCompressor(compression_params=parameters))


_PACKERS: dict[str, Callable[[Path], AbstractContextManager[BinaryIO]]] = {
    "": lambda path: path.open("wb"),
    "gzip": lambda path: cast(AbstractContextManager[BinaryIO], gzip.GzipFile(path, "wb", compresslevel=1)),
    "bzip2": lambda path: cast(AbstractContextManager[BinaryIO], bz2.BZ2File(path, "wb", compresslevel=1)),
    "xz": lambda path: cast(AbstractContextManager[BinaryIO], lzma.LZMAFile(path, mode="wb", preset=0)),  # noqa: SIM115
    "zstd": lambda path: cast(AbstractContextManager[BinaryIO], _zstd(path)),
    "zip": lambda path: cast(AbstractContextManager[BinaryIO], _Zip(path)),
}
