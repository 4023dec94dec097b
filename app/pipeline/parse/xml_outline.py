"""Where the records of an XML document are, when no profile says so: told from its beginning.

The rule, in this order:

1. Known roots: `rss` with a `channel` has its `item` there, `RDF` its `item`, Atom's `feed` its `entry`, `yml_catalog`
   its `shop.offers.offer`.
2. From the root on, children that are more than a text count: those with children of their own, or with at least three
   attributes. The name among them that comes most often, at least twice, is the record.
3. If there is just one such child: it is the record, unless it is a wrapper, with nothing but such children; then
   the rule goes on with it.
4. If there are several, each with its own name, or none at all, the element is itself the one record.
5. Before that: if all that the root holds is one text, in itself or in an only child's only child, and that text is
   XML, escaped or in CDATA, the rule goes on with the root of that.

A root without any content has no records.
"""

from __future__ import annotations

import re
from collections import Counter
from contextlib import suppress
from xml.parsers import expat

from app.pipeline.parse.xml_cutter import Uncuttable, XmlCutter

_ATOM = "http://www.w3.org/2005/Atom"
_MANY_ATTRIBUTES = 3
_NESTED_DOCUMENTS = 3
_MANY_ELEMENTS = 3_000
"""So many show what there is to see, in some milliseconds."""
_STEP_BYTES = 16 * 1024
_LEVELS = 50
"""Elements deeper down tell nothing."""
_MARKUP = re.compile(r"[\ufeff\s]*<[A-Za-z_?!]")


class _Element:
    """No more than the rule needs: there may be thousands in a small text."""

    __slots__ = ("attributes", "children", "is_atom", "name", "text")

    def __init__(self, name: str, attributes: dict[str, str]) -> None:
        self.name = name.rpartition(":")[2]
        self.attributes = len(attributes)
        self.is_atom = _ATOM in attributes.values()
        self.children: list[_Element] | tuple[()] = ()
        self.text = ""

    def add(self, child: _Element) -> None:
        if isinstance(self.children, tuple):
            self.children = []
        self.children.append(child)

    @property
    def is_more_than_text(self) -> bool:
        return bool(self.children) or self.attributes >= _MANY_ATTRIBUTES

    @property
    def is_wrapper(self) -> bool:
        return bool(self.children) and all(child.is_more_than_text for child in self.children)


def find_records(head: bytes) -> tuple[str | None, ...]:
    """The local names from the root to the records, by the beginning of the document as UTF-8; None: any name."""
    return _find(head, _NESTED_DOCUMENTS)


def _find(head: bytes, documents: int) -> tuple[str | None, ...]:
    root = _read(head)
    if root is None:
        return (None,)
    path = _known(root)
    if path is None:
        path = _inside_text(root, documents)
    return path or _by_content(root)


def _known(root: _Element) -> tuple[str | None, ...] | None:
    inside = {child.name for child in root.children}
    if root.name == "rss" and "channel" in inside:
        return ("rss", "channel", "item")
    if root.name == "RDF" and "item" in inside:
        return ("RDF", "item")
    if root.name == "feed" and ("entry" in inside or root.is_atom):
        return ("feed", "entry")
    if root.name == "yml_catalog" and "shop" in inside:
        return ("yml_catalog", "shop", "offers", "offer")
    return None


def _inside_text(root: _Element, documents: int) -> tuple[str | None, ...] | None:
    """The path through an element whose text is XML; None when there is no such element."""
    path: list[str | None] = [root.name]
    node = root
    while True:
        full = [child for child in node.children if child.children or child.text]
        if len(full) != 1:
            break
        node = full[0]
        path.append(node.name)
    if node.children or not _MARKUP.match(node.text) or not documents:
        return None
    return (*path, *_find(node.text.lstrip("\ufeff \t\r\n").encode(), documents - 1))


def _by_content(root: _Element) -> tuple[str | None, ...]:
    if not root.children and not root.attributes and not root.text:
        return (root.name, None)
    path: list[str | None] = [root.name]
    node = root
    while True:
        counts = Counter(child.name for child in node.children if child.is_more_than_text)
        name, times = next(iter(counts.most_common(1)), ("", 0))
        if times > 1:
            return (*path, name)
        if len(counts) != 1:
            return tuple(path)
        path.append(name)
        node = next(child for child in node.children if child.name == name and child.is_more_than_text)
        if not node.is_wrapper:
            return tuple(path)


def _read(head: bytes) -> _Element | None:
    """The beginning of the document as a tree, up to what can not be read; None when there is no element."""
    tree = _Tree()
    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    parser.StartElementHandler = tree.start
    parser.EndElementHandler = tree.end
    parser.CharacterDataHandler = tree.text
    cutter = XmlCutter(len(head))
    with suppress(Uncuttable, expat.ExpatError):
        for at in range(0, len(head), _STEP_BYTES):
            for piece in cutter.feed(head[at : at + _STEP_BYTES]):
                parser.Parse(piece, False)
            if tree.seen > _MANY_ELEMENTS:
                break
    return tree.root


class _Tree:
    def __init__(self) -> None:
        self.root: _Element | None = None
        self.seen = 0
        self._open: list[_Element] = []
        self._deeper = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.seen += 1
        if len(self._open) == _LEVELS:
            self._deeper += 1
            return
        element = _Element(name, attributes)
        if self._open:
            self._open[-1].add(element)
        else:
            self.root = element
        self._open.append(element)

    def end(self, name: str) -> None:
        if self._deeper:
            self._deeper -= 1
        else:
            self._open.pop()

    def text(self, data: str) -> None:
        element = self._open[-1]
        if not self._deeper and not element.children and (element.text or data.strip()):
            element.text += data
