"""From XML text to the elements that are records: `expat` as a push parser, walked along a path."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from xml.parsers import expat

from app.errors import FailureCode, FileRejected
from app.model.record import Limits
from app.pipeline.parse.xml_cutter import Uncuttable, XmlCutter
from app.pipeline.parse.xml_record import ATTRIBUTE_MARK, DEEPEST, TAG_BYTES, Names, ReadElement, RecordBuilder

Steps = tuple[str | None, ...]
"""Local names from the root to the records; None: any name."""

_STEP_BYTES = 16 * 1024
"""Read at once: some milliseconds when there is nothing but the smallest of elements."""
_BYTES_A_UNIT = 4
_TAG_COST = 40
_CODE = expat.errors.codes
_MESSAGES = {
    _CODE[expat.errors.XML_ERROR_TAG_MISMATCH]: "an end tag fits no start tag",
    _CODE[expat.errors.XML_ERROR_UNDEFINED_ENTITY]: "an entity that XML does not have; write & as &amp;",
    _CODE[expat.errors.XML_ERROR_INVALID_TOKEN]: "a character that may not stand here, such as a bare & or <",
    _CODE[expat.errors.XML_ERROR_DUPLICATE_ATTRIBUTE]: "an attribute comes twice in a tag",
    _CODE[expat.errors.XML_ERROR_NO_ELEMENTS]: "an end tag is missing: it was cut off, upload it again",
    _CODE[expat.errors.XML_ERROR_UNCLOSED_TOKEN]: "it ends inside a tag: it was cut off, upload it again",
    _CODE[expat.errors.XML_ERROR_UNCLOSED_CDATA_SECTION]: "it ends inside CDATA: it was cut off, upload it again",
}
_BROKEN = "the XML is broken"
_OTHERWISE = "it is not well-formed"
_BEFORE_ROOT = "something stands before the root element"
_AFTER_ROOT = "something follows the end of the root element"
_BLANKS = "\ufeff \t\r\n"


class XmlStream:
    """One XML document of UTF-8 text; `done` gets every element that `steps` lead to, as soon as it ends.

    Names are compared without their prefix. Where an element on the way holds text that is XML itself (escaped, or
    in CDATA), that is read as a document of its own, whose root is the next step. Raises `FileRejected` FILE_BROKEN
    or DTD_FORBIDDEN with the line. Keeps the record at hand, and for each open element a little.
    """

    def __init__(
        self,
        steps: Steps,
        limits: Limits,
        done: Callable[[ReadElement], None],
        lines_before: int = 0,
        mends: bool = False,
    ) -> None:
        self._steps = steps
        self._limits = limits
        self._done = done
        self._mends = mends
        self._lines_before = lines_before
        self._lines_given = 0
        self._bytes_given = 0
        self._cutter = XmlCutter(min(limits.record_max_bytes, TAG_BYTES), mends)
        self._parser = expat.ParserCreate("utf-8")  # whatever the declaration says: the text has been decoded
        self._parser.buffer_text = True
        self._parser.StartDoctypeDeclHandler = self._on_type
        self._names = Names(self._refusal)
        self._attribute_names = Names(self._refusal, ATTRIBUTE_MARK)
        self._record = RecordBuilder(self._parser, limits, self._names, self._attribute_names, self._refusal)
        self._begun = False
        self._root_end = 0
        """Its line; 0: not yet."""
        self._depth = 0
        self._matched = 0
        self._inner: XmlStream | None = None
        self._text_line: int | None = None
        """Where the text of the element begins that may be a document; None: it is none."""
        self._met = False
        """A record."""
        self._reached = False
        """An element that would hold the records …"""
        self._others = False
        """… and in it one of another name that could be one."""
        self._walk()

    @property
    def found(self) -> bool:
        """The path led to records, or to where there are none: not to other elements with something in them."""
        return self._met or (self._reached and not self._others)

    def feed(self, text: bytes) -> Iterator[int]:
        """Reads on; gives what each step has cost, in units of 20 ns: some milliseconds at most."""
        for at in range(0, len(text), _STEP_BYTES):
            part = text[at : at + _STEP_BYTES]
            self._give(self._cutter.feed(part))
            yield self._cutter.held_bytes + len(part) // _BYTES_A_UNIT + part.count(b"<") * _TAG_COST

    def finish(self) -> Iterator[int]:
        """The text is complete."""
        self._give(self._cutter.finish())
        self._parse(b"", final=True)
        yield 0

    def _give(self, pieces: Iterator[bytes]) -> None:
        try:
            for piece in pieces:
                self._parse(piece)
        except Uncuttable as error:
            raise FileRejected(error.code, error.message, self._place(self._lines_given + 1)) from error

    def _parse(self, text: bytes, final: bool = False) -> None:
        shortened = self._cutter.shortened
        if shortened and self._record.active:
            self._record.check(self._bytes_given, shortened=True)
        if not self._begun:
            self._check_start(text)
        try:
            self._parser.Parse(text, final)
        except expat.ExpatError as error:
            raise self._broken(error) from error
        self._lines_given += text.count(b"\n")
        self._bytes_given += len(text)
        if self._record.active:
            self._record.check(self._bytes_given)

    def _check_start(self, text: bytes) -> None:
        """Before the root there is nothing but white space; `expat` says so sooner or later, as the blocks fall."""
        begun = text.lstrip()
        self._begun = bool(begun)
        if begun and not begun.startswith(b"<"):
            line = self._lines_given + text.count(b"\n", 0, len(text) - len(begun)) + 1
            raise FileRejected(FailureCode.FILE_BROKEN, f"{_BROKEN}: {_BEFORE_ROOT}", self._place(line))

    def _broken(self, error: expat.ExpatError) -> FileRejected:
        if self._root_end:
            # what `expat` calls it, and where, depends on how much it has seen
            return FileRejected(FailureCode.FILE_BROKEN, f"{_BROKEN}: {_AFTER_ROOT}", f"line {self._root_end:,}")
        message = _MESSAGES.get(error.code, _OTHERWISE)
        return FileRejected(FailureCode.FILE_BROKEN, f"{_BROKEN}: {message}", self._place(error.lineno))

    # Handlers outside of records

    def _walk(self) -> None:
        parser = self._parser
        parser.StartElementHandler = self._on_start
        parser.EndElementHandler = self._on_end
        parser.CharacterDataHandler = None

    def _on_start(self, name: str, attributes: dict[str, str]) -> None:
        depth = self._depth = self._depth + 1
        if depth > DEEPEST:
            raise self._refusal(f"elements are nested deeper than {DEEPEST:,} levels")
        local = self._names[name]
        for attribute in attributes:
            self._attribute_names[attribute]  # counted: `expat` keeps them
        if self._matched != depth - 1 or self._inner is not None:
            if depth == self._matched + 2 and depth == len(self._steps) + 1:
                self._others = True
            return
        step = self._steps[depth - 1]
        if step is not None and step != local:
            return
        self._matched = depth
        left = len(self._steps) - depth
        if left:
            self._reached = self._reached or left == 1
            self._text_line = self._line()
            self._parser.CharacterDataHandler = self._on_text
        else:
            self._met = True
            self._record.begin(attributes, self._line(), self._on_record, self._cutter.shortened)

    def _on_end(self, name: str) -> None:
        if self._matched == self._depth:
            self._matched -= 1
            self._parser.CharacterDataHandler = None
            if self._inner is not None:
                self._end_inner(self._inner)
        self._leave()

    def _on_record(self, element: ReadElement) -> None:
        self._matched -= 1
        self._leave()
        self._walk()
        self._done(element)

    def _leave(self) -> None:
        self._depth -= 1
        if not self._depth:
            self._root_end = self._line()

    def _on_text(self, text: str) -> None:
        """Of an element on the way: white space, or a document of its own."""
        if self._inner is None:
            if self._depth != self._matched or self._text_line is None:
                return
            begun = text.lstrip(_BLANKS)
            self._text_line += text.count("\n", 0, len(text) - len(begun))
            if not begun:
                return
            if not begun.startswith("<"):
                self._text_line = None
                return
            text = begun
            steps = self._steps[self._matched :]
            self._inner = XmlStream(
                steps, self._limits, self._done, lines_before=self._text_line - 1, mends=self._mends
            )
        for _ in self._inner.feed(text.encode()):
            pass

    def _end_inner(self, inner: XmlStream) -> None:
        self._inner = None
        for _ in inner.finish():
            pass
        self._met = self._met or inner._met
        self._reached = self._reached or inner._reached
        self._others = self._others or inner._others

    def _on_type(self, name: str, system: str | None, public: str | None, has_declarations: bool) -> None:
        raise self._refusal("a second document type")

    def _refusal(self, message: str) -> FileRejected:
        return FileRejected(FailureCode.FILE_BROKEN, f"{_BROKEN}: {message}", self._place())

    def _line(self, line: int | None = None) -> int:
        """Of the file, for a line that `expat` has counted; None: where it is."""
        counted = self._parser.CurrentLineNumber if line is None else line
        return self._lines_before + self._cutter.dropped_lines + counted

    def _place(self, line: int | None = None) -> str:
        return f"line {self._line(line):,}"
