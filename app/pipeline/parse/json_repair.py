"""JSON as it is sent: what is read beside RFC 8259, and nothing else.

In records: a comma before a closing bracket, as templates write it; NaN and the infinities, as Python and JavaScript
programs write what they do not know (they become texts, so that a profile takes `NaN` for no value, as in a CSV file).

In pages, where people paste it, besides:

1. Around it: blanks, the marks of an HTML comment or of CDATA, semicolons at the end.
2. Comments (`//` to the end of the line, `/* */`) outside of strings.
3. Line ends and tabs inside of strings, as they are; other control characters there are left out.
4. `&quot;` for every quote, when there is no other.

A text is gone through once, from one fault to the next, and what is sound between them is passed over by an automaton:
its cost is linear in its length, whatever it holds. A text with more than `_MOST_FAULTS` of them stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Generator
from html import unescape

import orjson

from app.pipeline.linear import BytePattern, longest

_BEFORE = re.compile(rb"\s++|\xef\xbb\xbf|<!--|//\s*+<!\[CDATA\[|/\*\s*+<!\[CDATA\[\s*+\*/|<!\[CDATA\[")
_AFTER = (b"-->", b"//]]>", b"/*]]>*/", b"/* ]]> */", b"]]>", b"//")
_BLANKS_AND_ENDS = b"; \t\r\n\f\v"
_MARKS = 8
"""So many marks are taken off at each end."""
_MOST_FAULTS = 5_000
_PIECE_BYTES = 1024 * 1024
"""Of a string with control characters, at once."""
_MOST_ENTITIES = 5_000
"""Beside `&quot;`."""

_STRING = rb'"(?:[^"\\]|\\.)*"'
_SOUND = longest(rb'(?:[^",NI]|' + _STRING + rb"|(?:,\s*)+(?:[^\s\]},\"NI]|" + _STRING + rb"))*")
"""Up to a comma before a closing bracket, a bare word with N or I, or a string without an end."""
_SOUND_IN_PAGE = longest(rb'(?:[^"/]|"(?:[^"\\\x00-\x1f]|\\[^\x00-\x1f])*")*')
"""Up to a comment, a string with control characters, or one without an end."""
_WHOLE_STRING = longest(_STRING)
_NOT_FINITE = re.compile(rb"-?(?:NaN|Infinity)(?![\w.+-])")
_WORD_BYTES = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.+-")
_COMMAS = re.compile(rb",\s*+")
_CONTROLS = bytes(range(0x20))
_MINUS = 0x2D
_COMMA = 0x2C


def repaired_record(text: bytes) -> object:
    """The value of one record's text that orjson refused; raises `orjson.JSONDecodeError` where it is worse."""
    return orjson.loads(_repaired(text))


def lenient_json(text: bytes) -> object:
    """The value of a JSON text that may have any of the faults above; raises `orjson.JSONDecodeError` otherwise."""
    steps = lenient_steps(text)
    while True:
        try:
            next(steps)
        except StopIteration as read:
            return read.value


def lenient_steps(text: bytes) -> Generator[None, None, object]:
    """The same in steps, each going through the text once: some 10 ms for 4 MiB."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        pass
    yield
    bare = _without_around(text)
    if b'"' not in bare and b"&quot;" in bare:
        bare = _with_quotes(bare)
        yield
    plain = yield from _plain(bare)
    yield
    repaired = _repaired(plain)
    yield
    return orjson.loads(repaired)


def _repaired(text: bytes) -> bytes:
    """Without commas that close nothing, and with NaN and the like as texts; as it is where that would not help."""
    kept: list[bytes] = []
    at = 0
    for _ in range(_MOST_FAULTS):
        end = _end(_SOUND, text, at)
        if end == len(text):
            kept.append(text[at:])
            return b"".join(kept)
        if text[end] == _COMMA:
            commas = _COMMAS.match(text, end)
            after = text[commas.end() : commas.end() + 1] if commas else b""
            if after in (b"]", b"}"):
                kept.append(text[at:end])
            elif after in (b"N", b"I"):
                kept.append(text[at : end + 1])
            else:
                return text
            at = end + 1
            continue
        start = end - (end > at and text[end - 1] == _MINUS)
        word = _NOT_FINITE.match(text, start)
        if word is None or (start > 0 and text[start - 1] in _WORD_BYTES):
            return text
        kept += (text[at:start], b'"%b"' % word[0])
        at = word.end()
    return text


def _plain(text: bytes) -> Generator[None, None, bytes]:
    """Without comments, and without control characters in strings, in steps; as it is where that would not help."""
    kept: list[bytes] = []
    at = 0
    for _ in range(_MOST_FAULTS):
        end = _end(_SOUND_IN_PAGE, text, at)
        kept.append(text[at:end])
        if end == len(text):
            return b"".join(kept)
        at = _after_comment(text, end) if text[end] == 0x2F else _end(_WHOLE_STRING, text, end)
        if at <= end:
            return text
        if text[end] == 0x2F:
            kept.append(b" ")
            continue
        for start in range(end, at, _PIECE_BYTES):
            if start > end:
                yield
            kept.append(_without_controls(text[start : min(at, start + _PIECE_BYTES)]))
    return text


def _end(pattern: BytePattern, text: bytes, at: int) -> int:
    match = pattern.match(text, at)
    return at if match is None else match.end()


def _after_comment(text: bytes, at: int) -> int:
    """Where the comment ends that begins at `at`; -1: there is none, or it has no end."""
    if text.startswith(b"//", at):
        end = text.find(b"\n", at)
        return len(text) if end < 0 else end
    end = text.find(b"*/", at + 2) if text.startswith(b"/*", at) else -1
    return end + 2 if end >= 0 else -1


def _without_controls(string: bytes) -> bytes:
    escaped = string.replace(b"\n", rb"\n").replace(b"\r", rb"\r").replace(b"\t", rb"\t")
    return escaped.translate(None, _CONTROLS)


def _with_quotes(text: bytes) -> bytes:
    """The text with its entities decoded."""
    quoted = text.replace(b"&quot;", b'"')
    return unescape(quoted.decode()).encode() if quoted.count(b"&") <= _MOST_ENTITIES else quoted


def _without_around(text: bytes) -> bytes:
    at = 0
    for _ in range(_MARKS):
        begins = _BEFORE.match(text, at)
        at = at if begins is None else begins.end()
    text = text[at:]
    for _ in range(_MARKS):
        text = text.rstrip(_BLANKS_AND_ENDS)
        for mark in _AFTER:
            text = text.removesuffix(mark)
    return text
