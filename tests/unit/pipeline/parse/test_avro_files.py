"""Avro object container files: what their values become, what a bad record or block costs, what a schema may ask."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import FailureCode
from app.model.file import Compression, FileFormat
from app.model.record import FileShape, ReadHints
from app.pipeline.parse import FileReader
from tests.support.limits import limits
from tests.support.packed import (
    LISTING_SCHEMA,
    PACKERS,
    avro_block,
    avro_datum,
    avro_file,
    avro_header,
    avro_text,
    long,
)
from tests.support.reading import read_file


def _record(*fields: tuple[str, Any]) -> dict[str, Any]:
    return {"type": "record", "name": "Car", "fields": [{"name": name, "type": kind} for name, kind in fields]}


def _one(kind: Any, value: Any) -> Any:
    """What a value of this type becomes; the problem's text when it can become nothing."""
    reading = read_file(avro_file(_record(("id", "string"), ("field", kind)), [[{"id": "1", "field": value}]]))
    if reading.bad:
        return str(reading.bad[0].problem)
    assert reading.error is None
    return reading.values[0]["field"]


_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_VALUES = st.fixed_dictionaries(
    {
        "text": _TEXT,
        "number": st.integers(-(2**63), 2**63 - 1),
        "real": st.none() | st.floats(-1e15, 1e15),
        "list": st.lists(_TEXT, max_size=3),
        "map": st.dictionaries(_TEXT, st.booleans(), max_size=3),
        "inner": st.none() | st.fixed_dictionaries({"colour": st.sampled_from(["red", "blue"])}),
    }
)
_SCHEMA = _record(
    ("text", "string"),
    ("number", "long"),
    ("real", ["null", "double"]),
    ("list", {"type": "array", "items": "string"}),
    ("map", {"type": "map", "values": "boolean"}),
    (
        "inner",
        [
            "null",
            {
                "type": "record",
                "name": "Inner",
                "fields": [{"name": "colour", "type": {"type": "enum", "name": "Colour", "symbols": ["red", "blue"]}}],
            },
        ],
    ),
)


@settings(deadline=None)
@given(
    st.lists(st.lists(_VALUES, max_size=6), max_size=4),
    st.sampled_from(sorted(PACKERS)),
    st.integers(1, 300),
    st.integers(1, 300),
)
def test_what_was_written_comes_back_however_it_is_cut(
    blocks: list[list[dict[str, Any]]], codec: str, chunk: int, block: int
) -> None:
    reading = read_file(avro_file(_SCHEMA, blocks, codec), chunk=chunk, block=block)

    assert reading.error is None
    assert reading.values == [record for records in blocks for record in records]
    assert [record.number for record in reading.records] == list(range(1, len(reading.records) + 1))
    assert reading.shape == FileShape(FileFormat.AVRO, Compression.NONE)


@settings(deadline=None)
@given(
    st.sampled_from(sorted(PACKERS)),
    st.lists(st.tuples(st.integers(0, 5_000), st.binary(min_size=1, max_size=4)), min_size=1, max_size=4),
    st.integers(1, 500),
)
def test_damage_gives_the_same_however_it_is_cut_and_nothing_worse(
    codec: str, changes: list[tuple[int, bytes]], chunk: int
) -> None:
    record = {"text": "a", "number": 1, "real": 1.5, "list": ["b"], "map": {"c": True}, "inner": {"colour": "red"}}
    data = bytearray(avro_file(_SCHEMA, [[record] * 3, [record] * 2], codec))
    for at, change in changes:
        at %= len(data)
        data[at : at + len(change)] = change

    assert read_file(bytes(data), chunk=chunk, block=chunk).account() == read_file(bytes(data)).account()


