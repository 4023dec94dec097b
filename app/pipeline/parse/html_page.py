"""HTML pages: the vehicles in their JSON-LD scripts."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import NamedTuple

import orjson

from app.errors import FailureCode, FileRejected, Problem
from app.model.record import Limits, Slice
from app.pipeline.parse import judge
from app.pipeline.parse.gather import Gather
from app.pipeline.parse.html_scripts import Script, ScriptFinder
from app.pipeline.parse.json_ld import LinkedData, Node
from app.pipeline.parse.json_repair import lenient_steps

_SCRIPT_RECORDS = 4
"""A script may be as long as so many of the longest records: it may list a whole stock."""
_MANY_VALUES = 50_000
"""More in one script would hold the event loop too long."""
_LONG_BYTES = 256 * 1024
_VALUES_SHARE = 6
"""Scripts take up to so many times their size once they are read: fifty thousand values each."""
_KEPT_BYTES = 100
"""What a script counts for beyond its text: there may be nothing in it."""
_STEP_COST = 60
_BYTE_COST_SHARE = 4
_READ_COST = 600
"""Of a step of reading a script, however small it is."""
_TURN_COST = 50_000


class _Read(NamedTuple):
    """What a script held."""

    line: int
    size: int
    problem: Problem | None
    start: int
    """Its first vehicle among those of all scripts that are kept …"""
    end: int
    """… and the one after its last."""


class HtmlParser:
    """Takes UTF-8 text in blocks. A record is a vehicle of `json_ld`; its line is that of its script.

    Scripts may refer to each other, so they are kept until the page ends, or until they are too many: the next ones
    then can not refer to those before. A script that is no JSON, even after `json_repair`, is one bad record. Raises
    RECORDS_NOT_FOUND for a page without any vehicle, FILE_BROKEN when it ends inside of a script. Memory is what four
    of the longest records take, read and unread.
    """

    def __init__(self, gather: Gather, limits: Limits) -> None:
        self._gather = gather
        self._max_bytes = limits.record_max_bytes
        self._script_bytes = _SCRIPT_RECORDS * limits.record_max_bytes
        self._scripts = ScriptFinder(self._script_bytes)
        self._data = LinkedData()
        self._read: list[_Read] = []
        self._kept_bytes = 0
        self.line = 0
        """Whole lines so far."""

    def feed(self, text: bytes) -> Iterator[Slice]:
        self.line += text.count(b"\n")
        self._gather.spend(len(text) // 2)
        if self._kept_bytes + self._scripts.kept_bytes > _LONG_BYTES and not self._gather.memory:
            self._gather.will_take(_VALUES_SHARE * self._script_bytes)
            yield self._gather.take()
        for script in self._scripts.feed(text):
            self._gather.spend(_STEP_COST)
            if script is not None:
                yield from self._take(script)
            if self._gather.full:
                yield self._gather.take()

    def finish(self) -> Iterator[Slice]:
        yield from self.drain()
        if self._scripts.open_script_line is not None:
            raise FileRejected(
                FailureCode.FILE_BROKEN,
                "the page ends inside a script of JSON-LD; it was cut off, upload it again",
                f"line {self._scripts.open_script_line:,}",
            )
        if not self._gather.number:
            raise FileRejected(
                FailureCode.RECORDS_NOT_FOUND,
                'the page has no vehicle in a <script type="application/ld+json">: expected schema.org nodes of the '
                "types Car, Vehicle or MotorizedVehicle; send the page as the server gives it, or another format",
            )

    def drain(self) -> Iterator[Slice]:
        """The vehicles of the scripts that are kept: they are whole."""
        read, self._read = self._read, []
        data, self._data = self._data, LinkedData()
        self._kept_bytes = 0
        for script in read:
            if script.problem is not None:
                self._gather.reject(script.problem, script.line)
            if self._gather.full:
                yield self._gather.take()
            for vehicle in data.vehicles(script.start, script.end):
                self._gather.spend(data.cost)
                self._add(vehicle, script)
                if self._gather.full:
                    yield self._gather.take()

    def _take(self, script: Script) -> Iterator[Slice]:
        text = script.text
        if text is None:
            yield from self._keep(script.line, 0, judge.too_big(self._script_bytes), None)
            return
        if self._kept_bytes + len(text) > self._script_bytes:
            yield from self.drain()
        document, problem = yield from self._parse(text)
        yield from self._keep(script.line, len(text), problem, document)

    def _parse(self, text: bytes) -> Generator[Slice, None, tuple[object, Problem | None]]:
        """(what the script holds, why it can not be read), in steps."""
        problem = _too_many_values(text)
        steps = lenient_steps(text)
        while problem is None:
            self._gather.spend(_READ_COST + len(text) // _BYTE_COST_SHARE)
            if self._gather.full:
                yield self._gather.take()
            try:
                next(steps)
            except StopIteration as read:
                return read.value, None
            except orjson.JSONDecodeError as error:
                got = f"{error.msg} at line {error.lineno:,}, column {error.colno:,} of the script"
                problem = Problem(FailureCode.RECORD_MALFORMED, None, "JSON-LD in the script", got)
        return None, problem

    def _keep(self, line: int, size: int, problem: Problem | None, document: object) -> Iterator[Slice]:
        start = self._data.count
        for _ in self._data.read(document):
            self._gather.spend(_TURN_COST)
            if self._gather.full:
                yield self._gather.take()
        end = self._data.count
        if problem is not None or start != end:
            self._read.append(_Read(line, size, problem, start, end))
        self._kept_bytes += size + _KEPT_BYTES

    def _add(self, vehicle: Node, script: _Read) -> None:
        size = script.size // (script.end - script.start)
        if script.size > self._max_bytes and len(orjson.dumps(vehicle)) > self._max_bytes:
            self._gather.reject(judge.too_big(self._max_bytes), script.line)
        else:
            self._gather.add_value(dict(vehicle), script.line, size)


def _too_many_values(text: bytes) -> Problem | None:
    if text.count(b",") > _MANY_VALUES or text.count(b"{") + text.count(b"[") > _MANY_VALUES:
        return Problem(FailureCode.RECORD_TOO_BIG, None, f"a script of at most {_MANY_VALUES:,} values", "more")
    return None
