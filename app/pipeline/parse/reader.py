"""One file, from its chunks to its records: unpack, decode, recognise, parse. Where chunks come from is not known."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from io import BytesIO
from typing import Protocol

from app.errors import FailureCode, FileRejected
from app.model.file import Compression, FileFormat
from app.model.record import FileShape, Limits, ReadHints, Slice
from app.pipeline.decompress import BLOCK_BYTES, Decompressor
from app.pipeline.parse.avro_blocks import AvroParser
from app.pipeline.parse.csv_rows import CsvParser
from app.pipeline.parse.gather import Gather
from app.pipeline.parse.html_page import HtmlParser
from app.pipeline.parse.json_document import JsonParser
from app.pipeline.parse.json_path import parse_records_path
from app.pipeline.parse.ndjson import NdjsonParser
from app.pipeline.parse.parquet_file import ParquetParser
from app.pipeline.parse.text import TextDecoder, Undecodable, byte_order_mark
from app.pipeline.parse.xml_document import XmlParser
from app.pipeline.sniff import SNIFF_BYTES, Content, hints_from_name, sniff
from app.pipeline.sniff_binary import binary_format, refuse_binary
from app.pipeline.unpack.spool import Scratch, Spool

_WORK_SHARE = 4
"""Reading four bytes that give no record counts as much as one byte of a record."""
_UNCOUNTED_BYTES = 8 * 1024
"""As long as no more of a file was seen, what it takes is not counted."""
_LITTLE_BYTES = 256 * 1024
"""So long it can have no long record, no large block and no far look back."""
_TAKEN_BYTES = 2 * 1024 * 1024
"""What any file takes: a chunk, a block, as many lines as there can be in it, slices on their way into the index."""
_TAKEN_SHARE = 32
"""A little file takes so many times its size at most: lines of four bytes are an object of Python each."""
_WAITS_BYTES = 128 * 1024
"""As long as no more of it was seen, it can wait as it is: little more than its first chunk is there."""


class _Parser(Protocol):
    @property
    def line(self) -> int:
        """Whole lines so far."""
        ...

    def feed(self, text: bytes) -> Iterator[Slice]: ...

    def finish(self) -> Iterator[Slice]:
        """The file is complete: judge what is left."""
        ...

    def drain(self) -> Iterator[Slice]:
        """The file broke off here: only what is certain."""
        ...


class FileReader:
    """Push parser for one file. Feed it chunks of any size, then finish it; both give slices as they are read.

    Give control back to the event loop between two slices: each is some 5 ms of work, and a slice may be empty.
    A slice may say what memory the file takes from here on (`Slice.memory`): nothing of that was taken before.
    Raises `FileRejected` for the file as a whole or its rest, never for one record; every slice given before it
    stays valid. The result depends on the content and the limits alone, not on how it was cut into chunks.
    `stored_size` in bytes, as the store says; None: not known, the compression ratio is judged as the file comes.
    `scratch` gives a temporary file to what has to be complete before it can be read (zip, Parquet), up to the limit
    on the stored size; in memory unless said otherwise. `close` frees it, however reading ended. `apart`: a slice may
    hand over a file whose library is not to be trusted in this process (`Slice.apart`), instead of its records.
    """

    def __init__(
        self,
        hints: ReadHints,
        limits: Limits,
        stored_size: int | None,
        *,
        block_bytes: int = BLOCK_BYTES,
        scratch: Scratch = BytesIO,
        apart: bool = False,
    ) -> None:
        self._hints = hints
        self._limits = limits
        self._stored_size = stored_size
        self._apart = apart
        self._told = 0
        self._block_bytes = block_bytes
        self._steps = () if hints.records_path is None else parse_records_path(hints.records_path)
        self._decompressor = Decompressor(limits, stored_size, block_bytes, scratch)
        self._spool = Spool(scratch, limits.file_max_bytes)
        self._gather = Gather(limits)
        self._head = bytearray()
        self._decoder: TextDecoder | None = None
        self._parser: _Parser | None = None
        self._shape: FileShape | None = None

    @property
    def shape(self) -> FileShape | None:
        """What the file is; None until enough of it was seen."""
        return self._shape

    @property
    def bytes_decompressed(self) -> int:
        return self._decompressor.total

    def feed(self, chunk: bytes) -> Iterator[Slice]:
        """The slices that this chunk completes."""
        yield from self._parse(self._texts(self._decompressor.feed(chunk)))

    def finish(self) -> Iterator[Slice]:
        """The end of the file: what is left, or why the file is not whole."""
        yield from self._parse(self._texts(self._decompressor.finish(), final=True))
        assert self._parser is not None
        try:
            yield from self._parser.finish()
        except FileRejected:
            yield from self._left()
            raise
        yield from self._left()

    def close(self) -> None:
        """Free the temporary files; nothing can be read afterwards."""
        self._decompressor.close()
        self._spool.close()

    def _parse(self, texts: Iterator[bytes]) -> Iterator[Slice]:
        while True:
            try:
                text = next(texts, None)
            except FileRejected:
                yield from self._break_off()
                raise
            if text is None:
                return
            if self._takes() > self._told:
                yield self._telling(Slice([], []))
            if text:
                yield from self._parse_text(text)
            self._gather.spend(len(text) // _WORK_SHARE + self._decompressor.take_work())
            if self._gather.full:
                yield self._gather.take()

    def _parse_text(self, text: bytes) -> Iterator[Slice]:
        assert self._parser is not None
        try:
            for piece in self._parser.feed(text):
                yield self._telling(piece)
        except FileRejected:
            yield from self._left()
            raise

    def _takes(self) -> int:
        """Bytes that the file takes, as far as its kind and what was seen of it tell."""
        unpacking = self._decompressor
        seen = max(unpacking.total, unpacking.plain_size)
        if seen <= _UNCOUNTED_BYTES or self._is_kept_aside:
            return self._gather.memory
        if seen <= _LITTLE_BYTES:
            return min(_TAKEN_BYTES, _TAKEN_SHARE * seen) + self._gather.memory
        longest = self._limits.record_max_bytes
        if unpacking.compression is Compression.NONE and self._stored_size is not None:
            longest = min(longest, self._stored_size)
        return _TAKEN_BYTES + 2 * longest + unpacking.memory + self._gather.memory

    @property
    def _is_kept_aside(self) -> bool:
        return isinstance(self._parser, ParquetParser) and not self._decompressor.memory

    def _telling(self, piece: Slice) -> Slice:
        takes = self._takes()
        if takes <= self._told:
            return piece
        self._told = takes
        can_wait = self._decompressor.is_on_disk or self._decompressor.total <= _WAITS_BYTES
        return replace(piece, memory=takes, can_wait=can_wait)

    def _break_off(self) -> Iterator[Slice]:
        """What was certain before the file could not be read any further; its own troubles do not matter any more."""
        with suppress(FileRejected):
            if self._parser is None and self._head:
                for text in self._begin(whole=False):
                    assert self._parser is not None
                    yield from self._parser.feed(text)
            if self._parser is not None:
                yield from self._parser.drain()
        yield from self._left()

    def _left(self) -> Iterator[Slice]:
        if self._gather.has_any():
            yield self._gather.take()

    def _texts(self, blocks: Iterator[bytes], final: bool = False) -> Iterator[bytes]:
        """What the parser reads, UTF-8 text where its format is one; it exists from the first text on."""
        for block in blocks:
            if not block:
                yield block
            elif self._parser is not None:
                yield from self._decode(block)
            else:
                self._head += block
                if len(self._head) >= SNIFF_BYTES:
                    yield from self._begin(whole=False)
        if final and self._parser is None:
            yield from self._begin(whole=True)
        elif final:
            yield from self._decode(b"", final=True)

    def _decode(self, block: bytes, final: bool = False) -> Iterator[bytes]:
        if self._decoder is None:
            yield block
            return
        try:
            yield from self._decoder.feed(block, final)
        except Undecodable as error:
            assert self._parser is not None
            raise _not_text(error, self._parser.line + 1) from error

    def _begin(self, whole: bool) -> Iterator[bytes]:
        head, self._head = bytes(self._head), bytearray()
        binary = binary_format(head)
        if binary is not None:
            self._start_binary_parser(binary)
            yield head
            return
        self._hear_the_archive()
        refuse_binary(head, byte_order_mark(head)[0])
        self._decoder = TextDecoder(head, self._hints.encoding)
        text, broken = b"", None
        try:
            for piece in self._decoder.feed(head, final=whole):
                text += piece
        except Undecodable as error:
            broken = _not_text(error, text.count(b"\n") + 1)
        if whole and broken is None and not text.strip():
            raise FileRejected(FailureCode.OBJECT_EMPTY, "the file holds nothing; upload it again with its listings")
        try:
            self._start_parser(sniff(text, whole and broken is None, self._hints))
        except FileRejected:
            if broken is None:
                raise
        if self._parser is not None:
            yield from (text[at : at + self._block_bytes] for at in range(0, len(text), self._block_bytes))
        if broken is not None:
            raise broken

    def _hear_the_archive(self) -> None:
        """Without a promise of its own, a zip archive is what the name of the file in it promises."""
        if self._hints.format is None and self._decompressor.member_name is not None:
            self._hints = replace(self._hints, format=hints_from_name(self._decompressor.member_name).format)

    def _start_binary_parser(self, binary: FileFormat) -> None:
        self._shape = FileShape(binary, self._decompressor.compression or Compression.NONE)
        if binary is FileFormat.AVRO:
            self._parser = AvroParser(self._gather, self._limits)
        else:
            self._parser = ParquetParser(self._gather, self._limits, self._spool, self._apart)

    def _start_parser(self, content: Content) -> None:
        self._shape = FileShape(content.format, self._decompressor.compression or Compression.NONE)
        if content.format is FileFormat.CSV:
            self._parser = CsvParser(self._gather, self._limits, content, self._hints.header)
        elif content.format is FileFormat.NDJSON:
            self._parser = NdjsonParser(self._gather, self._limits)
        elif content.format is FileFormat.XML:
            self._parser = XmlParser(self._gather, self._limits, self._steps, self._hints.mend_ampersands)
        elif content.format is FileFormat.HTML:
            self._parser = HtmlParser(self._gather, self._limits)
        else:
            self._parser = JsonParser(self._gather, self._limits, self._steps)


def _not_text(error: Undecodable, line: int) -> FileRejected:
    return FileRejected(
        FailureCode.ENCODING_INVALID,
        f"the content is not {error.expected}; save it as UTF-8, or name its encoding in the profile",
        f"line {line:,}, byte {error.offset:,}",
    )
