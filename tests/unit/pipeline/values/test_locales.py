"""A known amount, odometer or date, written as people of many countries write it, is read back; or it is not read.

Never as another number: that is the property. A reader that could not tell says so, and the listing is flagged.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.model.listing import MileageUnit, PriceStatus
from app.pipeline.values.dates import parse_month, parse_timestamp, parse_year
from app.pipeline.values.engine import parse_cylinders, parse_displacement, parse_power
from app.pipeline.values.mileage import parse_mileage, parse_unit
from app.pipeline.values.numbers import only_number, parse_number
from app.pipeline.values.price import parse_price
from app.pipeline.values.text import clean, clean_lines, fold, is_http, is_null, to_text, unshouted, without_contacts
from app.pipeline.values.vin import check_vin
from app.pipeline.values.words import read_word
from tests.support.mapping import map_listing

NO_BREAK, NARROW, THIN = "\u00a0", "\u202f", "\u2009"

LOCALES: dict[str, tuple[str, str]] = {
    "en": (",", "."), "de": (".", ","), "de-AT": (NO_BREAK, ","), "de-CH": ("'", "."), "de-CH (Unicode)": ("’", "."),
    "fr": (NARROW, ","), "fr (typed)": (" ", ","), "nl": (".", ","), "no": (NO_BREAK, ","), "sv": (" ", ","),
    "ru": (NO_BREAK, ","), "pl": (NO_BREAK, ","), "pt-BR": (".", ","), "es": (".", ","), "es-MX": (",", "."),
    "it": (".", ","), "SI": (THIN, "."), "none": ("", "."), "none, comma": ("", ","),
}  # fmt: skip
"""Group mark and decimal mark."""
LOCALE = st.sampled_from(sorted(LOCALES))

SIGNS = {
    "€ {}": "EUR", "{} €": "EUR", "€{}": "EUR", "{} EUR": "EUR", "EUR {}": "EUR", "{} Euro": "EUR", "£{}": "GBP",
    "{} zł": "PLN", "{} PLN": "PLN", "R$ {}": "BRL", "{} ₽": "RUB", "{} руб.": "RUB", "CHF {}": "CHF", "{} Kč": "CZK",
    "US$ {}": "USD", "{} USD": "USD", "₦{}": "NGN", "₹ {}": "INR", "{} Ft": "HUF", "{} TL": "TRY", "RM {}": "MYR",
    "${}": None, "kr {}": None, "{} kr": None, "Rs. {}": None, "{} kr.": None, "R {}": None,
}  # fmt: skip
"""How an amount is written, and the currency that this names; None: it is left to the profile."""


def written(number: Decimal | int, locale: str, decimals: int) -> str:
    """The number with the marks of a locale."""
    group, mark = LOCALES[locale]
    return f"{number:,.{decimals}f}".replace(",", "\0").replace(".", mark).replace("\0", group)


def indian(number: int) -> str:
    """Digits in groups of three, then of two."""
    digits = str(number)
    head, tail = digits[:-3], digits[-3:]
    groups: list[str] = []
    while head:
        groups.insert(0, head[-2:])
        head = head[:-2]
    return ",".join([*groups, tail])


@given(st.integers(200, 10**11), LOCALE, st.sampled_from(sorted(SIGNS)), st.booleans())
def test_prices_with_cents(cents: int, locale: str, form: str, spaced: bool) -> None:
    amount = Decimal(cents).scaleb(-2)
    text = form.format(written(amount, locale, 2))
    price = parse_price(text.replace(" ", NO_BREAK) if spaced else text)
    assert (price.amount, price.currency) == (amount, SIGNS[form])


@given(st.integers(2, 10**9), LOCALE, st.sampled_from(sorted(SIGNS)))
def test_prices_without_cents(amount: int, locale: str, form: str) -> None:
    price = parse_price(form.format(written(amount, locale, 0)))
    assert (price.amount, price.currency) == (Decimal(amount), SIGNS[form])


@given(st.integers(1000, 10**11))
def test_indian_prices(amount: int) -> None:
    assert parse_price(f"₹ {indian(amount)}").amount == amount
    assert parse_price(indian(amount)).amount == amount


@given(st.integers(1, 99_999), st.sampled_from([("Lakh", 5), ("lakhs", 5), ("Cr", 7), ("crore", 7), ("k", 3)]))
def test_scaled_prices(hundredths: int, word: tuple[str, int]) -> None:
    amount = Decimal(hundredths).scaleb(word[1] - 2)
    price = parse_price(f"{Decimal(hundredths).scaleb(-2):.2f} {word[0]}")
    assert price.amount == (amount if amount > 1 else None)


_NO_PRICES = [
    "{} / mo", "{}/Monat", "ab {}", "from {}", "{} per week", "{} - {}", "desde {}", "{}/mois", "{} zł/mc", "{} kr/mnd",
    "à partir de {}",
]  # fmt: skip


@given(st.integers(2, 10**6), LOCALE, st.sampled_from(_NO_PRICES))
def test_what_is_no_price_is_never_one(amount: int, locale: str, form: str) -> None:
    number = written(amount, locale, 0)
    price = parse_price(form.format(number, number))
    assert (price.amount, price.understood) == (None, False)


@given(st.integers(0, 2_000_000), LOCALE,
       st.sampled_from([("{} km", "km"), ("{}km", "km"), ("{} KM", "km"), ("{} км", "km"), ("{} miles", "mi"),
                        ("{} mi.", "mi"), ("{}", None), ("{} Meilen", "mi"), ("KM: {}", "km")]))  # fmt: skip
def test_odometers(reading: int, locale: str, form: tuple[str, str | None]) -> None:
    mileage = parse_mileage(form[0].format(written(reading, locale, 0)))
    assert (mileage.value, mileage.unit) == (Decimal(reading), MileageUnit(form[1]) if form[1] else None)


@given(st.integers(1, 400), st.integers(0, 9), st.sampled_from(["{} km/kg", "{} kmpl", "{} km/l", "{} mpg", "{} km/h"]))
def test_fuel_economy_and_speed_are_no_odometers(whole: int, tenth: int, form: str) -> None:
    mileage = parse_mileage(form.format(f"{whole}.{tenth}"))
    assert (mileage.value, mileage.understood) == (None, False)


_MONTHS = {
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "fr": "Janvier Février Mars Avril Mai Juin Juillet Août Septembre Octobre Novembre Décembre",
    "nl": "januari februari maart april mei juni juli augustus september oktober november december",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "pt": "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
    "it": "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    "no": "januar februar mars april mai juni juli august september oktober november desember",
    "pl": "styczeń luty marzec kwiecień maj czerwiec lipiec sierpień wrzesień październik listopad grudzień",
    "ru": "января февраля марта апреля мая июня июля августа сентября октября ноября декабря",
    "en": "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec",
}
_FORMS: list[Callable[[date], str]] = [
    lambda d: f"{d:%Y-%m}", lambda d: f"{d:%Y-%m-%d}", lambda d: f"{d:%Y%m}", lambda d: f"{d:%m/%Y}",
    lambda d: f"{d:%m.%Y}", lambda d: f"EZ {d:%m/%Y}", lambda d: f"{d:%d.%m.%Y}", lambda d: f"{d.year}/{d.month}",
    lambda d: f"{d:%Y-%m-%dT00:00:00Z}",
]  # fmt: skip


@given(st.dates(date(1950, 1, 1), date(2026, 12, 31)), st.sampled_from(_FORMS))
def test_months(day: date, form: Callable[[date], str]) -> None:
    assert parse_month(form(day)) == f"{day:%Y-%m}"


@given(st.dates(date(1950, 1, 1), date(2026, 12, 31)), st.sampled_from(sorted(_MONTHS)))
def test_months_by_name(day: date, language: str) -> None:
    name = _MONTHS[language].split()[day.month - 1]
    assert parse_month(f"{name}/{day.year}") == f"{day:%Y-%m}"
    assert parse_month(f"{day.day} {name} {day.year}") == f"{day:%Y-%m}"
    assert parse_month(f"{day.day} {name}") is None, "no year, no date"


@given(st.dates(date(1950, 1, 1), date(2026, 12, 31)))
def test_slashed_dates_are_read_only_where_they_can_mean_one_month(day: date) -> None:
    """12/01/2026 is a day in January or in December: https://github.com/dannymcc/may/pull/255"""
    found = parse_month(f"{day:%d/%m/%Y}")
    assert found in (f"{day:%Y-%m}", None)
    assert (found is None) == (day.day <= 12 and day.day != day.month)
    assert parse_month(f"{day:%m/%d/%Y}") in (f"{day:%Y-%m}", None)
    assert parse_month(f"{day:%d/%m/%Y}", day_first=True) == f"{day:%Y-%m}"


