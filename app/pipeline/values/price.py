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


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_LONGEST = 100

_ON_REQUEST = re.compile(
    r"(?:p\.?\s?o\.?\s?[ar]\.?|(?:please )?(?:call|contact|ask|inquire|enquire)\b.*|not priced|no price|tb[ac]"
    r"|(?:price )?(?:up)?on (?:request|application)|(?:preis )?auf anfrage|vb|vhb|(?:prix )?sur demande|nous consulter"
    r"|(?:a |precio a |preço a )?consultar?(?: precio| preço)?|sob consulta|(?:precio )?a convenir|a combinar"
    r"|(?:prijs )?op aanvraag|n\.?o\.?t\.?k\.?|(?:prezzo )?su richiesta|trattativa riservata"
    r"|(?:pris )?på (?:forespørsel|begäran)|gi bud|(?:cena )?(?:na zapytanie|do uzgodnienia)|zapytaj o cenę"
    r"|(?:цена )?(?:по запросу|договорная))[.!]?",
    re.IGNORECASE,
)
"""English, German, French, Spanish, Portuguese, Dutch, Italian, Norwegian, Swedish, Polish, Russian."""
_NOT_A_PRICE = re.compile(
    r"/\s?(?:mo|month|wk|week|day|yr|year|mois|mes|mês|monat|maand|mnd|mån|мес)\b|\bper (?:month|week|day|year|maand)\b"
    r"|\b(?:monthly|weekly|pcm|p/m|mtl)\b"
    r"|\bmonatlich|\bpro monat|\bpar mois|\bal mes\b|\bpor mês\b|\bв месяц\b"
    r"|^\s*(?:from|ab|starting at|à partir|dès|desde|a partir|vanaf|fra|från|od|от)\b|\bdown\b",
    re.IGNORECASE,
)
_SIGNS = (
    ("R$", "BRL"), ("US$", "USD"), ("CA$", "CAD"), ("C$", "CAD"), ("AU$", "AUD"), ("A$", "AUD"), ("NZ$", "NZD"),
    ("HK$", "HKD"), ("NT$", "TWD"), ("MX$", "MXN"), ("S$", "SGD"), ("€", "EUR"), ("£", "GBP"), ("₽", "RUB"),
    ("₦", "NGN"), ("₹", "INR"), ("₩", "KRW"), ("₺", "TRY"), ("₫", "VND"), ("₴", "UAH"), ("₪", "ILS"), ("฿", "THB"),
    ("₱", "PHP"), ("₸", "KZT"), ("₵", "GHS"), ("만원", "KRW"), ("万円", "JPY"),
)  # fmt: skip
"""Signs that mean one currency only; `$` and `¥` are left to the profile. The first that fits counts."""
_NAMES = {
    "euro": "EUR", "euros": "EUR", "zł": "PLN", "zl": "PLN", "kč": "CZK", "руб": "RUB", "рублей": "RUB", "грн": "UAH",
    "лв": "BGN", "lei": "RON", "ft": "HUF", "sfr": "CHF", "tl": "TRY", "rm": "MYR", "rp": "IDR", "ksh": "KES",
}  # fmt: skip
"""Words that mean one currency only; `kr`, `Rs`, `R`, `fr`, `din` are left to the profile."""
_CODE = re.compile(r"(?<![A-Za-z])([A-Z]{3}|[a-z]{3})(?![A-Za-z])")
_LOWER_CODES = _words(
    "aed aud brl cad chf cny czk dkk eur gbp huf inr jpy krw kzt mxn ngn nok nzd pln rub sek uah usd vnd zar"
)
"""Codes that are believed in small letters; others may be words ("top", "all", "try", "mad")."""
_SCALES = {
    "k": 1000, "tsd": 1000, "тыс": 1000, "lakh": 100_000, "lakhs": 100_000, "lac": 100_000, "lacs": 100_000,
    "l": 100_000, "cr": 10_000_000, "crore": 10_000_000, "crores": 10_000_000, "million": 1_000_000,
    "millions": 1_000_000, "mio": 1_000_000, "mln": 1_000_000, "млн": 1_000_000, "triệu": 1_000_000, "tr": 1_000_000,
    "tỷ": 1_000_000_000, "만원": 10_000, "万円": 10_000, "万": 10_000, "만": 10_000,
}  # fmt: skip
_TAXES = _words("vat mwst ust tva iva btw moms tax taxes")
_NET = _words("ht net netto excl ex excluding zzgl hors plus")
_GROSS = _words("ttc incl inkl inc including brutto")
_NOISE = _words(
    "vb vhb ono obo o n firm fixed festpreis negotiable verhandlungsbasis only price preis prijs pris prix precio"
    " preço prezzo cena цена asking kr rs r fr din dhs dollars pounds rupees р"
)
_WORD = re.compile(r"[^\W\d_]+")
_PLAIN = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,2})?)(?: ([A-Z]{3}))?")
"""How software writes prices: no need to look closer."""
_MINUS = re.compile("[-\u2212\u2013]")
_IN_BRACKETS = re.compile(r"\(\s*[^\w()]*[0-9][0-9.,' ]*\)")
"""How book-keepers write a negative amount."""


