"""Patterns for buckets and keys: `*` stands for any run of characters (also `/`), `?` for one."""

from __future__ import annotations

import re
from collections.abc import Callable


def glob(pattern: str) -> Callable[[str], bool]:
    """Whether a text matches as a whole. Each piece between two `*` is looked for once, so time is linear in the text,
    however many of them there are."""
    pieces = pattern.split("*")
    if len(pieces) == 1:
        whole = _fixed(pattern)
        return lambda text: whole.fullmatch(text) is not None
    if set(pieces) == {""}:
        return lambda text: True
    first, middle, last = _fixed(pieces[0]), [_fixed(piece) for piece in pieces[1:-1] if piece], _fixed(pieces[-1])
    behind = len(pieces[-1])

    def matches(text: str) -> bool:
        found = first.match(text)
        for piece in middle:
            found = None if found is None else piece.search(text, found.end())
        return found is not None and found.end() <= len(text) - behind and bool(last.match(text, len(text) - behind))

    return matches


def _fixed(piece: str) -> re.Pattern[str]:
    """A piece without `*`: always as long as it is."""
    return re.compile("".join("." if character == "?" else re.escape(character) for character in piece), re.DOTALL)
