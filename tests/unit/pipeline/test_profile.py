"""Profiles, through the mapper: from a sender's record to a document."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import FailureCode
from app.model.file import Compression, FileFormat
from app.model.listing import Quality
from app.model.record import ReadHints
from app.pipeline.profile import Profile, Profiles
from tests.support.mapping import Result, map_records

_FIELDS: dict[str, Any] = {"source_listing_id": "id", "make": "make", "model": "model", "year": "year"}
_ROW: dict[str, object] = {"id": "7", "make": "Ford", "model": "Focus", "year": "2019"}


def profile(fields: dict[str, Any] | None = None, **parts: Any) -> Profile:
    declared = {"name": "acme", "description": "a test", "source": "acme", "match": [{"key": "acme/*"}]}
    return Profile.model_validate({**declared, "fields": {**_FIELDS, **(fields or {})}, **parts})


def mapped(row: dict[str, object], fields: dict[str, Any] | None = None, **parts: Any) -> Result:
    return map_records([{**_ROW, **row}], profile(fields, **parts))


def value(target: str, rule: Any, row: dict[str, object], **parts: Any) -> object:
    return mapped(row, {target: rule}, **parts).document.get(target)


def test_source_is_the_profile_s_and_part_of_the_id() -> None:
    document = mapped({}).document
    assert document["source"] == "acme"
    assert document["source_listing_id"] == "7"
    assert document["listing_id"] != map_records([{**_ROW}]).document["listing_id"]


def test_the_first_column_that_says_something_wins() -> None:
    rule = ["a", "b", "c"]
    assert value("city", rule, {"a": "", "b": "N/A", "c": "Lyon"}) == "Lyon"
    assert value("city", rule, {"a": None, "b": "Graz", "c": "Lyon"}) == "Graz"
    assert value("city", rule, {"a": "not stated", "c": "Lyon"}, nulls=["Not Stated"]) == "Lyon"
    assert value("city", {"from": rule, "ignore": "x"}, {"a": "X", "c": "Lyon"}) == "Lyon"


def test_a_column_that_makes_no_sense_leaves_the_word_to_the_next() -> None:
    result = mapped({"a": "£145", "b": "0.999"}, {"engine_cc": ["a", "b"]})
    assert result.document["engine_cc"] == 999
    assert "quality" not in result.document


def test_accept_extract_values() -> None:
    assert value("stock_number", {"from": "a", "accept": "[A-Z0-9]+"}, {"a": "Start Saving Vehicles Today!"}) is None
    assert value("stock_number", {"from": "a", "extract": r"/ad/(\d+)"}, {"a": "/ad/25345304"}) == "25345304"
    assert value("stock_number", {"from": "a", "strip_point_zero": True}, {"a": 963731.0}) == "963731"
    assert value("country", {"from": "a", "values": {"Deutschland": "DE"}}, {"a": "DEUTSCHLAND"}) == "DE"


def test_enums_by_table_then_common_words_then_patterns() -> None:
    rule = {"from": "a", "values": {"Gas": "lpg", "Misc": ""}, "patterns": [{"match": "hybrid", "value": "hybrid"}]}
    assert value("fuel_type", rule, {"a": "GAS"}) == "lpg"
    assert value("fuel_type", rule, {"a": "Benzine"}) == "petrol"
    assert value("fuel_type", rule, {"a": "some Hybrid thing"}) == "hybrid"
    assert value("fuel_type", {**rule, "common_words": False}, {"a": "Benzine"}) is None
    assert "quality" not in mapped({"a": "misc"}, {"fuel_type": rule}).document


def test_senseless_optional_values_are_left_out_and_flagged() -> None:
    result = mapped({"a": "orange"}, {"fuel_type": "a"})
    assert result.document["quality"] == [Quality.VALUE_UNREAD]
    assert result.flagged == 1
    assert "quality" not in mapped({"a": "orange"}, {"fuel_type": {"from": "a", "quiet": True}}).document
    assert mapped({"a": "8" * 40}, {"doors": "a"}).document["quality"] == [Quality.VALUE_UNREAD]


def test_senseless_required_values_refuse_the_listing_with_what_was_there() -> None:
    assert mapped({"year": "1800", "make": "-"}).reasons == [
        "missing_required: make: expected a value",
        "field_invalid: year: expected an integer from 1886 to 2100, got 1800",
    ]
    assert mapped({"year": "2050"}).reasons == ["field_invalid: year: expected a year from 1886 to 2027, got 2050"]
    assert mapped({"id": "0"}).rejects[0].problems[0].field == "source_listing_id"


def test_a_wrong_year_beside_a_registration_is_flagged_only() -> None:
    document = mapped({"year": "2050", "ez": "07/2018"}, {"first_registration": "ez"}).document
    assert "quality" in document
    assert document["first_registration"] == "2018-07"
    assert document["year"] == 2018


def test_years_ahead() -> None:
    assert mapped({"year": "2028"}, defaults={"years_ahead": "2"}).document["year"] == 2028
    assert mapped({"year": "2028"}).rejects


def test_prices_and_currencies() -> None:
    fields = {"price_amount": ["sale", "price"], "price_msrp": "msrp"}
    defaults = {"currency": "CAD"}
    named = mapped({"price": "48900.00 USD", "sale": "0.00 USD", "msrp": "50000"}, fields, defaults=defaults).document
    assert (named["price_status"], named.get("price_amount")) == ("missing", None)
    named = mapped({"price": "48900.00 USD", "msrp": "50000"}, fields, defaults=defaults).document
    assert (named["price_amount"], named["price_currency"], named["price_msrp"]) == (48900.0, "USD", 50000.0)
    assert "quality" not in named
    defaulted = mapped({"price": "$48,900"}, fields, defaults=defaults).document
    assert (defaulted["price_amount"], defaulted["price_currency"]) == (48900.0, "CAD")
    assert defaulted["quality"] == [Quality.CURRENCY_DEFAULTED]
    column = mapped({"price": "48900", "cur": "EUR"}, {**fields, "price_currency": "cur"}, defaults=defaults).document
    assert (column["price_currency"], column.get("quality")) == ("EUR", None)
    nowhere = mapped({"price": "48900"}, fields).document
    assert (nowhere["price_status"], nowhere["quality"]) == ("missing", [Quality.VALUE_UNREAD])
    assert mapped({"price": "POA"}, fields).document["price_status"] == "on_request"
    lakh = {"price_amount": {"from": "price", "scale": "100000"}}
    assert mapped({"price": "1.75"}, lakh, defaults={"currency": "INR"}).document["price_amount"] == 175_000


def test_mileage_unit_by_value_then_column_then_rule_then_default() -> None:
    def read(row: dict[str, object], rule: Any = "odo", **defaults: str) -> tuple[object, ...]:
        fields = {"mileage": rule, "mileage_unit": "unit"}
        document = mapped(row, fields, defaults=defaults).document
        return document["mileage_km"], document["mileage_unit"], document.get("quality")

    assert read({"odo": "100,000 mi", "unit": "KM"}) == (160934, "mi", None)
    assert read({"odo": "100,000", "unit": "MILES"}, {"from": "odo", "unit": "km"}) == (160934, "mi", None)
    assert read({"odo": 100000}, {"from": "odo", "unit": "mi"}, mileage_unit="km") == (160934, "mi", None)
    assert read({"odo": "100000"}, mileage_unit="mi") == (160934, "mi", ["unit_defaulted"])
    assert read({"odo": "100000"}, country="GB") == (160934, "mi", ["unit_defaulted"])
    assert read({"odo": "100000"}, country="DE") == (100000, "km", ["unit_defaulted"])
    assert read({"odo": "10000 mil"}, country="SE") == (100000, "km", None)


def test_lists_are_gathered_from_all_columns() -> None:
    fields = {"image_urls": {"from": ["main", "more"], "separator": ","}, "features": "eq"}
    row: dict[str, object] = {
        "main": "https://a.example/1.jpg",
        "more": "https://a.example/2.jpg, /3.jpg,https://a.example/1.jpg",
        "eq": ["<li>ABS", "n/a", 5, "Tow bar"],
    }
    document = mapped(row, fields).document
    assert document["image_urls"] == ["https://a.example/1.jpg", "https://a.example/2.jpg"]
    assert document["features"] == ["ABS", "Tow bar"]


def test_parts_templates_constants() -> None:
    parts = {"address": {"from": "addr", "match": r", (?P<city>[^,]+), (?P<region>[A-Z]{2}) "}}
    fields = {
        "city": "$address.city",
        "region": "$address.region",
        "title": {"template": "{year} {make} {model} {trim?}"},
        "condition": {"const": "used"},
    }
    document = mapped({"addr": "1 Example Road, Sampleton, ON A1A 1A1, CA"}, fields, parts=parts).document
    assert (document["city"], document["region"]) == ("Sampleton", "ON")
    assert document["title"] == "2019 Ford Focus"
    assert document["condition"] == "used"
    assert "city" not in mapped({"addr": "nowhere"}, fields, parts=parts).document


def test_places() -> None:
    fields = {"latitude": "lat", "longitude": "lon"}
    assert mapped({"lat": "52.5", "lon": 13.4}, fields).document["location"] == {"lat": 52.5, "lon": 13.4}
    assert "location" not in mapped({"lat": "0", "lon": "0.0"}, fields).document
    assert "location" not in mapped({"lat": "52.5", "lon": "east"}, fields).document


def test_moments_and_corrections() -> None:
    fields = {"listed_at": {"from": "a", "day_first": "true"}, "updated_at": {"from": "b", "formats": "%m/%d/%Y"}}
    document = mapped({"a": "23/02/2017 13:37", "b": "02/24/2017"}, fields).document
    assert (document["listed_at"], document["updated_at"]) == ("2017-02-23T13:37:00Z", "2017-02-24T00:00:00Z")
    document = mapped({"make": "bwm"}, {"make": {"from": "make", "corrections": {"BWM": "BMW"}}}).document
    assert (document["make"], document["quality"]) == ("BMW", [Quality.MAKE_FUZZY])


def test_what_is_taken_from_a_headline_is_flagged() -> None:
    parts = {"name": {"from": "title", "match": r"^(?P<make>\S+) (?P<model>\S+)", "doubtful": "true"}}
    fields = {"make": ["make", "$name.make"], "model": ["model", "$name.model"]}
    row: dict[str, object] = {"title": "Seat Ibiza for sale"}
    assert "quality" not in mapped(row, fields, parts=parts).document
    document = mapped({**row, "model": ""}, fields, parts=parts).document
    assert (document["make"], document["model"], document["quality"]) == ("Ford", "Ibiza", [Quality.READ_FROM_TEXT])
    odometer = {"run": {"from": "title", "match": r"(?P<odo>\d+k miles)", "doubtful": "true"}}
    document = mapped({"title": "Ibiza, 33k miles"}, {"mileage": "$run.odo"}, parts=odometer).document
    assert (document["mileage_km"], document["quality"]) == (53108, [Quality.READ_FROM_TEXT])


def test_replace_and_unshout() -> None:
    assert value("title", {"from": "a", "replace": {"_": " "}}, {"a": "VW_Golf__1.6"}) == "VW Golf  1.6"
    assert value("city", {"from": "a", "unshout": True}, {"a": "SCOTCH PLAINS"}) == "Scotch Plains"
    assert (
        "quality" not in mapped({"make": " BMW "}, {"make": {"from": "make", "corrections": {"BWM": "BMW"}}}).document
    )


def test_a_currency_that_the_header_names_is_no_default() -> None:
    document = mapped({"price_usd": "2134.11"}, {"price_amount": {"from": "price_usd", "currency": "USD"}}).document
    assert (document["price_amount"], document["price_currency"]) == (2134.11, "USD")
    assert "quality" not in document


def test_currency_by_code_then_column_then_sign() -> None:
    fields = {"price_msrp": "msrp", "price_amount": "price", "price_currency": "cur"}

    def read(**row: object) -> tuple[object, ...]:
        document = mapped(row, fields).document
        return document.get("price_amount"), document.get("price_currency"), document.get("quality")

    assert read(price="48900 USD", cur="EUR") == (48900.0, "USD", [Quality.CURRENCY_AMBIGUOUS])
    assert read(price="€48,900", cur="USD") == (48900.0, "USD", [Quality.CURRENCY_AMBIGUOUS])
    assert read(price="€48,900") == (48900.0, "EUR", None)
    # the other amounts are in the currency of the price, or they are left out
    assert read(price="48900 USD", msrp="50000 EUR") == (48900.0, "USD", [Quality.VALUE_UNREAD])


def test_amounts_without_tax_and_odometers_told_roughly_are_flagged() -> None:
    fields = {"price_amount": "price", "mileage": "odo"}
    assert mapped({"price": "£9,450 +VAT"}, fields).document["quality"] == [Quality.PRICE_WITHOUT_TAX]
    assert mapped({"odo": "ca. 120.000 km"}, fields).document["quality"] == [Quality.MILEAGE_SUSPICIOUS]


def test_a_list_price_beyond_belief_is_left_out() -> None:
    document = mapped(
        {"price": "9000 EUR", "msrp": "11111111"}, {"price_amount": "price", "price_msrp": "msrp"}
    ).document
    assert "price_msrp" not in document
    assert document["quality"] == [Quality.PRICE_IMPLAUSIBLE]


def test_different_texts_for_one_value_are_not_chosen_from() -> None:
    """A column that comes twice: https://github.com/python/cpython/issues/61739"""
    assert mapped({"year": ["2019", "2019"]}).document["year"] == 2019
    assert mapped({"a": ["", "red", " red"]}, {"color_exterior": "a"}).document["color_exterior"] == "red"
    document = mapped({"a": ["red", "blue"]}, {"color_exterior": "a"}).document
    assert ("color_exterior" in document, document["quality"]) == (False, [Quality.VALUE_UNREAD])
    assert mapped({"p": ["9000 EUR", "8000 EUR"]}, {"price_amount": "p"}).document["price_status"] == "missing"
    assert mapped({"id": ["7", "8"]}).rejects[0].problems[0].field == "source_listing_id"


