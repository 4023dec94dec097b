"""Faults that other intakes of vehicle feeds were reported for: each by its smallest input, through reader and mapper.

The address is that of the public report. Reports about what happens to a whole stock are tested with full feeds.
"""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from app.errors import FailureCode
from app.model.file import Compression, FileFormat
from app.model.record import ReadHints
from app.pipeline.profile import Profile
from tests.support.mapping import LISTING, Result, map_listing, map_records
from tests.support.reading import Reading, read_file

_CSV = ReadHints(format=FileFormat.CSV)


def profile(fields: Mapping[str, Any], **parts: Any) -> Profile:
    required = {"source_listing_id": "id", "make": "make", "model": "model", "year": "year"}
    declared = {"name": "p", "description": "d", "source": "s", "match": [{"key": "*"}]}
    return Profile.model_validate({**declared, "fields": {**required, **fields}, **parts})


def mapped(row: Mapping[str, object], fields: Mapping[str, Any], **parts: Any) -> Result:
    return map_records([{"id": "1", "make": "Ford", "model": "Focus", "year": "2019", **row}], profile(fields, **parts))


def csv_file(text: str) -> Reading:
    return read_file(text.encode(), _CSV)


# -- VIN


@pytest.mark.parametrize(
    ("vin", "make", "year"),
    [
        ("WVGZZZ5NZEW069297", "Volkswagen", 2014),  # https://github.com/cardog-ai/corgi/issues/29
        ("WVGZZZ5NZJM131395", "Volkswagen", 2018),  # https://github.com/Winfooz/SwiftyVIN/issues/7
        ("WDD2470031J059461", "Mercedes-Benz", 2021),  # https://github.com/cardog-ai/corgi/issues/16
        ("1FUJGLDR69LAC9984", "Freightliner", 2009),  # https://github.com/h3/python-libvin/issues/24
    ],
)
def test_a_good_vin_is_kept_and_the_year_is_the_feed_s(vin: str, make: str, year: int) -> None:
    document = map_listing(vin=vin, make=make, year=year).document
    assert (document["vin"], document["year"], document.get("quality")) == (vin, year, None)


def test_seventeen_ones_are_no_vin() -> None:
    """https://github.com/h3/python-libvin/issues/21"""
    document = map_listing(vin="1" * 17).document
    assert ("vin" in document, document["quality"]) == (False, ["vin_invalid"])


def test_text_as_a_year_costs_the_year_only() -> None:
    """https://github.com/vinli/android-net/issues/77: kept where the registration tells the year, else refused."""
    text = "10th character not recognized"
    document = mapped({"year": text, "ez": "2012-05"}, {"first_registration": "ez"}).document
    assert (document["year"], document["quality"]) == (2012, ["value_unread"])
    (problem,) = mapped({"year": text}, {}).rejects[0].problems
    assert (problem.field, problem.got) == ("year", text)


# -- price


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("620 Triệu", 620_000_000.0),  # https://github.com/papaya-insurtech/mango-bug-report/issues/122
        ("620.000.000", 620_000_000.0),
        ("620.000.000 Triệu", None),
    ],
)
def test_a_scale_word_counts_once(text: str, amount: float | None) -> None:
    document = mapped({"p": text}, {"price_amount": "p"}, defaults={"currency": "VND"}).document
    assert document.get("price_amount") == amount
    if amount is None:
        assert (document["price_status"], "price_implausible" in document["quality"]) == ("implausible", True)


@pytest.mark.parametrize(("text", "status"), [("", "missing"), ("0", "missing"), ("call for price", "on_request")])
def test_no_price_is_neither_zero_nor_an_error(text: str, status: str) -> None:
    """https://github.com/CarSnoop-Inc/carsnoop-issues/issues/238"""
    document = mapped({"p": text}, {"price_amount": "p"}, defaults={"currency": "USD"}).document
    assert (document["price_status"], "price_amount" in document, "price_currency" in document) == (
        status,
        False,
        False,
    )


