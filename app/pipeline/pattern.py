"""Regular expressions that profiles declare: Python's syntax and meaning, run by RE2 in linear time.

A text of a sender meets a pattern of ours, or a pattern somebody guessed: with a backtracking engine either can make a
worker stand still for hours. RE2 has no lookaround, no backreferences and no possessive repeats; a pattern with one of
them is refused with what to write instead.

Python's classes are Unicode's (`\\w`, `\\d`, `\\s`, `\\b`), RE2's are ASCII's. So sets are written out as code points.
`\\b` has no such form: for a text that is not ASCII, every other letter and digit is put between two underscores, and
so is what stands for an underscore itself, in the text and in the pattern alike. Then RE2's `\\b` is Python's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from re import _constants as c  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from typing import Any

import re2

from app.pipeline.code_points import LAST, Ranges, as_class, complement, intersection, of_class, ranges, without_case

_MEMORY_BYTES = 4 * 1024 * 1024
"""For one pattern's automata."""
_MOST_INSTRUCTIONS = 20_000
_TOO_BIG = "expected a regular expression of some size; a counted repeat, as in {1,500}, makes it too big: use * or +"
_STAND_IN = 0x10FFFF
"""No character: what an underscore is written as between underscores."""
_ASCII: Ranges = ((0, 127),)
_UNDERSCORE = ord("_")
_SKIPPED = r"(?s:_[^\x00-\x7f]_|[^_])*?"
"""What stands before a match: a search may not begin between the underscores."""

_REFUSED: Mapping[Any, str] = {
    c.ASSERT: "lookaround, as in (?=…) and (?<=…): write what stands there into the pattern and take what counts by "
    "a group, as in (\\d{4})(?:\\D|$)",
    c.ASSERT_NOT: "lookaround, as in (?!…) and (?<!…): write what may stand there instead, as in (\\d{4})(?:\\D|$), "
    "or leave such texts out with ignore",
    c.GROUPREF: "a backreference, as in \\1 and (?P=name): write out what may be repeated",
    c.GROUPREF_EXISTS: "a condition, as in (?(1)…): write two alternatives",
    c.POSSESSIVE_REPEAT: "a possessive repeat, as in x*+: leave the + out",
    c.ATOMIC_GROUP: "an atomic group, as in (?>…): write (?:…)",
}


class Unsuitable(ValueError):
    """The pattern can not be used; the message says why, and what to write instead."""


@lru_cache(maxsize=1024)
def compiled(pattern: str, ignore_case: bool = False) -> Pattern:
    """The pattern; raises `Unsuitable`. What was compiled to be checked is there when it is used."""
    return Pattern(pattern, ignore_case=ignore_case)


class Pattern:
    """A compiled pattern; raises `Unsuitable`. `ignore_case`: as with `(?i)` in front."""

    def __init__(self, pattern: str, *, ignore_case: bool = False) -> None:
        try:
            tree = _parser.parse(pattern, re.IGNORECASE if ignore_case else 0)
        except (re.error, OverflowError, RecursionError) as error:
            raise Unsuitable(f"expected a regular expression: {error}") from None
        self.names: tuple[str, ...] = tuple(tree.state.groupdict)
        """Of the named groups."""
        self._numbers = dict(tree.state.groupdict)
        self._has_groups = tree.state.groups > 1
        nodes, flags = list(tree), tree.state.flags
        every = _Translator(_one)
        self._plain: Any = _on_re2(every.sequence(nodes, flags))
        self._padded: Any = None
        """For a text that is not ASCII; None: the same."""
        if every.has_boundary or self._plain is None:
            self._plain = _on_re2(_Translator(_one_ascii).sequence(nodes, flags))
            self._padded = _on_re2(_SKIPPED + "(" + _Translator(_one_padded).sequence(nodes, flags) + ")")
            if self._plain is None or self._padded is None:
                raise Unsuitable(_TOO_BIG)

    def is_in(self, text: str) -> bool:
        """It is found somewhere in the text."""
        return self._run(text, "search") is not None

    def fits(self, text: str) -> bool:
        """It matches the text as a whole."""
        return self._run(text, "fullmatch") is not None

    def taken(self, text: str) -> str | None:
        """The first group where there is one, else all that matches; None: it is not found."""
        found = self._run(text, "search")
        return None if found is None else found(1 if self._has_groups else 0) or ""

    def named(self, text: str) -> dict[str, str | None] | None:
        """The named groups; None: it is not found."""
        found = self._run(text, "search")
        return None if found is None else {name: found(number) for name, number in self._numbers.items()}

    def _run(self, text: str, how: str) -> Callable[[int], str | None] | None:
        """A function that gives a group's text, or None."""
        if self._padded is None or text.isascii():
            match = getattr(self._plain, how)(text.encode("utf-8", "replace"))
            return None if match is None else lambda number: _decoded(match[number])
        match = getattr(self._padded, "match" if how == "search" else how)(_pad(text).encode("utf-8", "replace"))
        if match is None or (how == "fullmatch" and match.start(1) > 0):
            return None
        return lambda number: _unpadded(match[number + 1])


def _decoded(found: bytes | None) -> str | None:
    return None if found is None else found.decode()


def _unpadded(found: bytes | None) -> str | None:
    return None if found is None else found.decode().replace("_", "").replace(chr(_STAND_IN), "_")


_PADDED = re.compile(rf"(?:[^\W\x00-\x7f]|{chr(_STAND_IN)})+")


