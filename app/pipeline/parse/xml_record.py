"""One XML element as a mapping, built while `expat` reads it and let go when it ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple
from xml.parsers.expat import XMLParserType

from app.errors import FailureCode, FileRejected, Problem
from app.model.record import Limits
from app.pipeline.parse import judge

TEXT_KEY = "#text"
ATTRIBUTE_MARK = "@"
_MANY_PARTS = 20_000
"""More elements and attributes in one record would hold the event loop too long, and are no listing."""
TAG_BYTES = 256 * 1024
"""A longer start tag makes its record too big: `expat` reads a tag at once."""
DEEPEST = 10_000
"""Open elements, kept or not: `expat` keeps some 200 bytes for each."""
_NAMES_BYTES = 1024 * 1024
_NAME_COST = 32
"""`expat` keeps every name it has met; no feed has so many different ones."""
_NOT_DATA = ("xmlns", "xsi", "xml")
"""Attributes with these prefixes tell parsers something, not readers (XML Names 1.0, XML Schema 1, section 2.6)."""


Refuse = Callable[[str], FileRejected]
"""Makes the refusal of the file, with the place."""


class Names(dict[str, str]):
    """Names as sent → our keys: the local name, with a mark for attributes; "" for attributes that are no data."""

    def __init__(self, refuse: Refuse, mark: str = "") -> None:
        super().__init__()
        self._refuse = refuse
        self._mark = mark
        self._room = _NAMES_BYTES

    def __missing__(self, name: str) -> str:
        self._room -= len(name) + _NAME_COST
        if self._room < 0:
            raise self._refuse("more different names of elements and attributes than any feed has")
        prefix, colon, local = name.rpartition(":")
        is_data = not self._mark or ((prefix if colon else name).partition(":")[0] not in _NOT_DATA)
        key = self[name] = f"{self._mark}{local}" if is_data else ""
        return key


class ReadElement(NamedTuple):
    """What became of one record's element."""

    line: int
    size: int
    """Bytes from its start tag to its end tag."""
    value: Mapping[str, object] | str
    """A text when it has neither attributes nor children."""
    problem: Problem | None


