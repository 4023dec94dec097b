"""Odometers as senders write them."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.model.listing import MileageUnit
from app.pipeline.values.mileage import Mileage, default_unit, parse_mileage, parse_unit, to_km


@pytest.mark.parametrize(
    ("value", "number", "unit"),
    [
        ("180.100 km", 180100, "km"),
        ("216\u00a0100\u00a0км", 216100, "km"),
        ("150,000km", 150000, "km"),
        ("7560 km", 7560, "km"),
        ("29,403 mi.", 29403, "mi"),
        ("2,777 miles", 2777, "mi"),
        ("73556", 73556, None),
        (73556, 73556, None),
        ("120k", 120000, None),
        ("120k miles", 120000, "mi"),
        ("0", 0, None),
        ("12 345 mls", 12345, "mi"),
        ("150 tkm", 150000, "km"),
        ("120,5 тыс. км", 120500, "km"),
        ("195 тис. км", 195000, "km"),
        ("5.2万km", 52000, "km"),
        ("6.2万公里", 62000, "km"),
        ("Kilometerstand: 99.000 km", 99000, "km"),
        ("73556.0", 73556, None),
        (73556.0, 73556, None),
    ],
)
def test_readings(value: object, number: int, unit: str | None) -> None:
    mileage = parse_mileage(value)
    assert (mileage.value, mileage.unit) == (Decimal(number), unit and MileageUnit(unit))


@pytest.mark.parametrize(
    "value",
    [
        "202xxx",
        "1**,***",
        "26.6 km/kg",
        "0.0 kmpl",
        "18 km/l",
        "5,2 l/100km",
        "200 km/h",
        "150 KM 1.6",
        "10 - 20 km",
        "-5",
        -5,
        "KM",
        "1" * 30,
        True,
        "<100 km",
        {"value": 5},
        "over 100000 km",
        "158 PS",
    ],
)
def test_not_understood(value: object) -> None:
    mileage = parse_mileage(value)
    assert (mileage.value, mileage.understood) == (None, False)


@pytest.mark.parametrize("value", [None, "", "-", "N/A", "unknown"])
def test_nothing_said(value: object) -> None:
    mileage = parse_mileage(value)
    assert (mileage.value, mileage.understood) == (None, True)


@pytest.mark.parametrize("text", ["ca. 120.000 km", "approx 120000 km", "~120 000 km", "около 120 000 км"])
def test_told_roughly(text: str) -> None:
    mileage = parse_mileage(text)
    assert (mileage.value, mileage.unit, mileage.exact) == (Decimal(120_000), MileageUnit.KM, False)


def test_mil_is_ten_kilometres_in_scandinavia_only() -> None:
    assert parse_mileage("10 000 mil", scandinavian_mil=True) == Mileage(Decimal(100_000), MileageUnit.KM)
    assert parse_mileage("10 000 mil").value is None


@pytest.mark.parametrize(
    ("text", "unit"), [("KM", "km"), ("MILES", "mi"), ("SMI", "mi"), ("KMT", "km"), ("KTM", "km"), ("furlongs", None)]
)
def test_units(text: str, unit: str | None) -> None:
    assert parse_unit(text) == unit


def test_country_decides_where_nobody_said() -> None:
    assert [default_unit(country) for country in ("US", "GB", "CA", None)] == ["mi", "mi", "km", "km"]


@given(st.integers(0, 3_000_000))
def test_kilometres_are_rounded_half_up(miles: int) -> None:
    exact = (Decimal(miles) * Decimal("1.609344")).quantize(Decimal(1), ROUND_HALF_UP)
    assert to_km(float(miles), "mi") == exact
    assert to_km(float(miles), "km") == miles


@given(st.integers(0, 2_000_000), st.sampled_from(["{:,} miles", "{:,} mi", "{} miles"]))
def test_what_is_formatted_is_read_back(miles: int, form: str) -> None:
    assert parse_mileage(form.format(miles)) == Mileage(Decimal(miles), MileageUnit.MI)


@given(st.text(max_size=40) | st.integers() | st.floats() | st.none())
def test_never_raises(value: object) -> None:
    mileage = parse_mileage(value)
    assert mileage.value is None or mileage.value >= 0
