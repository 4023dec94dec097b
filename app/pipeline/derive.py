"""What follows from a checked listing: keys, kilometres, price status, doubts; and what must not be stored.

Every function changes the listing in place and adds to `flags` (doubts, the listing stands) or to `problems` (the
listing is refused).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from app.errors import FailureCode, Problem
from app.model.listing import ARRAY_MAX, DESCRIPTION_MAX, ID_MAX, TITLE_MAX, YEAR_MIN, PriceStatus, Quality
from app.pipeline.validate import Listing
from app.pipeline.values.make_names import make_of
from app.pipeline.values.makers import fits_maker
from app.pipeline.values.mileage import default_unit, to_km
from app.pipeline.values.price import FILLERS, cents, is_plausible
from app.pipeline.values.text import clean, clean_lines, excerpt, fold, is_null, shorten, to_text, without_contacts
from app.pipeline.values.vin import check_vin

Flags = list[Quality]

_OTHER_AMOUNTS = ("price_msrp", "price_previous", "price_net")
_HEAVY = frozenset({"truck", "bus", "van"})
_MILEAGE_MOST_KM = 1_000_000
_MILEAGE_MOST_HEAVY_KM = 2_500_000
_MILEAGE_RARE_KM = 500_000
_MILEAGE_LEAST_KM = 1_000
_MILEAGE_LEAST_AGE_YEARS = 3
_LIST_PART = 1_000
"""So many entries of a list at once, until enough are found; there may be a hundred thousand."""
_NO_ID = Problem(FailureCode.MISSING_ID, "source_listing_id", "the sender's own, stable id of the listing")
_NO_YEAR = Problem(FailureCode.MISSING_REQUIRED, "year", "a year, or a first_registration")
_NO_VALUE = {name: Problem(FailureCode.MISSING_REQUIRED, name, "a value") for name in ("source", "make", "model")}


@dataclass(frozen=True, slots=True)
class Calendar:
    """What "now" means for the rules: the year, the month, and the latest model year that is believed."""

    year: int
    month: str
    latest_year: int

    @classmethod
    def at(cls, now: datetime, years_ahead: int = 1) -> Calendar:
        return cls(now.year, f"{now.year:04}-{now.month:02}", now.year + years_ahead)


def derive(listing: Listing, calendar: Calendar, flags: Flags, problems: list[Problem], lenient: bool) -> None:
    """Complete a listing. `lenient` (profiles): a wrong date is left out and flagged when another one stands."""
    _years(listing, calendar, flags, problems, lenient)
    _keys(listing)
    if "vin" in listing:
        _vin(listing, flags)
    _texts(listing, flags)
    _price(listing, flags, problems)
    if "mileage_value" in listing or "mileage_km" in listing:
        _mileage(listing, calendar, flags)
    if listing.get("seller_type") == "private":
        _forget_person(listing)


def missing(listing: Listing, told: set[str | None]) -> list[Problem]:
    """Required fields that are absent, but for those in `told`, whose refusal is known already."""
    problems = [_NO_ID] if "source_listing_id" not in listing and "source_listing_id" not in told else []
    problems += [problem for name, problem in _NO_VALUE.items() if name not in listing and name not in told]
    if "year" not in listing and not told & {"year", "first_registration"}:
        problems.append(_NO_YEAR)
    return problems


def derive_id(listing: Listing) -> str | None:
    """An id for a listing that was sent without one: by stock number and dealer, by VIN, by the page's address.

    Not by the stock number alone, which two dealers may share, and not by the address of a whole site. Addresses count
    without case of the host, fragment and a slash at the end.
    """
    dealer = listing.get("dealer_id")
    if dealer is not None and "stock_number" in listing:
        return f"{dealer}-{listing['stock_number']}"[:ID_MAX]
    if "vin" in listing:
        return str(listing["vin"]) if dealer is None else f"{dealer}-{listing['vin']}"[:ID_MAX]
    scheme, _, rest = listing.get("source_url", "").partition("://")
    host, _, path = rest.partition("#")[0].rstrip("/").partition("/")
    if not path:
        return None
    address = f"{scheme.lower()}://{host.lower()}/{path}"
    return hashlib.sha256(address.encode()).hexdigest()[:32]


def _years(listing: Listing, calendar: Calendar, flags: Flags, problems: list[Problem], lenient: bool) -> None:
    year = listing.get("year")
    wrong: list[Problem] = []
    if year is not None and year > calendar.latest_year:
        wrong.append(_late(listing, "year", f"a year from {YEAR_MIN} to {calendar.latest_year}"))
    if "build_year" in listing and listing["build_year"] > calendar.latest_year:
        wrong.append(_late(listing, "build_year", f"a year from {YEAR_MIN} to {calendar.latest_year}"))
    month = listing.get("first_registration")
    if month is not None:
        if month > calendar.month:
            wrong.append(_late(listing, "first_registration", f"a month not after {calendar.month}"))
        elif "year" not in listing:
            listing["year"] = int(month[:4])
    if wrong:
        if lenient and "year" in listing:
            flags.append(Quality.YEAR_IMPLAUSIBLE)
        else:
            problems += wrong


def _late(listing: Listing, name: str, expected: str) -> Problem:
    return Problem(FailureCode.FIELD_INVALID, name, expected, excerpt(listing.pop(name)))


def _keys(listing: Listing) -> None:
    if "make" in listing:
        _make(listing)
    if "model" in listing:
        listing["model_key"] = fold(listing["model"])
    if "color_exterior" in listing:
        listing["color_exterior_key"] = fold(listing["color_exterior"])
    if "color_interior" in listing:
        listing["color_interior_key"] = fold(listing["color_interior"])


def _make(listing: Listing) -> None:
    """The key under which the make's names meet; what was sent stays as it is."""
    make = make_of(listing["make"])
    listing["make_key"] = make.key
    if make.names:
        listing["make_also"] = make.names


