"""Prices as senders write them."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.model.listing import PriceStatus
from app.pipeline.values.codes import CURRENCIES, PRICE_BOUNDS
from app.pipeline.values.price import cents, is_plausible, parse_price


@pytest.mark.parametrize(
    ("text", "amount", "currency"),
    [
        ("€ 1.440", "1440", "EUR"),
        ("8 600 €", "8600", "EUR"),
        ("985\u00a0000\u00a0₽", "985000", "RUB"),
        ("1\u202f770\u2009€", "1770", "EUR"),
        ("14.990 €", "14990", "EUR"),
        ("1.234.123 €", "1234123", "EUR"),
        ("R$ 58.990,00", "58990", "BRL"),
        ("48900.00 CAD", "48900", "CAD"),
        ("10,499.00 USD", "10499", "USD"),
        ("usd 10499", "10499", "USD"),
        ("£9,450 ONO", "9450", "GBP"),
        ("12.500,- € VB", "12500", "EUR"),
        ("1'234.50 CHF", "1234.50", "CHF"),
        ("10900.0", "10900", None),
        ("9,99", "9.99", None),
        ("$5,000", "5000", None),
        ("US$ 5,000", "5000", "USD"),
        ("kr 374 434", "374434", None),
        ("4,50,000", "450000", None),
        ("₹ 8.61 Lakh", "861000", "INR"),
        ("1.28 Cr", "12800000", None),
        ("620 Triệu", "620000000", None),
        ("620.000.000", "620000000", None),
        ("1,200만원", "12000000", "KRW"),
        ("120万円", "1200000", "JPY"),
        ("12k", "12000", None),
        ("$45.5k", "45500", None),
        ("Rs. 4.5 Lakh", "450000", None),
        ("₹12.5L", "1250000", "INR"),
        ("1,28,00,000", "12800000", None),
        ("215 000,- kr", "215000", None),
        ("CHF 12'345.-", "12345", "CHF"),
        ("12 500:-", "12500", None),
        ("12.500 Euro", "12500", "EUR"),
        ("12 900 zł brutto", "12900", "PLN"),
        ("99 000 Kč", "99000", "CZK"),
        ("RM 45,000", "45000", "MYR"),
        ("Rp 150.000.000", "150000000", "IDR"),
        ("150 000 грн", "150000", "UAH"),
        ("1,5 млн ₽", "1500000", "RUB"),
        ("$12,999 USD", "12999", "USD"),
        ("€ 14.990 incl. btw", "14990", "EUR"),
        ("15 990 € TTC", "15990", "EUR"),
        ("5000 zar", "5000", "ZAR"),
        ("£9,450 firm", "9450", "GBP"),
    ],
)
def test_amounts(text: str, amount: str, currency: str | None) -> None:
    price = parse_price(text)
    assert (price.amount, price.currency, price.status) == (Decimal(amount), currency, PriceStatus.OK)


@pytest.mark.parametrize(
    "text",
    [
        "POA", "P.O.A.", "poa", "Call", "Call for price", "contact", "Contact dealer for price", "Not Priced",
        "On request",
        "price on application", "auf Anfrage", "Preis auf Anfrage", "VB", "VHB", "sur demande", "Prix sur demande",
        "nous consulter", "a consultar", "Consultar precio", "sob consulta", "a convenir", "op aanvraag", "N.O.T.K.",
        "su richiesta", "Trattativa riservata", "Pris på forespørsel", "pris på begäran", "cena do uzgodnienia",
        "zapytaj o cenę", "цена по запросу", "договорная",
    ],
)  # fmt: skip
def test_on_request(text: str) -> None:
    assert parse_price(text).status is PriceStatus.ON_REQUEST


@pytest.mark.parametrize("value", ["", " ", "-", "–", "N/A", "none", "0", "$0", "1", "$1", 0, 1.0, 0.3, None])
def test_missing(value: object) -> None:
    price = parse_price(value)
    assert (price.amount, price.status, price.understood) == (None, PriceStatus.MISSING, True)


@pytest.mark.parametrize(
    "value",
    [
        "₦725,183 / mo",
        "$59/WEEK",
        "ab 12.500 €",
        "from £9,000",
        "10.000 - 12.000 €",
        "5000 or 6000",
        "1.28 Cr Lakh",
        "Start Saving 500 Today!",
        "1.234.56",
        "(1,500.00)",
        "top 5000",
        "all for 5000",
        "EUR 5000 USD",
        "5000 € / 5500 $",
        "12 000 €/mois",
        "299 €/Monat",
        "$250 down",
        "vanaf € 12.500",
        "fra 215 000 kr",
        "2010Lexus GX 460",
        "9" * 40,
        True,
        [5000],
        float("nan"),
    ],
)
def test_not_a_price(value: object) -> None:
    price = parse_price(value)
    assert (price.amount, price.understood) == (None, False)


@pytest.mark.parametrize(
    "text", ["£9,450 +VAT", "£9,450 plus VAT", "12 000 € HT", "12.000 € netto", "12.000 zzgl. MwSt."]
)
def test_without_tax(text: str) -> None:
    assert parse_price(text).net
    assert parse_price(text).amount in (9450, 12000)


@pytest.mark.parametrize("text", ["£9,450 incl. VAT", "12 000 € TTC", "12.000 € inkl. MwSt.", "€ 12.000"])
def test_with_tax(text: str) -> None:
    assert not parse_price(text).net


def test_scale_words_count_once() -> None:
    """An amount in full with the word beside it: https://github.com/papaya-insurtech/mango-bug-report/issues/122"""
    assert parse_price("620.000.000 Triệu").status is PriceStatus.IMPLAUSIBLE
    assert parse_price("1.28 Cr lakh").amount is None


