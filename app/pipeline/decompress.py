"""Stored bytes to plain bytes in blocks of one size, whatever the chunks; what is not packed is passed on.

The content decides what it is packed with, never the name: `x.json.gz` may hold plain JSON.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from io import BytesIO

from app.errors import FailureCode, FileRejected
from app.model.file import Compression
from app.model.record import Limits
from app.pipeline.unpack.archive import Archive
from app.pipeline.unpack.bombs import most_by_ratio
from app.pipeline.unpack.spool import Scratch, Spool
from app.pipeline.unpack.streams import (
    BY_COMPRESSION,
    MAGIC_BYTES,
    Damaged,
    Member,
    Packing,
    WindowTooBig,
    compression_of,
)

BLOCK_BYTES = 64 * 1024
_LOOK_COST = 150_000
"""Of a turn of looking through the members of an archive."""
_TURN_COST = 100_000
"""Some 2 ms, in units of 20 ns."""
_MEMBER_COST = 1_500
"""Of a member, however little is in it."""


class Decompressor:
    """Takes a file's chunks, gives blocks of exactly `block_bytes` (the last may be shorter).

    A block without bytes means that work was done which has given nothing yet; `take_work` tells how much.
    Every method that iterates hands over what could be read before it raises `FileRejected`: FILE_TOO_BIG for the
    stored size, DECOMPRESSED_TOO_BIG and COMPRESSION_RATIO for the unpacked one, COMPRESSION_WINDOW for the memory it
    would take, COMPRESSION_BROKEN for damage, ARCHIVE_INVALID for a zip archive without one readable data file.
    Memory is one chunk, one block and the window. A zip archive is kept in a file of `scratch` until it is complete;
    `close` frees it.
    """

    def __init__(
        self, limits: Limits, stored_size: int | None, block_bytes: int = BLOCK_BYTES, scratch: Scratch = BytesIO
    ) -> None:
        self._limits = limits
        self._packed_size = stored_size or 0
        self._block_bytes = block_bytes
        self._spool = Spool(scratch, limits.file_max_bytes)
        self._stored = 0
        self._input = bytearray()
        self._output = bytearray()
        self._packing: Packing | None = None
        self._member: Member | None = None
        self._members = 0
        self._unpacked_input = 0
        self._work = 0.0
        self._work_of_turn = 0.0
        self.compression: Compression | None = None
        """None until the first bytes are seen."""
        self.total = 0
        """Plain bytes so far, before any limit cut them off."""
        self.plain_size = 0
        """How many it will be, where a zip archive has said so."""
        self.memory = 0
        """What looking back takes, in bytes: the most that any member so far has asked for."""
        self.is_on_disk = False
        """All of the file is kept aside, and nothing of it was unpacked yet."""
        self.member_name: str | None = None
        """Of the data file in a zip archive, once it is found: a hint of its format."""

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """The blocks that `chunk` completes."""
        allowed = chunk[: self._limits.file_max_bytes - self._stored]
        self._stored += len(allowed)
        yield from self._to_the_break(self._take(allowed))
        if len(allowed) < len(chunk):
            yield from self._rest()
            raise FileRejected(
                FailureCode.FILE_TOO_BIG,
                f"more than {self._limits.file_max_bytes:,} bytes; split the file",
                f"byte {self._stored:,}",
            )

    def finish(self) -> Iterator[bytes]:
        """What is left at the end of the file; COMPRESSION_BROKEN if the last member is not complete."""
        yield from self._to_the_break(self._take_end())
        yield from self._rest()
        if self._packing is not None and self._member is not None:
            raise FileRejected(
                FailureCode.COMPRESSION_BROKEN,
                f"the file ends inside {self._packing.name} member {self._members + 1}; "
                "it was cut off, upload it again",
                f"byte {self._stored:,} as stored",
            )

    def close(self) -> None:
        """Free what the file took; nothing can be read afterwards."""
        self._spool.close()

    def take_work(self) -> int:
        """What unpacking has cost since the last time, in units of some 20 ns."""
        work, self._work = int(self._work), 0.0
        return work

    def _to_the_break(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        try:
            yield from blocks
        except FileRejected:
            yield from self._rest()
            raise

    def _take(self, stored: bytes) -> Iterator[bytes]:
        if self.compression is None:
            self._input += stored
            if len(self._input) >= MAGIC_BYTES:
                yield from self._recognise()
        elif self.compression is Compression.NONE:
            yield from self._keep(stored)
        elif self._packing is None:
            self._spool.append(stored)
        else:
            self._input += stored
            yield from self._unpack(self._packing, final=False)

    def _take_end(self) -> Iterator[bytes]:
        if self.compression is None:
            yield from self._recognise()
        if self.compression is Compression.ZIP:
            yield from self._unzip()
        elif self._packing is not None:
            yield from self._unpack(self._packing, final=True)

    def _recognise(self) -> Iterator[bytes]:
        self.compression = compression_of(bytes(self._input[:MAGIC_BYTES]))
        self._packing = BY_COMPRESSION.get(self.compression)
        waiting, self._input = bytes(self._input), bytearray()
        yield from self._take(waiting)

    def _unpack(self, packing: Packing, final: bool) -> Iterator[bytes]:
        size = packing.input_bytes
        while len(self._input) >= size or (final and self._input):
            piece = bytes(self._input[:size])
            del self._input[:size]
            yield from self._unpack_piece(packing, piece)

    def _unpack_piece(self, packing: Packing, piece: bytes) -> Iterator[bytes]:
        start = self._unpacked_input
        self._unpacked_input += len(piece)
        while piece:
            if self._member is None:
                # the last block of a tape or a tar is padded with zeros; gzip(1) ignores them too
                piece = piece.lstrip(b"\0") if self._members else piece
                if not piece:
                    return
                self._member = packing.begin(self._limits.window_max_bytes)
                self._spend(_MEMBER_COST)
                self.memory = max(self.memory, packing.memory(self._limits.window_max_bytes, piece))
            for plain in self._plain(packing, self._member, piece, start):
                yield from self._keep(plain)
            yield from self._turn()
            if not self._member.eof:
                return
            piece = self._member.unused
            self._member = None
            self._members += 1

    def _plain(self, packing: Packing, member: Member, piece: bytes, start: int) -> Iterator[bytes]:
        """What `piece` gives; its first byte is the `start`th of the packed ones."""
        self._spend(len(piece) * packing.cost_in)
        try:
            for plain in member.unpack(piece):
                self._spend(len(plain) * packing.cost_out)
                yield plain
        except (Damaged, WindowTooBig) as error:
            raise self._refused(packing, error, start) from error

    def _turn(self) -> Iterator[bytes]:
        if self._work_of_turn > _TURN_COST:
            self._work_of_turn = 0.0
            yield b""

    def _spend(self, cost: float) -> None:
        self._work += cost
        self._work_of_turn += cost

    def _refused(self, packing: Packing, error: Exception, start: int) -> FileRejected:
        if isinstance(error, WindowTooBig):
            most = self._limits.window_max_bytes
            return FileRejected(
                FailureCode.COMPRESSION_WINDOW,
                f"unpacking looks back more than {most:,} bytes; pack it with the default level of {packing.name}",
                f"after byte {start:,} as stored",
            )
        return FileRejected(
            FailureCode.COMPRESSION_BROKEN,
            f"{packing.name} data is damaged in member {self._members + 1}, or something else follows the last "
            "member; pack the file again",
            f"after byte {start:,} as stored",
        )

    def _unzip(self) -> Iterator[bytes]:
        archive = Archive(self._spool, self._limits)
        for _ in archive.find():
            self._spend(_LOOK_COST)
            yield b""
        packing = archive.packing()
        self.member_name = archive.name
        self._packed_size = archive.packed_size
        self.plain_size, self.is_on_disk = archive.size, True
        self.memory = packing.memory(self._limits.window_max_bytes, b"")
        if archive.size > self._block_bytes:
            yield b""  # for the caller to see what comes
        self.is_on_disk = False
        member = packing.begin(self._limits.window_max_bytes)
        size = crc = 0
        for piece in archive.packed(packing.input_bytes):
            start = self._unpacked_input
            archive.check_goes_on(member)
            self._unpacked_input += len(piece)
            for plain in self._plain(packing, member, piece, start):
                size += len(plain)
                crc = zlib.crc32(plain, crc)
                archive.check_size(size)
                yield from self._keep(plain)
            yield from self._turn()
        archive.check(member, size, crc)

    def _keep(self, plain: bytes) -> Iterator[bytes]:
        cap, code = self._cap()
        room = cap - self.total
        self.total += len(plain)
        self._output += plain if len(plain) <= room else plain[:room]
        while len(self._output) >= self._block_bytes:
            block = bytes(self._output[: self._block_bytes])
            del self._output[: self._block_bytes]
            self._work_of_turn = 0.0
            yield block
        if len(plain) > room:
            raise FileRejected(code, self._too_big(code, cap), f"byte {cap:,} unpacked")

    def _cap(self) -> tuple[int, FailureCode]:
        """How much may come out: the plain limit, or what the ratio allows for all that is packed."""
        cap = self._limits.decompressed_max_bytes
        if self.compression is not Compression.NONE:
            packed = max(self._packed_size, self._unpacked_input)
            by_ratio = most_by_ratio(packed, self._limits)
            if by_ratio < cap:
                return by_ratio, FailureCode.COMPRESSION_RATIO
        return cap, FailureCode.DECOMPRESSED_TOO_BIG

    def _too_big(self, code: FailureCode, cap: int) -> str:
        if code is FailureCode.COMPRESSION_RATIO:
            return f"unpacks to more than {self._limits.compression_max_ratio:g} times its stored size"
        return f"unpacks to more than {cap:,} bytes; split the file"

    def _rest(self) -> Iterator[bytes]:
        if self._output:
            block, self._output = bytes(self._output), bytearray()
            yield block