def _vin(listing: Listing, flags: Flags) -> None:
    if is_null(listing["vin"]):
        del listing["vin"]
        return
    year = listing.get("year")
    vin, suspicious = check_vin(listing["vin"], year)
    if vin is not None:
        listing["vin"] = listing["vehicle_key"] = vin
        if suspicious or not fits_maker(vin, listing.get("make_key", "")):
            flags.append(Quality.VIN_SUSPICIOUS)
    else:
        listing["vin_raw"] = listing.pop("vin")
        if year is None or year > 1980:
            flags.append(Quality.VIN_INVALID)


def _texts(listing: Listing, flags: Flags) -> None:
    title = listing.get("title")
    if title is not None and (len(title) > TITLE_MAX or "<" in title or "&" in title):
        _keep(listing, "title", clean(to_text(title)), TITLE_MAX, flags)
    description = listing.get("description")
    if description is not None and (len(description) > DESCRIPTION_MAX or "<" in description or "&" in description):
        _keep(listing, "description", to_text(description), DESCRIPTION_MAX, flags)
    if "image_urls" in listing:
        _keep_list(listing, "image_urls")
    if "features" in listing:
        _keep_list(listing, "features")


def _keep(listing: Listing, name: str, text: str, longest: int, flags: Flags) -> None:
    if not text:
        del listing[name]
        return
    if len(text) > longest:
        text = shorten(text, longest)
        flags.append(Quality.TEXT_TRUNCATED)
    listing[name] = text


def _keep_list(listing: Listing, name: str) -> None:
    """Each entry once, at most 100, order kept; no empty lists."""
    values = listing[name]
    if not values:
        del listing[name]
    elif len(values) > ARRAY_MAX or len(set(values)) < len(values):
        kept: dict[str, None] = {}
        for at in range(0, len(values), _LIST_PART):
            kept |= dict.fromkeys(values[at : at + _LIST_PART])
            if len(kept) >= ARRAY_MAX:
                break
        listing[name] = list(kept)[:ARRAY_MAX]


