"""Avro object container files: header, then blocks of records, each closed by the file's own mark.

Apache Avro 1.12, "Object container files". The library reads records; header, blocks and their unpacking are read
here, because they have to come in chunks and within bounds.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from io import BytesIO
from typing import Any

import fastavro

from app.errors import FailureCode, FileRejected, Problem
from app.model.record import Limits, Slice
from app.pipeline.parse import judge
from app.pipeline.parse.avro_codecs import CODECS, Codec, TooMuch
from app.pipeline.parse.avro_schema import AvroSchema, read_schema, refused
from app.pipeline.parse.avro_walk import CONTAINER_WEIGHT, KEY_WEIGHT, NoRecord, Walk
from app.pipeline.parse.gather import Gather
from app.pipeline.parse.json_like import NotJsonLike, json_like
from app.pipeline.unpack.bombs import check_unpacked
from app.pipeline.unpack.streams import Damaged, WindowTooBig

_MAGIC = b"Obj\x01"
_SYNC_BYTES = 16
_MAX_HEADER_BYTES = 1024 * 1024
_MAX_METADATA = 1000
_MAX_LONG_BYTES = 10
_WINDOW_BYTES = 32 * 1024
"""What the library sees at once: it is a few milliseconds of work, whatever the data makes of it."""
_MAX_VALUES = 100_000
_MANY_VALUES = 5_000
_VALUE_COST = 6
"""Of a value, as `Gather.spend` counts: its bytes may be few."""
_BYTES_A_VALUE = 4
"""Of what was decoded in vain, because the window ended inside a record."""
_CONTAINERS = frozenset({dict, list})
_SMALL_BLOCK_BYTES = 256 * 1024
_COPIES = 4
"""Of a block: as it came, packed, unpacked piece by piece, unpacked as a whole."""


class AvroParser:
    """Takes the plain bytes of an Avro file; gives the records of each block once it is there as a whole.

    A record that can not be read costs only itself. A block that is damaged ends the file: FILE_BROKEN,
    COMPRESSION_BROKEN, COMPRESSION_WINDOW, BLOCK_TOO_BIG, COMPRESSION_RATIO, DECOMPRESSED_TOO_BIG. The header:
    SCHEMA_REFUSED, FORMAT_UNKNOWN (its codec).
    """

    line = 0
    """The format has no lines."""

    def __init__(self, gather: Gather, limits: Limits) -> None:
        self._gather = gather
        self._limits = limits
        self._input = bytearray()
        self._offset = 0
        self._schema: AvroSchema | None = None
        self._codec: Codec = CODECS["null"]
        self._sync = b""
        self._block = 1
        self._packed_total = 0
        self._plain_total = 0

    def feed(self, text: bytes) -> Iterator[Slice]:
        self._input += text
        if self._schema is None and not self._read_header():
            return
        while (bounds := self._next_block()) is not None:
            count, start, end = bounds
            packed = bytes(self._input[start:end])
            yield from self._read_block(packed, count)
            self._drop(end + _SYNC_BYTES)
            self._block += 1

    def finish(self) -> Iterator[Slice]:
        if self._schema is None or self._input:
            where = "its header" if self._schema is None else "a block"
            raise self._broken(f"the file ends inside {where}; it was cut off, upload it again")
        yield from ()

    def drain(self) -> Iterator[Slice]:
        """Nothing: the block at which the file broke off is not whole."""
        return iter(())

    # header

    def _read_header(self) -> bool:
        """False: more of it has to come."""
        walk = Walk(bytes(self._input[: _MAX_HEADER_BYTES + _SYNC_BYTES]), len(_MAGIC))
        try:
            metadata = _metadata(walk)
        except NoRecord:
            metadata = None
        end = walk.at + _SYNC_BYTES
        if metadata is None or end > len(self._input):
            if len(self._input) > _MAX_HEADER_BYTES + _SYNC_BYTES:
                raise refused(f"the header is damaged, or longer than {_MAX_HEADER_BYTES:,} bytes")
            return False
        codec = metadata.get(b"avro.codec", b"null").decode("ascii", "replace")
        if codec not in CODECS:
            known = ", ".join(CODECS)
            raise FileRejected(FailureCode.FORMAT_UNKNOWN, f"expected an Avro file with a codec of {known}")
        self._codec = CODECS[codec]
        self._schema = read_schema(metadata.get(b"avro.schema", b""), self._limits.record_max_depth)
        self._sync = bytes(self._input[walk.at : end])
        self._drop(end)
        return True

    # blocks

    def _next_block(self) -> tuple[int, int, int] | None:
        """(records, where its data begins, where it ends); None: it is not here as a whole."""
        walk = Walk(bytes(self._input[: 2 * _MAX_LONG_BYTES]), 0)
        try:
            count, size = walk.long(), walk.long()
        except NoRecord:
            if len(self._input) >= 2 * _MAX_LONG_BYTES:
                raise self._broken("a block has no beginning; the file is damaged") from None
            return None
        if count < 0 or size < 0:
            raise self._broken("a block has a negative length; the file is damaged")
        self._check_block_size(size)
        if size > _SMALL_BLOCK_BYTES:
            self._gather.will_take(_COPIES * self._most_of_a_block(size))
        end = walk.at + size
        if end + _SYNC_BYTES > len(self._input):
            return None
        if self._input[end : end + _SYNC_BYTES] != self._sync:
            raise self._broken("a block does not end with the file's mark; the file is damaged")
        return count, walk.at, end

    def _read_block(self, packed: bytes, count: int) -> Iterator[Slice]:
        assert self._schema is not None
        plain = bytearray()
        steps = self._codec(packed, self._limits)
        while True:
            try:
                step = next(steps, None)
            except (Damaged, WindowTooBig) as error:
                raise self._damaged(error) from error
            except TooMuch as error:
                raise self._too_big() from error
            if step is None:
                break
            plain += step
            self._check_block_size(len(plain))
            self._gather.spend(len(step) // 4)
            if len(plain) > _SMALL_BLOCK_BYTES and not self._gather.memory:
                self._gather.will_take(_COPIES * self._limits.avro_block_max_bytes)
                yield self._gather.take()
            if self._gather.full:
                yield self._gather.take()
        self._account(len(packed), len(plain))
        if count * self._schema.record.least_bytes > len(plain):
            raise self._broken(f"a block says it has {count:,} records and holds fewer; the file is damaged")
        yield from self._read_records(bytes(plain), count, self._schema)

    def _read_records(self, data: bytes, count: int, schema: AvroSchema) -> Iterator[Slice]:
        at = 0
        window, base = BytesIO(data[:_WINDOW_BYTES]), 0
        for number in range(1, count + 1):
            value = self._decode(window, schema)
            if value is None and at > base:
                self._gather.spend(_VALUE_COST * (base + _WINDOW_BYTES - at) // _BYTES_A_VALUE)
                window, base = BytesIO(data[at : at + _WINDOW_BYTES]), at
                value = self._decode(window, schema)
            if value is None:
                self._gather.spend(_VALUE_COST * _WINDOW_BYTES // _BYTES_A_VALUE)
                at = yield from self._read_slowly(data, at, schema, number)
                window, base = BytesIO(data[at : at + _WINDOW_BYTES]), at
            else:
                end = base + window.tell()
                self._add(value, end - at, schema)
                at = end
            if self._gather.full:
                yield self._gather.take()
        if at != len(data):
            raise self._broken(f"a block holds more than the {count:,} records it says; the file is damaged")

    def _read_slowly(self, data: bytes, at: int, schema: AvroSchema, number: int) -> Generator[Slice, None, int]:
        """One record that is long or broken; returns where the next begins."""
        walk = Walk(data, at)
        try:
            for _ in walk.over(schema.record):
                yield self._gather.take()
        except NoRecord as error:
            raise self._broken(f"record {number:,} of a block can not be read; the file is damaged") from error
        size = walk.at - at
        if size > self._limits.record_max_bytes:
            self._gather.reject(judge.too_big(self._limits.record_max_bytes), None)
        elif walk.values > _MAX_VALUES:
            self._gather.reject(judge.too_many_cells(walk.values) or _UNREADABLE, None)
        else:
            if walk.values > _MANY_VALUES:
                yield self._gather.take()
            value = self._decode(BytesIO(data[at : walk.at]), schema)
            if value is None:
                self._gather.reject(_UNREADABLE, None)
            else:
                self._add(value, size, schema)
        return walk.at

    def _decode(self, window: BytesIO, schema: AvroSchema) -> dict[str, Any] | None:
        """The next record; None when there is none that can be read."""
        try:
            value: Any = fastavro.schemaless_reader(window, schema.parsed, None)
        except Exception:  # the library raises whatever the hostile data leads it to
            return None
        assert isinstance(value, dict)
        return value

    def _add(self, value: dict[str, Any], size: int, schema: AvroSchema) -> None:
        field = ""
        try:
            for field in schema.converted:
                value[field] = json_like(value[field])
            for field, singles in schema.singles:
                value[field] = singles.mark(value[field])
        except NotJsonLike as error:
            self._gather.reject(error.problem(field), None)
        else:
            self._gather.spend(_VALUE_COST * _values(value))
            self._gather.add_value(value, None, size)

    def _most_of_a_block(self, size: int) -> int:
        """What the largest of it is: one that is not packed is as large as it says."""
        return size if self._codec is CODECS["null"] else self._limits.avro_block_max_bytes

    # what is wrong

    def _account(self, packed: int, plain: int) -> None:
        self._packed_total += packed
        self._plain_total += plain
        check_unpacked(self._plain_total, self._packed_total, self._limits, self._where())

    def _check_block_size(self, size: int) -> None:
        if size > self._limits.avro_block_max_bytes:
            raise self._too_big()

    def _too_big(self) -> FileRejected:
        most = self._limits.avro_block_max_bytes
        return FileRejected(
            FailureCode.BLOCK_TOO_BIG, f"a block has more than {most:,} bytes; write smaller blocks", self._where()
        )

    def _damaged(self, error: Exception) -> FileRejected:
        if isinstance(error, WindowTooBig):
            most = self._limits.window_max_bytes
            return FileRejected(
                FailureCode.COMPRESSION_WINDOW, f"unpacking looks back more than {most:,} bytes", self._where()
            )
        return FileRejected(
            FailureCode.COMPRESSION_BROKEN, "the packed data of a block is damaged; write the file again", self._where()
        )

    def _broken(self, message: str) -> FileRejected:
        return FileRejected(FailureCode.FILE_BROKEN, message, self._where())

    def _where(self) -> str:
        place = "header" if self._schema is None else f"block {self._block:,}"
        return f"{place}, after record {self._gather.number:,}, byte {self._offset:,}"

    def _drop(self, size: int) -> None:
        del self._input[:size]
        self._offset += size


_UNREADABLE = Problem(FailureCode.RECORD_MALFORMED, None, "a record by the schema of the file", "another")


def _values(record: dict[str, Any]) -> int:
    """How many there are in it, however deep, by their weight."""
    count = 0
    layer: list[Any] = [record]
    while layer:
        inner: list[Any] = []
        for item in layer:
            is_map = item.__class__ is dict
            count += CONTAINER_WEIGHT + (1 + KEY_WEIGHT * is_map) * len(item)
            inner += [part for part in (item.values() if is_map else item) if part.__class__ in _CONTAINERS]
        layer = inner
    return count


def _metadata(walk: Walk) -> dict[bytes, bytes]:
    """The header's map. Raises `NoRecord` when it is not here as a whole, or none."""
    found: dict[bytes, bytes] = {}
    while count := walk.long():
        if count < 0:
            walk.long()
        if abs(count) + len(found) > _MAX_METADATA:
            raise refused(f"the header has more than {_MAX_METADATA:,} entries")
        for _ in range(abs(count)):
            name = walk.piece()
            found[name] = walk.piece()
    return found
