"""Columns and paths as they are told to people."""

from __future__ import annotations

import pytest

from app.ops.feeds_columns import SeenColumns, paths
from app.pipeline.columns import column, loose_key

RECORD: dict[str, object] = {
    "id": 7,
    "price": {"amount": 5, "note": None},
    "images": [{"url": "a", "tags": ["x", "y"]}, {"url": "b"}],
    "features": ["ABS", "ESP"],
    "specs": [{"name": "Power", "value": "63 kW"}, {"name": "Doors", "value": 5}],
    "empty": [],
}


def test_every_value_has_a_path_and_every_path_leads_to_its_value() -> None:
    found = dict(paths(RECORD))
    assert found == {
        "id": 7,
        "price.amount": 5,
        "price.note": None,
        "images[].url": "b",
        "images[].tags": "x, y",
        "features": "ABS, ESP",
        "specs[name=Power].value": "63 kW",
        "specs[name=Doors].value": 5,
        "empty": None,
    }
    for path in ("id", "price.amount", "specs[name=Power].value", "specs[name=Doors].value"):
        assert column(path)(RECORD) == found[path]


def test_depth_and_width_have_an_end() -> None:
    deep: dict[str, object] = {"end": 1}
    for _ in range(1_000):
        deep = {"a": deep}
    assert list(paths(deep)) == []
    seen = SeenColumns()
    seen.add({f"c{n}": n for n in range(10_000)})
    assert len(seen.all()) == 2_000


@pytest.mark.parametrize(
    ("used", "left"),
    [
        ({"images[0].url", "id"}, ["price.amount", "images[].tags", "features", "specs[name=Power].value"]),
        ({"images", "specs[].value", "features"}, ["id", "price.amount"]),
        ({"price", "id", "images[].url", "images[].tags[0]", "specs[name=Power].value", "features"}, []),
    ],
)
def test_unused_columns_are_those_that_no_path_leads_to_or_into(used: set[str], left: list[str]) -> None:
    seen = SeenColumns()
    seen.add(
        {name: value for name, value in RECORD.items() if name != "specs"} | {"specs": [{"name": "Power", "value": 1}]}
    )
    assert [column.path for column in seen.unused(frozenset(used), None)] == left


def test_names_are_compared_as_the_profile_compares_them() -> None:
    seen = SeenColumns()
    seen.add({"Image Link": "x", "g:VIN": "y", "Other": "z"})
    assert [c.path for c in seen.unused(frozenset({"image_link", "vin"}), loose_key)] == ["Other"]


def test_columns_that_never_say_anything_are_not_missed() -> None:
    seen = SeenColumns()
    seen.add({"a": "", "b": None, "c": "  ", "d": 0})
    seen.add({"a": "", "b": None, "c": "x", "d": 0})
    assert [(c.path, c.filled, c.examples) for c in seen.unused(frozenset(), None)] == [
        ("c", 1, ["x"]),
        ("d", 2, ["0"]),
    ]
