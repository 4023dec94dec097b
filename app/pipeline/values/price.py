"""Prices as senders write them.

price-parser was tried: it takes the first number of a range, a monthly rate for the price, "8.61 Lakh" for 8.61 and
drops signs, and names currencies by sign only; so the rules are our own.
"""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from app.model.listing import MONEY_MAX, PriceStatus
from app.pipeline.values.codes import CURRENCIES, PRICE_BOUNDS
from app.pipeline.values.numbers import TOKEN, decimal_of, parse_number
from app.pipeline.values.text import is_null

CENT = Decimal("0.01")

_ON_REQUEST = re.compile(
    r"(?:p\.?\s?o\.?\s?a\.?|(?:please )?(?:call|contact|ask|inquire|enquire)\b.*|not priced|no price"
    r"|(?:price )?(?:up)?on (?:request|application)|auf anfrage|preis auf anfrage|vb|vhb|sur demande|nous consulter"
    r"|(?:a )?consultar?|op aanvraag|su richiesta|договорная)\.?",
    re.IGNORECASE,
)
_NOT_A_PRICE = re.compile(
    r"/\s?(?:mo|month|wk|week|day|yr|year|mois|mes|monat)\b|\bper (?:month|week|day|year)\b"
    r"|\b(?:monthly|weekly|pcm|p/m)\b"
    r"|\bmonatlich|\bpro monat|\bpar mois|\bal mes\b|^\s*(?:from|ab|starting at|à partir|dès|desde|от)\b|\bdown\b",
    re.IGNORECASE,
)
_SIGNS = (
    ("R$", "BRL"), ("US$", "USD"), ("CA$", "CAD"), ("C$", "CAD"), ("AU$", "AUD"), ("A$", "AUD"), ("NZ$", "NZD"),
    ("HK$", "HKD"), ("NT$", "TWD"), ("MX$", "MXN"), ("S$", "SGD"), ("€", "EUR"), ("£", "GBP"), ("₽", "RUB"),
    ("₦", "NGN"), ("₹", "INR"), ("₩", "KRW"), ("₺", "TRY"), ("₫", "VND"), ("₴", "UAH"), ("₪", "ILS"), ("฿", "THB"),
    ("₱", "PHP"), ("₸", "KZT"), ("zł", "PLN"), ("Kč", "CZK"), ("만원", "KRW"), ("万円", "JPY"), ("руб", "RUB"),
)  # fmt: skip
"""Signs that mean one currency only; `$`, `kr`, `Rs`, `¥` are left to the profile."""
_CODE = re.compile(r"(?<![A-Za-z])([A-Z]{3}|[a-z]{3})(?![A-Za-z])")
_SCALES = {
    "k": 1000, "tsd": 1000, "тыс": 1000, "lakh": 100_000, "lakhs": 100_000, "lac": 100_000, "l": 100_000,
    "cr": 10_000_000, "crore": 10_000_000, "crores": 10_000_000, "million": 1_000_000, "millions": 1_000_000,
    "mio": 1_000_000, "mln": 1_000_000, "triệu": 1_000_000, "만원": 10_000, "万円": 10_000, "万": 10_000, "만": 10_000,
}  # fmt: skip
_NOISE = frozenset(
    {
        "vb", "vhb", "ono", "obo", "o", "n", "firm", "fixed", "festpreis", "negotiable", "verhandlungsbasis", "ttc",
        "ht", "vat", "tva", "iva", "mwst", "ust", "inkl", "incl", "inc", "including", "incl.", "excl", "plus", "only",
        "price", "asking", "kr", "rs", "руб", "eur", "euro", "euros", "dollars", "usd", "zł", "kč", "р",
    }
)  # fmt: skip
_WORD = re.compile(r"[^\W\d_]+")
_PLAIN = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,2})?)(?: ([A-Z]{3}))?")
"""How software writes prices: no need to look closer."""
_MINUS = re.compile("[-\u2212\u2013]")


