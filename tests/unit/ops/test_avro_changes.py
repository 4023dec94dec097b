from __future__ import annotations

from typing import Any

import pytest

from app.ops.avro_changes import find_breaks, find_losses


def record(*fields: Any, name: str = "R") -> Any:
    return {"type": "record", "name": name, "fields": list(fields)}


def field(name: str, kind: Any, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": kind, **more}


MONEY = {"type": "bytes", "logicalType": "decimal", "precision": 12, "scale": 2}
COLOURS = {"type": "enum", "name": "Colour", "symbols": ["RED"], "default": "RED"}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (record(field("a", "int")), record(field("a", "int", doc="now explained"))),
        (record(field("a", "int")), record(field("a", "int"), field("b", "int", default=0))),
        (record(field("a", "int"), field("b", "int", default=0)), record(field("a", "int"))),
        (record(field("a", "int")), record(field("b", "int", aliases=["a"]))),
        (record(field("a", ["null", "int"])), record(field("a", ["int", "null"]))),
        (record(field("a", COLOURS)), record(field("a", {**COLOURS, "symbols": ["RED", "BLUE"]}))),
        (record(field("a", "int"), name="x.R"), record(field("a", "int"), name="y.R")),
        (record(field("a", "int")), record(field("a", {"type": "int"}))),
    ],
)
def test_what_both_can_read_is_no_break(old: Any, new: Any) -> None:
    assert list(find_breaks(old, new)) == []


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (record(), record(field("a", "int")), "field a: added without a default"),
        (record(field("a", "int")), record(), "field a: removed, had no default"),
        (record(field("a", "int")), record(field("a", "string")), "field a: int became string"),
        (record(field("a", "int")), record(field("a", ["null", "int"])), "field a: int became union"),
        (
            record(field("a", ["null", "int"])),
            record(field("a", ["null", "long"])),
            "field a: int removed from the union",
        ),
        (record(name="A"), record(name="B"), "schema: record A was renamed to B"),
        (record(field("a", MONEY)), record(field("a", {**MONEY, "scale": 3})), "field a: scale 2 became 3"),
        (
            record(field("a", {"type": "array", "items": record(name="I")})),
            record(field("a", {"type": "array", "items": record(field("b", "int"), name="I")})),
            "field a[].b: added without a default",
        ),
        (
            record(field("a", {"type": "map", "values": "int"})),
            record(field("a", {"type": "map", "values": "long"})),
            "field a{}: int became long",
        ),
        (
            record(field("a", {**COLOURS, "default": "RED"})),
            record(field("a", {"type": "enum", "name": "Colour", "symbols": ["BLUE"]})),
            "field a: symbols changed without a default symbol in both",
        ),
    ],
)
def test_a_break_is_told_with_its_place(old: Any, new: Any, told: str) -> None:
    assert told in list(find_breaks(old, new))


PLACE = {"type": "record", "name": "Place", "fields": [{"name": "city", "type": "string"}]}
COLOUR = {"type": "enum", "name": "Colour", "symbols": ["RED", "BLUE"], "default": "RED"}


def of(kind: Any) -> Any:
    return record(field("a", kind))


@pytest.mark.parametrize(
    ("ours", "theirs", "lost"),
    [
        (of("string"), of("string"), []),
        (of("string"), record(field("a", "string"), field("b", "int")), []),
        (record(field("a", "string"), field("b", "int")), of("string"), ["field b"]),
        (of(["null", PLACE]), of(["null", {**PLACE, "fields": []}]), ["field a.city"]),
        (of({"type": "array", "items": PLACE}), of({"type": "array", "items": {**PLACE, "fields": []}}),
         ["field a[].city"]),
        (of({"type": "map", "values": PLACE}), of({"type": "map", "values": {**PLACE, "fields": []}}),
         ["field a{}.city"]),
        (of(["null", "string"]), of(["null"]), ["field a (string)"]),
        (of(COLOUR), of({**COLOUR, "symbols": ["RED"]}), ["field a (BLUE)"]),
        (of("string"), "PROTOBUF", ["all of it"]),
    ],
)  # fmt: skip
def test_what_is_lost_by_writing_with_another_schema(ours: Any, theirs: Any, lost: list[str]) -> None:
    assert list(find_losses(ours, theirs)) == lost
