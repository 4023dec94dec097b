"""Bytes of any supported encoding to UTF-8, block by block.

A byte order mark decides, then what XML or HTML declares of itself (see `declared`); without both the text is UTF-8,
strictly. From the first byte that is not UTF-8 on, the rest of the file is read in the fallback encoding, if the
profile names one: what was given out before that byte was valid UTF-8 and stays as it is (in practice plain ASCII, the
same in both).
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator

from app.pipeline.parse.declared import declared_encoding

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_XML_STARTS = ((b"<\0?\0", "utf-16-le"), (b"\0<\0?", "utf-16-be"))
"""XML may be UTF-16 without a mark: its declaration begins in one way only (XML 1.0, appendix F)."""


class Undecodable(Exception):
    """The text stops being text `offset` bytes into the plain content; `expected` names the encoding."""

    def __init__(self, offset: int, expected: str) -> None:
        super().__init__(f"byte {offset:,} is not {expected}")
        self.offset = offset
        self.expected = expected


def byte_order_mark(head: bytes) -> tuple[str | None, int]:
    """(the encoding that the first bytes declare, the length of the mark); (None, 0) without one."""
    for mark, encoding in _BOMS:
        if head.startswith(mark):
            return encoding, len(mark)
    for start, encoding in _XML_STARTS:
        if head.startswith(start):
            return encoding, 0
    return None, 0


class TextDecoder:
    """Gives UTF-8, whole characters only, the mark taken off. `head` is the beginning of the file, at least 4 bytes.

    `feed` and `finish` hand over what is good before they raise `Undecodable`. Raises ENCODING_INVALID at once when
    the file declares an encoding that is not read here.
    """

    def __init__(self, head: bytes, fallback: str | None) -> None:
        declared, self._mark = byte_order_mark(head)
        declared = declared or declared_encoding(head)
        self._fallback = None if declared else fallback
        self._encoding = declared or "utf-8"
        self._decoder = None if self._encoding == "utf-8" else _decoder(self._encoding)
        self._rest = b""
        self._offset = 0

    def feed(self, block: bytes, final: bool = False) -> Iterator[bytes]:
        """The text of the next block; with `final` an unfinished character is an error."""
        if self._mark:
            skipped = min(self._mark, len(block))
            self._offset += skipped
            self._mark -= skipped
            block = block[skipped:]
        if self._decoder is None:
            yield from self._utf8(block, final)
        else:
            yield from self._other(self._decoder, block, final)

    def finish(self) -> Iterator[bytes]:
        yield from self.feed(b"", final=True)

    def _utf8(self, block: bytes, final: bool) -> Iterator[bytes]:
        data = self._rest + block
        if data.isascii():
            self._rest = b""
            self._offset += len(data)
            if data:
                yield data
            return
        wrong = False
        try:
            used = codecs.utf_8_decode(data, "strict", final)[1]
        except UnicodeDecodeError as error:
            used, wrong = error.start, True
        self._rest = data[used:]
        self._offset += used
        if used:
            yield data[:used]
        if wrong:
            yield from self._switch(final)

    def _switch(self, final: bool) -> Iterator[bytes]:
        if self._fallback is None:
            raise Undecodable(self._offset, "UTF-8")
        self._encoding = self._fallback
        self._decoder = _decoder(self._fallback)
        rest, self._rest = self._rest, b""
        yield from self._other(self._decoder, rest, final)

    def _other(self, decoder: codecs.IncrementalDecoder, block: bytes, final: bool) -> Iterator[bytes]:
        waiting = len(decoder.getstate()[0])
        try:
            text = decoder.decode(block, final).encode()
        except UnicodeDecodeError as error:
            yield error.object[: error.start].decode(self._encoding, "replace").encode()
            raise Undecodable(self._offset - waiting + error.start, self._encoding) from error
        except UnicodeEncodeError as error:
            raise Undecodable(self._offset, self._encoding) from error
        self._offset += len(block)
        if text:
            yield text


def _decoder(encoding: str) -> codecs.IncrementalDecoder:
    return codecs.getincrementaldecoder(encoding)("strict")