_UTC = dt.UTC
_MOMENT = dt.datetime(2026, 5, 1, 8, 30, 0, 250_000, tzinfo=_UTC)


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ({"type": "long", "logicalType": "timestamp-millis"}, _MOMENT, "2026-05-01T08:30:00.250000Z"),
        ({"type": "long", "logicalType": "timestamp-micros"}, _MOMENT.replace(microsecond=0), "2026-05-01T08:30:00Z"),
        (
            {"type": "long", "logicalType": "local-timestamp-millis"},
            dt.datetime.fromisoformat("2026-05-01T08:30:00"),
            "2026-05-01T08:30:00",
        ),
        ({"type": "int", "logicalType": "date"}, dt.date(2019, 7, 1), "2019-07-01"),
        ({"type": "int", "logicalType": "time-millis"}, dt.time(8, 30), "08:30:00"),
        ({"type": "bytes", "logicalType": "decimal", "precision": 12, "scale": 2}, Decimal("12999.00"), "12999.00"),
        ({"type": "bytes", "logicalType": "decimal", "precision": 40, "scale": 0}, Decimal(10**30), "1" + "0" * 30),
        (
            {"type": "fixed", "name": "D", "size": 8, "logicalType": "decimal", "precision": 12, "scale": 3},
            Decimal("-0.001"),
            "-0.001",
        ),
        (
            {"type": "string", "logicalType": "uuid"},
            UUID("12345678-1234-5678-1234-567812345678"),
            "12345678-1234-5678-1234-567812345678",
        ),
        (["null", {"type": "int", "logicalType": "date"}], None, None),
        ({"type": "array", "items": {"type": "int", "logicalType": "date"}}, [dt.date(2019, 7, 1)], ["2019-07-01"]),
        ("bytes", "größer".encode(), "größer"),
        ("double", 2019.0, 2019.0),
        ("float", float("nan"), None),
        ("double", float("inf"), "field: expected a finite number, got infinity"),
        ("bytes", b"\xff", "field: expected text in UTF-8 (leave a field of other bytes out), got bytes"),
        (
            {"type": "map", "values": "bytes"},
            {"a": b"\xff"},
            "field: expected text in UTF-8 (leave a field of other bytes out), got bytes",
        ),
    ],
)
def test_values_become_what_json_would_have_sent(kind: Any, value: Any, expected: Any) -> None:
    assert _one(kind, value) == expected


def test_a_record_that_is_broken_or_long_costs_only_itself_in_a_block_of_many() -> None:
    good = avro_datum(LISTING_SCHEMA, {"source_listing_id": "1", "make": "VW", "model": "Golf", "year": 2019})
    not_text = avro_text(b"\xff") + good[2:]
    long_one = avro_datum(
        LISTING_SCHEMA, {"source_listing_id": "2", "make": "VW", "model": "x" * 1_100_000, "year": 2019}
    )
    nearly = avro_datum(LISTING_SCHEMA, {"source_listing_id": "3", "make": "VW", "model": "x" * 900_000, "year": 2019})
    data = good * 5_000 + not_text + good + long_one + nearly + good * 5_000
    reading = read_file(avro_header(LISTING_SCHEMA) + avro_block(10_004, data) + avro_block(1, good))

    assert reading.error is None
    assert [(bad.number, bad.problem.code) for bad in reading.bad] == [
        (5_001, FailureCode.RECORD_MALFORMED),
        (5_003, FailureCode.RECORD_TOO_BIG),
    ]
    assert len(reading.records) == 10_003
    assert reading.largest_slice <= 200


@pytest.mark.parametrize(
    ("kind", "most", "more"),
    [
        ({"type": "map", "values": "int"}, {f"k{n}": n for n in range(19_000)}, {f"k{n}": n for n in range(21_000)}),
        ({"type": "array", "items": "int"}, [1] * 99_000, [1] * 101_000),
        ({"type": "array", "items": {"type": "array", "items": "int"}}, [[1]] * 16_000, [[1]] * 17_000),
    ],
    ids=["map", "array", "arrays"],
)
def test_a_record_of_more_values_than_any_listing_has_is_refused_undecoded(kind: Any, most: Any, more: Any) -> None:
    schema = _record(("id", "string"), ("field", kind))
    records = [{"id": "1", "field": most}, {"id": "2", "field": more}, {"id": "3", "field": most}]
    reading = read_file(avro_file(schema, [records]))
    assert [value["id"] for value in reading.values] == ["1", "3"]
    assert [(bad.number, bad.problem.code) for bad in reading.bad] == [(2, FailureCode.RECORD_TOO_BIG)]