def _price(listing: Listing, flags: Flags, problems: list[Problem]) -> None:
    amount = listing.get("price_amount")
    currency = listing.get("price_currency")
    others = "price_msrp" in listing or "price_previous" in listing or "price_net" in listing
    if currency is None and (amount is not None or others):
        if not any(problem.field == "price_currency" for problem in problems):
            expected = "an ISO 4217 code such as EUR beside an amount"
            problems.append(Problem(FailureCode.FIELD_INVALID, "price_currency", expected))
    elif amount is not None and currency is not None:
        _judge(listing, amount, currency, flags)
    elif listing.get("price_status") in (None, "ok"):
        listing["price_status"] = PriceStatus.MISSING.value
    elif listing["price_status"] == "implausible":
        flags.append(Quality.PRICE_IMPLAUSIBLE)
    if currency is not None and (others or "price_amount" not in listing):
        _other_amounts(listing, flags)


def _judge(listing: Listing, amount: float, currency: str, flags: Flags) -> None:
    """0 and 1 are placeholders, never prices."""
    if amount <= 1.0 or not is_plausible(amount, currency):
        del listing["price_amount"]
        if amount <= 1.0:
            listing["price_status"] = PriceStatus.MISSING.value
        else:
            listing["price_status"] = PriceStatus.IMPLAUSIBLE.value
            flags.append(Quality.PRICE_IMPLAUSIBLE)
        return
    listing["price_status"] = "ok"
    listing["price_amount"] = cents(amount)
    if amount in FILLERS:
        flags.append(Quality.PRICE_SUSPICIOUS)


def _other_amounts(listing: Listing, flags: Flags) -> None:
    """The other amounts have the same currency; a currency without any amount says nothing and goes."""
    amount = listing.get("price_amount")
    currency = listing["price_currency"]
    alone = amount is None
    for name in _OTHER_AMOUNTS:
        if name in listing:
            if is_plausible(listing[name], currency):
                listing[name] = cents(listing[name])
                alone = False
            else:
                del listing[name]
                flags.append(Quality.PRICE_IMPLAUSIBLE)
    if alone:
        del listing["price_currency"]
    elif amount is not None and listing.get("price_msrp", amount) < amount:
        flags.append(Quality.MSRP_BELOW_PRICE)


def _mileage(listing: Listing, calendar: Calendar, flags: Flags) -> None:
    """Kilometres follow from value and unit where they were sent; a reading beyond belief is left out whole."""
    value = listing.get("mileage_value")
    if value is not None:
        unit = listing.get("mileage_unit")
        if unit is None:
            unit = listing["mileage_unit"] = default_unit(listing.get("country")).value
            flags.append(Quality.UNIT_DEFAULTED)
        km = listing["mileage_km"] = to_km(value, unit)
        if value == (whole := int(value)):
            listing["mileage_value"] = whole
    else:
        km = listing["mileage_value"] = listing["mileage_km"]
        listing["mileage_unit"] = "km"
    if km > _MILEAGE_RARE_KM:
        _judge_high(listing, km, flags)
    elif km < _MILEAGE_LEAST_KM and _is_odd(listing, km, calendar):
        flags.append(Quality.MILEAGE_SUSPICIOUS)


def _judge_high(listing: Listing, km: int, flags: Flags) -> None:
    heavy = listing.get("vehicle_type") in _HEAVY
    if km > (_MILEAGE_MOST_HEAVY_KM if heavy else _MILEAGE_MOST_KM):
        for name in ("mileage_km", "mileage_value", "mileage_unit"):
            del listing[name]
        flags.append(Quality.MILEAGE_IMPLAUSIBLE)
    elif not heavy:
        flags.append(Quality.MILEAGE_SUSPICIOUS)


def _is_odd(listing: Listing, km: int, calendar: Calendar) -> bool:
    """Hardly driven for its age, though sold as used, or years after it was new."""
    condition = listing.get("condition")
    if condition not in ("used", "cpo", None):
        return False
    return (km == 0 and condition is not None) or calendar.year - int(
        listing.get("year", calendar.year)
    ) > _MILEAGE_LEAST_AGE_YEARS


def _forget_person(listing: Listing) -> None:
    """Names, ids, addresses and telephone numbers of private sellers are not stored."""
    listing.pop("dealer_name", None)
    listing.pop("dealer_id", None)
    for name, tidy in (("title", clean), ("description", clean_lines)):
        if name in listing:
            _keep(listing, name, tidy(without_contacts(listing[name])), DESCRIPTION_MAX, [])
