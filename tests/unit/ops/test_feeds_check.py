"""What a profile makes of a file, without any server."""

from __future__ import annotations

from typing import Any

import pytest

from app.errors import FailureCode
from app.ops.feeds_check import Check, check_file
from app.pipeline.profile import Profile
from app.pipeline.recognise import WellKnownFormats
from app.pipeline.well_known import WellKnown
from tests.support.limits import limits
from tests.support.mapping import NOW

FIELDS: dict[str, Any] = {
    "source_listing_id": "No",
    "make": "Make",
    "model": "Model",
    "year": "Year",
    "price_amount": {"from": ["Sale", "Price"]},
    "mileage": "Km",
    "city": "$place.city",
    "image_urls": ["p1", "p2"],
}
PROFILE = Profile.model_validate(
    {
        "name": "acme",
        "description": "x",
        "source": "acme",
        "match": [{"key": "*"}],
        "defaults": {"currency": "EUR", "country": "DE"},
        "parts": {"place": {"from": "Address", "match": "(?P<city>[A-Z][a-z]+)$"}},
        "reject": [{"from": "Make", "match": "Trailer", "because": "a trailer"}],
        "fields": FIELDS,
    }
)
CSV = """\
No,Make,Model,Year,Sale,Price,Km,Address,p1,p2,Colour,Empty
1,Fiat,500,2019,,"9.900",12000 km,1 Road Ulm,https://x.example/1.jpg,https://x.example/2.jpg,red,

2,Trailer,T,2019,,100,,,,,blue,
3,Fiat,,1500,,5000,,,,,,
3b,Fiat,Panda,x,5000,6000,,,,,,
"""


def check(
    text: str = CSV, profile: Profile | None = PROFILE, keep: int = 10, name: str = "x.csv", **more: Any
) -> Check:
    content = text.encode()
    return check_file(
        [content[:40], content[40:]],
        name,
        len(content),
        profile,
        limits=limits(),
        now=NOW,
        sender="me",
        keep=keep,
        **more,
    )


def test_the_account_adds_up() -> None:
    found = check()
    assert (found.profile, found.format) == ("acme", "csv")
    assert (found.read, found.indexed, found.rejected, found.older, found.blank) == (4, 1, 3, 0, 1)
    assert found.read == found.indexed + found.rejected + found.older
    assert not found.is_clean


def test_every_field_tells_what_it_was_made_from() -> None:
    (record,) = check().records
    assert (record.number, record.line) == (1, 2)
    made = {one.name: (one.value, dict(one.made_from)) for one in record.fields}
    assert made["price_amount"] == (9900.0, {"Price": "9.900"})
    assert made["mileage_km"] == (12000, {"Km": "12000 km"})
    assert made["mileage_unit"] == ("km", {"Km": "12000 km"})
    assert made["city"] == ("Ulm", {"Address": "1 Road Ulm"})
    assert made["country"] == ("DE", {})
    assert set(made["image_urls"][1]) == {"p1", "p2"}
    assert {"origin", "indexed_at", "make_key", "listing_id"}.isdisjoint(made)
    assert record.quality == ("currency_defaulted",)


def test_what_is_refused_is_told_with_line_field_and_value() -> None:
    found = check()
    assert [(one.number, one.line, one.source_listing_id) for one in found.rejects] == [
        (2, 4, "2"), (3, 5, "3"), (4, 6, "3b"),
    ]  # fmt: skip
    reasons = {(r.problem.code, r.problem.field): (r.count, r.record, r.line) for r in found.reasons.values()}
    assert reasons[FailureCode.NOT_A_VEHICLE, "Make"] == (1, 2, 4)
    assert reasons[FailureCode.MISSING_REQUIRED, "model"] == (1, 3, 5)
    assert reasons[FailureCode.FIELD_INVALID, "year"][0] == 2
    assert found.rejects[2].problems[0].got == "x"


def test_unused_columns_are_told_with_examples() -> None:
    (colour,) = check().unused
    assert (colour.path, colour.filled, colour.examples) == ("Colour", 2, ["red", "blue"])


def test_only_the_first_records_are_kept_all_are_counted() -> None:
    rows = "".join(f"{n},Fiat,500,2019,,9900,,,,,,\n" for n in range(1, 1_001))
    found = check(CSV.partition("\n")[0] + "\n" + rows, keep=2)
    assert (found.indexed, len(found.records), found.flags["currency_defaulted"]) == (1_000, 2, 1_000)
    assert found.is_clean
    assert check(keep=0).rejects == []
    assert check(keep=0).rejected == 3


def test_a_file_that_breaks_off_keeps_what_was_read() -> None:
    found = check('[{"No": "1", "Make": "Fiat", "Model": "500", "Year": 2019}, {"No": ', name="x.json")
    assert found.failure is not None
    assert found.failure.code is FailureCode.FILE_BROKEN
    assert found.indexed == 1
    assert not found.is_clean


def test_damaged_rows_are_part_of_the_account() -> None:
    found = check(CSV + "4,too,short\n")
    assert (found.read, found.rejected) == (5, 4)
    assert any(r.problem.code is FailureCode.ROW_RAGGED for r in found.reasons.values())


def test_a_repeated_id_is_told() -> None:
    head = CSV.partition("\n")[0]
    found = check(f"{head}\n1,Fiat,500,2019,,9900,,,,,,\n1,Fiat,500,2019,,9800,,,,,,\n")
    assert (found.indexed, found.flags["duplicate_in_file"]) == (2, 1)


def test_without_a_profile_our_own_names_are_read() -> None:
    found = check("id,Make,model,year,mood\n1,Fiat,500,2019,good\n", None)
    assert found.profile is None
    made = {one.name: dict(one.made_from) for one in found.records[0].fields}
    assert made["make"] == {"Make": "Fiat"}
    assert made["source_listing_id"] == {"id": "1"}
    assert [column.path for column in found.unused] == ["mood"]


def test_without_a_profile_formats_are_recognised() -> None:
    form = WellKnown.model_validate(
        {"name": "known", "description": "x", "recognise": {"needs": ["no", "km"]}, "fields": FIELDS,
         "parts": {"place": {"from": "address", "match": "(?P<city>x)"}}, "format": {"ignore_case": True}}
    )  # fmt: skip
    found = check(profile=None, recognise=WellKnownFormats([form]).recognise)
    assert (found.profile, found.indexed) == ("known", 2)
    made = {one.name: dict(one.made_from) for one in found.records[0].fields}
    assert made["make"] == {"Make": "Fiat"}


@pytest.mark.parametrize("name", ["x.csv.gz", "x.txt"])
def test_the_content_decides(name: str) -> None:
    assert check(name=name).indexed == 1


def test_the_name_of_a_file_need_not_be_text() -> None:
    assert check(name="caf\udce9.csv").indexed == check().indexed == 1
