"""One make by its names (`connectors/words/makes.yaml`)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from app.errors import FailureCode, OperatorError
from app.pipeline.values.text import fold
from app.words import make_words

_LATIN = re.compile(r"[\x00-\u024f]+")


@dataclass(frozen=True, slots=True)
class Make:
    """A make as it is counted, and what else a text may call it."""

    key: str
    names: tuple[str, ...]
    """All names in Latin letters, the usual one first."""


@cache
def makes() -> Mapping[str, Make]:
    """Each make by the keys of all its names."""
    return make_table(make_words())


def make_table(table: Mapping[str, Sequence[str]]) -> dict[str, Make]:
    """Each make by the keys of its usual name and the others; `OperatorError` when a name would mean two."""
    found: dict[str, Make] = {}
    for usual, others in table.items():
        names = (usual, *others)
        make = Make(fold(usual), tuple(name for name in names if _LATIN.fullmatch(name)))
        for name in names:
            known = found.setdefault(fold(name), make)
            if known is not make:
                raise OperatorError(
                    FailureCode.DECLARATION_INVALID, f"makes.yaml: {name} is a name of {known.names[0]} and of {usual}"
                )
    return found


@lru_cache(maxsize=8192)
def make_of(name: str) -> Make:
    """The make that a name stands for; its `names` are empty where the name alone says it all."""
    folded = fold(name)
    make = makes().get(folded)
    if make is None or (len(make.names) == 1 and folded == make.key):
        return Make(folded, ())
    return make
