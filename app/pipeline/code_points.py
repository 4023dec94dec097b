"""Sets of characters as ranges of code points: what Python's `re` means by `\\w`, and what is left without it."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable
from functools import lru_cache

Ranges = tuple[tuple[int, int], ...]
"""(first, last), in order, never touching."""

LAST = 0x10FFFF
_NO_SURROGATES: Ranges = ((0, 0xD7FF), (0xE000, LAST))
_MANY = 2_000
_SAME = {
    letter: frozenset(letters)
    for letters in ["iIıİ", "sSſ", "kKK", "åÅÅ", "µμΜ", "σςΣ", "ωΩΩ", "βϐΒ", "θϑϴΘ", "φϕΦ", "πϖΠ", "κϰΚ", "ρϱΡ", "εϵΕ"]
    for letter in letters
}
"""Letters that are one where case does not count, though neither is the other's upper or lower case."""


def ranges(pairs: Iterable[tuple[int, int]]) -> Ranges:
    """The pairs in order, overlapping and touching ones joined."""
    joined: list[tuple[int, int]] = []
    for first, last in sorted(pairs):
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(last, joined[-1][1]))
        else:
            joined.append((first, last))
    return tuple(joined)


@lru_cache(maxsize=256)
def complement(given: Ranges) -> Ranges:
    """Every other character."""
    left, at = [], 0
    for first, last in given:
        if at < first:
            left.append((at, first - 1))
        at = last + 1
    if at <= LAST:
        left.append((at, LAST))
    return tuple(left)


def intersection(one: Ranges, other: Ranges) -> Ranges:
    few, many = sorted((one, other), key=len)
    found = []
    for first, last in few:
        place = max(0, bisect_right(many, (first, LAST + 1)) - 1)
        while place < len(many) and many[place][0] <= last:
            if many[place][1] >= first:
                found.append((max(first, many[place][0]), min(last, many[place][1])))
            place += 1
    return tuple(found)


def without_case(given: Ranges) -> Ranges:
    """With the other case of each letter; a range of thousands stays as it is."""
    if sum(last - first + 1 for first, last in given) > _MANY:
        return given
    more = {ord(other) for first, last in given for code in range(first, last + 1) for other in _cases(chr(code))}
    return ranges((*given, *((code, code) for code in more)))


def _cases(character: str) -> Iterable[str]:
    if character in _SAME:
        return _SAME[character]
    forms = {character.lower(), character.upper(), character.title(), character.casefold()}
    forms |= {form.lower() for form in forms} | {form.upper() for form in forms}
    return (form for form in forms if len(form) == 1)


def of_class(name: str, ascii_only: bool = False) -> Ranges:
    """What `\\d`, `\\w` or `\\s` stands for in Python's `re`; `name`: its letter."""
    return _classes(ascii_only)[name]


@lru_cache(maxsize=2)
def _classes(ascii_only: bool) -> dict[str, Ranges]:
    every = "".join(map(chr, range(128 if ascii_only else LAST + 1)))
    flags = re.ASCII if ascii_only else 0
    return {
        name: tuple((match.start(), match.end() - 1) for match in re.finditer(rf"\{name}+", every, flags))
        for name in "dws"
    }


def as_class(given: Ranges) -> str:
    """The set in RE2's syntax; surrogates, which no text has, are left out."""
    plain = intersection(given, _NO_SURROGATES)
    if not plain:
        return r"[^\x{0}-\x{10FFFF}]"
    return "[" + "".join(f"\\x{{{a:X}}}" if a == b else f"\\x{{{a:X}}}-\\x{{{b:X}}}" for a, b in plain) + "]"
