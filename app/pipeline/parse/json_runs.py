"""Runs of array elements, parsed together: what makes a big JSON array as cheap as a small one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import orjson

_FIRST_KEY = re.compile(rb'\{[ \t\r\n]*+"[^"\\]*+"')
_CLOSING_BRACE = 0x7D
_RUN_BYTES = 64 * 1024
_SEAM_BYTES = 256


class Run(NamedTuple):
    values: Sequence[object]
    end: int
    """The place behind the last one."""


class RunFinder:
    """Looks for seams: `},` and the first key of the next element, as they stood between the last two elements.

    A seam may be a false one, inside a record. But if everything up to it is a valid array it is a real one: JSON
    read from a known place can be read in one way only. Places are offsets into the text at hand.
    """

    def __init__(self, max_bytes: int) -> None:
        self._run_bytes = min(_RUN_BYTES, max_bytes)
        self._seam = b""
        self._last_end = -1
        self._none_before = 0

    def shift(self, dropped: int) -> None:
        """The first `dropped` bytes of the text are gone."""
        self._last_end -= dropped
        self._none_before -= dropped

    def element_ended(self, at: int) -> None:
        """An element that was read alone ends at `at`; -1: a new array begins."""
        self._last_end = at

    def take(self, text: bytes, at: int) -> Run | None:
        """The elements from `at` to the last seam in sight, none longer than `max_bytes`; None: read one alone."""
        if at < self._none_before or not self._know_seam(text, at):
            return None
        end = min(len(text), at + self._run_bytes)
        cut = text.rfind(self._seam, at, end) + 1
        self._none_before = cut or end
        if cut:
            try:
                values = orjson.loads(b"[%b]" % text[at:cut])
            except orjson.JSONDecodeError:
                pass  # one of them is bad, or the seam was a false one: they are read one by one
            else:
                self._last_end = cut
                return Run(values, cut)
        self._seam = b""
        return None

    def _know_seam(self, text: bytes, at: int) -> bool:
        last = self._last_end
        if not self._seam and last > 0 and text[last - 1] == _CLOSING_BRACE:
            key = _FIRST_KEY.match(text, at)
            if key is not None and key.end() - last < _SEAM_BYTES:
                self._seam = text[last - 1 : key.end()]
        return bool(self._seam)