_READERS: dict[str, Callable[[str], object]] = {
    "price": parse_price, "mileage": parse_mileage, "unit": parse_unit, "number": parse_number, "only": only_number,
    "power": lambda text: parse_power(text, "ps"), "displacement": parse_displacement, "cylinders": parse_cylinders,
    "month": parse_month, "year": lambda text: parse_year(text, 2027), "vin": lambda text: check_vin(text, 2019),
    "moment": lambda text: parse_timestamp(text, formats=["%d.%m.%Y"], day_first=True), "null": is_null,
    "word": lambda text: read_word("transmission", text, {}), "html": to_text, "clean": clean, "lines": clean_lines,
    "key": lambda text: fold.__wrapped__(text), "http": is_http, "unshouted": unshouted,
    "contacts": lambda text: without_contacts(text[:20_000]),
}  # fmt: skip
_SIZE = 65_536
_PATTERNS = [
    "1", "1,", "1 ", "1\u00a0", "1.1 ", "9-", "a", "A", "<", "<a", "<!--", "&lt;", " ", "\n", "\t \n", "km ", "1 km",
    "€", "(1", "@a", "a@a.", "+1 ", "http://a", "V6 ", "é", "٣", "1x", "/", "'", "\x00",
]  # fmt: skip


@pytest.mark.parametrize("name", sorted(_READERS))
def test_no_reader_takes_more_than_linear_time(name: str) -> None:
    """What takes the square of the length would take minutes for one of these; a MiB would be an afternoon."""
    read = _READERS[name]
    started = time.process_time()
    for pattern in _PATTERNS:
        text = pattern * (_SIZE // len(pattern))
        read(text)
        read(text + "!")
    read("1 a" * (1_048_576 // 3))
    assert time.process_time() - started < 20


@settings(max_examples=200)
@given(
    st.sampled_from(sorted(_READERS)),
    st.text(max_size=80) | st.from_regex(r"[0-9 .,'€$a-zа-я/()~-]{1,60}", fullmatch=True),
)
def test_no_reader_raises(name: str, text: str) -> None:
    _READERS[name](text)


@given(st.from_regex(r"[0-9 .,'€$krzł/()+-]{1,30}", fullmatch=True))
@example("1.0050")
def test_any_price_that_is_read_has_the_digits_of_the_text(text: str) -> None:
    price = parse_price(text)
    if price.status is PriceStatus.OK and price.amount is not None and "k" not in text:
        shown = "".join(character for character in text if character.isdigit())
        rounded_up = price.amount - Decimal("0.01")
        assert any(f"{amount:f}".replace(".", "").strip("0")[:3] in shown for amount in (price.amount, rounded_up))


@settings(max_examples=150, deadline=None)
@given(st.integers(20_000, 10**8), LOCALE, st.booleans())
def test_our_own_fields_in_any_locale_are_read_or_refused(hundredths: int, locale: str, whole: bool) -> None:
    amount = Decimal(hundredths // 100 if whole else Decimal(hundredths).scaleb(-2))
    reading = hundredths // 100
    result = map_listing(
        price_amount=written(amount, locale, 0 if whole else 2), mileage_km=..., mileage=written(reading, locale, 0)
    )
    for document in result.documents:
        assert document.get("price_amount", float(amount)) == float(amount)
        assert document.get("mileage_km", reading) == reading
    assert all(problem.field in ("price_amount", "mileage_value") for r in result.rejects for problem in r.problems)


_POWERS = {
    "{} PS": "0.73549875", "{} KM": "0.73549875", "{} ch": "0.73549875", "{} CV": "0.73549875", "{} л.с.": "0.73549875",
    "{}bhp": "0.745699872", "{} HP": "0.745699872", "{} kW": "1", "{} кВт": "1",
}  # fmt: skip


@given(
    st.integers(40, 2_000),
    st.sampled_from(sorted(_POWERS)),
    st.sampled_from(["{}", "2.0 л / {}", "1.6 16V {}", "Benzyna 1 598 cm3 {}", "TDI, {}, 5 doors", "{} (2019)"]),
)
def test_power_out_of_an_engine_text(power: int, form: str, text: str) -> None:
    kilowatts = (power * Decimal(_POWERS[form])).quantize(Decimal(1), "ROUND_HALF_UP")
    assert parse_power(text.format(form.format(power))) == kilowatts


@given(
    st.integers(60, 8_000),
    st.sampled_from(["{} cc", "{}cc", "{} cm3", "{} CC, 88 bhp", "{} см³", "{:,} cm³", "1.6 {} ccm"]),
)
def test_displacement_out_of_an_engine_text(cc: int, form: str) -> None:
    assert parse_displacement(form.format(cc)) == cc


@given(st.integers(6, 80), st.sampled_from(["{}L V6", "{} л / 163 л.с.", "{}-litre", "{} l, 5,2 l/100 km"]))
def test_litres_out_of_an_engine_text(tenths: int, form: str) -> None:
    assert parse_displacement(form.format(f"{tenths // 10}.{tenths % 10}")) == tenths * 100