def test_each_price_has_its_own_field() -> None:
    """https://github.com/CarSnoop-Inc/carsnoop-issues/issues/300"""
    fields = {"price_amount": ["AfterRebate", "Sale"], "price_msrp": "MSRP", "price_previous": "Sale"}
    row = {"MSRP": "23285", "Sale": "20688", "AfterRebate": "19688"}
    document = mapped(row, fields, defaults={"currency": "USD"}).document
    assert [document[f"price_{name}"] for name in ("amount", "previous", "msrp")] == [19688.0, 20688.0, 23285.0]


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("1 770 €", 1770.0),  # https://github.com/jef/streetmerchant/issues/2363
        ("1\u202f770 €", 1770.0),
        ("1\u2009770 €", 1770.0),
        ("1'770 €", 1770.0),
        ("14.990 €", 14990.0),  # https://github.com/scrapinghub/price-parser/issues/46
        ("1.234.123 €", 1234123.0),  # https://github.com/caiogondim/parse-price.js/issues/4
        ("1999,99 €", 1999.99),  # https://github.com/dannymcc/may/pull/255
    ],
)
def test_marks_of_numbers(text: str, amount: float) -> None:
    assert mapped({"p": text.replace(" ", "\u00a0")}, {"price_amount": "p"}).document["price_amount"] == amount


def test_cents_are_declared_and_come_back_unchanged() -> None:
    """https://github.com/medusajs/medusa/issues/4131"""
    fields = {"price_amount": {"from": "p", "scale": "0.01"}}
    assert mapped({"p": 4100050}, fields, defaults={"currency": "EUR"}).document["price_amount"] == 41000.5


# -- mileage


def test_the_unit_is_taken_from_its_column() -> None:
    """https://github.com/WulfgarW/ha_get_euda_data/issues/16"""
    fields = {"mileage": "mileage.value", "mileage_unit": "mileage.unit"}
    row = {"mileage.value": "12345", "mileage.unit": "MILES"}
    assert mapped(row, fields, defaults={"mileage_unit": "km"}).document["mileage_km"] == 19867


@pytest.mark.parametrize(("country", "km"), [("NO", 120_000), ("SE", 120_000), ("US", None)])
def test_mil_is_no_mile(country: str, km: int | None) -> None:
    """https://github.com/Farfar/homeassistant-seatconnect/issues/12"""
    document = mapped({"m": "12 000 mil"}, {"mileage": "m"}, defaults={"country": country}).document
    assert document.get("mileage_km") == km


@pytest.mark.parametrize(
    ("code", "km", "flags"),
    [("KTM", 1000, None), ("KMT", 1000, None), ("SMI", 1609, None), ("", 1000, ["unit_defaulted"])],
)
def test_unit_codes_of_schema_org(code: str, km: int, flags: list[str] | None) -> None:
    """https://github.com/schemaorg/schemaorg/issues/3388"""
    fields = {"mileage": "mileageFromOdometer.value", "mileage_unit": "mileageFromOdometer.unitCode"}
    row = {"year": "2026", "mileageFromOdometer": {"value": "1000", "unitCode": code}}
    document = mapped(row, fields, defaults={"country": "DE"}).document
    assert (document["mileage_km"], document.get("quality")) == (km, flags)


def test_no_mileage_is_no_error() -> None:
    """https://github.com/CRutkowski/Kijiji-Scraper/issues/1"""
    assert "mileage_km" not in mapped({}, {"mileage": "km"}).document


# -- identity


def test_one_car_of_two_dealers_is_two_listings_of_one_vehicle() -> None:
    """https://github.com/CarSnoop-Inc/carsnoop-issues/issues/243"""
    template = {"source_listing_id": {"template": "{store}-{id}"}, "vin": "vin", "dealer_id": "store"}
    row = {"id": "7", "make": "Ford", "model": "Focus", "year": "2014", "vin": "WVGZZZ5NZEW069297"}
    first, second = map_records([{**row, "store": "A"}, {**row, "store": "B"}], profile(template)).documents
    assert first["listing_id"] != second["listing_id"]
    assert first["vehicle_key"] == second["vehicle_key"]


