"""The packed records of a batch as pieces of plain bytes, in bounded memory: gzip, snappy, lz4, zstd.

Nothing is unpacked before its size is known or bounded: what a length says is compared with what so many packed bytes
can give at most, and whoever reads the pieces can stop at any of them.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator

import cramjam

from app.pipeline.unpack.streams import GZIP, ZSTD, Damaged, Member, Packing, WindowTooBig

CODECS = {1: "gzip", 2: "snappy", 3: "lz4", 4: "zstd"}
_XERIAL = b"\x82SNAPPY\x00"
_XERIAL_HEADER = 16
_SNAPPY_RATIO = 22  # three bytes give 64 at most
_LZ4_MAGIC = b"\x04\x22\x4d\x18"
_LZ4_RATIO = 256  # one more byte of a length gives 255 at most
_LZ4_BLOCKS = {4: 64 * 1024, 5: 256 * 1024, 6: 1024 * 1024, 7: 4 * 1024 * 1024}
_SLACK = 64


class Unreadable(Exception):
    """The bytes are not what the format says; `args[0]` says what was found, for a person."""


def unpacked(codec: int, packed: memoryview, window_bytes: int) -> Iterator[bytes]:
    """The plain bytes, piece by piece (some 64 KiB; lz4 up to 4 MiB, snappy up to 22 times what is packed).

    Raises `Unreadable` at the piece that is damaged, asks for more memory than `window_bytes`, or is of no known kind.
    """
    unpack = _UNPACK.get(codec)
    if unpack is None:
        raise Unreadable(f"it is packed in a way nobody knows (codec {codec})")
    try:
        yield from unpack(packed, window_bytes)
    except (Damaged, cramjam.DecompressionError, struct.error) as error:
        raise Unreadable(f"its {CODECS[codec]} data is damaged") from error
    except WindowTooBig as error:
        raise Unreadable(f"its {CODECS[codec]} data looks back more than {window_bytes:,} bytes") from error


def _streamed(packing: Packing, packed: memoryview, window_bytes: int) -> Iterator[bytes]:
    member: Member | None = None
    for start in range(0, len(packed), packing.input_bytes):
        piece = bytes(packed[start : start + packing.input_bytes])
        while piece:
            if member is None:
                member = packing.begin(window_bytes)
            yield from filter(None, member.unpack(piece))
            if not member.eof:
                break
            piece, member = member.unused, None
    if member is not None:
        raise Damaged


def _gzip(packed: memoryview, window_bytes: int) -> Iterator[bytes]:
    return _streamed(GZIP, packed, window_bytes)


def _zstd(packed: memoryview, window_bytes: int) -> Iterator[bytes]:
    return _streamed(ZSTD, packed, window_bytes)


def _snappy(packed: memoryview, _: int) -> Iterator[bytes]:
    """One block, or blocks of 32 KiB with their lengths in front, as the Java client writes them."""
    if bytes(packed[: len(_XERIAL)]) != _XERIAL:
        yield _snappy_block(packed)
        return
    at = _XERIAL_HEADER
    while at < len(packed):
        (size,) = struct.unpack_from(">i", packed, at)
        at += 4
        if not 0 <= size <= len(packed) - at:
            raise Damaged
        yield _snappy_block(packed[at : at + size])
        at += size


def _snappy_block(block: memoryview) -> bytes:
    if not block or cramjam.snappy.decompress_raw_len(block) > _SNAPPY_RATIO * len(block) + _SLACK:
        raise Damaged
    return bytes(cramjam.snappy.decompress_raw(block))


def _lz4(packed: memoryview, _: int) -> Iterator[bytes]:
    """The blocks of a frame; brokers take independent ones only."""
    at, most, checksum = _lz4_header(packed)
    while True:
        (word,) = struct.unpack_from("<I", packed, at)
        at += 4
        if word == 0:
            return
        size = word & 0x7FFF_FFFF
        if size > min(most, len(packed) - at):
            raise Damaged
        block = packed[at : at + size]
        if word >> 31:
            yield bytes(block)
        else:
            plain = bytearray(min(most, _LZ4_RATIO * size + _SLACK))
            yield bytes(plain[: cramjam.lz4.decompress_block_into(block, plain)])
        at += size + checksum


def _lz4_header(packed: memoryview) -> tuple[int, int, int]:
    """Where its blocks begin, how large one may be, how long the checksum behind each is."""
    if bytes(packed[:4]) != _LZ4_MAGIC or len(packed) < 7:
        raise Damaged
    flags, block = packed[4], packed[5]
    most = _LZ4_BLOCKS.get(block >> 4 & 7)
    if flags >> 6 != 1 or most is None or not flags & 0x20:
        raise Damaged
    size, dictionary = 8 * (flags >> 3 & 1), 4 * (flags & 1)
    return 7 + size + dictionary, most, 4 * (flags >> 4 & 1)


_UNPACK: dict[int, Callable[[memoryview, int], Iterator[bytes]]] = {1: _gzip, 2: _snappy, 3: _lz4, 4: _zstd}
