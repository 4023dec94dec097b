"""Stored bytes to plain bytes in blocks of one size, whatever the chunks: gzip is unpacked, the rest passed on.

The content decides (RFC 1952, magic bytes 1F 8B), never the name: `x.json.gz` may hold plain JSON.
"""

from __future__ import annotations

import zlib
from collections.abc import Generator, Iterator

from app.errors import FailureCode, FileRejected
from app.model.file import Compression
from app.model.record import Limits

BLOCK_BYTES = 64 * 1024
_GZIP_MAGIC = b"\x1f\x8b"
_INPUT_BYTES = 1024
"""zlib gets its input in pieces cut at fixed offsets, so what is unpacked before a defect depends on the file alone."""
_OUTPUT_BYTES = 64 * 1024
"""What one step may unpack at most."""
_RATIO_FREE_BYTES = 10 * 1024 * 1024
"""Small files may be as repetitive as they like; a bomb is only one when it is big."""


class Decompressor:
    """Takes a file's chunks, gives blocks of exactly `block_bytes` (the last may be shorter).

    Every method that iterates hands over what could be read before it raises `FileRejected`: FILE_TOO_BIG for the
    stored size, DECOMPRESSED_TOO_BIG and COMPRESSION_RATIO for the unpacked one, COMPRESSION_BROKEN for damage.
    Memory is one chunk and one block.
    """

    def __init__(self, limits: Limits, stored_size: int | None, block_bytes: int = BLOCK_BYTES) -> None:
        self._limits = limits
        self._stored_size = stored_size or 0
        self._block_bytes = block_bytes
        self._stored = 0
        self._input = bytearray()
        self._output = bytearray()
        self._inflater: zlib._Decompress | None = None
        self._members = 0
        self._inflated_input = 0
        self.compression: Compression | None = None
        """None until the first two bytes are seen."""
        self.total = 0
        """Plain bytes so far, before any limit cut them off."""

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """The blocks that `chunk` completes."""
        allowed = chunk[: self._limits.file_max_bytes - self._stored]
        self._stored += len(allowed)
        if self.compression is Compression.NONE:
            yield from self._keep(allowed)
        else:
            self._input += allowed
            if self.compression is None and len(self._input) >= len(_GZIP_MAGIC):
                self._recognise()
            yield from self._work(final=False)
        if len(allowed) < len(chunk):
            yield from self._rest()
            raise FileRejected(
                FailureCode.FILE_TOO_BIG,
                f"more than {self._limits.file_max_bytes:,} bytes; split the file",
                f"byte {self._stored:,}",
            )

    def finish(self) -> Iterator[bytes]:
        """What is left at the end of the file; COMPRESSION_BROKEN if the last gzip member is not complete."""
        if self.compression is None:
            self._recognise()
        yield from self._work(final=True)
        yield from self._rest()
        if self._inflater is not None:
            raise FileRejected(
                FailureCode.COMPRESSION_BROKEN,
                f"the file ends inside gzip member {self._members + 1}; it was cut off, upload it again",
                f"byte {self._stored:,} as stored",
            )

    def _recognise(self) -> None:
        gzipped = self._input.startswith(_GZIP_MAGIC)
        self.compression = Compression.GZIP if gzipped else Compression.NONE

    def _work(self, final: bool) -> Iterator[bytes]:
        if self.compression is Compression.NONE:
            plain, self._input = bytes(self._input), bytearray()
            yield from self._keep(plain)
        elif self.compression is Compression.GZIP:
            while len(self._input) >= _INPUT_BYTES or (final and self._input):
                piece = bytes(self._input[:_INPUT_BYTES])
                del self._input[:_INPUT_BYTES]
                yield from self._inflate(piece)

    def _inflate(self, piece: bytes) -> Iterator[bytes]:
        start = self._inflated_input
        self._inflated_input += len(piece)
        while piece:
            if self._inflater is None:
                # the last block of a tape or a tar is padded with zeros; gzip(1) ignores them too
                piece = piece.lstrip(b"\0") if self._members else piece
                if not piece:
                    return
                self._inflater = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
            try:
                plain = self._inflater.decompress(piece, _OUTPUT_BYTES)
            except zlib.error as error:
                yield from self._rest()
                raise self._damaged(start) from error
            yield from self._keep(plain)
            piece = yield from self._after(plain)

    def _after(self, plain: bytes) -> Generator[bytes, None, bytes]:
        """The input that is still to be read, after one step that gave `plain`."""
        inflater = self._inflater
        assert inflater is not None
        # all input may be taken in while output is still waiting inside zlib
        while not inflater.eof and not inflater.unconsumed_tail and len(plain) == _OUTPUT_BYTES:
            plain = inflater.decompress(b"", _OUTPUT_BYTES)
            yield from self._keep(plain)
        if not inflater.eof:
            return inflater.unconsumed_tail
        self._inflater = None
        self._members += 1
        return inflater.unused_data

    def _damaged(self, start: int) -> FileRejected:
        return FileRejected(
            FailureCode.COMPRESSION_BROKEN,
            f"gzip data is damaged in member {self._members + 1}, or something else follows the last member; "
            "pack the file again",
            f"after byte {start:,} as stored",
        )

    def _keep(self, plain: bytes) -> Iterator[bytes]:
        cap, code = self._cap()
        room = cap - self.total
        self.total += len(plain)
        self._output += plain if len(plain) <= room else plain[:room]
        while len(self._output) >= self._block_bytes:
            block = bytes(self._output[: self._block_bytes])
            del self._output[: self._block_bytes]
            yield block
        if len(plain) > room:
            yield from self._rest()
            raise FileRejected(code, self._too_big(code, cap), f"byte {cap:,} unpacked")

    def _cap(self) -> tuple[int, FailureCode]:
        """How much may come out: the plain limit, or what the ratio allows for all that is stored."""
        cap = self._limits.decompressed_max_bytes
        if self.compression is Compression.GZIP:
            stored = max(self._stored_size, self._inflated_input)
            by_ratio = max(_RATIO_FREE_BYTES, int(stored * self._limits.compression_max_ratio))
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
