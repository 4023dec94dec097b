"""JSON documents: an array of records, one record, several documents in a row, or records somewhere inside.

The file is never parsed as a whole. Runs of good elements go to `orjson` together; around a bad one the elements
are cut out one by one, so that only it is refused. What stands around the records (with a `records_path`) is
skipped unread.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import chain
from typing import NamedTuple

import orjson

from app.errors import FailureCode, FileRejected
from app.model.record import Limits, Slice
from app.pipeline.parse import judge
from app.pipeline.parse.gather import Gather
from app.pipeline.parse.json_ld import PAUSE, is_linked, unwrapped
from app.pipeline.parse.json_path import Every, Step
from app.pipeline.parse.json_runs import RunFinder
from app.pipeline.parse.json_scan import ValueScanner, swallowed_neighbours

_SPACE = re.compile(rb"[ \t\r\n]*+")
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_STEP_COST = 60
_TURN_COST = 100_000
"""Of a value so deeply nested that it has to be walked bracket by bracket."""
_LONG_BYTES = 256 * 1024
_VALUES_SHARE = 12
"""A long record takes up to so many times its size once it is read: a hundred thousand values in a megabyte."""
_SKIP = -1
"""Instead of a step: this value is of no interest."""


class _Frame(NamedTuple):
    is_object: bool
    step: int
    """The step of the path that chooses among this container's values; `_SKIP` never gets a frame."""


