"""Odometers: value and unit as written, and kilometres."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import NamedTuple

from app.model.listing import MileageUnit
from app.pipeline.values.codes import MILES_COUNTRIES
from app.pipeline.values.numbers import TOKEN, decimal_of, parse_number
from app.pipeline.values.text import is_null

KM_PER_MILE = 1.609344
"""Exact, by the international yard and pound agreement of 1959."""
_LONGEST = 60
_MOST = Decimal(2_147_483_647)

_UNITS: dict[str, MileageUnit] = dict.fromkeys(
    (
        "km",
        "kms",
        "kmt",
        "ktm",
        "kilometer",
        "kilometers",
        "kilometre",
        "kilometres",
        "kilometros",
        "quilometros",
        "kilometrów",
        "км",
    ),
    MileageUnit.KM,
) | dict.fromkeys(("mi", "mi.", "mile", "miles", "mls", "smi", "meilen", "mijl"), MileageUnit.MI)
"""KMT and SMI are UN/CEFACT Recommendation 20 codes, KTM a common slip for KMT."""
_FACTORS = {
    "k": 1000,
    "тыс": 1000,
    "тис": 1000,
    "хил": 1000,
    "tkm": 1000,
    "tsd": 1000,
    "万km": 10_000,
    "万公里": 10_000,
}
"""Words that multiply: thousands, and ten thousands in Japan and China."""
_FACTOR_WORDS = frozenset(_FACTORS)
_FACTOR_OF = {"tkm": "km", "万km": "km", "万公里": "km"}
_ROUGHLY = frozenset({"approx", "ca", "circa", "about", "env", "environ", "ok", "около", "ungefähr", "rund"})
_NOISE = frozenset({"odometer", "mileage", "kilometerstand", "tachostand", "stand", "пробег", "przebieg"})
_PLAIN = re.compile("([0-9]{1,10})(?: ?(km|mi|miles))?")
_WORD = re.compile(r"[^\W\d_]+")
_HIDDEN_DIGITS = re.compile(r"[0-9][xX]{2,}|[*#]")


class Mileage(NamedTuple):
    """An odometer reading; `unit` None: none was named. `understood` False: there was text and no sense in it."""

    value: Decimal | None
    unit: MileageUnit | None
    understood: bool = True
    exact: bool = True
    """False: the text says that it is only about that much."""


_NONE = Mileage(None, None)
_UNREAD = Mileage(None, None, understood=False)


def parse_mileage(value: object, *, scandinavian_mil: bool = False, decimal_mark: str | None = None) -> Mileage:
    """Read "73,556 miles", "216 100 км", "120k", 73556; "202xxx", ranges and negative values are not understood.

    `scandinavian_mil`: the word `mil` is ten kilometres, as in Norway and Sweden. Never raises.
    """
    if not isinstance(value, str):
        number = decimal_of(value)
        return _reading(number, None) if number is not None else (_NONE if value is None else _UNREAD)
    text = value.strip()
    if (plain := _PLAIN.fullmatch(text)) is not None:
        return _reading(Decimal(plain[1]), _UNITS.get(plain[2]))
    if len(text) > _LONGEST:
        return _UNREAD
    if is_null(text):
        return _NONE
    tokens = TOKEN.findall(text)
    if len(tokens) != 1 or _HIDDEN_DIGITS.search(text) or text.startswith(("-", "−", "<", ">")):
        return _UNREAD
    number = parse_number(tokens[0].rstrip(".,"), decimal_mark)
    if number is None:
        return _UNREAD
    words = {word.casefold() for word in _WORD.findall(text)} - _NOISE
    reading = _with_words(number, words - _ROUGHLY, scandinavian_mil)
    return reading._replace(exact=False) if words & _ROUGHLY or "~" in text or "±" in text else reading


def _with_words(number: Decimal, words: set[str], scandinavian_mil: bool) -> Mileage:
    if factors := words & _FACTOR_WORDS:
        if len(factors) > 1:
            return _UNREAD
        number *= _FACTORS[next(iter(factors))]
        words = (words - factors) | {_FACTOR_OF[word] for word in factors & _FACTOR_OF.keys()}
    if scandinavian_mil and words == {"mil"}:
        return _reading(number * 10, MileageUnit.KM)
    if not words:
        return _reading(number, None)
    unit = _UNITS.get(words.pop()) if len(words) == 1 else None
    return _UNREAD if unit is None else _reading(number, unit)


def _reading(number: Decimal, unit: MileageUnit | None) -> Mileage:
    return Mileage(number, unit) if 0 <= number <= _MOST else _UNREAD


def parse_unit(value: object) -> MileageUnit | None:
    """The unit that a column names ("KM", "MILES", "SMI"); None when it names none that is known."""
    return _UNITS.get(value.strip().casefold().rstrip(".")) if isinstance(value, str) else None


def default_unit(country: str | None) -> MileageUnit:
    """What an odometer without a unit counts there."""
    return MileageUnit.MI if country in MILES_COUNTRIES else MileageUnit.KM


def to_km(value: float, unit: str) -> int:
    """Whole kilometres, half up."""
    return int((value * KM_PER_MILE if unit == "mi" else value) + 0.5)
