"""Cuts text into whole lines across blocks, with flat memory however long a line is."""

from __future__ import annotations

_LINE_END_BYTES = 2
"""CR LF does not count towards a record's size."""


class LineCutter:
    """Gives whole lines, ends included; a line longer than `max_bytes` is dropped as it comes and only reported."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes + _LINE_END_BYTES
        self._tail = b""
        self._dropping = False

    def feed(self, text: bytes) -> tuple[bool, bytes]:
        """(a line too long to be kept ended here, the whole lines after it)."""
        ended = False
        if self._dropping:
            end = text.find(b"\n")
            if end < 0:
                return False, b""
            text = text[end + 1 :]
            self._dropping, ended = False, True
        cut = text.rfind(b"\n") + 1
        lines = self._tail + text[:cut] if cut else b""
        self._tail = text[cut:] if cut else self._tail + text
        if len(self._tail) > self._max_bytes:
            self._tail = b""
            self._dropping = True
        return ended, lines

    def finish(self) -> tuple[bool, bytes]:
        """(the last line was too long, the last line if it has no line end)."""
        return self._dropping, self._tail
