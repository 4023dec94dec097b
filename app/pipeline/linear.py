"""Byte patterns that run in time linear in the text, whatever it holds: RE2's automata instead of `re`'s backtracking.

For what is written in this program. What profiles write goes through `pattern`.
"""

from __future__ import annotations

from typing import Any, Protocol

import re2


class ByteMatch(Protocol):
    def start(self) -> int: ...

    def end(self) -> int: ...


class BytePattern(Protocol):
    def match(self, text: bytes, pos: int | None = None, endpos: int | None = None) -> ByteMatch | None: ...

    def search(self, text: bytes, pos: int | None = None, endpos: int | None = None) -> ByteMatch | None: ...


def longest(pattern: bytes) -> BytePattern:
    """The pattern over bytes, each a character; a match is the leftmost and then the longest one, `.` is any byte.

    Groups are not kept: only where a match begins and ends can be asked. Some 2 ns a byte. `search` in a loop is not
    linear where a match can be looked for far beyond its end; use `match` from place to place there.
    """
    options: Any = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.longest_match = True
    options.never_capture = True
    options.dot_nl = True
    options.log_errors = False
    compiled: BytePattern = re2.compile(pattern, options)
    return compiled
