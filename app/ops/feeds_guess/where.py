"""What a sender leaves unsaid: country, currency and the unit of odometers. All of it is doubtful."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping

from app.ops.feeds_guess.country import by_places
from app.ops.feeds_guess.options import Sender
from app.ops.feeds_guess.records import Guess, Records, trial
from app.pipeline.values.codes import COUNTRIES, COUNTRY_SYNONYMS, MILES_COUNTRIES

_EURO = "AT BE CY DE EE ES FI FR GR HR IE IT LT LU LV MT NL PT SI SK BG ME XK MC"
_CURRENCIES = {
    **dict.fromkeys(_EURO.split(), "EUR"), "CH": "CHF", "LI": "CHF", "PL": "PLN", "CZ": "CZK", "HU": "HUF", "RO": "RON",
    "GB": "GBP", "NO": "NOK", "SE": "SEK", "DK": "DKK", "IS": "ISK", "RU": "RUB", "UA": "UAH", "BY": "BYN", "KZ": "KZT",
    "TR": "TRY", "RS": "RSD", "BA": "BAM", "MK": "MKD", "AL": "ALL", "US": "USD", "CA": "CAD", "MX": "MXN", "BR": "BRL",
    "AR": "ARS", "CL": "CLP", "CO": "COP", "PE": "PEN", "AU": "AUD", "NZ": "NZD", "IN": "INR", "PK": "PKR", "BD": "BDT",
    "LK": "LKR", "NG": "NGN", "KE": "KES", "GH": "GHS", "ZA": "ZAR", "EG": "EGP", "MA": "MAD", "AE": "AED", "SA": "SAR",
    "QA": "QAR", "KW": "KWD", "OM": "OMR", "BH": "BHD", "JO": "JOD", "IL": "ILS", "JP": "JPY", "KR": "KRW", "CN": "CNY",
    "TW": "TWD", "HK": "HKD", "SG": "SGD", "MY": "MYR", "TH": "THB", "ID": "IDR", "PH": "PHP", "VN": "VND",
}  # fmt: skip
"""Country → the currency in which vehicles are paid there."""
_MILES = MILES_COUNTRIES | {"LR", "MM"}
"""Where odometers count miles; of the last two few feeds are known, so only a first guess says so."""
_NO_COUNTRY_DOMAINS = {"co", "io", "ai", "tv", "me", "cc", "to", "ly", "fm", "ws", "gg"}
"""Top-level domains that are used all over the world."""
_HOST = re.compile(r"https?://[^/\s]*?\.([a-z]{2})(?:[/:?#]|$)")
_MOST = 0.9


def defaults(records: Records, found: Mapping[str, Guess], sender: Sender) -> Iterator[str]:
    """The lines of `defaults`: country by column, pages, or language; where amounts have none, the line to fill in."""
    price, mileage = found.get("price_amount") or found.get("price_msrp"), found.get("mileage")
    needs_currency = price is not None and _is_missing(records, price, "currency", sender)
    needs_unit = mileage is not None and _is_missing(records, mileage, "unit", sender)
    needs_currency = needs_currency and "price_currency" not in found
    country, why = _country(records, found, sender)
    yield "defaults:"
    if country is not None and why:
        yield f"  country: {country if country != 'NO' else repr(country)}   # doubtful: {why}"
    currency = _CURRENCIES.get(country or "")
    if needs_currency and currency is not None:
        yield f"  currency: {currency}   # doubtful: the amounts say none; check"
    elif needs_currency:
        dollars = country is None and _has(records, price, "$")
        doubt = "check" if dollars else "say it; until then amounts are left out"
        yield f"  {'' if dollars else '# '}currency: USD   # doubtful: the amounts say none; {doubt}"
    if needs_unit and "mileage_unit" not in found:
        by_money = _has(records, price, "$") or _has(records, price, "£")
        miles = country in _MILES if country is not None else by_money
        yield f"  mileage_unit: {'mi' if miles else 'km'}   # doubtful: the odometers say none; check"
    yield "  years_ahead: 1"
    yield ""


def _is_missing(records: Records, guess: Guess, what: str, sender: Sender) -> bool:
    tried = trial(records, guess.target, guess.options, guess.sources, sender.country)
    return tried.currency_missing if what == "currency" else tried.unit_missing


def _country(records: Records, found: Mapping[str, Guess], sender: Sender) -> tuple[str | None, str]:
    """The country, and on what it is based; nothing is said of one that the records name themselves."""
    if "country" in found:
        named = Counter(
            COUNTRY_SYNONYMS.get(text.upper(), text.upper())
            for path in found["country"].sources
            for text in records.values[path]
        )
        most, count = named.most_common(1)[0]
        return (most if count >= _MOST * named.total() and most in COUNTRIES else None), ""
    urls = [text for name in ("source_url", "image_urls") if name in found
            for path in found[name].sources for text in records.values.get(path, [])]  # fmt: skip
    endings = Counter(match[1] for url in urls if (match := _HOST.match(url.lower())))
    ending, count = endings.most_common(1)[0] if endings else ("", 0)
    domain = COUNTRY_SYNONYMS.get(ending.upper(), ending.upper())
    if 2 * count > len(urls) and domain in COUNTRIES and ending not in _NO_COUNTRY_DOMAINS:
        return domain, "by the addresses of the pages"
    if (country := by_places(records, found)) is not None:
        return country, "by its postcodes and states"
    return sender.country, "by the language of the column names"


def _has(records: Records, price: Guess | None, sign: str) -> bool:
    return price is not None and any(
        sign in text for path in price.sources for text in records.values.get(path, [])[:50]
    )
