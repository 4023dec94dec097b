"""How a profile's texts become values, by the kind of the field.

A parser takes one value of the sender (cleaned text, or a number as it is) and gives the value of one field, None
when it makes no sense, or `NOTHING` when it makes sense and says "not known". Parsers are pure, so their answers
can be remembered. What sets more than one field (a price and its currency) is in `profile_groups`.
"""

from __future__ import annotations

from collections.abc import Callable

from app.model.listing import BY_NAME, ID_MAX, Field, Kind
from app.pipeline.pattern import compiled
from app.pipeline.profile import Rule
from app.pipeline.values.codes import COUNTRIES, COUNTRY_SYNONYMS, CURRENCIES
from app.pipeline.values.dates import parse_month, parse_timestamp, parse_year, rfc3339
from app.pipeline.values.engine import parse_cylinders, parse_displacement, parse_power
from app.pipeline.values.ids import NUMBERED, LostDigits, id_text
from app.pipeline.values.mileage import parse_unit
from app.pipeline.values.numbers import decimal_of, only_number
from app.pipeline.values.price import parse_price
from app.pipeline.values.text import is_http, shorten
from app.pipeline.values.words import fold_word, read_word

Parser = Callable[[object], object]


class _Nothing:
    """Understood, and there is no value."""


NOTHING = _Nothing()

_LATEST_YEAR = 2100
_LONG = 120
"""Longer texts are no words."""
_LONG_TEXTS = ("title", "description")


def parser(target: str, rule: Rule) -> Parser:
    """The parser for a single field under a rule."""
    field = BY_NAME[target]
    if target in _BY_NAME:
        return _BY_NAME[target](rule)
    match field.kind:
        case Kind.ENUM:
            return _enum(field, rule)
        case Kind.IDENTIFIER | Kind.TEXT:
            return _text(field, rule)
        case Kind.INTEGER:
            return lambda value: _count(value, rule)
        case Kind.NUMBER:
            return lambda value: _number(value, rule)
        case Kind.MONTH:
            return lambda value: parse_month(value, day_first=rule.day_first)
        case Kind.TIMESTAMP:
            return lambda value: _moment(value, rule)
        case Kind.COUNTRY:
            return _country
        case Kind.CURRENCY:
            return _currency
    return lambda value: value if isinstance(value, str) and is_http(value) else None


_BY_NAME: dict[str, Callable[[Rule], Parser]] = {
    "year": lambda rule: lambda value: parse_year(value, _LATEST_YEAR),
    "build_year": lambda rule: lambda value: parse_year(value, _LATEST_YEAR),
    "power_kw": lambda rule: lambda value: parse_power(value, rule.unit),
    "engine_cc": lambda rule: parse_displacement,
    "cylinders": lambda rule: parse_cylinders,
    "mileage_unit": lambda rule: _unit,
    "source_listing_id": lambda rule: _id(rule),
}


def _unit(value: object) -> str | None:
    unit = parse_unit(value)
    return None if unit is None else unit.value


def _number(value: object, rule: Rule) -> float | None:
    number = only_number(value, rule.decimal_mark) if isinstance(value, str) else decimal_of(value)
    return None if number is None else float(number)


def _count(value: object, rule: Rule) -> int | None:
    number = _number(value, rule)
    return int(number) if number is not None and number == int(number) else None


def _moment(value: object, rule: Rule) -> str | None:
    moment = parse_timestamp(value, formats=rule.formats, day_first=rule.day_first, epoch_s=rule.epoch_s)
    return None if moment is None else rfc3339(moment)


def _country(value: object) -> str | None:
    code = value.upper() if isinstance(value, str) else ""
    code = COUNTRY_SYNONYMS.get(code, code)
    return code if code in COUNTRIES else None


def _currency(value: object) -> str | None:
    code = value.upper() if isinstance(value, str) else ""
    return code if code in CURRENCIES else parse_price(f"{value} 5000").currency


def _text(field: Field, rule: Rule) -> Parser:
    shortened = field.kind is Kind.TEXT and field.name not in _LONG_TEXTS
    numbered = field.name in NUMBERED

    def parse(value: object) -> object:
        if numbered:
            try:
                value = id_text(value)
            except LostDigits:
                return None
        if not isinstance(value, str):
            if decimal_of(value) is None:
                return None
            value = str(value)
        if rule.strip_point_zero:
            value = value.removesuffix(".0")
        return shorten(value, field.longest) if shortened else value

    return parse


def _id(rule: Rule) -> Parser:
    """Ids that many records share are none: 0 is what exports write for "no number"."""
    text = _text(BY_NAME["source_listing_id"], rule)

    def parse(value: object) -> object:
        found = text(value)
        return None if found == "0" or (isinstance(found, str) and len(found) > ID_MAX) else found

    return parse


def _enum(field: Field, rule: Rule) -> Parser:
    assert field.values is not None
    values = field.values
    table = {fold_word(word): values(value) if value else None for word, value in rule.values.items()}
    patterns = [(compiled(p.match, ignore_case=True), p.value) for p in rule.patterns]

    def parse(value: object) -> object:
        text = value if isinstance(value, str) else str(value).lower()
        found = read_word(field.name, text, table, rule.common_words)
        if found is not None:
            return found.value
        if len(text) < _LONG and fold_word(text) in table:
            return NOTHING
        for pattern, meaning in patterns:
            if pattern.is_in(text):
                return meaning or NOTHING
        return None

    return parse