class Price(NamedTuple):
    """A price read from a text; `understood` is False when there was text and no sense in it."""

    amount: Decimal | None
    currency: str | None
    """ISO 4217; None when the text names none, or an ambiguous one."""
    status: PriceStatus
    understood: bool = True
    by_code: bool = False
    """The currency is named by its code, and not by a sign or word."""
    net: bool = False
    """The text says that tax comes on top."""


MISSING = Price(None, None, PriceStatus.MISSING)
_UNREAD = Price(None, None, PriceStatus.MISSING, understood=False)
_REQUEST = Price(None, None, PriceStatus.ON_REQUEST)


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
            return _price(Decimal(amount) * (scale or 1), code, by_code=code is not None)
    if len(text) > _LONGEST:
        return _UNREAD
    if is_null(text):
        return MISSING
    if _ON_REQUEST.fullmatch(text):
        return _REQUEST
    if _NOT_A_PRICE.search(text) or _IN_BRACKETS.search(text):
        return _UNREAD
    tokens = [token.rstrip(".,") for token in TOKEN.findall(text)]
    number = parse_number(tokens[0], decimal_mark) if len(tokens) == 1 else None
    return _UNREAD if number is None else _with_words(number, text, tokens[0], scale)


def _with_words(number: Decimal, text: str, digits: str, scale: Decimal | None) -> Price:
    """The number with what stands around it; a word that nobody knows means that it is something else."""
    codes = {code.upper() for code in _CODE.findall(text) if code in CURRENCIES or code in _LOWER_CODES}
    words = {word.casefold() for word in _WORD.findall(text)} - {code.casefold() for code in codes}
    sign = next(((sign, code) for sign, code in _SIGNS if sign in text), None)
    if sign is not None:
        words -= {part.casefold() for part in _WORD.findall(sign[0])} - _SCALES.keys()
    signs = ({sign[1]} if sign else set()) | {_NAMES[word] for word in words & _NAMES.keys()}
    factors = [_SCALES[word] for word in words & _SCALES.keys()]
    known = _SCALES.keys() | _NAMES.keys() | _NOISE | _TAXES | _NET | _GROSS
    if len(factors) > 1 or len(codes | signs) > 1 or not words <= known:
        return _UNREAD
    amount = number * (Decimal(factors[0]) if factors else scale or Decimal(1))
    if _MINUS.search(text[: text.index(digits)]):
        amount = -amount
    net = not words & _GROSS and bool(words & _NET or ("+" in text and words & _TAXES))
    return _price(amount, next(iter(codes or signs), None), by_code=bool(codes), net=net)


def _price(amount: Decimal, currency: str | None, *, by_code: bool = False, net: bool = False) -> Price:
    if 0 <= amount <= 1:
        return MISSING
    if amount < 0 or amount > Decimal(MONEY_MAX):
        return Price(None, currency, PriceStatus.IMPLAUSIBLE)
    return Price(amount.quantize(CENT, ROUND_HALF_UP), currency, PriceStatus.OK, by_code=by_code, net=net)


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
    if amount.is_integer():
        return amount
    rounded = round(amount, 2)
    return rounded if rounded == amount else float(Decimal(repr(amount)).quantize(CENT, ROUND_HALF_UP))
