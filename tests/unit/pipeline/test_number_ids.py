"""Ids that went through a number keep their vehicles apart, or their listings are refused."""

from __future__ import annotations

from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
import pytest

from app.model.listing import SENT
from app.model.record import RawRecord, Rough
from app.pipeline.parse import FileReader
from app.pipeline.profile import Profile
from app.pipeline.sniff import hints_from_name
from app.pipeline.transform import Mapped, Mapper, Origin
from tests.support.limits import limits
from tests.support.memory import START
from tests.support.packed import avro_file, parquet_file
from tests.support.reading import read_file

_CAR = {"source": "a", "make": "VW", "model": "Golf", "year": 2019}
_LOST = [
    228930314431312345.0,
    9007199254740992.0,
    -9007199254740992.0,
    1e17,
    123.5,
    True,
    False,
    "2.28930314431312E+17",
    "2,28930314431312E+17",
    "1E5",
    "1e+05",
    "12E+5",
    "12.5e3",
    "1.0E10",
    "228930314431312345.0",
    "Infinity",
    "-inf",
    " 1E5 ",
]
_KEPT: list[tuple[Any, str]] = [
    (123, "123"),
    (123.0, "123"),
    (9007199254740991.0, "9007199254740991"),
    ("123.0", "123"),
    ("123,00", "123"),
    ("007.0", "007"),
    ("228930314431312345", "228930314431312345"),
    (2289303144313123455, "2289303144313123455"),
    ("12E5", "12E5"),
    ("E5", "E5"),
    ("1E5X", "1E5X"),
    ("1.5", "1.5"),
    ("1,000", "1,000"),
    ("-12.000", "-12.000"),
    ("1.0000", "1"),
    ("1234.000", "1234"),
    ("AB-1.0", "AB-1.0"),
]
_SINGLE_LOST = 16_777_216.0
"""2^24: what single precision makes of 16,777,217 too."""
_PROFILE = {
    "name": "p",
    "description": "d",
    "source": "a",
    "match": [{"key": "*"}],
    "fields": {name: name for name in ("source_listing_id", "make", "model", "year", "stock_number", "dealer_id")},
}
_TEMPLATE = {"template": "{dealer_id}-{stock_number}"}
_FINGERPRINT = {"fingerprint": ["make", "model", "stock_number"]}


def _mapped(record: dict[str, Any], **rule: Any) -> Mapped:
    profile = None
    if rule:
        fields = _PROFILE["fields"] if rule == {"by": "column"} else {**_PROFILE["fields"], "source_listing_id": rule}  # type: ignore[dict-item]
        profile = Profile.model_validate({**_PROFILE, "fields": fields})
    return Mapper(profile, "a", Origin("b", "k", "e", START), START).map_all([RawRecord(1, 1, record)])


@pytest.mark.parametrize("rule", [{}, {"by": "column"}], ids=["own names", "a profile"])
@pytest.mark.parametrize("sent", _LOST, ids=repr)
@pytest.mark.parametrize("field", ["source_listing_id", "stock_number", "dealer_id"])
def test_a_number_that_lost_digits_refuses_its_listing_with_the_reason(
    field: str, sent: object, rule: dict[str, Any]
) -> None:
    mapped = _mapped({**_CAR, "source_listing_id": "x1", field: sent}, **rule)
    assert not mapped.documents
    problem = mapped.rejects[0].problems[0]
    assert problem.field == field
    assert "2^53" in problem.expected


@pytest.mark.parametrize("rule", [{}, {"by": "column"}], ids=["own names", "a profile"])
@pytest.mark.parametrize(("sent", "kept"), _KEPT, ids=repr)
@pytest.mark.parametrize("field", ["source_listing_id", "stock_number", "dealer_id"])
def test_any_other_id_is_what_it_was(field: str, sent: object, kept: str, rule: dict[str, Any]) -> None:
    mapped = _mapped({**_CAR, "source_listing_id": "x1", field: sent}, **rule)
    assert f'"{field}":"{kept}"'.encode() in mapped.documents[0].body


@pytest.mark.parametrize("rule", [_TEMPLATE, _FINGERPRINT], ids=["a template", "a fingerprint"])
def test_ids_made_of_columns_know_lost_digits_too(rule: dict[str, Any]) -> None:
    def listing_id(stock: object) -> str | None:
        mapped = _mapped({**_CAR, "dealer_id": "d", "stock_number": stock}, **rule)
        return mapped.documents[0].id if mapped.documents else None

    assert listing_id(123.0) == listing_id(123) == listing_id("123")
    assert listing_id(124) != listing_id(123)
    assert listing_id(228930314431312345.0) is None
    assert listing_id("2.28930314431312E+17") is None


def test_an_id_made_of_dealer_and_stock_number_is_refused_with_them() -> None:
    record = {**_CAR, "dealer_id": "d", "stock_number": 228930314431312345.0}
    assert not _mapped(record).documents
    assert _mapped({**record, "stock_number": 5.0}).documents[0].body.count(b'"d-5"') == 1


