"""Batches of records as a broker stores them, read under bounds: message formats 0, 1 and 2.

Nothing that a length, a count or an offset says is believed: it is held against the bytes that are there. What can not
be read gives a `WireRecord` with its `trouble`, for as many offsets as are concerned, and what follows is read on: a
batch that a producer wrote wrongly costs its own records only.

What nearly all batches are, small and sound, is read by aiokafka's C reader, which is four times as fast; where it
stumbles over anything, our own goes on at the same offset. It reads some bytes past the end of hostile data, so it is
given some.

https://kafka.apache.org/documentation/#messageformat
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from aiokafka.record.default_records import DefaultRecordBatch

from app.consumer.bounds import Bounds
from app.consumer.unpacking import Unreadable, unpacked
from app.errors import FailureCode, Rejected

LOG_OVERHEAD = 12
_HEADER = struct.Struct(">qiibIhiqqqhii")
_CODEC = 0x07
_LOG_APPEND_TIME = 0x08
_TRANSACTIONAL = 0x10
_CONTROL = 0x20
_ATTRIBUTES_AT = 22  # their lower byte
LITTLE_BYTES = 64 * 1024
_SMALL_BYTES = 1024 * 1024
_SKIPPED_BYTES = 4 * 1024 * 1024
_PADDING = bytes(64)
_VARINT_MAX_BYTES = 10
_HEAD_NUMBERS = 3  # attributes (a byte), the time, the offset
_RECORD_OVERHEAD_BYTES = 512  # the objects of a record, however short it is
_HEADER_OVERHEAD_BYTES = 200


@dataclass(slots=True)
class WireRecord:
    """One record, or with `trouble` what is to be said of the offsets from `offset` to `last` that can not be read."""

    offset: int
    last: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]]
    """Names that are no UTF-8 keep their bytes as surrogate escapes; a null value is an empty one."""
    trouble: Rejected | None = None
    is_broker_timed: bool = False
    """The broker set the time when it was appended."""

    @property
    def size(self) -> int:
        """What it takes in memory, about."""
        content = len(self.key or b"") + len(self.value or b"")
        named = sum([len(name) + len(value) for name, value in self.headers])
        return content + named + len(self.headers) * _HEADER_OVERHEAD_BYTES + _RECORD_OVERHEAD_BYTES


@dataclass(slots=True)
class Batch:
    """The header of one batch of format 2, and its bytes."""

    base: int
    magic: int
    crc: int
    attributes: int
    last: int
    """Its last offset, as it says."""
    first_timestamp: int
    max_timestamp: int
    producer_id: int
    count: int
    data: memoryview = field(repr=False)

    @classmethod
    def of(cls, data: memoryview) -> Batch:
        """`struct.error` when the header is not whole."""
        base, _, _, magic, crc, attributes, delta, first, most, producer, _, _, count = _HEADER.unpack_from(data)
        return cls(base, magic, crc, attributes, base + delta, first, most, producer, count, data)

    @property
    def is_control(self) -> bool:
        return bool(self.attributes & _CONTROL)

    @property
    def is_transactional(self) -> bool:
        return bool(self.attributes & _TRANSACTIONAL)

    @property
    def is_packed(self) -> bool:
        return bool(self.attributes & _CODEC)

    @property
    def is_broker_timed(self) -> bool:
        return bool(self.attributes & _LOG_APPEND_TIME)

    @property
    def covered(self) -> memoryview:
        """What its checksum is of."""
        return self.data[21:]


def trouble(start: int, last: int, timestamp_ms: int, code: FailureCode, message: str) -> WireRecord:
    """What is said in place of records that can not be read."""
    told = f"{message}; its content is left out here"
    if last > start:
        told = f"{message}; offsets {start} to {last} are left out here"
    return WireRecord(start, last, timestamp_ms, None, None, [], Rejected(code, told))


def records_of(
    batch: Batch, position: int, bounds: Bounds, claim: Callable[[], None] = lambda: None
) -> Iterator[WireRecord]:
    """The records of a batch of format 2 from offset `position` on, in order, each offset once.

    Where nothing was compacted away, their order tells their offsets, whatever they say themselves. `claim` is called
    before more of a packed batch is held unpacked than any number of them may hold at once.
    """
    expected = batch.base
    try:
        _check(batch, bounds)
        plain = _small(batch, bounds)
        if batch.is_packed and (plain is None or len(plain) > LITTLE_BYTES):
            claim()
        if plain is not None:
            for record in _read_fast(plain, batch, bounds):
                expected = record.offset + 1
                if record.offset >= position:
                    yield record
        if expected > batch.last:
            return
        position, expected = max(position, expected), batch.base
        for record in _read_records(batch, bounds):
            record = _placed(record, batch, expected)
            expected = record.last + 1
            if record.last >= position:
                yield record
    except (_TooBig, Unreadable) as error:
        start, last = max(expected, position), max(batch.base, batch.last)
        code = FailureCode.BATCH_TOO_BIG if isinstance(error, _TooBig) else FailureCode.RECORD_UNREADABLE
        if start <= last:
            yield trouble(start, last, batch.max_timestamp, code, str(error.args[0]))


class _TooBig(Exception):
    """`args[0]` says what is too big."""


def _check(batch: Batch, bounds: Bounds) -> None:
    if batch.last < batch.base:
        raise Unreadable("the batch says that it ends before it begins")
    if batch.count < 0:
        raise Unreadable(f"the batch says that it has {batch.count} records")
    if batch.count > bounds.batch_records:
        raise _TooBig(f"a batch of {batch.count:,} records, more than {bounds.batch_records:,}; send smaller batches")


def _small(batch: Batch, bounds: Bounds) -> bytes | None:
    """The plain bytes of a batch that is small once unpacked; None for any other."""
    payload = batch.data[_HEADER.size :]
    most = min(_SMALL_BYTES, bounds.record_bytes)
    if len(payload) > most:
        return None
    if not batch.is_packed:
        return bytes(payload)
    pieces, given = [], 0
    try:
        for piece in unpacked(batch.attributes & _CODEC, payload, bounds.window_bytes):
            pieces.append(piece)
            given += len(piece)
            if given > most:
                return None
    except Unreadable:
        return None
    return b"".join(pieces)


def _read_fast(plain: bytes, batch: Batch, bounds: Bounds) -> Iterator[WireRecord]:
    """The sound records up to the first about which there is anything to be said; this does not say it."""
    head = bytearray(batch.data[: _HEADER.size])
    head[_ATTRIBUTES_AT] &= ~_CODEC
    padded = b"".join((head, plain, _PADDING))
    expected, dense = batch.base, batch.count == batch.last - batch.base + 1
    timed = batch.is_broker_timed
    try:
        for record in DefaultRecordBatch(memoryview(padded)[: -len(_PADDING)]):
            offset = record.offset
            headers = record.headers
            if not (offset == expected if dense else expected <= offset <= batch.last) or len(headers) > bounds.headers:
                return
            timestamp = -1 if record.timestamp is None else record.timestamp
            if headers:
                headers = [(name, value or b"") for name, value in headers]
            yield WireRecord(offset, offset, timestamp, record.key, record.value, headers, None, timed)
            expected = offset + 1
    except Exception:
        return


def _placed(record: WireRecord, batch: Batch, expected: int) -> WireRecord:
    """The record at the offset that is its own: `expected`, or after a gap, where some were compacted away."""
    if batch.count == batch.last - batch.base + 1 or not record.offset >= expected:
        record.offset = expected
    record.last = record.offset
    record.is_broker_timed = batch.is_broker_timed
    if record.offset > batch.last:
        raise Unreadable("the batch has more records than offsets")
    return record


def _read_records(batch: Batch, bounds: Bounds) -> Iterator[WireRecord]:
    plain = _Plain(batch, bounds)
    for left in range(batch.count - 1, -1, -1):
        length = plain.length()
        if length > bounds.record_bytes:
            yield plain.skipped(length, left == 0)
        else:
            start = plain.hold(length)
            yield _record(plain.buffer, start, start + length, batch, bounds)
            plain.at = start + length
    if batch.count <= batch.last - batch.base and not plain.is_spent():
        raise Unreadable("the batch has more records than it says")


class _Plain:
    """The plain bytes of a batch, as many at once as one record needs."""

    def __init__(self, batch: Batch, bounds: Bounds) -> None:
        payload = batch.data[_HEADER.size :]
        self._batch = batch
        self._bounds = bounds
        self._pieces: Iterator[bytes] = iter(())
        self.buffer = b""
        self.at = 0
        self._given = 0
        if batch.is_packed:
            self._pieces = unpacked(batch.attributes & _CODEC, payload, bounds.window_bytes)
        else:
            self.buffer = bytes(payload)

    def length(self) -> int:
        """Of the record that begins here; it stays to be held or skipped."""
        self._have_numbers(1)
        length, self.at = _varint(self.buffer, self.at)
        if length < 0:
            raise Unreadable(f"a record says that it is {length} bytes long")
        return length

    def hold(self, length: int) -> int:
        """Have a record whole in the buffer; where it begins."""
        if not self._fill(length):
            raise Unreadable("the batch ends inside a record")
        return self.at

    def skipped(self, length: int, is_last: bool) -> WireRecord:
        """Go past a record that is too big; what is said of it. The last one need not be unpacked for that.

        One that is far too big is the end of the batch: to get past it would take too long at once.
        """
        if not is_last and length > _SKIPPED_BYTES:
            raise self._too_big()
        if self._given - len(self.buffer) + self.at + length > self._bounds.batch_bytes:
            raise self._too_big()
        self._have_numbers(_HEAD_NUMBERS)
        offset, _ = _head(self.buffer, self.at, self._batch)
        while not is_last and len(self.buffer) - self.at < length:
            length -= len(self.buffer) - self.at
            self.buffer, self.at = self._next(), 0
            if not self.buffer:
                raise Unreadable("the batch ends inside a record")
        self.at += length
        said = f"a record of more than {self._bounds.record_bytes:,} bytes; publish smaller ones"
        return trouble(offset, offset, self._batch.max_timestamp, FailureCode.BATCH_TOO_BIG, said)

    def _have_numbers(self, count: int) -> None:
        """So many numbers in the buffer, where there are; no piece more than they need is asked for, and no number that
        never ends is followed."""
        needed, most = 1, count * (_VARINT_MAX_BYTES + 1)
        while count and needed <= most and self._fill(needed):
            count -= self.buffer[self.at + needed - 1] < 0x80
            needed += 1

    def is_spent(self) -> bool:
        return not self._fill(1)

    def _fill(self, needed: int) -> bool:
        """Whether so many bytes are there from here on; fewer may be, at the end."""
        missing = needed - (len(self.buffer) - self.at)
        if missing <= 0:
            return True
        pieces = [self.buffer[self.at :]]
        while missing > 0 and (piece := self._next()):
            pieces.append(piece)
            missing -= len(piece)
        self.buffer, self.at = b"".join(pieces), 0
        return missing <= 0

    def _next(self) -> bytes:
        piece = next(self._pieces, b"")
        self._given += len(piece)
        if self._given > self._bounds.batch_bytes:
            raise self._too_big()
        return piece

    def _too_big(self) -> _TooBig:
        packed, most = len(self._batch.data), self._bounds.batch_bytes
        return _TooBig(
            f"a batch of {packed:,} bytes that unpacks to more than {most:,}, or one record of it to more than "
            f"{_SKIPPED_BYTES:,}; send smaller ones"
        )


def _record(buffer: bytes, at: int, end: int, batch: Batch, bounds: Bounds) -> WireRecord:
    """One record from its attributes on; one that can not be read is told of, its neighbours are not touched."""
    offset, timestamp = batch.base - 1, batch.max_timestamp
    try:
        offset, delta_at = _head(buffer, at, batch)
        timestamp, at = _timestamp(buffer, at, batch), delta_at
        key, at = _bytes(buffer, at, end)
        value, at = _bytes(buffer, at, end)
        count, at = _varint(buffer, at)
        headers: list[tuple[str, bytes]] = []
        if count:
            if not 0 <= count <= (end - at) // 2:
                raise Unreadable(f"it says that it has {count} headers")
            if count > bounds.headers:
                return _without_headers(offset, timestamp, key, value, count, bounds.headers)
            headers, at = _headers(buffer, at, end, count)
        if at != end:
            raise Unreadable("its length is not that of its parts")
    except Unreadable as error:
        said = f"the record can not be read: {error.args[0]}"
        return trouble(offset, offset, timestamp, FailureCode.RECORD_UNREADABLE, said)
    return WireRecord(offset, offset, timestamp, key, value, headers)


def _without_headers(
    offset: int, timestamp: int, key: bytes | None, value: bytes | None, count: int, most: int
) -> WireRecord:
    said = f"a record with {count:,} headers, more than {most:,}; they are left out here"
    return WireRecord(offset, offset, timestamp, key, value, [], Rejected(FailureCode.RECORD_UNREADABLE, said))


def _head(buffer: bytes, at: int, batch: Batch) -> tuple[int, int]:
    """The offset that a record says, and where its key begins."""
    _, at = _varint(buffer, at + 1)
    delta, at = _varint(buffer, at)
    return batch.base + delta, at


def _timestamp(buffer: bytes, at: int, batch: Batch) -> int:
    if batch.is_broker_timed:
        return batch.max_timestamp
    delta, _ = _varint(buffer, at + 1)
    return _int64(batch.first_timestamp + delta)


def _int64(number: int) -> int:
    return (number + 2**63) % 2**64 - 2**63


def _bytes(buffer: bytes, at: int, end: int) -> tuple[bytes | None, int]:
    size, at = _varint(buffer, at)
    if size < 0:
        return None, at
    stop = at + size
    if stop > end:
        raise Unreadable(f"a part of it says that it is {size:,} bytes long")
    return buffer[at:stop], stop


def _headers(buffer: bytes, at: int, end: int, count: int) -> tuple[list[tuple[str, bytes]], int]:
    headers = []
    for _ in range(count):
        name, at = _bytes(buffer, at, end)
        value, at = _bytes(buffer, at, end)
        headers.append(((name or b"").decode(errors="surrogateescape"), value or b""))
    return headers, at


def _varint(buffer: bytes, at: int) -> tuple[int, int]:
    """A zigzag number of 64 bits at most, and where it ends."""
    try:
        byte = buffer[at]
        if byte < 0x80:
            return (byte >> 1) ^ -(byte & 1), at + 1
        number, shift = byte & 0x7F, 7
        while byte >= 0x80:
            at += 1
            byte = buffer[at]
            number |= (byte & 0x7F) << shift
            shift += 7
            if shift > 7 * _VARINT_MAX_BYTES:
                raise Unreadable("a number in it has no end")
    except IndexError:
        raise Unreadable("it ends inside a number") from None
    return _int64((number >> 1) ^ -(number & 1)), at + 1