class RecordBuilder:
    """Takes over `expat`'s handlers for the length of one element, then calls `done` and `on_end`.

    An element becomes a mapping: its children by local name, a list where a name comes again, an attribute as
    `@name`; text beside these as `#text`. Without attributes and children it is its text, stripped; "" when empty.
    Whatever is too big or too deep is not kept, only followed to its end.
    """

    def __init__(
        self, parser: XMLParserType, limits: Limits, names: Names, attribute_names: Names, refuse: Refuse
    ) -> None:
        self._parser = parser
        self._refuse = refuse
        self._max_bytes = limits.record_max_bytes
        self._max_depth = limits.record_max_depth
        self._names = names
        self._attribute_names = attribute_names
        self._done: Callable[[ReadElement], None] = lambda element: None
        self._texts: list[str] = []
        self._open: list[dict[str, object] | None] = []
        self._node: dict[str, object] | None = None
        self._parts = 0
        self._levels = 0
        """Of open elements below the first one that is not kept."""
        self._problem: Problem | None = None
        self._shortened = False
        self._line = 0
        self._start = 0
        self.active = False

    def begin(
        self, attributes: dict[str, str], line: int, done: Callable[[ReadElement], None], shortened: bool = False
    ) -> None:
        """The start tag of a record's element was read; it stands in `line`."""
        self._done = done
        self.active = True
        self._texts.clear()
        self._open.clear()
        self._parts = 0
        self._problem = None
        self._shortened = shortened
        self._line = line
        self._start = self._parser.CurrentByteIndex
        self._node = self._attributes(attributes) if attributes else None
        self._parser.StartElementHandler = self._on_start
        self._parser.EndElementHandler = self._on_end
        self._parser.CharacterDataHandler = self._texts.append

    def check(self, position: int, shortened: bool = False) -> None:
        """Stops keeping a record that is too big already. `position`: bytes read so far, the last tag perhaps in part.

        `shortened`: it has a start tag that was too long.
        """
        self._shortened = self._shortened or shortened
        certain = self._shortened or position - self._start > 2 * self._max_bytes or self._parts > _MANY_PARTS
        if certain and self._problem is None:
            self._leave_out(judge.too_big(self._max_bytes), levels=len(self._open))

    def _on_start(self, name: str, attributes: dict[str, str]) -> None:
        texts = self._texts
        if texts:
            if len(texts) > 1 or not texts[0].isspace():
                self._keep_text()
            else:
                texts.clear()
        self._open.append(self._node)
        self._parts += 1
        self._node = self._attributes(attributes) if attributes else None
        if len(self._open) >= self._max_depth:
            self._leave_out(_too_deep(self._max_depth), levels=len(self._open))

    def _on_end(self, name: str) -> None:
        node = self._node
        texts = self._texts
        text = ""
        if texts:
            text = "".join(texts).strip()
            texts.clear()
            if text and node is not None:
                _add_text(node, text)
        if node is not None and TEXT_KEY in node:
            node[TEXT_KEY] = " ".join(node[TEXT_KEY])  # type: ignore[arg-type]  # a list until here
        if not self._open:
            self._end(text if node is None else node)
            return
        parent = self._open.pop()
        if parent is None:
            parent = {}
        key = self._names[name]
        if key in parent:
            _add(parent, key, text if node is None else node)
        else:
            parent[key] = text if node is None else node
        self._node = parent

    def _attributes(self, attributes: dict[str, str]) -> dict[str, object] | None:
        self._parts += len(attributes)
        keys = self._attribute_names
        found: dict[str, object] = {}
        for name, text in attributes.items():
            key = keys[name]
            if key:
                _add(found, key, text.strip())
        return found or None

    def _keep_text(self) -> None:
        text = "".join(self._texts).strip()
        self._texts.clear()
        if text:
            if self._node is None:
                self._node = {}
            _add_text(self._node, text)

    def _leave_out(self, problem: Problem, levels: int) -> None:
        self._problem = problem
        self._levels = levels
        self._node = None
        self._open.clear()
        self._texts.clear()
        self._parser.StartElementHandler = self._on_start_left_out
        self._parser.EndElementHandler = self._on_end_left_out
        self._parser.CharacterDataHandler = None

    def _on_start_left_out(self, name: str, attributes: dict[str, str]) -> None:
        self._parts += 1 + len(attributes)
        self._levels += 1
        self._names[name]
        for attribute in attributes:
            self._attribute_names[attribute]
        if self._levels > DEEPEST:
            raise self._refuse(f"elements are nested deeper than {DEEPEST:,} levels")

    def _on_end_left_out(self, name: str) -> None:
        if self._levels == 0:
            self._end("")
        self._levels -= 1

    def _end(self, value: dict[str, object] | str) -> None:
        self.active = False
        size = self._parser.CurrentByteIndex - self._start
        if self._shortened:
            problem: Problem | None = _tag_too_long(min(TAG_BYTES, self._max_bytes))
        elif size > self._max_bytes:
            problem = judge.too_big(self._max_bytes)
        elif self._parts > _MANY_PARTS:
            problem = _too_many_parts()
        else:
            problem = self._problem
        self._node = None
        self._done(ReadElement(self._line, size, value, problem))


def _add_text(node: dict[str, object], text: str) -> None:
    """Kept apart until the element ends: joining them one by one would cost the square of their number."""
    parts = node.setdefault(TEXT_KEY, [])
    assert isinstance(parts, list)
    parts.append(text)


def _add(node: dict[str, object], key: str, value: object) -> None:
    """A second value under the same key makes a list."""
    if key not in node:
        node[key] = value
        return
    earlier = node[key]
    if type(earlier) is list:
        earlier.append(value)
    else:
        node[key] = [earlier, value]


def _too_deep(max_depth: int) -> Problem:
    return Problem(FailureCode.RECORD_TOO_DEEP, None, f"at most {max_depth} levels of elements", "more")


def _tag_too_long(max_bytes: int) -> Problem:
    return Problem(FailureCode.RECORD_TOO_BIG, None, f"start tags of at most {max_bytes:,} bytes", "a longer one")


def _too_many_parts() -> Problem:
    return Problem(FailureCode.RECORD_TOO_BIG, None, f"at most {_MANY_PARTS:,} elements and attributes", "more")
