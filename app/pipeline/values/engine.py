"""Power, displacement and cylinders, out of numbers and engine descriptions."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal

from app.pipeline.values.numbers import TOKEN, decimal_of, parse_number

_KW: dict[str, Decimal] = {"kw": Decimal(1), "ps": Decimal("0.73549875"), "hp": Decimal("0.745699872")}
"""Metric horsepower: 75 kgf·m/s; mechanical horsepower: 550 ft·lbf/s."""
_MOST = 10_000
"""More "KM" are kilometres."""
_FISCAL_BELOW = 30
"""Fewer "CV" are French tax classes ("(4 CV)"); cars with more than a moped's engine have more of the other kind."""
_NUMBER = r"(?<![0-9.,–-])([0-9]{1,6}(?:[.,][0-9]{1,2})?)\s*"
"""Without group marks: they would join what stands beside it ("1598 cm3 110 KM")."""
_GROUP_BEFORE = re.compile(r"(?:^|[^\w.,])[0-9]{1,3}[\u00a0\u202f ]$")
_POWER = (
    (re.compile(_NUMBER + r"(?:kw|квт)\b", re.IGNORECASE), "kw"),
    (re.compile(_NUMBER + r"(?:ps|pk|ch|hk|hv|ks|cp|km|[лк]\.?\s?с\.?)(?![^\W\d_])", re.IGNORECASE), "ps"),
    (re.compile(_NUMBER + r"cv(?![^\W\d_])", re.IGNORECASE), "cv"),
    (re.compile(_NUMBER + r"b?hp\b", re.IGNORECASE), "hp"),
)
_RANGE = re.compile(r"[0-9]\s*[-–]\s*[0-9]")
_LITRES = re.compile(
    r"(?<![0-9.,])([0-9]{1,2}[.,][0-9]{1,3})\s*-?(?:l|л|t|ltr|litres?|liters?|litros?)(?![^\W\d_]|\s*/\s*100)",
    re.IGNORECASE,
)
"""Not "5,2 l/100 km": that is what it takes."""
_CC = re.compile(
    r"(?<![\w.,–-])([0-9]{1,2}[.,'\u00a0\u202f ][0-9]{3}|[0-9]{2,5}(?:[.,][0-9]{1,2})?)\s*"
    r"(?:cc|ccm|cm3|cm³|см3|см³)(?![^\W\d_])",
    re.IGNORECASE,
)
_CYLINDERS = (
    re.compile(r"(?<![0-9.])([0-9]{1,2})[\s-]*(?:cyl|zyl|cil)", re.IGNORECASE),
    re.compile(r"(?<![A-Za-z0-9])[VILHWR]-?(1[026]|[2-68])(?![0-9A-Za-z.])"),
    re.compile(r"\b(?:straight|inline|in-line|flat)[\s-]?([0-9]{1,2})\b", re.IGNORECASE),
)
_COUNT = re.compile(r"([0-9]{1,2})(?:\.0)?")
_LITRES_BELOW = 20
"""A displacement without unit below it is in litres: no car has 20 litres, none has 20 cm³."""


def parse_power(value: object, unit: str | None = None) -> int | None:
    """Kilowatts of "158 PS", "63 kW (86 PK)", "88.7 bhp" or, in `unit`, of a plain number; None for ranges and 0.

    Kilowatts win when both are named. Horsepower without a country is metric, as everywhere but in the UK and US;
    so is the Polish KM. A small number of CV is a tax class.
    """
    if isinstance(value, str):
        if len(value) > 200 or _RANGE.search(value):
            return None
        for pattern, named in _POWER:
            if (found := pattern.search(value)) is not None:
                number = parse_number(found[1].strip())
                if len(found[1]) == 3 and _GROUP_BEFORE.search(value[: found.start()]):
                    return None  # the end of a longer number: "216 100 km"
                if number is None or number > _MOST or (named == "cv" and number < _FISCAL_BELOW):
                    return None
                return _whole(number, _KW["ps" if named == "cv" else named])
        number = _plain(value)
    else:
        number = decimal_of(value)
    return _whole(number, _KW[unit]) if unit in _KW else None


def parse_displacement(value: object) -> int | None:
    """Cubic centimetres of "1.390 cm³", "998 CC", "3.5L V6 24V", 0.999 (litres), 1498; None for ranges and 0."""
    if isinstance(value, str):
        if len(value) > 300 or _RANGE.search(value):
            return None
        if (found := _CC.search(value)) is not None:
            return _whole(parse_number(found[1].strip()), Decimal(1))
        if (found := _LITRES.search(value)) is not None:
            return _whole(Decimal(found[1].replace(",", ".")), Decimal(1000))
        number = _plain(value)
    else:
        number = decimal_of(value)
    if number is None:
        return None
    return _whole(number, Decimal(1000 if number < _LITRES_BELOW else 1))


def parse_cylinders(value: object) -> int | None:
    """Cylinders of "4Cyl", "3.6L V6 engine", "Straight 6", 4; None when the text does not say."""
    if not isinstance(value, str):
        number = decimal_of(value)
        return int(number) if number is not None and 0 < number < 100 and number == int(number) else None
    for pattern in _CYLINDERS:
        if (found := pattern.search(value[:300])) is not None:
            return int(found[1]) or None
    count = _COUNT.fullmatch(value.strip())
    return int(count[1]) or None if count is not None else None


def _plain(text: str) -> Decimal | None:
    text = text.strip()
    return parse_number(text) if TOKEN.fullmatch(text) else None


def _whole(number: Decimal | None, factor: Decimal) -> int | None:
    """Rounded half up; None for 0, which senders write for "not known"."""
    if number is None or not 0 < number < 10**9:
        return None
    return int((number * factor).quantize(Decimal(1), ROUND_HALF_UP)) or None
