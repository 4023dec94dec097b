"""Lines of NDJSON as they are sent: often with the marks of the array that they were joined to."""

from __future__ import annotations

_BRACKETS = (b"[", b"]", b",", b"],", b"[,")


def bare_line(line: bytes) -> bytes:
    """A line of NDJSON without what a JSON array has around its elements: `[`, `,` and `]`; b"" when that is all.

    An array that begins and ends on the line stays one.
    """
    text = line.strip()
    if text in _BRACKETS:
        return b""
    if text.startswith(b"[") and text.removesuffix(b",").rstrip().endswith(b"]"):
        return text
    text = text.removeprefix(b",").removeprefix(b"[").lstrip()
    text = text.removesuffix(b",").rstrip()
    if text.startswith(b"{") and text.endswith((b"}]", b"} ]", b",]")):
        text = text[:-1].rstrip().removesuffix(b",").rstrip()
    return text
