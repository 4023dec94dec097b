"""How surely a column is a field, by its name alone; the names are in `feeds_words`.

Names are folded before they are compared: words apart, no case, no accents (`yearOfRegistration`, `Annonse ID`). Of
the names of a field the first are the surest; English counts a little more than other languages, which share words
with other meanings.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from app.ops.feeds_guess.fold import folded
from app.ops.feeds_guess.parents import about_a_picture, allows, may_be_image
from app.ops.feeds_guess.units import header_units, is_measure, spelt
from app.ops.feeds_guess.words import cyrillic, eastern, european, germanic, romance, slavic
from app.ops.feeds_guess.words.english import ENGLISH

NAMES = ENGLISH
"""Field → its English names, the surest first; every field that can be found has some."""
LANGUAGES: dict[str, Mapping[str, str]] = {
    name.lower(): table
    for module in (germanic, romance, slavic, cyrillic, european, eastern)
    for name, table in vars(module).items()
    if name.isupper()
}
"""Language → field → names, beside English."""
_SUREST, _SUREST_OTHER, _LEAST = 100, 94, 40
_BY_PICTURE = 50
"""The score of a column that is named after pictures in words of its own."""


def _table(target: str) -> dict[str, int]:
    table = {folded(name): _SUREST - place for place, name in enumerate(ENGLISH[target].split("|"))}
    for language in LANGUAGES.values():
        for place, name in enumerate(language.get(target, "").split("|")):
            if name and table.get(folded(name), 0) < _SUREST_OTHER - place:
                table[folded(name)] = max(_SUREST_OTHER - place, _LEAST)
    return table


_OF_FIELD = {target: _table(target) for target in ENGLISH}
_SQUEEZED = {
    target: {name.replace(" ", ""): score for name, score in table.items() if " " in name}
    for target, table in _OF_FIELD.items()
}
"""`modelyear`, `couleurexterieure`: the same names without their blanks."""


def _all_names(table: Mapping[str, str]) -> set[str]:
    return {folded(name) for names in table.values() for name in names.split("|")}


_ENGLISH_NAMES = _all_names(ENGLISH)
_NAMES_OF = {language: _all_names(table) for language, table in LANGUAGES.items()}

_SAYS_HOW = {"desc", "int", "num", "numeric", "raw", "formatted", "clean", "text", "in", "w", "в", "en", "ca"}
"""Words of a name that say how the value is written."""
_SAYS_VEHICLE = {
    "vehicle", "car", "veh", "auto", "fahrzeug", "voiture", "vehicule", "veicolo", "veiculo", "carro", "vehiculo",
    "coche",
    "pojazdu", "samochodu", "vozidla", "vozu", "vozila", "automobila", "автомобиля", "авто", "bil", "ajoneuvon",
    "arac",
    "advert", "ad", "listing", "item", "車両", "车辆", "attributes", "info",
}  # fmt: skip
"""Words that any column could have."""
_GENERIC = {"value", "name", "text", "amount", "data", "key", "raw", "formatted", "label", "url", "id", "unit"}
"""Names that say nothing without what stands before them."""
_NAMED = re.compile(r"\[[^\]=]+=([^\]]+)\]\.[^.]+$")
_ENGINE = {
    "engine",
    "motor",
    "moteur",
    "motore",
    "silnik",
    "silnika",
    "двигатель",
    "двигун",
    "двигателя",
    "moottori",
    "max",
}
_REST = {"power_kw": _ENGINE, "engine_cc": _ENGINE}
"""What a name with a unit of the field may consist of, which would not do without the unit."""


def spellings(path: str) -> list[str]:
    """What a path may be called, the fullest name first; `specs[name=Power].value` is called `Power`."""
    named = _NAMED.search(path)
    if named is not None:
        return list(dict.fromkeys([folded(named[1]), folded(named[1].rpartition("/")[2])]))
    parts = re.sub(r"\[[^\[\]]*\]", "", path).split(".")
    last = parts[-1].lstrip("@#")
    if folded(last) not in _GENERIC or len(parts) == 1:
        return list(dict.fromkeys([folded(" ".join(parts)), folded(last)]))
    parent = parts[-2]
    close = [folded(f"{parent} {last}")]
    if folded(last) in ("id", "url", "unit"):
        return close
    further = [folded(f"{parts[-3]} {last}")] if len(parts) > 2 and folded(last) in ("value", "amount") else []
    return [*close, folded(parent), *further]


@lru_cache(maxsize=65536)
def score(target: str, path: str) -> int:
    """How surely a column of that path is the field, by its name alone: 0 to 100."""
    known = _OF_FIELD.get(target, {})
    picture = about_a_picture(path)
    if not allows(target, path) or (picture and (target != "image_urls" or not may_be_image(path))):
        return 0
    best = _BY_PICTURE if picture else 0
    for place, name in enumerate(spellings(path)):
        for less, text in _variants(target, name, path):
            found = known.get(text) or _SQUEEZED[target].get(text, 0) - 2
            best = max(best, found - 10 * place - less)
    return max(0, best - 3 * path.count("."))


def _variants(target: str, name: str, path: str) -> list[tuple[int, str]]:
    """(deduction, text): the name, and what is left of it without words that say nothing about the field."""
    units = {field for field, _ in header_units(name)}
    if units and target not in units:
        return [(0, name)] if _is_whole(target, name) else []
    bare = " ".join(word for word in spelt(name).split() if word not in _SAYS_HOW and not is_measure(word))
    if units and bare in _REST.get(target, ()):
        return [(5, next(iter(_OF_FIELD[target])))]
    barer = " ".join(word for word in bare.split() if word not in _SAYS_VEHICLE)
    return [(0, name), (3, bare), (6, barer)]


def _is_whole(target: str, name: str) -> bool:
    """True for a listed name in which a unit is none: `publié le`, where LE could be horsepower."""
    return name in _OF_FIELD[target] and name not in _OF_FIELD["power_kw"] and name not in _OF_FIELD["mileage"]


def languages(path: str) -> set[str]:
    """The languages in which a column's name is known: `english` alone where it is known there."""
    names = spellings(path)
    if any(name in _ENGLISH_NAMES for name in names):
        return {"english"}
    return {language for language, known in _NAMES_OF.items() if any(name in known for name in names)}