class Price(NamedTuple):
    """A price read from a text; `understood` is False when there was text and no sense in it."""

    amount: Decimal | None
    currency: str | None
    """ISO 4217; None when the text names none, or an ambiguous one."""
    status: PriceStatus
    understood: bool = True


MISSING = Price(None, None, PriceStatus.MISSING)
_UNREAD = Price(None, None, PriceStatus.MISSING, understood=False)


def parse_price(value: object, *, scale: Decimal | None = None, decimal_mark: str | None = None) -> Price:
    """Read a price: "1 770 €", "R$ 58.990,00", "CAD 48900.00", "8.61 Lakh", "POA", 20495.

    `scale` multiplies plain numbers (a column in lakh, or in cents); a scale word in the text is used instead of it.
    Rates ("/mo"), "from" prices and ranges are no price. 0 and 1 are placeholders, not prices. Never raises.
    """
    if isinstance(value, str):
        return _parse_text(value.strip(), scale, decimal_mark)
    number = decimal_of(value)
    if number is None:
        return MISSING if value is None else _UNREAD
    return _price(number * (scale or 1), None)


def _parse_text(text: str, scale: Decimal | None, decimal_mark: str | None) -> Price:
    if (plain := _PLAIN.fullmatch(text)) is not None and decimal_mark != ",":
        amount, code = plain.groups()
        if code is None or code in CURRENCIES:
            return _price(Decimal(amount) * (scale or 1), code)
    if is_null(text) or len(text) > 100:
        return MISSING if len(text) <= 100 else _UNREAD
    if _ON_REQUEST.fullmatch(text):
        return Price(None, None, PriceStatus.ON_REQUEST)
    if _NOT_A_PRICE.search(text):
        return _UNREAD
    tokens = [token.rstrip(".,") for token in TOKEN.findall(text)]
    number = parse_number(tokens[0], decimal_mark) if len(tokens) == 1 else None
    if number is None:
        return _UNREAD
    currency, words = _currency_and_words(text)
    factors = [_SCALES[word] for word in words if word in _SCALES]
    if len(factors) > 1 or not words <= _SCALES.keys() | _NOISE:
        return _UNREAD
    factor = Decimal(factors[0]) if factors else scale or Decimal(1)
    negative = _MINUS.search(text[: text.index(tokens[0])]) is not None
    return _price(-number * factor if negative else number * factor, currency)


def _currency_and_words(text: str) -> tuple[str | None, set[str]]:
    """The currency that is named, and the words that are left."""
    named: str | None = None
    for match in _CODE.finditer(text):
        if match[1].upper() in CURRENCIES:
            named = match[1].upper()
            text = text.replace(match[1], " ")
            break
    words = {word.casefold() for word in _WORD.findall(text)}
    for sign, code in _SIGNS:
        if sign in text:
            named = named or code
            words -= {part.casefold() for part in _WORD.findall(sign)} - _SCALES.keys()
            break
    return named, words


def _price(amount: Decimal, currency: str | None) -> Price:
    if 0 <= amount <= 1:
        return MISSING
    if amount < 0 or amount > Decimal(MONEY_MAX):
        return Price(None, currency, PriceStatus.IMPLAUSIBLE)
    return Price(amount.quantize(CENT, ROUND_HALF_UP), currency, PriceStatus.OK)


def is_plausible(amount: float, currency: str) -> bool:
    """Within about 100 to 5,000,000 EUR; currencies without a rate in the table only need to be above 1."""
    low, high = PRICE_BOUNDS.get(currency, (1.0, MONEY_MAX))
    return low <= amount <= high


FILLERS: frozenset[float] = frozenset(
    [float(digit * length) for digit in "123456789" for length in range(6, 13)]
    + [123456.0, 1234567.0, 12345678.0, 123456789.0]
)
"""Amounts that people type to get past a form."""


def cents(amount: float) -> float:
    """Two decimals, half up, judged by the digits as written rather than by their binary neighbours."""
    rounded = round(amount, 2)
    return rounded if rounded == amount else float(Decimal(repr(amount)).quantize(CENT, ROUND_HALF_UP))
