"""Power, displacement and cylinders."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.pipeline.values.engine import parse_cylinders, parse_displacement, parse_power


@pytest.mark.parametrize(
    ("value", "unit", "kilowatts"),
    [
        ("158 PS", None, 116),
        ("63 kW (86 PK)", None, 63),
        ("58.16 bhp", None, 43),
        ("2.0 л / 163 л.с. / Дизель", None, 120),
        ("158", "ps", 116),
        (158, "ps", 116),
        (210, "kw", 210),
        ("158", None, None),
        ("200 - 299 HP", None, None),
        ("0", "ps", None),
        (0, "kw", None),
        ("150 KM", None, 110),  # Polish: konie mechaniczne
        ("110 ch", None, 81),
        ("136 CV", None, 100),
        ("Berline, Diesel (4 CV)", None, None),  # a French tax class
        ("190 л.с.", None, 140),
        ("184 к.с.", None, 135),
        ("110 CP", None, 81),
        ("100 hv", None, 74),
        ("90 кВт", None, 90),
        ("120 hk", None, 88),
        ("126.32bhp@4000rpm", None, 94),
        ("null bhp", None, None),
        ("Benzyna 1 598 cm3 110 KM", None, 81),
        ("2.0 163 л.с.", None, 120),
        ("150 000 km", "kw", None),
        ("216 100 km", "kw", None),
        ("216\u00a0100\u00a0км, 110 кВт", None, 110),
        ("45000 KM", None, None),  # Poland's horsepower; so many are kilometres
        ("10000 KM", None, 7355),
    ],
)
def test_power(value: object, unit: str | None, kilowatts: int | None) -> None:
    assert parse_power(value, unit) == kilowatts


@pytest.mark.parametrize(
    ("value", "cc"),
    [
        ("1.390 cm³", 1390),
        ("998 CC", 998),
        ("3.5L V6 24V PDI DOHC", 3500),
        ("2.0 л / 163 л.с.", 2000),
        ("1.5T I-4 DOHC", 1500),
        ("0.999", 999),
        ("999", 999),
        (1.5, 1500),
        (1498, 1498),
        ("2000 - 2499 cc", None),
        ("0", None),
        ("TurboMax engine", None),
        ("1.6L", 1600),
        ("1,4 л", 1400),
        ("2.998832712", 2999),  # vPIC's litres
        ("1.998", 1998),
        ("1248 CC", 1248),
        (1598.0, 1598),
        ("2.0 TDI", None),
        ("Benzyna 1 598 cm3 110 KM", 1598),
        ("1.6 1 598 cm3", 1598),
        ("12 800 cm3", 12800),
        ("5,2 l/100 km", None),
    ],
)
def test_displacement(value: object, cc: int | None) -> None:
    assert parse_displacement(value) == cc


@pytest.mark.parametrize(
    ("value", "cylinders"),
    [
        ("4Cyl", 4),
        ("8", 8),
        ("8.0", 8),
        (6, 6),
        ("3.6L V6 engine", 6),
        ("1.5L Turbo 4-cylinder engine", 4),
        ("Straight 6 Cylinder Engine", 6),
        ("1.5T I-4 DOHC 16-Valve", 4),
        ("ENGINE GAS, 4 CYL, L4, 1.5L", 4),
        ("ECOTEC 1.2L Turbo engine", None),
        ("Volvo V40 D2", None),
        ("W12", 12),
        ("0.999", None),
        (1.5, None),
    ],
)
def test_cylinders(value: object, cylinders: int | None) -> None:
    assert parse_cylinders(value) == cylinders


@given(st.text(max_size=60) | st.integers() | st.floats() | st.none() | st.booleans())
def test_never_raise(value: object) -> None:
    for found in (parse_power(value, "hp"), parse_displacement(value), parse_cylinders(value)):
        assert found is None or found > 0