@lru_cache(maxsize=16)
def _pad(text: str) -> str:
    """Every letter and digit that is not ASCII, and every underscore, between two underscores."""
    text = text.replace(chr(_STAND_IN), "\ufffd").replace("_", chr(_STAND_IN))
    return _PADDED.sub(lambda run: f"_{'__'.join(run[0])}_", text)


def _on_re2(pattern: str) -> Any:
    """The compiled pattern; None: it is too big."""
    options: Any = re2.Options()
    options.log_errors = False
    options.max_mem = _MEMORY_BYTES
    try:
        ready = re2.compile(pattern.encode(), options)
    except re2.error:
        return None
    return ready if ready.programsize <= _MOST_INSTRUCTIONS else None


class _Translator:
    """Python's parsed pattern in RE2's syntax."""

    def __init__(self, one: Callable[[Ranges], str]) -> None:
        """`one`: how a set of characters is written, of which one stands there."""
        self._one = one
        self.has_boundary = False

    def sequence(self, nodes: Iterable[tuple[Any, Any]], flags: int) -> str:
        return "".join(self._node(op, value, flags) for op, value in nodes)

    def _node(self, op: Any, value: Any, flags: int) -> str:
        if op in _REFUSED:
            raise Unsuitable(f"expected a regular expression that RE2 runs in linear time; it has {_REFUSED[op]}")
        if op is c.AT:
            return self._at(value, flags)
        if op is c.BRANCH:
            return "(?:" + "|".join(self.sequence(branch, flags) for branch in value[1]) + ")"
        if op is c.SUBPATTERN:
            group, added, removed, inner = value
            return ("(?:" if group is None else "(") + self.sequence(inner, (flags | added) & ~removed) + ")"
        if op in (c.MAX_REPEAT, c.MIN_REPEAT):
            least, most, inner = value
            lazy = "?" if op is c.MIN_REPEAT else ""
            return f"(?:{self.sequence(inner, flags)}){_times(least, most)}{lazy}"
        return self._one(characters(op, value, flags))

    def _at(self, value: Any, flags: int) -> str:
        if value is c.AT_NON_BOUNDARY:
            raise Unsuitable(r"expected a regular expression without \B: write the letters that may stand there, as \w")
        if value is c.AT_BOUNDARY:
            self.has_boundary = self.has_boundary or not flags & re.ASCII
            return r"\b"
        if value is c.AT_BEGINNING:
            return "(?m:^)" if flags & re.MULTILINE else r"\A"
        if value is c.AT_END:
            return "(?m:$)" if flags & re.MULTILINE else r"(?:\n?\z)"
        return r"\A" if value is c.AT_BEGINNING_STRING else r"\z"


@lru_cache(maxsize=1024)
def _one(given: Ranges) -> str:
    """One character out of a set."""
    return as_class(given)


@lru_cache(maxsize=1024)
def _one_ascii(given: Ranges) -> str:
    """The same in a text that is ASCII."""
    return as_class(intersection(given, _ASCII))


@lru_cache(maxsize=1024)
def _one_padded(given: Ranges) -> str:
    """The same in a text in which letters and digits beyond ASCII are between underscores, and nothing else is."""
    words = intersection(of_class("w"), complement(_ASCII))
    beyond = intersection(given, complement(_ASCII))
    bare = intersection(given, complement(((_UNDERSCORE, _UNDERSCORE),)))
    if not intersection(beyond, complement(words)):
        bare = intersection(bare, _ASCII)
    between = beyond if intersection(words, complement(beyond)) else ((0x80, LAST),)
    between = intersection(between, ((0, _STAND_IN - 1),))
    if intersection(given, ((_UNDERSCORE, _UNDERSCORE),)):
        between = ranges((*between, (_STAND_IN, _STAND_IN)))
    return f"(?:{as_class(bare)}|_{as_class(between)}_)" if between else as_class(bare)


def _times(least: Any, most: Any) -> str:
    if most is c.MAXREPEAT:
        return {0: "*", 1: "+"}.get(least, f"{{{least},}}")
    return f"{{{least},{most}}}"


def characters(op: Any, value: Any, flags: int) -> Ranges:
    """What one node that stands for a character can be."""
    if op is c.ANY:
        return ((0, LAST),) if flags & re.DOTALL else complement(((10, 10),))
    members = value if op is c.IN else [(c.LITERAL, value)]
    negated = op is c.NOT_LITERAL
    found: list[tuple[int, int]] = []
    for kind, member in members:
        if kind is c.NEGATE:
            negated = True
        elif kind is c.LITERAL:
            found.append((member, member))
        elif kind is c.RANGE:
            found.append(member)
        else:
            found += _category(member, flags)
    given = without_case(ranges(found)) if flags & re.IGNORECASE else ranges(found)
    return complement(given) if negated else given


_CATEGORIES = {
    c.CATEGORY_DIGIT: ("d", False),
    c.CATEGORY_NOT_DIGIT: ("d", True),
    c.CATEGORY_SPACE: ("s", False),
    c.CATEGORY_NOT_SPACE: ("s", True),
    c.CATEGORY_WORD: ("w", False),
    c.CATEGORY_NOT_WORD: ("w", True),
}


def _category(category: Any, flags: int) -> Ranges:
    name, is_negated = _CATEGORIES[category]
    given = of_class(name, bool(flags & re.ASCII))
    return complement(given) if is_negated else given