def test_nothing_is_taken_out_of_a_number_that_lost_digits() -> None:
    rule = {"from": "source_listing_id", "extract": r"(\d{5,})"}
    assert not _mapped({**_CAR, "source_listing_id": "2.28930314431312E+17"}, **rule).documents
    assert not _mapped({**_CAR, "source_listing_id": 228930314431312345.0}, **rule).documents
    strict = {"from": "source_listing_id", "accept": r"[0-9]+"}
    assert _mapped({**_CAR, "source_listing_id": 123.0}, **strict).documents


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.json", b'[{"id":228930314431312345.0,%s},{"id":228930314431312346.0,%s}]'),
        ("a.json", b'[{"id":22893031443131234500,%s},{"id":22893031443131234600,%s}]'),
        ("a.ndjson", b'{"id":2.28930314431312345e17,%s}\n{"id":2.28930314431312346e17,%s}\n'),
        ("a.csv", b"id,make,model,year\n2.28930314431312E+17,VW,Golf,2019\n2.28930314431312E+17,VW,Golf,2019\n"),
        ("a.xml", b"<r><c><id>2.28930314431312E+17</id><make>VW</make></c><c><id>2.2E+17</id><make>VW</make></c></r>"),
    ],
)
def test_two_cars_never_become_one_in_any_format(name: str, content: bytes) -> None:
    content = content.replace(b"%s", b'"make":"VW","model":"Golf","year":2019')
    reader = FileReader(hints_from_name(name), limits(), len(content))
    mapper = Mapper(None, "a", Origin("b", name, "e", START), START)
    slices = [*reader.feed(content), *reader.finish()]
    mapped = [mapper.map_all(piece.records) for piece in slices]
    assert not any(part.documents for part in mapped)
    assert sum(len(part.rejects) for part in mapped) + sum(len(piece.bad) for piece in slices) == 2


def _avro_ids(kind: object, *values: object) -> list[object]:
    schema = {"type": "record", "name": "Car", "fields": [{"name": "id", "type": kind}]}
    return [value["id"] for value in read_file(avro_file(schema, [[{"id": value} for value in values]])).values]


def _parquet_ids(kind: Any, *values: object) -> list[object]:
    return [value["id"] for value in read_file(parquet_file({"id": pa.array(values, kind)})).values]


_OBJECT = {
    "type": "record",
    "name": "Inner",
    "fields": [{"name": "n", "type": "float"}, {"name": "d", "type": "double"}],
}
_LARGE = {"n": _SINGLE_LOST, "d": _SINGLE_LOST}


@pytest.mark.parametrize(
    "read",
    [
        lambda *values: _avro_ids("float", *values),
        lambda *values: _avro_ids(["null", "float"], *values),
        lambda *values: _parquet_ids(pa.float32(), *values),
        lambda *values: [value[0] for value in _avro_ids({"type": "array", "items": "float"}, *([v] for v in values))],  # type: ignore[index]
        lambda *values: [value[0] for value in _parquet_ids(pa.list_(pa.float32()), *([v] for v in values))],  # type: ignore[index]
    ],
    ids=["Avro", "Avro or null", "Parquet", "Avro array", "Parquet list"],
)
def test_a_column_of_single_precision_tells_which_of_its_numbers_are_rough(read: Any) -> None:
    large, small, least = read(_SINGLE_LOST, _SINGLE_LOST - 1, -_SINGLE_LOST)
    assert (large, small, least) == (_SINGLE_LOST, _SINGLE_LOST - 1, -_SINGLE_LOST)
    assert [type(value) for value in (large, small, least)] == [Rough, float, Rough]


def test_a_column_of_double_precision_has_none() -> None:
    assert [type(value) for value in _parquet_ids(pa.float64(), _SINGLE_LOST) + _avro_ids("double", _SINGLE_LOST)] == [
        float,
        float,
    ]


def test_one_of_half_precision_has_fewer_exact_ones() -> None:
    assert [type(value) for value in _parquet_ids(pa.float16(), 2047.0, 2048.0)] == [float, Rough]


@pytest.mark.parametrize(
    "read",
    [
        lambda: _avro_ids(_OBJECT, _LARGE)[0],
        lambda: _avro_ids(["null", {"type": "map", "values": "string"}, _OBJECT], _LARGE)[0],
        lambda: _parquet_ids(pa.struct([("n", pa.float32()), ("d", pa.float64())]), _LARGE)[0],
    ],
    ids=["Avro", "Avro union", "Parquet"],
)
def test_so_do_the_parts_of_an_object(read: Any) -> None:
    assert {name: type(value) for name, value in read().items()} == {"n": Rough, "d": float}


@pytest.mark.parametrize(
    "rule", [{}, {"by": "column"}, _TEMPLATE, _FINGERPRINT], ids=["own", "profile", "template", "print"]
)
@pytest.mark.parametrize("field", ["source_listing_id", "stock_number", "dealer_id"])
def test_a_rough_number_is_no_id(field: str, rule: dict[str, Any]) -> None:
    record = {**_CAR, "source_listing_id": "x1", "dealer_id": "d", "stock_number": "s", field: Rough(_SINGLE_LOST)}
    mapped = _mapped(record, **rule)
    if field == "source_listing_id" and rule in (_TEMPLATE, _FINGERPRINT):
        assert mapped.documents  # it has no part in the id
    else:
        assert not mapped.documents
        assert "2^24" in mapped.rejects[0].problems[0].expected


@pytest.mark.parametrize(
    "name", sorted({field.name for field in SENT} - {"source_listing_id", "stock_number", "dealer_id"})
)
def test_everywhere_else_a_rough_number_is_a_number(name: str) -> None:
    record = {**_CAR, "source_listing_id": "x1", "price_currency": "EUR"}
    rough, plain = _mapped({**record, name: Rough(_SINGLE_LOST)}), _mapped({**record, name: _SINGLE_LOST})
    assert rough == plain
