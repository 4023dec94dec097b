"""Numbers with the marks of any country."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.pipeline.values.numbers import decimal_of, only_number, parse_number


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1234", "1234"),
        ("1.234", "1234"),
        ("1,234", "1234"),
        ("0.999", "0.999"),
        ("1.5", "1.5"),
        ("2134.11", "2134.11"),
        ("1.2345", "1.2345"),
        ("1.234,5", "1234.5"),
        ("1,234.567", "1234.567"),
        ("12,50,000", "1250000"),
        ("1 234 567", "1234567"),
        ("1’234", "1234"),
    ],
)
def test_numbers(text: str, number: str) -> None:
    assert parse_number(text) == Decimal(number)


@pytest.mark.parametrize(
    "text", ["", ".", ",5", "1.234.56", "1,23.456,7", "12 34", "٣٤", "1e5", "-5", "9" * 19, "1,,234"]
)
def test_no_numbers(text: str) -> None:
    assert parse_number(text) is None


def test_only_number_refuses_ranges() -> None:
    assert only_number("5-door") == 5
    assert only_number("4/5") is None
    assert only_number("none") is None


@pytest.mark.parametrize("value", [True, "5", None, float("inf"), float("nan"), 10**30, [1]])
def test_other_values_are_no_numbers(value: object) -> None:
    assert decimal_of(value) is None


@given(st.decimals(0, 10**12, places=2), st.sampled_from([("", "."), (",", "."), (".", ","), (" ", ","), ("'", ".")]))
def test_what_is_formatted_is_read_back(number: Decimal, marks: tuple[str, str]) -> None:
    group, mark = marks
    text = f"{number:,.2f}".replace(",", "\0").replace(".", mark).replace("\0", group)
    assert parse_number(text) == number


@given(st.text(alphabet="0123456789., '\u00a0-", max_size=30))
def test_never_raises(text: str) -> None:
    number = parse_number(text)
    assert number is None or number >= 0
