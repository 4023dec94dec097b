"""Readers for what sets more than one field: amounts with their currency, odometers with their unit, lists, places.

A reader takes one value of the sender, puts what it understood into the listing, and says whether it understood.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from decimal import Decimal
from itertools import islice

from app.model.listing import BY_NAME, Kind, MileageUnit, PriceStatus, Quality
from app.pipeline.profile import Defaults, Rule
from app.pipeline.validate import Listing
from app.pipeline.values.codes import SCANDINAVIAN_MIL_COUNTRIES
from app.pipeline.values.mileage import default_unit, parse_mileage
from app.pipeline.values.numbers import decimal_of
from app.pipeline.values.price import parse_price
from app.pipeline.values.text import clean, is_http, is_null, shorten, to_text

GroupReader = Callable[[object, Listing, list[Quality]], bool]

_ENTRY_MAX = 512
_MOST_ENTRIES = 2_000
"""Of a column with a list, so many are looked at; a hundred different ones are kept."""


def group_reader(target: str, rule: Rule, defaults: Defaults) -> GroupReader | None:
    """The reader for a target that is more than one field; None for plain fields."""
    match target:
        case "mileage":
            return _mileage(rule, defaults)
        case "latitude":
            return _degrees("lat", 90)
        case "longitude":
            return _degrees("lon", 180)
    match BY_NAME[target].kind:
        case Kind.MONEY:
            return _amount(target, rule, defaults)
        case Kind.TEXTS:
            return _list(target, rule, lambda entry: shorten(entry, _ENTRY_MAX))
        case Kind.URLS:
            return _list(target, rule, lambda entry: entry if is_http(entry) else "")
    return None


def gathers(target: str) -> bool:
    """True for lists: every source counts, not just the first that says something."""
    return target in BY_NAME and BY_NAME[target].kind in (Kind.TEXTS, Kind.URLS)


def _amount(name: str, rule: Rule, defaults: Defaults) -> GroupReader:
    """Currency: a code in the value, else the column's, else a sign in the value, else the rule's (the header says
    it), else the default (flagged)."""
    is_price = name == "price_amount"
    plain = rule.scale is None and rule.decimal_mark is None

    def read(value: object, listing: Listing, flags: list[Quality]) -> bool:
        price = parse_price(value) if plain else parse_price(value, scale=rule.scale, decimal_mark=rule.decimal_mark)
        if is_price and price.status is not PriceStatus.OK:
            listing["price_status"] = price.status.value
        if price.amount is None:
            return price.understood
        named = listing.get("price_currency")
        currency = named or price.currency or rule.currency or defaults.currency
        if named is not None and price.currency not in (None, named):
            if not is_price:
                return False  # every amount of a listing has the currency of its price
            currency = price.currency if price.by_code else named
            flags.append(Quality.CURRENCY_AMBIGUOUS)
        if currency is None:
            return False
        if price.net and is_price:
            flags.append(Quality.PRICE_WITHOUT_TAX)
        if price.currency is None and named is None and rule.currency is None:
            flags.append(Quality.CURRENCY_DEFAULTED)
        listing["price_currency"] = currency
        listing[name] = float(price.amount)
        return True

    return read


def _mileage(rule: Rule, defaults: Defaults) -> GroupReader:
    """Unit: in the value, else the unit column's, else the rule's (the header says it), else the default (flagged)."""
    by_rule = MileageUnit(rule.unit).value if rule.unit else None
    default = None if defaults.mileage_unit is None else defaults.mileage_unit.value

    def read(value: object, listing: Listing, flags: list[Quality]) -> bool:
        country = listing.get("country", defaults.country)
        mil = country in SCANDINAVIAN_MIL_COUNTRIES
        mileage = parse_mileage(value, scandinavian_mil=mil, decimal_mark=rule.decimal_mark)
        if mileage.value is None:
            return mileage.understood
        unit = (mileage.unit and mileage.unit.value) or listing.get("mileage_unit") or by_rule
        if unit is None:
            flags.append(Quality.UNIT_DEFAULTED)
            unit = default or default_unit(country).value
        listing["mileage_value"] = float(mileage.value)
        listing["mileage_unit"] = unit
        if not mileage.exact:
            flags.append(Quality.MILEAGE_SUSPICIOUS)
        return True

    return read


def _list(name: str, rule: Rule, tidy: Callable[[str], str]) -> GroupReader:
    def read(value: object, listing: Listing, flags: list[Quality]) -> bool:
        found = (tidy(entry) for text in _texts(value) for entry in _entries(text, rule.separator))
        entries = [entry for entry in islice(found, _MOST_ENTRIES) if entry]
        if entries:
            listing[name] = listing.get(name, []) + entries
        return True

    return read


def _texts(value: object) -> Iterable[str]:
    if isinstance(value, (list, tuple)):
        return [entry for entry in value[:_MOST_ENTRIES] if isinstance(entry, str)]
    return [value] if isinstance(value, str) else []


def _entries(text: str, separator: str | None) -> list[str]:
    parts = text.split(separator, _MOST_ENTRIES)[:_MOST_ENTRIES] if separator else [text]
    tidied = (clean(to_text(part)) if "<" in part else part.strip() for part in parts)
    return [part if part.isprintable() else clean(part) for part in tidied if not is_null(part)]


_COORDINATE = re.compile(r"-?[0-9]{1,3}(?:\.[0-9]{1,15})?")


def _degrees(name: str, most: float) -> GroupReader:
    def read(value: object, listing: Listing, flags: list[Quality]) -> bool:
        if isinstance(value, str):
            number = Decimal(value) if _COORDINATE.fullmatch(value) else None
        else:
            number = decimal_of(value)
        if number is None or abs(number) > most:
            return False
        listing.setdefault("location", {})[name] = float(number)
        return True

    return read
