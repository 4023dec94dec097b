"""What a column's name says of its numbers: a unit, a currency, thousands."""

from __future__ import annotations

import re

from app.ops.feeds_guess.fold import folded
from app.pipeline.values.codes import CURRENCIES

_BY_KIND: dict[str, dict[str, str]] = {
    "mileage": {
        "km": "km kms kilometer kilometers kilometre kilometres kilometros quilometros chilometri kilometrow"
        " kilometrit км 公里 キロ",
        "mi": "mi miles mile mls meilen mijl",
    },
    "power_kw": {
        "kw": "kw квт kilowatt",
        "ps": "ps cv pk ch hk hv ks le beygir caballos cavalli cavalos cavaux chevaux hästkrafter hestekrefter"
        " hestekræfter"
        " hestekraefter hevosvoimat hevosvoimaa ιπποδύναμη ίπποι 馬力 马力 마력 pferdestärken",
        "hp": "hp bhp whp horsepower",
    },
    "engine_cc": {"cc": "cc ccm cm3 cm³ см3 см³", "l": "l liter liters litre litres ltr litri litros litters л"},
}
"""Field → unit as a profile names it → words. Of the engine's size the unit is told from the number."""
UNITS: dict[str, tuple[str, str]] = {
    folded(word): (target, unit)
    for target, units in _BY_KIND.items()
    for unit, words in units.items()
    for word in words.split()
}
_POWER_BEFORE_KM = re.compile(r" (?:moc|mocy|silnika|power|koni) ")
"""Polish horsepower is KM too."""
_SPELT = (
    ("cm 3", "cm3"),
    ("см 3", "см3"),
    ("л с", "ps"),
    ("horse power", "horsepower"),
    ("конски сили", "ps"),
    ("лошадиные силы", "ps"),
    ("лошадиных сил", "ps"),
)
"""Units of more than one word."""

_SIGNS = {
    "€": "EUR", "£": "GBP", "₹": "INR", "R$": "BRL", "₽": "RUB", "₺": "TRY", "₴": "UAH", "₦": "NGN", "zł": "PLN",
    "Kč": "CZK", "грн": "UAH", "лв": "BGN", "руб": "RUB", "万円": "JPY", "만원": "KRW", "万元": "CNY", "円": "JPY",
}  # fmt: skip
_NAMED = {
    "euro": "EUR", "euros": "EUR", "eur": "EUR", "rupees": "INR", "naira": "NGN", "zloty": "PLN", "yen": "JPY",
    "rmb": "CNY", "tl": "TRY", "forint": "HUF",
}  # fmt: skip
_SCALES = {
    "lakh": 100_000, "lakhs": 100_000, "lac": 100_000, "lacs": 100_000, "crore": 10_000_000, "crores": 10_000_000,
    "万": 10_000, "万円": 10_000, "万元": 10_000, "만원": 10_000, "萬": 10_000, "thousands": 1000, "thousand": 1000,
    "tys": 1000, "тыс": 1000, "tsd": 1000, "million": 1_000_000, "millions": 1_000_000, "mln": 1_000_000,
    "млн": 1_000_000, "trieu": 1_000_000,
}  # fmt: skip
_SCALED = re.compile("万円|万元|만원|万|萬")


def header_units(path: str) -> set[tuple[str, str]]:
    """(field, unit) of every unit that a name holds, as in `powerPS`, `Engine HP`, `Przebieg_km`."""
    text = f" {spelt(folded(path))} "
    found = {UNITS[word] for word in text.split() if word in UNITS}
    if ("mileage", "km") in found and _POWER_BEFORE_KM.search(text):
        found = (found - {("mileage", "km")}) | {("power_kw", "ps")}
    return found


def spelt(name: str) -> str:
    """A folded name with every unit as one word."""
    text = f" {name} "
    for words, word in _SPELT:
        text = text.replace(f" {words} ", f" {word} ")
    return text.strip()


def header_unit(path: str, target: str | None = None) -> str | None:
    """The one unit that a name holds (of a field); None when it holds none, or different ones."""
    units = {unit for field, unit in header_units(path) if target in (None, field)}
    return units.pop() if len(units) == 1 else None


def header_currency(path: str) -> str | None:
    """The currency that a header names, as in `price_usd`, `Preis (€)`; `$` and `kr` are many."""
    for sign, code in _SIGNS.items():
        if sign in path:
            return code
    words = folded(path).split()[1:]
    return next((word.upper() for word in words if word.upper() in CURRENCIES), None) or next(
        (_NAMED[word] for word in words if word in _NAMED), None
    )


def header_scale(path: str) -> int | None:
    """By what plain numbers below such a header are to be multiplied, as in `Price (lakh)`, `価格(万円)`."""
    found = _SCALED.search(path)
    if found is not None:
        return _SCALES[found[0]]
    return next((_SCALES[word] for word in folded(path).split()[1:] if word in _SCALES), None)


def is_measure(word: str) -> bool:
    """True for words of a name that only say how its numbers are to be read."""
    return word in UNITS or word in _SCALES or word in _NAMED or word.upper() in CURRENCIES
