"""Our own fields as people write them: read where a text can mean one thing only, else left for the check to refuse.

Only records that are not plain come here. A doubt (a price without tax, an odometer told roughly) is not read: there is
no profile that could say what is meant.
"""

from __future__ import annotations

import re
from typing import Any

from app.model.listing import Field, MileageUnit, PriceStatus
from app.pipeline.values.dates import parse_year
from app.pipeline.values.engine import parse_displacement, parse_power
from app.pipeline.values.mileage import parse_mileage, parse_unit
from app.pipeline.values.price import parse_price
from app.pipeline.values.words import WORDS, read_word

_AMOUNTS = ("price_amount", "price_net", "price_msrp", "price_previous")
_PLAIN = re.compile(r"-?[0-9]+(?:\.[0-9]{1,2})?")
_LATEST_YEAR = 2100


def read_word_of(field: Field, text: str) -> str:
    """The value of an enumerated field that a common word stands for; other texts in small letters, as they are."""
    if field.name == "mileage_unit":
        unit = parse_unit(text)
        return text.lower() if unit is None else unit.value
    found = read_word(field.name, text, {}) if field.name in WORDS else None
    return text.lower() if found is None else found.value


def read_texts(given: dict[str, Any]) -> None:
    """Exchange texts of amounts, odometers, years and engine figures for what they say."""
    for name in _AMOUNTS:
        if _is_text(given, name):
            _read_amount(given, name)
    if _is_text(given, "mileage_value"):
        _read_odometer(given)
    if _is_text(given, "mileage_km"):
        mileage = parse_mileage(given["mileage_km"])
        if mileage.value is not None and mileage.exact and mileage.unit is not MileageUnit.MI:
            given["mileage_km"] = round(mileage.value)
    for name in ("year", "build_year"):
        if name in given and (year := parse_year(given[name], _LATEST_YEAR)) is not None:
            given[name] = year
    for name, parse in (("power_kw", parse_power), ("engine_cc", parse_displacement)):
        if _is_text(given, name) and (figure := parse(given[name])) is not None:
            given[name] = figure


def _is_text(given: dict[str, Any], name: str) -> bool:
    value = given.get(name)
    return isinstance(value, str) and _PLAIN.fullmatch(value) is None


def _read_amount(given: dict[str, Any], name: str) -> None:
    price = parse_price(given[name])
    if price.amount is None:
        if price.understood and price.status is not PriceStatus.IMPLAUSIBLE:
            del given[name]
            if name == "price_amount" and price.status is PriceStatus.ON_REQUEST:
                given.setdefault("price_status", price.status.value)
        return
    named = str(given.get("price_currency", price.currency)).upper()
    if price.net or price.currency not in (None, named):
        return
    given[name] = float(price.amount)
    if price.currency is not None:
        given["price_currency"] = price.currency


def _read_odometer(given: dict[str, Any]) -> None:
    mileage = parse_mileage(given["mileage_value"])
    if mileage.value is not None and mileage.exact:
        given["mileage_value"] = float(mileage.value)
        if mileage.unit is not None:
            given["mileage_unit"] = mileage.unit.value
