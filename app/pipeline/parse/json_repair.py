"""JSON as it is sent: what is read beside RFC 8259, and nothing else.

In records: a comma before a closing bracket, as templates write it; NaN and the infinities, as Python and JavaScript
programs write what they do not know (they become texts, so that a profile takes `NaN` for no value, as in a CSV file).

In pages, where people paste it, besides:

1. Around it: blanks, the marks of an HTML comment or of CDATA, semicolons at the end.
2. Comments (`//` to the end of the line, `/* */`) outside of strings.
3. Line ends and tabs inside of strings, as they are; other control characters there are left out.
4. `&quot;` for every quote, when there is no other.
"""

from __future__ import annotations

import re
from html import unescape

import orjson

_BEFORE = re.compile(rb"\s++|\xef\xbb\xbf|<!--|//\s*+<!\[CDATA\[|/\*\s*+<!\[CDATA\[\s*+\*/|<!\[CDATA\[")
_AFTER = (b"-->", b"//]]>", b"/*]]>*/", b"/* ]]> */", b"]]>", b"//")
_BLANKS_AND_ENDS = b"; \t\r\n\f\v"
_MARKS = 8
"""So many marks are taken off at each end."""
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"|//[^\n]*+|/\*(?:[^*]++|\*(?!/))*+\*/', re.DOTALL)
_IN_RECORDS = re.compile(
    rb'("(?:[^"\\]++|\\.)*+")|,(?=\s*+[\]}])|(?<![\w.+-])(-?(?:NaN|Infinity))(?![\w.+-])', re.DOTALL
)
_CONTROL = re.compile(rb"[\x00-\x1f]")
_ESCAPES = {b"\n": rb"\n", b"\r": rb"\r", b"\t": rb"\t"}


def repaired_record(text: bytes) -> object:
    """The value of one record's text that orjson refused; raises `orjson.JSONDecodeError` where it is worse."""
    return orjson.loads(_IN_RECORDS.sub(lambda match: match[1] or (b'"%b"' % match[2] if match[2] else b""), text))


def lenient_json(text: bytes) -> object:
    """The value of a JSON text that may have any of the faults above; raises `orjson.JSONDecodeError` otherwise."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        bare = _without_around(text)
        if b'"' not in bare and b"&quot;" in bare:
            bare = unescape(bare.decode()).encode()
        plain = _TOKEN.sub(_token, bare)
        return repaired_record(plain)


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


def _token(match: re.Match[bytes]) -> bytes:
    token = match[0]
    if not token.startswith(b'"'):
        return b" "
    return _CONTROL.sub(lambda control: _ESCAPES.get(control[0], b""), token)
