"""XML text in pieces that `expat` can be given: whole tags, and nothing that only costs or harms.

Comments, processing instructions and the XML declaration are left out, however long (the encoding was dealt with
before, see `text`). A document type is left out when it only names a DTD, which is never fetched; one with
declarations of its own is refused, so no entity can ever be declared. A start tag longer than a record may be is
replaced by its bare name. So what `expat` has to keep of an unfinished token is bounded: it would keep whatever is
not finished yet, and read it again from its start with every block.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from html.entities import html5

from app.errors import FailureCode

_COMMENT = rb"<!--(?:[^-]++|-(?!->))*+-->"
_INSTRUCTION = rb"<\?(?:[^?]++|\?(?!>))*+\?>"
_CDATA = rb"<!\[CDATA\[(?:[^\]]++|\](?!\]>))*+\]\]>"
_IN_TAG = rb"""(?:[^<>"']++|"[^"<]*+"|'[^'<]*+')*+"""
_TAG = rb"<[^<>\"'!?]" + _IN_TAG + rb">"
_IN_TYPE = rb"""<!DOCTYPE(?:[^<>"'\[]++|"[^"]*+"|'[^']*+')*+"""

_WHOLE = re.compile(rb"(?:[^<]++|" + b"|".join((_TAG, _CDATA, _COMMENT, _INSTRUCTION)) + rb")*+")
_SPECIAL = re.compile(b"|".join((_CDATA, _COMMENT, _INSTRUCTION)))
_TOKEN = re.compile(b"|".join((_CDATA, _COMMENT, _INSTRUCTION, _TAG)))
_TAG_SO_FAR = re.compile(rb"<(?:[^<>\"'!?]" + _IN_TAG + rb"""(?:"[^"<]*+|'[^'<]*+)?)?""")
_TYPE = re.compile(_IN_TYPE + rb">")
_TYPE_SO_FAR = re.compile(_IN_TYPE + rb"""(?:"[^"]*+|'[^']*+)?""")
_TYPE_BYTES = 4096
_NAME = re.compile(rb"<([^\s/<>\"'=]{1,200})(?=[\s/>])")
_WITHIN_TAG = re.compile(_IN_TAG)
_QUOTES = (b'"', b"'")
_CDATA_START, _CDATA_END = b"<![CDATA[", b"]]>"
_STARTS = (b"<!--", b"<![CDATA[", b"<!DOCTYPE")
_AMPERSAND = re.compile(
    rb"&(?!(?:amp|lt|gt|quot|apos|#[0-9]{1,7}|#x[0-9A-Fa-f]{1,6});)(?:([A-Za-z][A-Za-z0-9]{1,31};))?"
)
_NO_ENTITY = re.compile(rb"[;>]")
"""After an `&`: it ends here, or there is none, or it is not in the text at the end."""
_ENTITY_BYTES = 34


class Uncuttable(Exception):
    """The text can not go on to `expat`; the place is behind everything that was given before."""

    def __init__(self, code: FailureCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class XmlCutter:
    """Takes UTF-8 text in blocks and gives pieces; each must be used before the next one is asked for.

    Raises `Uncuttable`. Keeps at most one block and one tag of `tag_max_bytes`. The pieces joined do not depend on
    how the text was cut into blocks. `mends`: an `&` that begins no entity becomes itself, and an entity of HTML its
    characters (WHATWG HTML, "Named character references"); XML has neither, and `expat` refuses them.
    """

    def __init__(self, tag_max_bytes: int, mends: bool = False) -> None:
        self._tag_max_bytes = tag_max_bytes
        self._mends = mends
        self._data = b""
        self._waits = False
        self._state: Callable[[], Iterator[bytes]] = self._in_markup
        self._end = b""
        """Of what is passed over."""
        self._typed = False
        # of a tag that is too long
        self._name = b""
        self._quote = b""
        self._last = b""
        self._lines = 0
        self.dropped_lines = 0
        """Line ends that were left out before the piece at hand."""
        self.shortened = False
        """The piece at hand is a start tag without its attributes."""

    @property
    def held_bytes(self) -> int:
        """Of a tag that has no end yet; they are looked at anew with every block."""
        return len(self._data)

    def feed(self, text: bytes) -> Iterator[bytes]:
        """What can be given so far."""
        self._data += text
        self._waits = False
        while self._data and not self._waits:
            yield from self._state()

    def finish(self) -> Iterator[bytes]:
        """The text is complete: what was held back."""
        if self._state == self._passing_over:
            raise Uncuttable(
                FailureCode.FILE_BROKEN, "the file ends inside a comment or an instruction; it was cut off"
            )
        if self._state == self._in_long_tag:
            raise _never_closed()
        if self._data:
            yield self._mended(self._data)

    # States: each takes from the front of the data, or waits.

    def _in_markup(self) -> Iterator[bytes]:
        end = _WHOLE.match(self._data).end()  # type: ignore[union-attr]  # matches nothing, too
        if self._mends and end == len(self._data):
            start = self._data.rfind(b"&", max(0, end - _ENTITY_BYTES))
            if start >= 0 and not _NO_ENTITY.search(self._data, start):
                end = start
                self._waits = True
        whole, self._data = self._data[:end], self._data[end:]
        if whole:
            yield from self._without_specials(whole)
        if self._data and not self._waits:
            yield from self._meet()

    def _meet(self) -> Iterator[bytes]:
        """A `<` and what follows it, which is not whole, or not XML."""
        data = self._data
        if data.startswith(b"<!--"):
            self._pass_over(4, b"-->")
        elif data.startswith(b"<?"):
            self._pass_over(2, b"?>")
        elif data.startswith(_CDATA_START):
            self._data = data[len(_CDATA_START) :]
            self._state = self._in_cdata
            yield _CDATA_START
        elif any(start.startswith(data) for start in _STARTS):
            self._waits = True
        elif data.startswith(b"<!DOCTYPE") and not self._typed:
            self._meet_type()
        else:
            self._meet_tag()

    def _meet_type(self) -> None:
        whole = _TYPE.match(self._data)
        if whole is not None and whole.end() <= _TYPE_BYTES:
            self._typed = True
            self.dropped_lines += whole[0].count(b"\n")
            self._data = self._data[whole.end() :]
        elif len(self._data) <= _TYPE_BYTES and _TYPE_SO_FAR.fullmatch(self._data):
            self._waits = True
        else:
            raise Uncuttable(
                FailureCode.DTD_FORBIDDEN,
                "the document type declares something; send XML without `<!ENTITY`, `<!ELEMENT` and the like",
            )

    def _meet_tag(self) -> None:
        so_far = _TAG_SO_FAR.match(self._data)
        assert so_far is not None
        if so_far.end() > self._tag_max_bytes:
            self._name = _name(self._data)
            self._data = self._data[1:]
            self._quote, self._last, self._lines = b"", b"", 0
            self._state = self._in_long_tag
        elif so_far.end() == len(self._data):
            self._waits = True
        else:
            self._state = self._in_broken

    def _in_broken(self) -> Iterator[bytes]:
        """`expat` will say what is wrong."""
        piece, self._data = self._data, b""
        yield piece

    def _in_cdata(self) -> Iterator[bytes]:
        end = self._data.find(_CDATA_END)
        if end >= 0:
            end += len(_CDATA_END)
            self._state = self._in_markup
        else:
            end = max(0, len(self._data) - 2)
            self._waits = True
        piece, self._data = self._data[:end], self._data[end:]
        yield piece

    def _pass_over(self, start: int, end: bytes) -> None:
        self._data = self._data[start:]
        self._end = end
        self._state = self._passing_over

    def _passing_over(self) -> Iterator[bytes]:
        end = self._data.find(self._end)
        if end >= 0:
            self.dropped_lines += self._data.count(b"\n", 0, end)
            self._data = self._data[end + len(self._end) :]
            self._state = self._in_markup
        else:
            kept = max(0, len(self._data) - len(self._end) + 1)
            self.dropped_lines += self._data.count(b"\n", 0, kept)
            self._data = self._data[kept:]
            self._waits = True
        return iter(())

    def _in_long_tag(self) -> Iterator[bytes]:
        data = self._data
        at = data.find(self._quote) + 1 if self._quote else 0
        is_open = bool(self._quote) and not at
        if not is_open:
            at = _WITHIN_TAG.match(data, at).end()  # type: ignore[union-attr]  # matches nothing, too
        stop = data[at : at + 1]
        if is_open or stop in _QUOTES:  # all the rest is in quotes
            self._quote, at = self._quote if is_open else stop, len(data)
        else:
            self._quote = b""
        if b"<" in data[:at] or stop == b"<":
            raise _never_closed()
        self._lines += data.count(b"\n", 0, at)
        self._last = data[at - 1 : at] or self._last
        self._data = data[at + 1 :]
        if stop == b">" and not self._quote:
            self._state = self._in_markup
            yield from self._stand_in(self._name, self._last == b"/", self._lines)

    def _stand_in(self, name: bytes, empty: bool, lines: int) -> Iterator[bytes]:
        """A start tag that is too long, by its name alone."""
        self.shortened = True
        yield b"<" + name + (b"/>" if empty else b">")
        self.shortened = False
        self.dropped_lines += lines

    def _without_specials(self, whole: bytes) -> Iterator[bytes]:
        """Whole tokens without those that are left out; CDATA stays as it is."""
        long = len(whole) > self._tag_max_bytes
        if not long and b"<!" not in whole and b"<?" not in whole:
            yield self._mended(whole)
            return
        kept: list[bytes] = []
        at = 0
        for match in (_TOKEN if long else _SPECIAL).finditer(whole):
            token = match[0]
            special = token[1] in b"!?"
            if not special and len(token) <= self._tag_max_bytes:
                continue
            kept.append(self._mended(whole[at : match.start()]))
            at = match.end()
            if token.startswith(_CDATA_START):
                kept.append(token)
            elif not special or b"\n" in token:
                yield b"".join(kept)
                kept = []
                if special:
                    self.dropped_lines += token.count(b"\n")
                else:
                    yield from self._stand_in(_name(token), token.endswith(b"/>"), token.count(b"\n"))
        kept.append(self._mended(whole[at:]))
        yield b"".join(kept)

    def _mended(self, text: bytes) -> bytes:
        return _AMPERSAND.sub(_entity, text) if self._mends and b"&" in text else text


def _entity(match: re.Match[bytes]) -> bytes:
    """What stands for an `&` that XML does not know."""
    meant = html5.get(match[1].decode()) if match[1] else None
    if meant is None:
        return b"&amp;" + match[0][1:]
    return b"".join(b"&#%d;" % ord(character) for character in meant)


def _name(tag: bytes) -> bytes:
    match = _NAME.match(tag)
    if match is None:
        raise _never_closed()
    return match[1]


def _never_closed() -> Uncuttable:
    return Uncuttable(FailureCode.FILE_BROKEN, "a tag is longer than a record may be, and is none, or has no end")
