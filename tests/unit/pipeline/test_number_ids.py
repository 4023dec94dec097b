"""Ids that went through a number keep their vehicles apart, or their listings are refused."""

from __future__ import annotations

from typing import Any

import pytest

from app.model.record import RawRecord
from app.pipeline.parse import FileReader
from app.pipeline.profile import Profile
from app.pipeline.sniff import hints_from_name
from app.pipeline.transform import Mapped, Mapper, Origin
from tests.support.limits import limits
from tests.support.memory import START

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
