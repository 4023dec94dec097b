"""What tells one offer from another: explicit ids first, then stock number, address, VIN, else what never changes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from app.ops.feeds_guess.names import score
from app.ops.feeds_guess.records import Guess, Records

_DIFFERENT = 0.95
"""The share of different texts that an id has at least; a sender may repeat some records."""
_FEW = 3
_ROW_NUMBER = re.compile(r"\d{1,9}")
_IN_ADDRESS = (
    r"/([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})",
    r"(\d{5,})(?:\D+\d{1,4})*\D*$",
)
_STEADY = ("make", "model", "trim", "year", "first_registration", "vin", "fuel_type", "transmission", "engine_cc",
           "power_kw", "color_exterior", "body_type", "postal_code", "city", "listed_at")  # fmt: skip


def guess_id(records: Records, found: Mapping[str, Guess]) -> Guess:
    """A rule for `source_listing_id`; what it is based on is told in its doubts unless it is an id by name."""
    named = sorted(
        (p for p in records.values if score("source_listing_id", p)), key=lambda p: -score("source_listing_id", p)
    )
    for path in (*named, "_key"):
        if path in records.values and _tells_apart(records, path) and not _is_row_number(records, path):
            return Guess("source_listing_id", [path], _float_ids(records, path))
    stock = _stock(records, found)
    other = stock or _in_address(records, found) or _vin(records, found) or _few_numbers(records, named)
    return other or _fingerprint(records, found)


def _few_numbers(records: Records, named: Sequence[str]) -> Guess | None:
    """1 and 2 may be ids, where a file shows no more; of many records they would be the numbers of the rows."""
    for path in named:
        if len(records.values[path]) <= _FEW and _tells_apart(records, path):
            return Guess("source_listing_id", [path], {}, ["doubtful: 1, 2, …; an id, or the number of the row?"])
    return None


def _tells_apart(records: Records, path: str) -> bool:
    texts = records.values[path]
    return bool(texts) and records.filled(path) >= _DIFFERENT and len(set(texts)) >= _DIFFERENT * len(texts) * 0.98


def _is_row_number(records: Records, path: str) -> bool:
    """0, 1, 2, … or 1, 2, 3, …: another export numbers other vehicles so."""
    texts = records.values[path]
    numbers = [int(text) for text in texts if _ROW_NUMBER.fullmatch(text)]
    return (
        len(numbers) == len(texts) > 0
        and numbers[0] in (0, 1)
        and numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    )


def _float_ids(records: Records, path: str) -> dict[str, object]:
    return {"strip_point_zero": True} if records.share(path, re.compile(r"\d+\.0")) > _DIFFERENT else {}


def _stock(records: Records, found: Mapping[str, Guess]) -> Guess | None:
    if "stock_number" not in found:
        return None
    (stock,) = found["stock_number"].sources
    if not _tells_apart(records, stock):
        return None
    dealer = found["dealer_id"].sources[0] if "dealer_id" in found else None
    if dealer and len(set(records.values[dealer])) > 1 and not set("{}?") & {*stock, *dealer}:
        return Guess("source_listing_id", [], {"template": f"{{{dealer}}}-{{{stock}}}"})
    return Guess("source_listing_id", [stock], {}, ["the stock number: fine for one dealer, not for several"])


def _in_address(records: Records, found: Mapping[str, Guess]) -> Guess | None:
    if "source_url" not in found:
        return None
    (url,) = found["source_url"].sources
    texts = records.values[url]
    if records.filled(url) < _DIFFERENT:
        return None
    for pattern in _IN_ADDRESS:
        ids = [match[1] for text in texts if (match := re.search(pattern, text))]
        if len(ids) >= _DIFFERENT * len(texts) and len(set(ids)) >= _DIFFERENT * len(texts):
            return Guess("source_listing_id", [url], {"extract": pattern}, ["the id in the page's address"])
    if _tells_apart(records, url):
        return Guess("source_listing_id", [url], {}, ["doubtful: the page's address; does it stay the same?"])
    return None


def _vin(records: Records, found: Mapping[str, Guess]) -> Guess | None:
    if "vin" not in found or records.filled(found["vin"].sources[0]) < _DIFFERENT:
        return None
    return Guess(
        "source_listing_id", found["vin"].sources, {}, ["doubtful: the VIN; offered again it is the same listing"]
    )


def _fingerprint(records: Records, found: Mapping[str, Guess]) -> Guess:
    changing = {path for name in ("title", "description", "price_amount", "mileage", "updated_at", "status")
                if name in found for path in found[name].sources}  # fmt: skip
    steady = [path for name in _STEADY if name in found for path in found[name].sources if path not in changing]
    columns = list(dict.fromkeys(steady)) or [path for path in records.values if path not in changing][:3]
    doubt = "doubtful: no column tells one offer from another; made of what does not change about the vehicle"
    return Guess("source_listing_id", [], {"fingerprint": columns}, [doubt])
