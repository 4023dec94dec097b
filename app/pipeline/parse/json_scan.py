"""Finds where a JSON value ends without parsing it, at the speed of `re` (RFC 8259 for the tokens).

Only quotes and brackets count: inside a string nothing does, outside an opening bracket goes one level down and a
closing one up. So a value that JSON forbids (a wrong escape, a number too long) still has an end, and what follows
it can be read. The patterns are possessive: no input makes them go back.
"""

from __future__ import annotations

import re

from app.pipeline.linear import longest

_NESTING = 4
"""Levels that one match takes in; deeper brackets are walked in Python."""
_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_FLAT = rb'[^"{}\[\]]*+(?:' + _STRING + rb'[^"{}\[\]]*+)*+'


def _inside(levels: int) -> bytes:
    """What may stand in a container of that many levels: no bracket stays open, no string is cut off."""
    pattern = _FLAT
    for _ in range(levels):
        pattern = _FLAT + rb"(?:[\[{]" + pattern + rb"[\]}]" + _FLAT + rb")*+"
    return pattern


_INSIDE = re.compile(_inside(_NESTING), re.DOTALL)
_WHOLE = re.compile(rb"(?:" + _STRING + rb"|[\[{]" + _inside(_NESTING - 1) + rb"[\]}])", re.DOTALL)
_STRING_REST = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+', re.DOTALL)
_OPENING = re.compile(rb"[\[{]++")
_CLOSING = re.compile(rb"[\]}]++")
_SCALAR = re.compile(rb'[^\s,:"{}\[\]]*+')
_TURNS = 1_000
"""Steps in Python before the caller gets its turn: some 2 ms."""
_BACKSLASH = 0x5C
_QUOTE = 0x22


class ValueScanner:
    """Follows one value from its first byte to its end, over as many blocks as it takes, with three words of state."""

    __slots__ = ("_depth", "_in_string", "_scalar")

    def __init__(self, first: int) -> None:
        self._scalar = first not in b'{["'
        self._depth = 0
        self._in_string = False

    def advance(self, text: bytes, at: int) -> tuple[int, bool]:
        """(how far it read, whether that is the value's end). If not, call again from there, as long as it gets on.

        The end of a number or a literal is only certain once something follows it.
        """
        if self._scalar:
            end = _SCALAR.match(text, at).end()  # type: ignore[union-attr]  # matches nothing, too
            return end, end < len(text)
        if not self._depth and not self._in_string and (whole := _WHOLE.match(text, at)):
            return whole.end(), True
        for _ in range(_TURNS):
            if at == len(text):
                break
            if self._in_string:
                at = _STRING_REST.match(text, at).end()  # type: ignore[union-attr]
                if at == len(text) or text[at] == _BACKSLASH:
                    return at, False
                at += 1
                self._in_string = False
            else:
                at = self._outside(text, at)
            if not self._depth and not self._in_string:
                return at, True
        return at, False

    def _outside(self, text: bytes, at: int) -> int:
        if self._depth:
            at = _INSIDE.match(text, at).end()  # type: ignore[union-attr]
            if at == len(text):
                return at
        if text[at] == _QUOTE:
            self._in_string = True
            return at + 1
        if run := _OPENING.match(text, at):
            self._depth += run.end() - at
            return run.end()
        run = _CLOSING.match(text, at)
        assert run is not None
        closed = min(run.end() - at, self._depth)
        self._depth -= closed
        return at + closed


_TOKEN = rb'"(?:[^"\\]|\\.)*"'
_SEAM_IN_STRING = longest(
    rb'(?:[^"]|' + _TOKEN + rb')*"(?:[^"\\]|\\.)*(?:[^"\\]|\\)?\}\s*,\s*\{\s*"',
)
_WHOLE_STRINGS = longest(rb'(?:[^"]|' + _TOKEN + rb")*")
"""Up to a quote that nothing closes; so `_STRING_TOKEN` never looks for an end that is not there."""
_STRING_TOKEN = re.compile(_STRING, re.DOTALL)
_OPEN_SEAM = re.compile(rb"\}\s*+,\s*+\{")
_NO_BRACKETS = bytes(byte for byte in range(256) if byte not in b"{}[]")
_PEELED_LEVELS = 64
_MOST_QUOTES = 200_000
"""With more, a text is no run of records: it would have strings of two characters, keys among them."""


def swallowed_neighbours(text: bytes) -> bool:
    """May the text of an unreadable value be several records, because a quote or a bracket is missing in one?

    After a stray quote, the `}, {"` between two records is found inside what now looks like a string. After a
    missing bracket it is found outside of strings, among brackets that do not fit each other.
    """
    if _SEAM_IN_STRING.match(text) is not None:
        return True
    if text.count(b'"') > _MOST_QUOTES:
        return False
    whole = _WHOLE_STRINGS.match(text)
    end = 0 if whole is None else whole.end()
    bare = _STRING_TOKEN.sub(b"", text[:end]) + text[end:]
    if not _OPEN_SEAM.search(bare):
        return False
    brackets = bare.translate(None, _NO_BRACKETS)
    for _ in range(_PEELED_LEVELS):
        peeled = brackets.replace(b"[]", b"").replace(b"{}", b"")
        if peeled == brackets:
            return bool(peeled)
        brackets = peeled
    return False
