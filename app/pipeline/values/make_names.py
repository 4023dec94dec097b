"""One make by its names, from the table `connectors/words/makes.yaml`.

The table is data of the program, as its code is: read once, when the first make is looked up.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

import yaml

from app.errors import FailureCode, OperatorError
from app.pipeline.values.text import fold

TABLE = Path(__file__).resolve().parents[3] / "connectors" / "words" / "makes.yaml"
_LATIN = re.compile(r"[\x00-\u024f]+")


@dataclass(frozen=True, slots=True)
class Make:
    """A make as it is counted, and what else a text may call it."""

    key: str
    names: tuple[str, ...]
    """All names in Latin letters, the usual one first."""


@cache
def makes() -> Mapping[str, Make]:
    """Each make by the keys of all its names; `OperatorError(DECLARATION_INVALID)` when the table can not be read."""
    try:
        table = yaml.safe_load(TABLE.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise OperatorError(
            FailureCode.DECLARATION_INVALID, f"{TABLE}: expected the table of makes ({type(error).__name__})"
        ) from error
    return make_table(table)


def make_table(table: Mapping[str, list[str]]) -> dict[str, Make]:
    """`makes` of a table: the usual name of each make, and its other names."""
    found: dict[str, Make] = {}
    for usual, others in table.items():
        names = (usual, *others)
        make = Make(fold(usual), tuple(name for name in names if _LATIN.fullmatch(name)))
        for name in names:
            known = found.setdefault(fold(name), make)
            if known is not make:
                raise OperatorError(
                    FailureCode.DECLARATION_INVALID, f"{TABLE}: {name} is a name of {known.names[0]} and of {usual}"
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