class JsonParser:
    """Takes UTF-8 text in blocks; no record has a line, JSON has no lines to speak of.

    FILE_BROKEN names the place where the text stops being JSON; RECORDS_NOT_FOUND when nothing is where `steps`
    lead to. Memory is one block and one record of at most `record_max_bytes`.
    """

    def __init__(self, gather: Gather, limits: Limits, steps: tuple[Step, ...] = ()) -> None:
        self._gather = gather
        self._max_bytes = limits.record_max_bytes
        self._steps = steps
        self._text = b""
        self._at = 0
        self._dropped_bytes = 0
        self._dropped_lines = 0
        self._frames: list[_Frame] = []
        self._state: Callable[[], bool] = self._on_value
        self._documents = 0
        self._found = not steps
        # the value ahead
        self._step = 0
        self._key: str | None = None
        # the value being read
        self._scanner: ValueScanner | None = None
        self._start = 0
        self._start_place = ""
        self._too_long = False
        # the run of elements being given
        self._runs = RunFinder(limits.record_max_bytes)
        self._run: Iterator[object] = iter(())
        self._run_size = 0

    @property
    def line(self) -> int:
        """Whole lines so far."""
        return self._dropped_lines + self._text.count(b"\n")

    def feed(self, text: bytes) -> Iterator[Slice]:
        # A record stays until it is whole; what is skipped, or too long, goes as it comes.
        dropped = self._start if self._holds() else self._at
        self._dropped_lines += self._text.count(b"\n", 0, dropped)
        self._dropped_bytes += dropped
        self._text = self._text[dropped:] + text
        self._at -= dropped
        self._start -= dropped
        self._runs.shift(dropped)
        gather = self._gather
        while self._step_forward():
            gather.spend(_STEP_COST)
            if gather.full:
                yield gather.take()

    def finish(self) -> Iterator[Slice]:
        yield from self.feed(b" ")  # ends a number or a literal; nothing else
        yield from self.drain()
        if self._scanner is not None:
            place = self._start_place or self._place(self._start)
            raise self._broken("the file ends inside a value; it was cut off, upload it again", place)
        if self._frames:
            place, closer = self._place(len(self._text) - 1), chr(self._closer())
            raise self._broken(f"the file ends where `{closer}` is missing; it was cut off, upload it again", place)
        if not self._found:
            raise FileRejected(
                FailureCode.RECORDS_NOT_FOUND,
                "the document has nothing where the profile's records_path leads; compare the two",
            )

    def drain(self) -> Iterator[Slice]:
        """What one document holds, when it was just read; other whole records have been given already."""
        while self._state == self._on_run:
            self._on_run()
            if self._gather.full:
                yield self._gather.take()

    def _step_forward(self) -> bool:
        if self._scanner is None:
            self._at = _SPACE.match(self._text, self._at).end()  # type: ignore[union-attr]  # matches nothing, too
        return self._at < len(self._text) and self._state()

    # States: each looks at the byte at `_at` (never white space) and says whether there was enough text to go on.

    def _on_value(self) -> bool:
        first = self._text[self._at : self._at + 1]
        if first == b"]" and self._frames and not self._frames[-1].is_object:
            return self._leave()  # a comma too many before it, as templates write it
        if first in b",:]}":
            raise self._broken(f"expected a value, found `{first.decode()}`")
        if not self._frames:
            return self._on_document(first)
        if self._step == _SKIP or self._step == len(self._steps):
            return self._begin()
        return self._enter_or_skip(first)

    def _on_document(self, first: bytes) -> bool:
        if self._documents and first not in b"{[":
            raise self._broken("expected the end of the file, or another JSON document")
        self._documents += 1
        self._step = 0
        if self._steps:
            return self._enter_or_skip(first)
        return self._enter(is_object=False) if first == b"[" else self._begin()

    def _enter_or_skip(self, first: bytes) -> bool:
        wants_object = self._steps[self._step] is not Every.ELEMENT
        if first == (b"{" if wants_object else b"["):
            self._found = self._found or (
                self._step == len(self._steps) - 1 and isinstance(self._steps[self._step], Every)
            )
            return self._enter(wants_object)
        self._step = _SKIP
        return self._begin()

    def _enter(self, is_object: bool) -> bool:
        self._frames.append(_Frame(is_object, self._step))
        self._key = None
        self._runs.element_ended(-1)
        self._at += 1
        self._state = self._on_first
        return True

    def _on_first(self) -> bool:
        if self._text[self._at] == self._closer():
            return self._leave()
        return self._ahead()

    def _ahead(self) -> bool:
        """Before the next key or element of the innermost container."""
        frame = self._frames[-1]
        if frame.is_object:
            self._state = self._on_key
        else:
            self._state = self._on_value
            self._step = frame.step + 1 if self._steps else 0
        return True

    def _closer(self) -> int:
        return 0x7D if self._frames[-1].is_object else 0x5D

    def _leave(self) -> bool:
        self._frames.pop()
        self._at += 1
        self._state = self._on_after
        return True

    def _on_key(self) -> bool:
        if self._text[self._at] == self._closer():
            return self._leave()  # as before `]`
        key = _STRING.match(self._text, self._at)
        if key is None:
            if self._text[self._at] != 0x22 or len(self._text) - self._at > self._max_bytes:
                raise self._broken('expected a key in `"`')
            return False
        frame = self._frames[-1]
        chooser = self._steps[frame.step]
        try:
            name = orjson.loads(key[0])
        except orjson.JSONDecodeError as error:
            raise self._broken(f"a key can not be read: {error.msg}") from error
        chosen = chooser is Every.VALUE or chooser == name
        self._key = name if chooser is Every.VALUE else None
        self._step = frame.step + 1 if chosen else _SKIP
        self._at = key.end()
        self._state = self._on_colon
        return True

    def _on_colon(self) -> bool:
        if self._text[self._at] != 0x3A:
            raise self._broken("expected `:` after a key")
        self._at += 1
        self._state = self._on_value
        return True

    def _on_after(self) -> bool:
        if not self._frames:
            self._state = self._on_value
            return True
        found = self._text[self._at]
        if found == 0x2C:
            self._at += 1
            return self._ahead()
        if found != self._closer():
            raise self._broken(f"expected `,` or `{chr(self._closer())}` between two values")
        return self._leave()

    # Reading or skipping one value

    def _begin(self) -> bool:
        if self._step != _SKIP:
            self._found = True
            if self._frames and not self._frames[-1].is_object and self._take_run():
                return True
        self._start, self._start_place, self._too_long = self._at, "", False
        self._scanner = ValueScanner(self._text[self._at])
        self._state = self._on_scan
        return self._on_scan()

    def _holds(self) -> bool:
        return self._scanner is not None and self._step != _SKIP and not self._too_long

    def _on_scan(self) -> bool:
        assert self._scanner is not None
        before = self._at
        self._at, ended = self._scanner.advance(self._text, before)
        self._too_long = self._at - self._start > self._max_bytes
        if not ended:
            if self._at - self._start > _LONG_BYTES and self._holds():
                self._gather.will_take(_VALUES_SHARE * self._max_bytes)
            if not self._start_place and not self._holds():
                self._start_place = self._place(self._start)
            if self._at < len(self._text):
                self._gather.spend(_TURN_COST)
            return self._at > before
        self._scanner = None
        self._state = self._on_after
        if self._step != _SKIP:
            self._add_record()
        return True

    def _add_record(self) -> None:
        if self._too_long:
            self._gather.reject(judge.too_big(self._max_bytes), None)
            return
        text = self._text[self._start : self._at]
        value, problem = self._gather.read_json(text)
        if problem is None and is_linked(value) and not self._steps:
            self._run, self._run_size, self._state = unwrapped(value), len(text), self._on_run
        elif problem is None:
            self._gather.add_value(value, None, len(text), self._key)
        elif problem.code is FailureCode.RECORD_MALFORMED and swallowed_neighbours(text):
            message = "a quote or a bracket is missing or too many: where this record ends can not be told"
            raise self._broken(message, self._place(self._start))
        else:
            self._gather.reject(problem, None)
        self._runs.element_ended(self._at)

    def _take_run(self) -> bool:
        run = self._runs.take(self._text, self._at)
        if run is None:
            return False
        self._run = iter(run.values)
        self._run_size = (run.end - self._at) // len(run.values)
        self._at, self._state = run.end, self._on_run
        return True

    def _on_run(self) -> bool:
        gather = self._gather
        for value in self._run:
            if is_linked(value) and not self._steps:
                self._run = chain(unwrapped(value), self._run)
                return True
            gather.spend(_TURN_COST) if value is PAUSE else gather.add_value(value, None, self._run_size)
            if gather.full:
                return True
        self._state = self._on_after
        return True

    def _place(self, at: int) -> str:
        line = self._dropped_lines + self._text.count(b"\n", 0, at) + 1
        return f"record {self._gather.number + 1:,}, line {line:,}, byte {self._dropped_bytes + at:,}"

    def _broken(self, message: str, place: str | None = None) -> FileRejected:
        return FileRejected(FailureCode.FILE_BROKEN, message, place or self._place(self._at))
