"""Ids that went through a number: the integer it was, or none.

Spreadsheets, data frames and JSON writers keep long ids as floating-point numbers. One of 2^53 or more stands for
several integers, and one written with an exponent shows fewer digits than it has: two vehicles would become one. In
a column of single precision that begins at 2^24, and whoever reads the column says so (`Rough`).
"""

from __future__ import annotations

import re
from typing import Final

from app.model.record import Rough

EXACT_BELOW: Final = 2**53
"""Every integer below is a floating-point number of its own (IEEE 754, binary64)."""
LOST_DIGITS: Final = (
    "an id with all its digits: below 2^53 as a number (2^24 in single precision), else as text; this went through a "
    "floating-point number (in a spreadsheet, make the column text)"
)
NUMBERED: Final = ("source_listing_id", "stock_number", "dealer_id")
"""Fields that tell vehicles and dealers apart, and can be numbers."""

_NUMBER_LIKE = re.compile(r"[+-]?[0-9]+(?:[.,][0-9]+)?(?:[eE][+-]?[0-9]+)?|[+-]?(?:inf|infinity)", re.IGNORECASE)
_POINT_ZERO = re.compile(r"([+-]?[0-9]+)[.,]0+")
_GROUPED = re.compile(r"[+-]?[1-9][0-9]{0,2}[.,]000")
"""One thousand as many write it, `1,000`: who takes it for 1 makes one vehicle of two."""
_EXPONENT = re.compile(r"[+-]?(?:[0-9]|[0-9]+[.,][0-9]+|[0-9]+(?=[eE][+-]))(?:[.,][0-9]+)?[eE][+-]?[0-9]+")
_SURE_EXPONENT = re.compile(r"[+-]?[0-9]+(?:[.,][0-9]+[eE][+-]?|[eE][+-])[0-9]+")
_INFINITE = frozenset({"inf", "infinity"})
_LONGEST = 400
"""Digits of the greatest number, and some."""


class LostDigits(Exception):
    """The value is a number that may stand for several ids."""


def is_plain(text: str) -> bool:
    """A text that no number was written as, but an integer as its digits: nothing to be looked at."""
    return text.isdigit() or _NUMBER_LIKE.fullmatch(text) is None


def id_text(value: object) -> object:
    """Of a number or a text, the text of the id: `123`, `123.0` and `"123.0"` are `"123"`; others are given back.

    So is `"1,000"`, which may be a thousand or one with decimals: it stays an id of its own.

    Raises `LostDigits` for numbers of 2^53 and more that were floating-point, for rough ones, for such with a fraction,
    for texts in exponent form (`2.28930314431312E+17`, `1E5`; not `12E5`, which no program writes for a number), for
    infinity, and for true and false.
    """
    if isinstance(value, str):
        text = value.strip()
        return text if len(text) > _LONGEST or is_plain(text) else _of_number_like(text)
    if isinstance(value, bool):
        raise LostDigits
    if isinstance(value, float):
        if not value.is_integer() or not _is_exact(value):
            raise LostDigits
        return str(int(value))
    return str(value) if isinstance(value, int) else value


def _is_exact(value: float) -> bool:
    return -EXACT_BELOW < value < EXACT_BELOW and not isinstance(value, Rough)


def _of_number_like(text: str) -> str:
    if _EXPONENT.fullmatch(text) or text.lstrip("+-").lower() in _INFINITE:
        raise LostDigits
    whole = _POINT_ZERO.fullmatch(text)
    if whole is None or _GROUPED.fullmatch(text):
        return text
    number = abs(int(whole[1]))
    if number >= EXACT_BELOW:
        raise LostDigits
    return whole[1] if number else "0"


def has_lost_digits(value: object) -> bool:
    """No id can be told from it."""
    try:
        id_text(value)
    except LostDigits:
        return True
    return False


def part_text(value: object) -> str:
    """What a column adds to an id that is made of several: as it prints, an integral number as an integer.

    Raises `LostDigits` as above; a number with a fraction (an engine of 1.6 litres) is itself.
    """
    if isinstance(value, float):
        if not _is_exact(value):
            raise LostDigits
        return str(int(value)) if value.is_integer() else str(value)
    text = str(value)
    if len(text) <= _LONGEST and _SURE_EXPONENT.fullmatch(text.strip()):
        raise LostDigits
    return text