def test_negative_is_implausible() -> None:
    assert parse_price("-500 €").status is PriceStatus.IMPLAUSIBLE
    assert parse_price(-500).status is PriceStatus.IMPLAUSIBLE


def test_scale_applies_to_plain_numbers_only() -> None:
    lakh = Decimal(100_000)
    assert parse_price("1.75", scale=lakh).amount == 175_000
    assert parse_price("8.61 Lakh", scale=lakh).amount == 861_000
    assert parse_price(4100050, scale=Decimal("0.01")).amount == Decimal("41000.50")


def test_declared_decimal_mark_beats_the_guess() -> None:
    assert parse_price("1,234", decimal_mark=",").amount == Decimal("1.23")
    assert parse_price("14.990", decimal_mark=",").amount == 14990


_CENTS = st.integers(200, 10**12).map(lambda n: Decimal(n).scaleb(-2))


@given(_CENTS, st.sampled_from(sorted(CURRENCIES)), st.sampled_from(["{:,.2f} {}", "{:.2f} {}", "{1} {0:,.2f}"]))
def test_what_is_formatted_is_read_back(amount: Decimal, currency: str, form: str) -> None:
    price = parse_price(form.format(amount, currency))
    assert (price.amount, price.currency) == (amount, currency)


@given(_CENTS)
def test_european_marks_are_read_back(amount: Decimal) -> None:
    text = f"{amount:,.2f} €".replace(",", "\u00a0").replace(".", ",")
    assert parse_price(text).amount == amount


@given(st.text(max_size=60) | st.integers() | st.floats() | st.decimals() | st.none() | st.booleans())
def test_never_raises(value: object) -> None:
    price = parse_price(value)
    assert (price.amount is not None) == (price.status is PriceStatus.OK)
    assert price.amount is None or 0 < price.amount <= 10**12


def test_bounds_are_the_currency_s() -> None:
    assert is_plausible(12_500_000, "NGN")
    assert not is_plausible(12_500_000, "EUR")
    assert not is_plausible(37, "EUR")
    assert is_plausible(37, "XPF")
    assert PRICE_BOUNDS.keys() <= CURRENCIES


@given(st.integers(0, 10**14))
def test_cents_keep_two_decimals(number: int) -> None:
    assert cents(number / 100) == number / 100


def test_cents_round_half_up_by_the_digits_written() -> None:
    assert [cents(value) for value in (1.005, 2.675, 1.004)] == [1.01, 2.68, 1.0]
