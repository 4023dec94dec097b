"""Numbers as people write them: group and decimal marks of any country, blanks of any kind."""

from __future__ import annotations

import re
from decimal import Decimal

_BLANK_MARKS = "\u00a0\u202f\u2009\u2007\u2008 '’\u02bc"
_TO_BLANK = str.maketrans(dict.fromkeys(_BLANK_MARKS, " "))
TOKEN = re.compile(rf"[0-9](?:[0-9.,]|[{_BLANK_MARKS}](?=[0-9]{{3}}(?![0-9])))*")
"""A number inside a text; blanks only where three digits follow."""
_DIGITS_MAX = 18
_LONGEST = 60
_LONG_TEXT = 500


def parse_number(text: str, decimal_mark: str | None = None) -> Decimal | None:
    """The number that `text` is, without sign; None when it is none or could not be told.

    Without a `decimal_mark`: of two kinds of marks the last is the decimal mark; a single mark before exactly
    three digits groups them (vehicles cost and run thousands), unless only zeros stand before it; a repeated
    mark groups. Groups may be Indian (2, then 3 digits).
    """
    if len(text) > _LONGEST:
        return None
    text = text.translate(_TO_BLANK).strip()
    whole, _, fraction = _split(text, decimal_mark)
    if not fraction.isdecimal() and fraction:
        return None
    digits = _ungrouped(whole)
    if digits is None or len(digits) + len(fraction) > _DIGITS_MAX or not (digits + fraction).isascii():
        return None
    return Decimal(f"{digits}.{fraction}" if fraction else digits)


def _split(text: str, decimal_mark: str | None) -> tuple[str, str, str]:
    """Whole part with its group marks, the decimal mark, decimals."""
    if decimal_mark is not None:
        return text.rpartition(decimal_mark) if decimal_mark in text else (text, "", "")
    last = max(text.rfind("."), text.rfind(","))
    if last < 0:
        return text, "", ""
    mark, other = text[last], "," if text[last] == "." else "."
    whole, fraction = text[:last], text[last + 1 :]
    if other not in whole and (mark in whole or (len(fraction) == 3 and whole.strip("0"))):
        return text, "", ""
    return whole, mark, fraction


def _ungrouped(whole: str) -> str | None:
    groups = re.split("[., ]", whole)
    if len(groups) == 1:
        return whole if whole.isdecimal() else None
    if not all(group.isdecimal() for group in groups) or len({c for c in whole if c in "., "}) > 1:
        return None
    right = len(groups[-1]) == 3 and all(len(group) in (2, 3) for group in groups[1:-1]) and len(groups[0]) <= 3
    return "".join(groups) if right else None


def only_number(text: str, decimal_mark: str | None = None) -> Decimal | None:
    """The one number in `text`; None when there is none, or more than one (a range, a telephone number)."""
    tokens = [token.rstrip(".,") for token in TOKEN.findall(text)] if len(text) <= _LONG_TEXT else []
    return parse_number(tokens[0], decimal_mark) if len(tokens) == 1 else None


def decimal_of(value: object) -> Decimal | None:
    """A JSON or Avro number as a decimal, the digits as they were written; None for anything else or infinity."""
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        return None
    if isinstance(value, int):
        return Decimal(value) if value.bit_length() < 64 else None
    number = value if isinstance(value, Decimal) else Decimal(repr(value))
    return number if number.is_finite() else None
