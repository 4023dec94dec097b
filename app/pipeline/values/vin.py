"""Vehicle identification numbers (ISO 3779, ISO 3780; 49 CFR 565 for North America).

vininfo was tried: its check accepts seventeen ones, and it takes ten times as long.
"""

from __future__ import annotations

import re
from operator import mul

_FORM = re.compile("[A-HJ-NPR-Z0-9]{17}")
_LONGEST = 60
_DROP = str.maketrans("", "", " -\u00a0\u2010\u2011\u2012\u2013\u2014\u200b\t")
_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
_LETTER_VALUES = bytes.maketrans(
    b"0123456789ABCDEFGHJKLMNPRSTUVWXYZ", bytes([*range(10), *range(1, 9), *range(1, 6), 7, 9, *range(2, 10)])
)
_CHECK_DIGITS = "0123456789X"
_YEAR_CODES = {code: 1980 + place for place, code in enumerate("ABCDEFGHJKLMNPRSTVWXY123456789")}
_CHECKED_SINCE = 1981
_NORTH_AMERICA = frozenset("12345")


Vin = tuple[str | None, bool]
"""The VIN when what was sent is a valid one, and whether it is suspicious: valid, and does not fit all the same."""

_INVALID: Vin = (None, False)


def check_vin(text: str, year: int | None) -> Vin:
    """Judge a VIN: 17 characters without I, O and Q; fillers refused; the check digit only where it is law.

    Position 9 is a check digit for North America (first character 1 to 5) from model year 1981 on; for China (L) a
    wrong one is only suspicious; elsewhere it is free, so European VINs are not tested. Before 1981 a chassis number
    is no VIN. The model year code (position 10, a cycle of 30 years) is compared for North America only. The last
    four are digits (ISO 3779): letters there are suspicious, and a filler if they are all the same.
    """
    vin = text if len(text) == 17 and text.isupper() else text[:_LONGEST].translate(_DROP).upper()
    if _FORM.fullmatch(vin) is None or vin.isdigit() or vin.count(vin[0]) == 17:
        return _INVALID
    if year is not None and year < _CHECKED_SINCE:
        return _INVALID
    odd = not vin[13:].isdigit()
    if odd and (vin.isalpha() or vin[13:] == vin[13] * 4):
        return _INVALID
    if vin[0] in _NORTH_AMERICA:
        return (vin, odd or not _year_fits(vin, year)) if _check_digit(vin) == vin[8] else _INVALID
    return vin, odd or (vin[0] == "L" and _check_digit(vin) != vin[8])


def _check_digit(vin: str) -> str:
    """49 CFR 565.15(c): weighted sum of transliterated characters, modulo 11."""
    return _CHECK_DIGITS[sum(map(mul, _WEIGHTS, vin.encode().translate(_LETTER_VALUES))) % 11]


def _year_fits(vin: str, year: int | None) -> bool:
    """The model year may differ by one from the year given: that may be the year of registration."""
    coded = _YEAR_CODES.get(vin[9])
    return year is None or (coded is not None and (year - coded) % 30 in (0, 1, 29))