def test_rows_that_are_no_vehicles_are_refused() -> None:
    reject = [{"from": "title", "match": "(?i)wanted", "because": "a wanted ad"}]
    result = mapped({"title": "WANTED: any car"}, reject=reject)
    (problem,) = result.rejects[0].problems
    assert problem.code is FailureCode.NOT_A_VEHICLE
    assert str(problem) == "title: expected a vehicle; this is a wanted ad, got WANTED: any car"
    assert result.rejects[0].source_listing_id == "7"
    assert mapped({"title": "a car"}, reject=reject).documents


def test_column_names_without_case() -> None:
    row = {"ID ": "7", "Make": "Ford", "MODEL": "Focus", "Year": "2019"}
    assert map_records([row], profile(format={"ignore_case": "true"})).document["make"] == "Ford"


def test_private_sellers_stay_unnamed() -> None:
    fields = {"seller_type": "t", "dealer_name": "n"}
    assert "dealer_name" not in mapped({"t": "Owner", "n": "Jo Doe"}, fields).document
    assert mapped({"t": "Dealer", "n": "Doe Ltd"}, fields).document["dealer_name"] == "Doe Ltd"


def test_hints_go_over_what_the_name_promised() -> None:
    named = ReadHints(format=FileFormat.CSV, compression=Compression.GZIP, content_type="text/csv")
    hints = profile(format={"type": "json", "records": "a[]", "encoding": "cp1252"}).hints(named)
    assert hints == ReadHints(FileFormat.JSON, Compression.GZIP, "text/csv", "cp1252", records_path="a[]")
    assert profile().hints(named) == named
    assert profile().hints() == ReadHints()


