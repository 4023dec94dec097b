"""How the blocks of an Avro file are unpacked: in bounded steps wherever the codec allows it."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator

import cramjam

from app.model.record import Limits
from app.pipeline.unpack.streams import BZIP2, DEFLATE, XZ, ZSTD, Damaged, Packing
from app.pipeline.varint import TooLong, read_varint

Codec = Callable[[bytes, Limits], Iterator[bytes]]
"""(a block as stored, limits) → its plain bytes; raises `Damaged`, `WindowTooBig`, `TooMuch`."""
_CRC_BYTES = 4
_MAX_LENGTH_BYTES = 5


class TooMuch(Exception):
    """The block says itself that it unpacks to more than a block may have."""


def _null(packed: bytes, limits: Limits) -> Iterator[bytes]:
    yield packed


def _streamed(packing: Packing) -> Codec:
    def steps(packed: bytes, limits: Limits) -> Iterator[bytes]:
        member = packing.begin(limits.window_max_bytes)
        for at in range(0, len(packed), packing.input_bytes):
            if member.eof:
                raise Damaged
            yield from member.unpack(packed[at : at + packing.input_bytes])
        if not member.eof:
            raise Damaged

    return steps


def _snappy(packed: bytes, limits: Limits) -> Iterator[bytes]:
    """Snappy without framing, then the CRC of the plain bytes; its first bytes tell how many these are."""
    data, crc = packed[:-_CRC_BYTES], packed[-_CRC_BYTES:]
    if _length(data) > limits.avro_block_max_bytes:
        raise TooMuch
    try:
        plain = bytes(cramjam.snappy.decompress_raw(data))
    except cramjam.DecompressionError as error:
        raise Damaged from error
    if zlib.crc32(plain).to_bytes(_CRC_BYTES, "big") != crc:
        raise Damaged
    yield plain


def _length(data: bytes) -> int:
    try:
        return read_varint(data, 0, _MAX_LENGTH_BYTES)[0]
    except (IndexError, TooLong) as error:
        raise Damaged from error


CODECS: dict[str, Codec] = {
    "null": _null,
    "deflate": _streamed(DEFLATE),
    "snappy": _snappy,
    "bzip2": _streamed(BZIP2),
    "xz": _streamed(XZ),
    "zstandard": _streamed(ZSTD),
}
