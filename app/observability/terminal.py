"""Text of others on a terminal: it is shown, and never obeyed."""

from __future__ import annotations

import re

CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters, which start escape sequences (CWE-150), and marks of direction, which reorder what stands around
them (CVE-2021-42574). Line breaks are among them: one value is one line."""


def plain(text: str) -> str:
    """The text with every such character spelt out, as in `\\x1b`."""
    return CONTROL.sub(lambda found: ascii(found[0])[1:-1], text)


def plain_lines(text: str) -> str:
    """The same for a text of several lines, which it may keep."""
    return "\n".join(map(plain, text.split("\n")))