def test_the_pattern_that_says_most_wins() -> None:
    def named(name: str, *keys: str) -> Profile:
        return profile(name=name, match=[{"key": key} for key in keys])

    profiles = Profiles([named("all", "*"), named("csv", "*.csv", "x/?.txt"), named("acme", "acme/*.csv")])
    matches = [profiles.match("b", key) for key in ("acme/x/1.csv", "other/1.csv", "a.json", "x/1.txt", "x/12.txt")]
    assert [match and match.name for match in matches] == ["acme", "csv", "all", "csv", "all"]
    only = profile(match=[{"bucket": "partners", "key": "a+b.csv"}])
    assert Profiles([only]).match("partners", "a+b.csv") is only
    assert Profiles([only]).match("partners", "aab.csv") is None
    assert Profiles([only]).match("uploads", "a+b.csv") is None
    assert Profiles().match("b", "k") is None


_CELL = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30) | st.lists(st.text(max_size=5))
_ALL = {
    "mileage": "a", "mileage_unit": "b", "price_amount": ["a", "b"], "price_msrp": "c", "price_currency": "d",
    "power_kw": {"from": "a", "unit": "ps"}, "engine_cc": "b", "cylinders": "c", "doors": "d", "vat_rate": "a",
    "first_registration": "b", "listed_at": "c", "country": "a", "fuel_type": "b", "features": ["a", "b"],
    "image_urls": "c", "latitude": "a", "longitude": "b", "description": "d", "title": {"template": "{a?} {b?}"},
    "source_url": "a", "vin": "b", "color_exterior": "c", "seller_type": "d",
}  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from("abcd"), _CELL), st.dictionaries(st.sampled_from(sorted(_ROW)), _CELL))
def test_any_record_is_a_document_or_a_reject(cells: dict[str, object], own: dict[str, object]) -> None:
    result = map_records([{**_ROW, **cells, **own}], profile(_ALL, defaults={"currency": "EUR"}))
    assert len(result.documents) + len(result.rejects) == 1
    for document in result.documents:
        assert not [name for name, found in document.items() if found in ("", None, [], {})]


@pytest.mark.parametrize("target", ["latitude", "mileage"])
def test_targets_without_a_column_are_just_absent(target: str) -> None:
    assert target not in mapped({}, {target: "absent"}).document
