"""XML documents, RSS and Atom among them: every element where the records are becomes a mapping."""

from __future__ import annotations

from collections.abc import Iterator

from app.errors import FailureCode, FileRejected, Problem
from app.model.record import Limits, Slice
from app.pipeline.parse.gather import Gather
from app.pipeline.parse.json_path import Every, Step
from app.pipeline.parse.xml_outline import find_records
from app.pipeline.parse.xml_record import ReadElement
from app.pipeline.parse.xml_stream import Steps, XmlStream

_HEAD_BYTES = 64 * 1024
"""So much of the beginning shows where the records are."""
_LOOK_COST = 5
"""A byte of it, in units of some 20 ns."""


class XmlParser:
    """Takes UTF-8 text in blocks. Raises FILE_BROKEN, DTD_FORBIDDEN, RECORDS_NOT_FOUND with the line.

    A record is an element where `steps` lead to from the root on, as in `listings.listing[]` (`[]` says nothing in
    XML: a name that comes again is a list), `*` for any name; without steps `xml_outline` has the rule. What it
    becomes is told by `RecordBuilder`; an element without any content is blank, one with a text alone is refused.
    Memory is one block, one record of at most `record_max_bytes`, and the beginning of the file.
    """

    def __init__(self, gather: Gather, limits: Limits, steps: tuple[Step, ...] = (), mends: bool = False) -> None:
        self._gather = gather
        self._limits = limits
        self._mends = mends
        self._head = b""
        self._read: list[ReadElement] = []
        self._stream = self._begin(xml_steps(steps)) if steps else None
        self._is_path_declared = bool(steps)
        self.line = 0
        """Whole lines so far."""

    def feed(self, text: bytes) -> Iterator[Slice]:
        self.line += text.count(b"\n")
        if self._stream is not None:
            yield from self._hand_on(self._stream.feed(text))
            return
        self._head += text
        if len(self._head) >= _HEAD_BYTES:
            yield from self._look()

    def finish(self) -> Iterator[Slice]:
        if self._stream is None:
            yield from self._look()
        assert self._stream is not None
        yield from self._hand_on(self._stream.finish())
        if not self._stream.found:
            where = "where the profile's records path leads" if self._is_path_declared else "that could be a record"
            raise FileRejected(
                FailureCode.RECORDS_NOT_FOUND,
                f"the document has no element {where}; compare the two, or name the path as in `listings.listing[]`",
            )

    def drain(self) -> Iterator[Slice]:
        """Whole records have been given already, but for those in the beginning of a small file."""
        if self._stream is None:
            yield from self._look()

    def _begin(self, steps: Steps) -> XmlStream:
        return XmlStream(steps, self._limits, self._read.append, mends=self._mends)

    def _look(self) -> Iterator[Slice]:
        """The beginning is known: find the records, and read it."""
        head, self._head = self._head, b""
        self._stream = self._begin(find_records(head[:_HEAD_BYTES]))
        self._gather.spend(_LOOK_COST * len(head))
        if self._gather.full:
            yield self._gather.take()
        yield from self._hand_on(self._stream.feed(head))

    def _hand_on(self, steps: Iterator[int]) -> Iterator[Slice]:
        refused: FileRejected | None = None
        cost: int | None = 0
        while cost is not None:
            try:
                cost = next(steps, None)
            except FileRejected as error:
                refused, cost = error, None
            self._gather.spend(cost or 0)
            for element in self._read:
                self._add(element)
                if self._gather.full:
                    yield self._gather.take()
            self._read.clear()
            if self._gather.full:
                yield self._gather.take()
        if refused is not None:
            raise refused

    def _add(self, element: ReadElement) -> None:
        if element.problem is not None:
            self._gather.reject(element.problem, element.line)
        elif isinstance(element.value, str):
            if not element.value:
                self._gather.add_blank()
                return
            problem = Problem(
                FailureCode.RECORD_NOT_AN_OBJECT, None, "an element with attributes or other elements in it", "a text"
            )
            self._gather.reject(problem, element.line)
        else:
            self._gather.add_row(element.value, element.line, element.size)


def xml_steps(steps: tuple[Step, ...]) -> Steps:
    """A records path as names of elements, without prefixes."""
    names = (None if step is Every.VALUE else step for step in steps if step is not Every.ELEMENT)
    return tuple(name if name is None else str(name).rpartition(":")[2] for name in names)
