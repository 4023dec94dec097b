"""Columns and paths into a sender's record."""

from __future__ import annotations

import pytest

from app.pipeline.columns import column, column_key, joined, template_columns

ROW: dict[str, object] = {
    "Annonse ID": "1",
    "mileage.value": "flat",
    "mileage": {"value": "nested", "unit": "KM"},
    "pricing": {"msrp": 5, "deep": {"er": 6}},
    "images": [{"url": "a"}, {"url": "b"}, "c"],
    "specs": [{"name": "Power (kW)", "value": 63}, {"name": "Doors", "value": 5}],
    "text": "x",
    "$part.group": "taken",
}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Annonse ID", "1"),
        ("mileage.value", "flat"),
        ("mileage.unit", "KM"),
        ("pricing.msrp", 5),
        ("pricing.deep.er", 6),
        ("pricing.none.er", None),
        ("text.deeper", None),
        ("images[0].url", "a"),
        ("images[7].url", None),
        ("images[].url", ["a", "b"]),
        ("specs[name=Power (kW)].value", 63),
        ("specs[name=Seats].value", None),
        ("$part.group", "taken"),
        ("absent", None),
    ],
)
def test_columns(name: str, value: object) -> None:
    assert column(name)(ROW) == value


def test_case_and_outer_blanks_may_not_count() -> None:
    assert column(" VIN ", column_key)({"vin": "v"}) == "v"


def test_templates() -> None:
    join = joined("{a}-{b} {c?}", column, frozenset({"", "n/a"}))
    assert join({"a": 1, "b": "x", "c": "y"}) == "1-x y"
    assert join({"a": 1, "b": "x", "c": "N/A"}) == "1-x "
    assert join({"a": 1, "b": None}) is None
    assert joined("{a?}{b?}", column, frozenset({""}))({}) is None
    assert template_columns("{a} {b.c?}") == ["a", "b.c"]
