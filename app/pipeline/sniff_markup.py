"""Is what begins with `<` XML or HTML? The first element, or the document type, decides; then the name."""

from __future__ import annotations

import re

from app.model.file import FileFormat

_PROLOG = re.compile(rb"(?:[\s\xef\xbb\xbf]++|<\?(?:[^?]++|\?(?!>))*+\?>|<!--(?:[^-]++|-(?!->))*+-->)*+")
_DECLARATION = re.compile(rb"\s*+<\?xml[\s?]")
_HTML_TYPE = re.compile(rb"<!DOCTYPE\s++html\b", re.IGNORECASE)
_ELEMENT = re.compile(rb"<(?:[A-Za-z_][\w.-]*+:)?([A-Za-z_][\w.-]*+)(?=[\s/>]|\Z)")
_HTML_ELEMENTS = frozenset(
    b"html head body title meta link base script style noscript main header footer nav section article div span "
    b"p table ul ol h1 h2 a img form".split()
)
"""What a page, or a piece of one, begins with; no feed does, but for `title`, `link` and `header` in a namespace."""


def markup_format(start: bytes, expected: FileFormat | None) -> FileFormat | None:
    """XML or HTML, by the beginning of the text, which starts with `<`; None: neither.

    An XML declaration does not make it XML: XHTML is a page, too. `expected` is what name or content type promise.
    """
    prolog = _PROLOG.match(start)
    assert prolog is not None
    rest = start[prolog.end() :]
    if _HTML_TYPE.match(rest):
        return FileFormat.HTML
    element = _ELEMENT.match(rest)
    if element is not None and element[1].lower() == b"html":
        return FileFormat.HTML
    if _DECLARATION.match(start) or rest.startswith(b"<!DOCTYPE"):
        return FileFormat.XML
    if element is not None:
        looks_like_a_page = element[0].lower().removeprefix(b"<") in _HTML_ELEMENTS
        return FileFormat.HTML if looks_like_a_page or expected is FileFormat.HTML else FileFormat.XML
    if rest.startswith((b"<!--", b"<?")) or not rest:
        return expected if expected is FileFormat.HTML else FileFormat.XML
    return FileFormat.HTML if expected is FileFormat.HTML else None
