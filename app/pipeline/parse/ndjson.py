"""NDJSON: one JSON object a line; a bad line costs nobody but itself.

Programs that join objects to an array leave its marks on the lines: a comma at the end or the beginning, `[` and `]` on
lines of their own or beside an object. They count as blanks.
"""

from __future__ import annotations

from collections.abc import Iterator

from app.model.record import Limits, Slice
from app.pipeline.json_lines import bare_line
from app.pipeline.parse import judge
from app.pipeline.parse.gather import Gather
from app.pipeline.parse.json_ld import PAUSE, Node, is_linked, unwrapped
from app.pipeline.parse.lines import LineCutter

_TURN_COST = 100_000


class NdjsonParser:
    """Takes UTF-8 text in blocks; lines end with LF or CR LF. Blank lines are counted and have no number."""

    def __init__(self, gather: Gather, limits: Limits) -> None:
        self._gather = gather
        self._max_bytes = limits.record_max_bytes
        self._cutter = LineCutter(limits.record_max_bytes)
        self.line = 0
        """Whole lines so far."""

    def feed(self, text: bytes) -> Iterator[Slice]:
        too_long, lines = self._cutter.feed(text)
        if too_long:
            self._reject_line()
        if lines:
            yield from self._read(lines[:-1].split(b"\n"))

    def finish(self) -> Iterator[Slice]:
        too_long, line = self._cutter.finish()
        if too_long:
            self._reject_line()
        elif line:
            yield from self._read([line])

    def drain(self) -> Iterator[Slice]:
        """Nothing: the line at which the file broke off is not whole."""
        return iter(())

    def _read(self, lines: list[bytes]) -> Iterator[Slice]:
        gather = self._gather
        for line in lines:
            self.line += 1
            if line[-1:] != b"}" or line[:1] != b"{":
                line = bare_line(line)
            if not line:
                gather.add_blank()
            else:
                value, problem = gather.read_json(line)
                if problem is None and is_linked(value):
                    yield from self._unwrap(value, len(line))
                elif problem is None:
                    gather.add_value(value, self.line, len(line))
                else:
                    gather.reject(problem, self.line)
            if gather.full:
                yield gather.take()

    def _unwrap(self, document: Node, size: int) -> Iterator[Slice]:
        """A line of linked data may hold several vehicles."""
        for vehicle in unwrapped(document):
            if vehicle is PAUSE:
                self._gather.spend(_TURN_COST)
            else:
                self._gather.add_value(vehicle, self.line, size)
            if self._gather.full:
                yield self._gather.take()

    def _reject_line(self) -> None:
        self.line += 1
        self._gather.reject(judge.too_big(self._max_bytes), self.line)
