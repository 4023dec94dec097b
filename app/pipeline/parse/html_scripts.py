"""The JSON-LD scripts of an HTML page, found without reading the rest of it as more than text.

What matters of HTML's tokenizer (WHATWG HTML, section 13.2.5) is where a script begins and ends: not inside of a
comment, not inside of other elements whose content is text, and only at its own end tag.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from html import unescape
from typing import NamedTuple

_OPENING = re.compile(rb"<(?:(!--)|(script|style|textarea|title|xmp|iframe|noembed|noframes)(?=[\s/>]))", re.IGNORECASE)
_LONGEST_OPENING = 10
_TAG = re.compile(rb"""(?:[^>"'=]++|=\s*+(?:"[^"]*+"|'[^']*+'|(?=[^"'\s]))|["'])*+>""")
_TAG_BYTES = 16 * 1024
"""So much of a tag without an end is passed over."""
_ATTRIBUTE = re.compile(rb"""([^\s"'<>/=]+)(?:\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s"'>]++)))?""")
_ENDS = {
    name: re.compile(rb"</" + name + rb"(?=[\s/>])", re.IGNORECASE)
    for name in (b"script", b"style", b"textarea", b"title", b"xmp", b"iframe", b"noembed", b"noframes")
}
_LONGEST_END = 12
_JSON_LD = "application/ld+json"


class Script(NamedTuple):
    """A script of JSON-LD."""

    line: int
    """Of its start tag."""
    text: bytes | None
    """None: too long to be kept."""


class ScriptFinder:
    """Takes UTF-8 text in blocks, gives the scripts as they end. Keeps at most `max_bytes` of one script."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._data = b""
        self._at = 0
        """Of the data, what was taken already; it is cut off with the next block, not with every step."""
        self._line = 1
        self._state: Callable[[], Script | None] = self._in_page
        self._waits = False
        self._element = b""
        self._kept: list[bytes] = []
        self._kept_bytes = 0
        self.open_script_line: int | None = None
        """Where the JSON-LD script begins that has no end yet."""

    @property
    def kept_bytes(self) -> int:
        """Of the script that has no end yet."""
        return self._kept_bytes

    def feed(self, text: bytes) -> Iterator[Script | None]:
        """The next scripts; None: a step was made that gave none."""
        self._data = self._data[self._at :] + text
        self._at = 0
        self._waits = False
        while self._at < len(self._data) and not self._waits:
            yield self._state()

    # States: each takes from where the data stands, or waits.

    def _in_page(self) -> Script | None:
        opening = _OPENING.search(self._data, self._at)
        if opening is None:
            self._drop_to(max(self._at, len(self._data) - _LONGEST_OPENING))
            self._waits = True
            return None
        if opening[1]:
            self._drop_to(opening.start() + 2)  # so that `<!-->` is its own end, as in a browser
            self._state = self._in_comment
        else:
            self._drop_to(opening.start())
            self._element = opening[2].lower()
            self._state = self._in_tag
        return None

    def _in_comment(self) -> Script | None:
        end = self._data.find(b"-->", self._at)
        if end < 0:
            self._drop_to(max(self._at, len(self._data) - 2))
            self._waits = True
        else:
            self._drop_to(end + 3)
            self._state = self._in_page
        return None

    def _in_tag(self) -> Script | None:
        start = self._at + len(self._element) + 1
        tag = _TAG.match(self._data, start, self._at + _TAG_BYTES)
        if tag is None:
            if len(self._data) - self._at < _TAG_BYTES:
                self._waits = True
            else:
                self._drop_to(self._at + _TAG_BYTES)
                self._state = self._in_page
            return None
        is_wanted = self._element == b"script" and _type_of(self._data[start : tag.end()]) == _JSON_LD
        self.open_script_line = self._line if is_wanted else None
        self._kept, self._kept_bytes = [], 0
        self._drop_to(tag.end())
        self._state = self._in_text
        return None

    def _in_text(self) -> Script | None:
        end = _ENDS[self._element].search(self._data, self._at)
        if end is None:
            self._keep_to(max(self._at, len(self._data) - _LONGEST_END))
            self._waits = True
            return None
        self._keep_to(end.start())
        self._state = self._in_page
        if self.open_script_line is None:
            return None
        script = Script(self.open_script_line, None if self._kept_bytes > self._max_bytes else b"".join(self._kept))
        self.open_script_line = None
        self._kept = []
        return script

    def _keep_to(self, end: int) -> None:
        if self.open_script_line is not None:
            self._kept_bytes += end - self._at
            if self._kept_bytes <= self._max_bytes:
                self._kept.append(self._data[self._at : end])
            else:
                self._kept = []
        self._drop_to(end)

    def _drop_to(self, end: int) -> None:
        self._line += self._data.count(b"\n", self._at, end)
        self._at = end


def _type_of(attributes: bytes) -> str:
    """The media type that a script's attributes name, "" without one; the first of equal attributes counts."""
    for name, *values in _ATTRIBUTE.findall(attributes):
        if name.lower() == b"type":
            text = unescape(b"".join(values).decode(errors="replace"))
            return text.partition(";")[0].strip().lower()
    return ""