def test_the_place_of_a_broken_block_is_told() -> None:
    good = avro_datum(LISTING_SCHEMA, {"source_listing_id": "1", "make": "VW", "model": "Golf", "year": 2019})
    header = avro_header(LISTING_SCHEMA)
    first = avro_block(2, good * 2)
    reading = read_file(header + first + avro_block(2, good + b"\xff" * 5))

    assert len(reading.records) == 3
    assert reading.error is not None
    assert reading.error.position == f"block 2, after record 3, byte {len(header + first):,}"


def test_a_reader_of_many_blocks_keeps_to_the_limit_on_records() -> None:
    reading = read_file(avro_file(_record(("n", "int")), [[{"n": 1}] * 4] * 5), within=limits(file_max_records=10))
    assert (len(reading.records), reading.code) == (10, FailureCode.TOO_MANY_RECORDS)


@pytest.mark.parametrize(
    "kind",
    [
        {"type": "array", "items": {"type": "fixed", "name": "Z", "size": 0}},
        {"type": "array", "items": {"type": "record", "name": "E", "fields": []}},
        {"type": "array", "items": {"type": "array", "items": "null"}},
        {
            "type": "map",
            "values": {"type": "record", "name": "W", "fields": [{"name": f"n{i}", "type": "null"} for i in range(99)]},
        },
        {"type": "record", "name": "com.a.Self", "fields": [{"name": "me", "type": ["null", "Self"]}]},
        {"type": "enum", "name": "NoSymbols"},
        {"type": "fixed", "name": "F", "size": -1},
        {"type": "fixed", "name": "F", "size": "8"},
        {"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 5},
        {"type": "bytes", "logicalType": "decimal"},
        [],
        7,
        {"kind": "int"},
        {"type": "record", "name": "NoFields"},
        {"type": "record", "name": "R", "fields": [7]},
        {"type": "array"},
        ["null"] * 5_000,
    ],
)
def test_what_a_schema_may_not_ask_for(kind: Any) -> None:
    reading = read_file(avro_header(_record(("id", "string"), ("field", kind))))
    assert reading.code is FailureCode.SCHEMA_REFUSED


def test_names_are_looked_up_in_their_namespace() -> None:
    colour = {"type": "enum", "name": "Colour", "namespace": "com.cars", "symbols": ["red"]}
    schema = {
        "type": "record",
        "name": "Car",
        "namespace": "com.cars",
        "fields": [
            {"name": "one", "type": colour},
            {"name": "two", "type": "Colour"},
            {"name": "three", "type": ["null", "com.cars.Colour"]},
        ],
    }
    record = {"one": "red", "two": "red", "three": None}
    assert read_file(avro_file(schema, [[record]])).values == [record]


def test_depth_is_limited_by_the_schema() -> None:
    kind: Any = "int"
    for _ in range(20):
        kind = {"type": "array", "items": kind}
    data = avro_header(_record(("field", kind)))
    assert read_file(data, within=limits(record_max_depth=20)).code is FailureCode.SCHEMA_REFUSED
    assert read_file(data, within=limits(record_max_depth=21)).code is None


def test_long_work_on_one_record_gives_turns() -> None:
    """A record of 800,000 items is passed over in steps; so is a block that unpacks to much."""
    schema = _record(("items", {"type": "array", "items": "int"}))
    long_one = long(800_000) + bytes(800_001)
    reader = FileReader(ReadHints(), limits(), None)
    data = avro_header(schema) + avro_block(1, long_one)
    assert len([*reader.feed(data), *reader.finish()]) > 30
