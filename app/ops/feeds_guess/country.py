"""The country of a sender by its postcodes and states, where only one country writes them so."""

from __future__ import annotations

import re
from collections.abc import Mapping

from app.ops.feeds_guess.records import Guess, Records

_MOST = 0.9
_POSTCODES = (
    ("CA", re.compile(r"[A-Za-z]\d[A-Za-z][ -]?\d[A-Za-z]\d")),
    ("GB", re.compile(r"[A-Za-z]{1,2}\d[A-Za-z\d]? ?\d[A-Za-z]{2}")),
    ("NL", re.compile(r"\d{4} ?[A-Z]{2}")),
    ("PL", re.compile(r"\d{2}-\d{3}")),
    ("PT", re.compile(r"\d{4}-\d{3}")),
    ("BR", re.compile(r"\d{5}-\d{3}")),
    ("JP", re.compile(r"〒?\d{3}-\d{4}")),
)
_ZIP = re.compile(r"\d{5}(?:-\d{4})?")
_STATES = {
    "AL", "AK", "AZ", "AR", "CA", "CO", "CT", "DE", "FL", "GA", "HI", "ID", "IL", "IN", "IA", "KS", "KY", "LA",
    "ME", "MD", "MA", "MI", "MN", "MS", "MO", "MT", "NE", "NV", "NH", "NJ", "NM", "NY", "NC", "ND", "OH", "OK",
    "OR", "PA", "RI", "SC", "SD", "TN", "TX", "UT", "VT", "VA", "WA", "WV", "WI", "WY", "DC",
}  # fmt: skip
_PROVINCES = {"AB", "BC", "MB", "NB", "NL", "NS", "ON", "PE", "QC", "SK", "YT"}
_NORTH_AMERICAN_VIN = re.compile(r"[1-5][A-HJ-NPR-Z0-9]{16}")


def by_places(records: Records, found: Mapping[str, Guess]) -> str | None:
    """The country, or None when places do not tell it; ZIP codes need states or VINs beside them."""
    codes = _texts(records, found, "postal_code")
    for country, form in _POSTCODES:
        if codes and sum(bool(form.fullmatch(code)) for code in codes) >= _MOST * len(codes):
            return country
    regions = [text.upper() for text in _texts(records, found, "region")]
    if regions and set(regions) <= _PROVINCES:
        return "CA"
    zips = bool(codes) and all(map(_ZIP.fullmatch, codes))
    states = bool(regions) and set(regions) <= _STATES
    vins = [text.upper() for text in _texts(records, found, "vin")]
    american = bool(vins) and 2 * sum(bool(_NORTH_AMERICAN_VIN.fullmatch(vin)) for vin in vins) > len(vins)
    return "US" if [zips, states, american].count(True) >= 2 else None


def _texts(records: Records, found: Mapping[str, Guess], target: str) -> list[str]:
    sources = found[target].sources if target in found else []
    return [text for path in sources for text in records.values.get(path, [])]
