"""Messages of formats 0 and 1, as brokers before 0.11 stored them: one each, or a packed set of them inside one.

https://kafka.apache.org/documentation/#messageset
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from app.consumer.batches import LOG_OVERHEAD, WireRecord, trouble
from app.consumer.bounds import Bounds
from app.consumer.unpacking import Unreadable, unpacked
from app.errors import FailureCode

_CODEC = 0x07
_LOG_APPEND_TIME = 0x08
_SET_BYTES = 8 * 1024 * 1024
_CRC_END = LOG_OVERHEAD + 4


def legacy_records(
    data: memoryview, magic: int, position: int, check_crc: bool, bounds: Bounds
) -> Iterator[WireRecord]:
    """The records of one message of format `magic` from offset `position` on; what can not be read is told of."""
    offset = int.from_bytes(data[:8], "big", signed=True)
    start, last = position, max(position, offset)
    if offset < position:
        return
    if offset - position > bounds.batch_records:
        last = position  # nothing vouches for the offset of such a message
    try:
        if check_crc and zlib.crc32(data[_CRC_END:]) != int.from_bytes(data[LOG_OVERHEAD:_CRC_END], "big"):
            raise Unreadable("its checksum is wrong")
        for record in _messages(data, magic, bounds):
            if start <= record.offset <= last:
                start = record.offset + 1
                yield record
    except (Unreadable, struct.error) as error:
        said = str(error.args[0]) if isinstance(error, Unreadable) else "it ends inside a number"
        if start <= last:
            yield trouble(start, last, -1, FailureCode.RECORD_UNREADABLE, f"a message that can not be read: {said}")


def _messages(data: memoryview, magic: int, bounds: Bounds) -> Iterator[WireRecord]:
    outer = _message(data, magic)
    codec = data[17] & _CODEC
    timed = magic == 1 and bool(data[17] & _LOG_APPEND_TIME)
    if not codec:
        outer.is_broker_timed = timed
        yield outer
        return
    if outer.value is None or (codec == 3 and magic == 0):
        raise Unreadable("it is packed in a way nobody reads")
    plain = _unpacked(codec, outer.value, bounds)
    inner = list(_set(plain, magic))
    if not inner:
        return
    # From format 1 on the offsets inside count from the first, and the message has that of the last.
    base = outer.offset - inner[-1].offset if magic else 0
    for record in inner:
        record.offset += base
        record.last = record.offset
        if timed:
            record.timestamp_ms, record.is_broker_timed = outer.timestamp_ms, True
        yield record


def _unpacked(codec: int, packed: bytes, bounds: Bounds) -> memoryview:
    """Whole, as the last of the offsets tells the first."""
    pieces, given = [], 0
    for piece in unpacked(codec, memoryview(packed), bounds.window_bytes):
        pieces.append(piece)
        given += len(piece)
        if given > _SET_BYTES:
            raise Unreadable(f"it unpacks to more than {_SET_BYTES:,} bytes")
    return memoryview(b"".join(pieces))


def _set(plain: memoryview, magic: int) -> Iterator[WireRecord]:
    at = 0
    while at < len(plain):
        (size,) = struct.unpack_from(">i", plain, at + 8)
        end = at + LOG_OVERHEAD + size
        if not at + _CRC_END < end <= len(plain):
            raise Unreadable("a message inside it is cut off")
        message = plain[at:end]
        if len(message) < 18 or message[16] != magic or message[17] & _CODEC:
            raise Unreadable("a message inside it is of another kind")
        yield _message(message, magic)
        at = end


def _message(data: memoryview, magic: int) -> WireRecord:
    (offset,) = struct.unpack_from(">q", data)
    timestamp, at = (struct.unpack_from(">q", data, 18)[0], 26) if magic else (-1, 18)
    key, at = _bytes(data, at)
    value, at = _bytes(data, at)
    if at != len(data):
        raise Unreadable("its length is not that of its parts")
    return WireRecord(offset, offset, timestamp, key, value, [])


def _bytes(data: memoryview, at: int) -> tuple[bytes | None, int]:
    (size,) = struct.unpack_from(">i", data, at)
    at += 4
    if size < 0:
        return None, at
    if size > len(data) - at:
        raise Unreadable(f"a part of it says that it is {size:,} bytes long")
    return bytes(data[at : at + size]), at + size
