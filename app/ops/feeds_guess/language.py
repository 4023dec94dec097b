"""The language of a sender's column names, and what follows from it: the country, where it is spoken in one only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from app.ops.feeds_guess.names import languages

_FEWEST = 3
_COUNTRIES = {
    "swedish": "SE", "norwegian": "NO", "danish": "DK", "finnish": "FI", "polish": "PL", "czech": "CZ", "slovak": "SK",
    "slovene": "SI", "hungarian": "HU", "romanian": "RO", "bulgarian": "BG", "ukrainian": "UA", "turkish": "TR",
    "hebrew": "IL", "japanese": "JP", "korean": "KR",
}  # fmt: skip
"""Language → country; not German, Dutch, French, Italian, Spanish, Portuguese, Serbo-Croatian, Russian, Greek, Arabic,
Chinese, which are written in several."""


@dataclass(frozen=True, slots=True)
class Language:
    """What the names are written in; `name` is None when several of a family would do."""

    name: str | None
    country: str | None


def language_of(paths: Iterable[str]) -> Language | None:
    """The language in which most names are known that English has not; None when too few are."""
    counts: Counter[str] = Counter()
    foreign = 0
    for path in paths:
        found = languages(path)
        if found and "english" not in found:
            foreign += 1
            counts.update(found)
    if foreign < _FEWEST:
        return None
    (first, most), *others = counts.most_common(2)
    clear = most >= _FEWEST and (not others or others[0][1] < most)
    return Language(first, _COUNTRIES.get(first)) if clear else Language(None, None)
