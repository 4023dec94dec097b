"""Records with our own field names: what becomes of them, through the mapper."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import FailureCode
from app.model.listing import BY_NAME, FIELDS
from app.model.record import RawRecord
from app.pipeline.transform import Mapper, Origin
from tests.support.mapping import LISTING, NOW, UPLOADED, map_listing, map_records


def test_the_smallest_listing_becomes_a_whole_document() -> None:
    document = map_listing().document
    identity = hashlib.sha256(b"autohaus\0A-100234").hexdigest()[:32]
    assert document == {
        "listing_id": identity,
        "source": "autohaus",
        "source_listing_id": "A-100234",
        "make": "Škoda",
        "make_key": "skoda",
        "model": "Octavia",
        "model_key": "octavia",
        "year": 2019,
        "price_amount": 17990.0,
        "price_currency": "EUR",
        "price_status": "ok",
        "mileage_km": 73556,
        "mileage_value": 73556,
        "mileage_unit": "km",
        "origin": {
            "bucket": "uploads",
            "key": "autohaus/stock.json",
            "etag": "e1",
            "record": 1,
            "uploaded_at": "2026-08-22T13:01:20.250Z",
        },
        "indexed_at": "2026-08-22T13:01:21Z",
    }


def test_document_carries_id_version_and_record_number() -> None:
    mapper = Mapper(None, "autohaus", Origin("b", "k", "", UPLOADED), NOW)
    (document,) = mapper.map_all([RawRecord(7, None, LISTING)]).documents
    assert document.version == 1_787_403_680_250
    assert document.record == 7
    assert document.id == orjson.loads(document.body)["listing_id"]
    assert b"\n" not in document.body


def test_identity_depends_on_source_and_id_only() -> None:
    same = map_records([LISTING, {**LISTING, "price_amount": 1000.0, "make": "Seat"}]).documents
    other = map_records([{**LISTING, "source": "elsewhere"}]).document
    assert same[0]["listing_id"] == same[1]["listing_id"] != other["listing_id"]
    assert other["source"] == "elsewhere"


def test_short_names_are_taken_and_the_full_name_wins() -> None:
    record = {
        "id": 4711,
        "url": "https://cars.example/4711",
        "make": "Seat",
        "model": "Ibiza",
        "year": 2018,
        "price": 9000,
        "currency": "EUR",
        "mileage": 12000,
        "mileage_unit": "mi",
        "price_amount": 8000,
    }
    document = map_records([record]).document
    assert document["source_listing_id"] == "4711"
    assert document["source_url"] == "https://cars.example/4711"
    assert document["price_amount"] == 8000.0
    assert document["mileage_km"] == 19312


def test_json_and_csv_of_the_same_listing_give_the_same_document() -> None:
    typed = {
        **LISTING,
        "doors": 5,
        "features": ["tow bar", "navigation"],
        "image_urls": ["https://a.example/1.jpg", "https://a.example/2.jpg"],
        "location": {"lat": 52.5, "lon": 13.4},
        "vat_rate": 19.0,
    }
    text = {name: str(value) for name, value in typed.items()} | {
        "features": "tow bar|navigation",
        "image_urls": "https://a.example/1.jpg|https://a.example/2.jpg",
        "location": "52.5, 13.4",
        "title": "",
        "vin": "",
    }
    assert map_records([text]).document == map_records([typed]).document


def test_avro_values_are_taken() -> None:
    record = {
        **LISTING,
        "price_amount": Decimal("17990.00"),
        "price_msrp": Decimal("25000.50"),
        "listed_at": datetime(2026, 5, 1, 8, 30, 0, 125_000, tzinfo=UTC),
        "vin": None,
    }
    document = map_records([record]).document
    assert document["price_amount"] == 17990.0
    assert document["price_msrp"] == 25000.5
    assert document["listed_at"] == "2026-05-01T08:30:00.125Z"


def test_every_reason_is_told() -> None:
    result = map_listing(
        make=..., year="soon", price_currency="EURO", doors=True, condition="shiny", source_url="ftp://x.example/1"
    )
    assert result.documents == []
    assert sorted(result.reasons) == [
        "field_invalid: condition: expected one of new, used, cpo, demo, salvage, got shiny",
        "field_invalid: doors: expected an integer from 1 to 20, got true",
        "field_invalid: price_currency: expected an ISO 4217 code such as EUR, got EURO",
        "field_invalid: source_url: expected an http(s) address of at most 2048 characters, got ftp://x.example/1",
        "field_invalid: year: expected an integer from 1886 to 2100, got soon",
        "missing_required: make: expected a value",
    ]
    assert result.rejects[0].source_listing_id == "A-100234"
    assert (result.rejects[0].record, result.rejects[0].line) == (1, 2)


def test_missing_fields_are_told_one_by_one_and_the_id_first() -> None:
    (reject,) = map_records([{"title": "Clean car!"}]).rejects
    assert [(p.code, p.field) for p in reject.problems] == [
        (FailureCode.MISSING_ID, "source_listing_id"),
        (FailureCode.MISSING_REQUIRED, "make"),
        (FailureCode.MISSING_REQUIRED, "model"),
        (FailureCode.MISSING_REQUIRED, "year"),
    ]
    assert reject.source_listing_id is None


def test_source_is_required_where_there_is_no_default() -> None:
    result = map_records([LISTING], source="")
    assert result.reasons == ["missing_required: source: expected a value"]


def test_a_bad_listing_does_not_touch_its_neighbours() -> None:
    result = map_records([LISTING, {**LISTING, "year": 1700}, {**LISTING, "id": "2", "source_listing_id": None}])
    assert [d["source_listing_id"] for d in result.documents] == ["A-100234", "2"]
    assert [d["origin"]["record"] for d in result.documents] == [1, 3]
    assert [r.record for r in result.rejects] == [2]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("year", 2028),
        ("year", "2019.5"),
        ("year", [2019]),
        ("first_registration", "2026-09"),
        ("first_registration", "2019-13"),
        ("price_amount", "12.000 - 13.000 €"),
        ("price_amount", "12.000 USD"),  # beside EUR
        ("price_amount", "12.000 + MwSt."),
        ("price_amount", "-12.000 €"),
        ("mileage_km", "73,556 miles"),
        ("mileage_value", "ca. 120.000 km"),
        ("price_amount", -1),
        ("price_amount", {"value": 5}),
        ("mileage_km", "a lot"),
        ("mileage_unit", "leagues"),
        ("listed_at", "yesterday"),
        ("listed_at", 5),
        ("make", "x" * 513),
        ("source_listing_id", "x" * 257),
        ("country", "XX"),
        ("location", {"lat": 91, "lon": 0}),
        ("location", "Berlin"),
        ("features", {"a": 1}),
        ("make", ["Seat"]),
        ("title", "\ud800"),
    ],
)
def test_wrong_values_refuse_the_listing(field: str, value: object) -> None:
    result = map_listing(**{field: value})
    assert [(p.code, p.field) for p in result.rejects[0].problems] == [(FailureCode.FIELD_INVALID, field)]


def test_refused_values_are_shown_shortened_to_one_line() -> None:
    result = map_listing(year="no\nnumber " + "x" * 500)
    got = result.rejects[0].problems[0].got
    assert got is not None
    assert len(got) == 80
    assert got.startswith("no number xxx")


def test_slips_are_mended() -> None:
    document = map_listing(
        make="  Škoda\x00\u00a0", fuel_type="Diesel", country="uk", title="Fine\tcar\n now", doors="0", seats=0
    ).document
    assert document["make"] == "Škoda"
    assert document["fuel_type"] == "diesel"
    assert document["country"] == "GB"
    assert document["title"] == "Fine car now"
    assert "doors" not in document
    assert "seats" not in document


def test_names_may_differ_in_case_and_blanks() -> None:
    records: list[Mapping[str, object]] = [
        {"ID": "1", "Make": "Seat", "MODEL": "Ibiza", "Year": "2018", "Price amount": "9000", "Price-Currency": "EUR",
         "Mileage KM": "12000", "price": "5"},
        {"ID": "2", "Make": "Seat", "MODEL": "Leon", "Year": "2019", "mileage km": "5"},
    ]  # fmt: skip
    first, second = map_records(records).documents
    assert (first["source_listing_id"], first["make"], first["year"], first["mileage_km"]) == ("1", "Seat", 2018, 12000)
    assert first["price_amount"] == 9000.0
    assert second["model"] == "Leon"
    assert "mileage_km" not in second, "names are told by the file's first record"
    assert map_records([{**LISTING, "Make": "Seat", " make": "VW"}]).document["make"] == "Škoda"
    two = {name: value for name, value in LISTING.items() if name != "make"}
    assert map_records([{**two, "Make": "Seat", "MAKE": "VW"}]).document["make"] == "Seat"
    (reject,) = map_records([{"ID": "7", "Make": "Seat"}]).rejects
    assert reject.source_listing_id == "7"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"price_amount": "12.900 €"}, {"price_amount": 12900.0, "price_currency": "EUR"}),
        ({"price_amount": "$12,900", "price_currency": "usd"}, {"price_amount": 12900.0, "price_currency": "USD"}),
        ({"price_amount": "£12,900", "price_currency": ...}, {"price_amount": 12900.0, "price_currency": "GBP"}),
        ({"price_amount": "POA"}, {"price_amount": None, "price_status": "on_request", "price_currency": None}),
        ({"price_amount": "N/A"}, {"price_amount": None, "price_status": "missing"}),
        (
            {"mileage_km": ..., "mileage": "73,556 miles"},
            {"mileage_value": 73556, "mileage_unit": "mi", "mileage_km": 118377},
        ),
        ({"mileage_km": "73 556 km"}, {"mileage_km": 73556}),
        ({"mileage_km": "73556.0"}, {"mileage_km": 73556}),
        ({"mileage_km": ..., "mileage": "100", "mileage_unit": "Miles"}, {"mileage_unit": "mi", "mileage_km": 161}),
        # one mark before three digits groups, also where nothing else has to be mended
        ({"price_amount": "12.900", "mileage_km": "45.000"}, {"price_amount": 12900.0, "mileage_km": 45000}),
        (
            {"price_amount": "12.900", "mileage_km": ..., "mileage": "45.000", "fuel_type": "Benzin"},
            {"price_amount": 12900.0, "mileage_km": 45000},
        ),
        ({"mileage_km": ..., "mileage": "45.000"}, {"mileage_km": 45000}),
        ({"price_amount": "1.234.567"}, {"price_amount": 1234567.0}),
        ({"price_amount": "12900.00"}, {"price_amount": 12900.0}),
        ({"year": "2019.0"}, {"year": 2019}),
        ({"year": 2019.0, "doors": "4.0", "seats": 5.0}, {"year": 2019, "doors": 4, "seats": 5}),
        ({"power_kw": "110 kW", "engine_cc": "1.390 cm³"}, {"power_kw": 110, "engine_cc": 1390}),
        ({"fuel_type": "Gasoline", "transmission": "Automatik"}, {"fuel_type": "petrol", "transmission": "automatic"}),
        ({"fuel_type": "Unknown", "color_exterior": "n/a"}, {"fuel_type": None, "color_exterior": None}),
        ({"vin": "N/A"}, {"vin": None, "vin_raw": None, "quality": None}),
    ],
)
def test_texts_as_people_write_them_are_understood(changes: dict[str, Any], expected: dict[str, Any]) -> None:
    document = map_listing(**changes).document
    assert {name: document.get(name) for name in expected} == expected


@pytest.mark.parametrize(
    ("field", "value"),
    [("source_listing_id", "0"), ("source_listing_id", 0), ("source_listing_id", "N/A"), ("source_listing_id", "-"),
     ("make", "unknown"), ("model", "N/A")],
)  # fmt: skip
def test_words_for_nothing_are_no_ids_and_no_names(field: str, value: object) -> None:
    (problem,) = map_listing(**{field: value}).rejects[0].problems
    assert problem.field == field
    assert problem.code in (FailureCode.MISSING_ID, FailureCode.MISSING_REQUIRED)


@pytest.mark.parametrize(
    ("sent", "same"),
    [
        (
            {"dealer_id": "9", "stock_number": "A1", "vin": "WVGZZZ5NZEW069297"},
            {"dealer_id": "9", "stock_number": "A1"},
        ),
        ({"vin": "wvgzzz5nzew069297"}, {"vin": "WVGZZZ5NZEW069297", "price_amount": 9000}),
        ({"url": "HTTPS://Cars.example/x/7/#photos"}, {"source_url": "https://cars.example/x/7", "year": 2018}),
    ],
)
def test_what_stands_in_for_an_id(sent: dict[str, Any], same: dict[str, Any]) -> None:
    first = map_listing(source_listing_id=..., make="VW", **sent).document
    second = map_listing(source_listing_id=..., make="VW", **same).document
    assert first["listing_id"] == second["listing_id"]
    assert first["quality"] == ["id_derived"]


@pytest.mark.parametrize(
    "sent",
    [{}, {"stock_number": "A1"}, {"url": "https://cars.example/"}, {"vin": "1" * 17}, {"source_listing_id": "x" * 257}],
)
def test_nothing_else_is_an_id(sent: dict[str, Any]) -> None:
    record = {"source_listing_id": ..., "vin": "WVGZZZ5NZEW069297", **sent} if "source_listing_id" in sent else sent
    reject = map_listing(**{"source_listing_id": ..., **record}).rejects[0]
    assert [problem.field for problem in reject.problems] == ["source_listing_id"]


def test_unknown_fields_are_ignored() -> None:
    assert map_listing(colour_of_mats="red", doors_locked=True, quality=["x"], listing_id="ours").document == (
        map_listing().document
    )


def test_first_registration_stands_in_for_the_year() -> None:
    document = map_listing(year=..., first_registration="2017-03-14").document
    assert (document["year"], document["first_registration"]) == (2017, "2017-03")


def test_description_is_plain_text_with_its_line_breaks() -> None:
    html = "<p>One&nbsp;owner &amp; clean</p><script>alert('x')</script><style>p{}</style>Call<br>today\x07"
    assert map_listing(description=html).document["description"] == "One owner & clean\nCall\ntoday"


def test_long_texts_are_cut_and_flagged() -> None:
    result = map_listing(title="a" * 301, description="word " * 5000)
    assert len(result.document["title"]) == 300
    assert len(result.document["description"]) <= 20_000
    assert result.document["quality"] == ["text_truncated"]
    assert result.flagged == 1


def test_images_are_http_once_and_at_most_100() -> None:
    urls = ["javascript:alert(1)", "https://a.example/0.jpg", "HTTP://a.example/0.jpg", ""]
    urls += [f"https://a.example/{number}.jpg" for number in range(150)]
    images = map_listing(image_urls=urls).document["image_urls"]
    assert images[:3] == ["https://a.example/0.jpg", "HTTP://a.example/0.jpg", "https://a.example/1.jpg"]
    assert len(images) == 100
    assert "image_urls" not in map_listing(image_urls=["/relative.jpg"]).document


def test_private_sellers_stay_unnamed() -> None:
    document = map_listing(
        seller_type="private",
        dealer_name="Jo Doe",
        dealer_id="77",
        title="Octavia, call +49 30 5550 1234",
        description="Price 17 990, VIN on request.\nMail jo.doe@example.com or 555-010-0001",
    ).document
    assert "dealer_name" not in document
    assert "dealer_id" not in document
    assert document["title"] == "Octavia, call …"
    assert document["description"] == "Price 17 990, VIN on request.\nMail … or …"
    assert map_listing(seller_type="dealer", dealer_name="Jo Doe").document["dealer_name"] == "Jo Doe"


@pytest.mark.parametrize(
    ("changes", "price"),
    [
        ({"price_amount": 12999.995}, {"price_amount": 13000.0, "price_currency": "EUR", "price_status": "ok"}),
        ({"price_amount": 0}, {"price_status": "missing"}),
        ({"price_amount": ..., "price_currency": ...}, {"price_status": "missing"}),
        ({"price_amount": ..., "price_status": "on_request"}, {"price_status": "on_request"}),
        ({"price_amount": 11_111_111.0}, {"price_status": "implausible", "quality": ["price_implausible"]}),
        ({"price_amount": 50.0}, {"price_status": "implausible", "quality": ["price_implausible"]}),
        (
            {"price_amount": 123456.0},
            {"price_amount": 123456.0, "price_currency": "EUR", "price_status": "ok", "quality": ["price_suspicious"]},
        ),
        (
            {"price_amount": 900_000_000.0, "price_currency": "VND"},
            {"price_amount": 900_000_000.0, "price_currency": "VND", "price_status": "ok"},
        ),
        (
            {"price_msrp": 17000},
            {
                "price_amount": 17990.0,
                "price_msrp": 17000.0,
                "price_currency": "EUR",
                "price_status": "ok",
                "quality": ["msrp_below_price"],
            },
        ),
        (
            {"price_amount": ..., "price_msrp": 9000},
            {"price_msrp": 9000, "price_currency": "EUR", "price_status": "missing"},
        ),
    ],
)
def test_prices(changes: dict[str, Any], price: dict[str, Any]) -> None:
    document = map_listing(**changes).document
    assert {k: v for k, v in document.items() if k.startswith("price_") or k == "quality"} == price


def test_an_amount_needs_a_currency() -> None:
    (reason,) = map_listing(price_currency=...).reasons
    assert reason.startswith("field_invalid: price_currency: expected an ISO 4217 code such as EUR beside an amount")


@pytest.mark.parametrize(
    ("changes", "mileage"),
    [
        ({"mileage_km": ..., "mileage_value": 12345, "mileage_unit": "mi"}, (12345, "mi", 19867, None)),
        ({"mileage_value": 29403, "mileage_unit": "mi"}, (29403, "mi", 47320, None)),
        (
            {"mileage_km": ..., "mileage_value": 10.5},
            (10.5, "km", 11, ["unit_defaulted", "mileage_suspicious"]),  # more likely kilometres a litre
        ),
        ({"mileage_km": ..., "mileage": 1000, "country": "US"}, (1000, "mi", 1609, ["unit_defaulted"])),
        ({"mileage_km": 0, "condition": "new"}, (0, "km", 0, None)),
        ({"mileage_km": 0, "condition": "used"}, (0, "km", 0, ["mileage_suspicious"])),
        ({"mileage_km": 500, "condition": "used"}, (500, "km", 500, ["mileage_suspicious"])),
        ({"mileage_km": 500, "condition": "used", "year": 2025}, (500, "km", 500, None)),
        ({"mileage_km": 500}, (500, "km", 500, ["mileage_suspicious"])),
        ({"mileage_km": 0, "year": 2025}, (0, "km", 0, None)),
        ({"mileage_km": 500, "condition": "new"}, (500, "km", 500, None)),
        ({"mileage_km": 980_000}, (980_000, "km", 980_000, ["mileage_suspicious"])),
        ({"mileage_km": 1_000_001}, (None, None, None, ["mileage_implausible"])),
        ({"mileage_km": 1_000_001, "vehicle_type": "truck"}, (1_000_001, "km", 1_000_001, None)),
    ],
)
def test_mileage(changes: dict[str, Any], mileage: tuple[object, ...]) -> None:
    document = map_listing(**changes).document
    names = ("mileage_value", "mileage_unit", "mileage_km", "quality")
    assert tuple(document.get(name) for name in names) == mileage


@pytest.mark.parametrize(
    ("vin", "year", "expected"),
    [
        ("3gnaxmev1ns-423432", 2022, {"vin": "3GNAXMEV1NS423432", "vehicle_key": "3GNAXMEV1NS423432"}),
        (
            "3GNAXMEV1NS423432",
            2012,
            {"vin": "3GNAXMEV1NS423432", "vehicle_key": "3GNAXMEV1NS423432", "quality": ["vin_suspicious"]},
        ),
        ("3GNAXMEV2NS423432", 2022, {"vin_raw": "3GNAXMEV2NS423432", "quality": ["vin_invalid"]}),
        ("1SANITIZEDVIN0001", 2022, {"vin_raw": "1SANITIZEDVIN0001", "quality": ["vin_invalid"]}),
        ("911 730 0123", 1973, {"vin_raw": "911 730 0123"}),
        (
            "WVGZZZ5NZEW069297",  # a Volkswagen
            2014,
            {"vin": "WVGZZZ5NZEW069297", "vehicle_key": "WVGZZZ5NZEW069297", "quality": ["vin_suspicious"]},
        ),
    ],
)
def test_vins(vin: str, year: int, expected: dict[str, object]) -> None:
    document = map_listing(vin=vin, year=year, make="Chevrolet").document
    assert {k: v for k, v in document.items() if k in ("vin", "vin_raw", "vehicle_key", "quality")} == expected


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats()
    | st.text(max_size=40)
    | st.sampled_from(
        ["<", "&lt;b&gt;", "used", "EUR", "2019", "2019-03", "N/A", "\ud800", "\x00", "https://a.example/1"]
    ),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from([*BY_NAME, "id", "price", "currency", "mileage", "url", "other"]), _JSON))
def test_any_record_is_a_document_or_a_reject(record: dict[str, Any]) -> None:
    result = map_records([{**LISTING, **record}])
    assert len(result.documents) + len(result.rejects) == 1
    for document in result.documents:
        assert document.keys() <= {field.name for field in FIELDS}
        assert not [name for name, value in document.items() if value in ("", None, [], {})]
    for reject in result.rejects:
        assert reject.problems
        assert all(len(str(p.got or "")) <= 80 for p in reject.problems)


@pytest.mark.parametrize(
    ("sent", "key", "also"),
    [
        ("VW", "volkswagen", ["Volkswagen", "VW", "V.W."]),
        ("Volkswagen", "volkswagen", ["Volkswagen", "VW", "V.W."]),
        ("Chevy", "chevrolet", ["Chevrolet", "Chevy"]),
        ("Ауди", "audi", ["Audi"]),
        ("Audi", "audi", None),
        ("Wiesmann", "wiesmann", None),
    ],
)
def test_a_make_has_one_key_by_all_its_names_and_is_shown_as_it_was_sent(
    sent: str, key: str, also: list[str] | None
) -> None:
    record = {"source_listing_id": "1", "make": sent, "model": "X", "year": 2019}
    mapper = Mapper(None, "autohaus", Origin("b", "k", "", UPLOADED), NOW)
    document = orjson.loads(mapper.map_all([RawRecord(1, None, record)]).documents[0].body)
    assert (document["make"], document["make_key"], document.get("make_also")) == (sent, key, also)