@pytest.mark.parametrize("strip", [True, False])
def test_ids_are_texts(strip: bool) -> None:
    """https://github.com/pandas-dev/pandas/issues/54665: zeros stay, and a lone `.0` comes of a number and goes"""
    fields = {"source_listing_id": {"from": "id", "strip_point_zero": strip}, "stock_number": "stock"}
    document = mapped({"id": "963731.0", "stock": "007412"}, fields).document
    assert document["source_listing_id"] == "963731"
    assert document["stock_number"] == "007412"


# -- the layers of the file


def test_a_byte_order_mark_is_no_part_of_the_first_name() -> None:
    """https://github.com/frappe/frappe/issues/22151"""
    assert read_file(b"\xef\xbb\xbfid;price\n1;5\n", _CSV).values == [{"id": "1", "price": "5"}]


def test_a_few_umlauts_are_no_reason_to_guess_an_encoding() -> None:
    """https://github.com/jawah/charset_normalizer/issues/624"""
    data = "id;name\n1;Kinos\xe4le\n".encode("windows-1252")
    assert read_file(data, ReadHints(format=FileFormat.CSV, encoding="windows-1252")).values[0]["name"] == "Kinosäle"
    assert read_file(data, _CSV).code is FailureCode.ENCODING_INVALID


def test_every_gzip_member_is_read() -> None:
    """https://github.com/PostHog/posthog/pull/90036"""
    data = gzip.compress(b'{"a":1}\n') + gzip.compress(b'{"a":2}\n')
    hints = ReadHints(format=FileFormat.NDJSON, compression=Compression.GZIP)
    assert read_file(data, hints).values == [{"a": 1}, {"a": 2}]
    assert read_file(data[:-4], hints).code is FailureCode.COMPRESSION_BROKEN


def test_equal_headers_are_a_list() -> None:
    """https://github.com/python/cpython/issues/61739"""
    (row,) = csv_file(
        "id,make,model,year,image,image,year\n1,Ford,Ka,2019,https://a.example/a.jpg,https://a.example/b.jpg,2019\n"
    ).values
    document = map_records([row], profile({"image_urls": "image"})).document
    assert document["image_urls"] == ["https://a.example/a.jpg", "https://a.example/b.jpg"]
    assert document["year"] == 2019
    (problem,) = map_records([{**row, "year": ["2019", "2020"]}], profile({})).rejects[0].problems
    assert (problem.code, problem.field) == (FailureCode.FIELD_INVALID, "year")


def test_an_inch_mark_opens_no_quote() -> None:
    """https://github.com/stevehansen/csv/issues/114"""
    reading = csv_file('id,what,colour,price\n1,Lifted 11" springs, nice,4000\n2,"Wheels 17""",red,500\n3,x,y,1\n')
    assert [row["id"] for row in reading.values] == ["1", "2", "3"]
    assert reading.values[0]["what"] == 'Lifted 11" springs'


def test_a_long_text_is_cut_and_flagged() -> None:
    """https://github.com/moshe/elasticsearch_loader/issues/86"""
    (row,) = csv_file(f"id,make,model,year,text\n1,Ford,Ka,2019,{'word ' * 40_000}\n").values
    document = map_records([row], profile({"description": "text"})).document
    assert (len(document["description"]) <= 20_000, document["quality"]) == (True, ["text_truncated"])


def test_lines_of_json_are_told_from_one_document() -> None:
    """https://github.com/isagalaev/ijson/issues/42"""
    assert read_file(b'{"a":1}\n{"a":2}', ReadHints(format=FileFormat.JSON)).values == [{"a": 1}, {"a": 2}]


def test_empty_cells_do_not_reach_the_index() -> None:
    """https://github.com/elastic/kibana/issues/39240"""
    document = map_records([{**LISTING, "listed_at": "", "vin": "", "doors": "", "features": ""}]).document
    assert not document.keys() & {"listed_at", "vin", "doors", "features"}


def test_day_and_month_are_not_guessed() -> None:
    """https://github.com/dannymcc/may/pull/255"""
    assert "listed_at" not in mapped({"d": "12/01/2026"}, {"listed_at": "d"}).document
    day_first = mapped({"d": "12/01/2026"}, {"listed_at": {"from": "d", "day_first": True}}).document
    assert day_first["listed_at"] == datetime(2026, 1, 12, tzinfo=UTC).isoformat().replace("+00:00", "Z")
