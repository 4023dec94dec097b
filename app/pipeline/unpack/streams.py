"""Packed bytes to plain bytes, one member at a time and in bounded steps: gzip, bzip2, xz, zstd.

A member is what its format may repeat: a gzip member (RFC 1952), a bzip2 or xz stream, a zstd frame (RFC 8878; a
skippable frame is one that gives nothing). What follows the end of one stays in `unused`.
"""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import zstandard

from app.model.file import Compression

STEP_BYTES = 64 * 1024
"""What one step gives at most; a zstd step may give more, see `ZSTD.input_bytes`."""
MAGIC_BYTES = 10
"""How many first bytes tell every kind apart."""
_BZIP2_FIRST_BLOCK = (b"1AY&SY", b"\x17rE8P\x90")
"""A block, or the end of a stream without any: without it, text may begin with `BZh9` too."""
_BZIP2_BYTES = 4 * 1024 * 1024
"""A block of 900,000 bytes, four each (bzip2 manual, "Memory management")."""
_ZSTD_STEPS_BYTES = 8 * 1024 * 1024
"""What a step gives at most (see `ZSTD.input_bytes`), twice: as it comes, and gathered."""
_ZIP_STARTS = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
"""A member, an archive without any, a part of several (APPNOTE.TXT 4.3.7, 4.3.16, 8.5.3)."""


class Damaged(Exception):
    """The packed data is not what its format says."""


class WindowTooBig(Exception):
    """The data looks back further than is allowed."""


class Member(Protocol):
    @property
    def eof(self) -> bool:
        """The member is complete."""
        ...

    @property
    def unused(self) -> bytes:
        """What follows it in the input given last."""
        ...

    def unpack(self, data: bytes) -> Iterator[bytes]:
        """All that this input gives, step by step; to be read to its end. Raises `Damaged`, `WindowTooBig`."""
        ...


class ZlibMember:
    """A gzip member, or with `wbits` -15 the bare deflate data of a zip archive or an Avro block."""

    def __init__(self, wbits: int = 16 + zlib.MAX_WBITS) -> None:
        self._inflater = zlib.decompressobj(wbits=wbits)

    @property
    def eof(self) -> bool:
        return self._inflater.eof

    @property
    def unused(self) -> bytes:
        return self._inflater.unused_data

    def unpack(self, data: bytes) -> Iterator[bytes]:
        inflater = self._inflater
        while True:
            try:
                plain = inflater.decompress(data, STEP_BYTES)
            except zlib.error as error:
                raise Damaged from error
            yield plain
            data = inflater.unconsumed_tail
            # all input may be taken in while output is still waiting inside zlib
            if inflater.eof or not (data or len(plain) == STEP_BYTES):
                return


class BlockMember:
    """A bzip2 stream, an xz stream, or the bare LZMA data of a zip archive."""

    def __init__(self, decompressor: bz2.BZ2Decompressor | lzma.LZMADecompressor) -> None:
        self._decompressor = decompressor

    @property
    def eof(self) -> bool:
        return self._decompressor.eof

    @property
    def unused(self) -> bytes:
        return self._decompressor.unused_data

    def unpack(self, data: bytes) -> Iterator[bytes]:
        while True:
            try:
                plain = self._decompressor.decompress(data, STEP_BYTES)
            except (lzma.LZMAError, OSError) as error:
                raise (WindowTooBig if "Memory usage limit" in str(error) else Damaged) from error
            yield plain
            data = b""
            if self._decompressor.eof or self._decompressor.needs_input:
                return


class ZstdMember:
    """A zstd frame. The library gives all that its input gives, so the input has to be small."""

    def __init__(self, window_max_bytes: int) -> None:
        decompressor = zstandard.ZstdDecompressor(max_window_size=window_max_bytes)
        self._frame = decompressor.decompressobj(write_size=STEP_BYTES)

    @property
    def eof(self) -> bool:
        return self._frame.eof

    @property
    def unused(self) -> bytes:
        return self._frame.unused_data

    def unpack(self, data: bytes) -> Iterator[bytes]:
        try:
            yield self._frame.decompress(data)
        except zstandard.ZstdError as error:
            raise (WindowTooBig if "too much memory" in str(error) else Damaged) from error


class StoredMember:
    """Bytes that are not packed; its end is not in them."""

    eof = False
    unused = b""

    def unpack(self, data: bytes) -> Iterator[bytes]:
        yield data


@dataclass(frozen=True, slots=True)
class Packing:
    """How one kind is unpacked."""

    name: str
    begin: Callable[[int], Member]
    """A new member, given how far it may look back in bytes."""
    input_bytes: int = 1024
    """Input is cut at fixed offsets, so what comes out before a defect depends on the file alone."""
    cost_in: float = 0.0
    cost_out: float = 0.2
    """Work per byte taken in and given out, in units of some 20 ns."""
    memory: Callable[[int, bytes], int] = lambda window, head: 0
    """Bytes that a member takes while it is unpacked, given how far it may look back, and its first bytes."""


def whole_window(window: int, head: bytes) -> int:
    """All that is allowed: what it will be can not be told from its first bytes."""
    return _with_room(window)


def _zstd_window(window: int, head: bytes) -> int:
    try:
        asked = zstandard.get_frame_parameters(head).window_size
    except zstandard.ZstdError:  # too few bytes of it are here, or it is none
        asked = window
    return _with_room(min(window, asked)) + _ZSTD_STEPS_BYTES


STORED = Packing("stored", lambda window: StoredMember(), input_bytes=STEP_BYTES, cost_out=0.0)
GZIP = Packing("gzip", lambda window: ZlibMember())
DEFLATE = Packing("deflate", lambda window: ZlibMember(-zlib.MAX_WBITS))
BZIP2 = Packing(
    "bzip2",
    lambda window: BlockMember(bz2.BZ2Decompressor()),
    cost_in=3.0,
    cost_out=2.0,
    memory=lambda window, head: _BZIP2_BYTES,
)
XZ = Packing(
    "xz",
    lambda window: BlockMember(lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_with_room(window))),
    cost_in=3.0,
    memory=whole_window,
)
ZSTD = Packing("zstd", ZstdMember, input_bytes=128, memory=_zstd_window)
"""128 bytes hold at most 32 blocks that repeat one byte 128 KiB long (RFC 8878, 3.1.1.2.2): 4 MiB."""

BY_COMPRESSION = {
    Compression.GZIP: GZIP,
    Compression.BZIP2: BZIP2,
    Compression.XZ: XZ,
    Compression.ZSTD: ZSTD,
}


def compression_of(head: bytes) -> Compression:
    """What the first `MAGIC_BYTES` bytes (fewer: all there are) say, never mind the name."""
    if head.startswith(b"\x1f\x8b"):
        return Compression.GZIP
    if head.startswith(_ZIP_STARTS):
        return Compression.ZIP
    if head.startswith(b"\x28\xb5\x2f\xfd") or (head[1:4] == b"\x2a\x4d\x18" and head[0] & 0xF0 == 0x50):
        return Compression.ZSTD
    if head.startswith(b"\xfd7zXZ\x00"):
        return Compression.XZ
    if head.startswith(b"BZh") and head[3:4] in b"123456789" and head[4:10] in _BZIP2_FIRST_BLOCK:
        return Compression.BZIP2
    return Compression.NONE


def _with_room(window: int) -> int:
    """liblzma counts what it needs beside the window too."""
    return window + 1024 * 1024
