"""Every declared profile against files of its kind: own small ones always, the collected samples where they lie."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import pytest

from app.adapters.profile_files import load_profiles
from app.errors import FailureCode
from app.model.listing import Quality
from app.model.record import RawRecord
from app.pipeline.derive import Calendar, derive
from app.pipeline.parse import FileReader
from app.pipeline.profile import Profile, profile_schema
from app.pipeline.profile_reader import reader_for
from app.pipeline.transform import Mapper, Origin
from tests.support.limits import limits
from tests.support.mapping import NOW, UPLOADED, Result

PROJECT = Path(__file__).resolve().parents[2]
FEEDS = PROJECT / "connectors" / "feeds"
FIXTURES = PROJECT / "tests" / "fixtures" / "feeds"
SAMPLES = PROJECT.parent / "shared" / "feeds" / "files"
PROFILES = load_profiles(FEEDS)

needs_samples = pytest.mark.skipif(not SAMPLES.is_dir(), reason="the collected samples are not on this machine")

_UNITS_SAID_NOWHERE = [Quality.UNIT_DEFAULTED, Quality.CURRENCY_DEFAULTED]


def profile_of(path: Path) -> Profile:
    profile = PROFILES.match("uploads", path.name)
    assert profile is not None, f"no profile matches {path.name}"
    return profile


def raw_records(path: Path) -> list[RawRecord]:
    """A file as a worker reads it, none of its records damaged."""
    profile = profile_of(path)
    content = path.read_bytes()
    reader = FileReader(profile.hints(), limits(), len(content))
    records: list[RawRecord] = []
    for pieces in (reader.feed(content), reader.finish()):
        for piece in pieces:
            assert not piece.bad
            records += piece.records
    return records


def read(path: Path) -> Result:
    """A file's documents and rejects: profile by its name, parser, mapper."""
    origin = Origin("uploads", path.name, "e", UPLOADED)
    mapped = Mapper(profile_of(path), "unused", origin, NOW).map_all(raw_records(path))
    return Result([orjson.loads(d.body) for d in mapped.documents], mapped.rejects, mapped.flagged)


def read_values(path: Path) -> list[dict[str, Any]]:
    """What is understood of each record, also of those that are refused because something is missing."""
    profile = profile_of(path)
    found = []
    for record in raw_records(path):
        flags: list[Quality] = []
        listing, problems = reader_for(profile).read(record.value, flags)
        derive(listing, Calendar.at(NOW), flags, problems, lenient=True)
        found.append({**listing, "quality": flags})
    return found


def reasons(result: Result) -> Counter[str]:
    """How often each combination of reasons occurs, as in `missing_required make, model`."""
    return Counter("; ".join(f"{p.code} {p.field}" for p in reject.problems) for reject in result.rejects)


def pick(document: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
    """The fields of a document that an expectation names; None: absent."""
    return {name: document.get(name) for name in wanted}


EXPECTED: dict[str, list[dict[str, Any]]] = {
    "mobile_de_seller_ad.xml": [
        {
            "source_listing_id": "lot-7", "make": "OPEL", "model": "ASTRA", "first_registration": "2006-02",
            "year": 2006, "build_year": 2005, "price_amount": 3450.0, "price_currency": "EUR", "mileage_km": 98500,
            "fuel_type": "diesel", "transmission": "automatic", "power_kw": 74, "engine_cc": 1686,
            "body_type": "wagon", "vehicle_type": "car", "condition": "used", "doors": None, "color_exterior": None,
            "features": ["ABS"], "description": "Gepflegt & scheckheftgeführt.", "quality": None,
        },
    ],
    "meta_vehicle_listings_us.xml": [
        {
            "source": "dealer-one-meta", "source_listing_id": "3GNAXMEV1NS000101", "make": "Chevrolet",
            "model": "Equinox", "year": 2022, "price_amount": 20495.0, "price_currency": "USD", "mileage_km": 118377,
            "mileage_unit": "mi", "condition": "used", "status": "available", "drivetrain": "fwd", "city": "Sampleton",
            "region": "AL", "postal_code": "01234", "country": "US", "listed_at": "2026-03-23T00:00:00Z",
            "image_urls": ["https://img.north-lot.example/a.jpeg", "https://img.north-lot.example/b.jpeg"],
            "quality": None,
        },
        {
            "model": "F-150", "price_amount": 43900.0, "status": "sold", "condition": "cpo", "body_type": "pickup",
            "drivetrain": "4wd", "mileage_km": 31000, "image_urls": ["https://img.north-lot.example/c.jpeg"],
            "city": None, "country": "US", "quality": None,
        },
    ],
    "meta_vehicle_listings_blank_tags.xml": [
        {
            "source_listing_id": "13337", "vin": None, "vin_raw": None, "transmission": None, "drivetrain": None,
            "color_exterior": "Silver", "color_interior": None, "postal_code": None, "mileage_km": 226684,
            "price_amount": 12995.0, "body_type": "sedan", "quality": None,
        },
        {"source_listing_id": "5509A", "price_amount": None, "price_status": "missing", "mileage_km": None,
         "quality": None},
    ],
    "br_estoque.xml": [
        {
            "source_listing_id": "1001", "make": "FIAT", "model": "Uno", "trim": "1.0 Mille & Way", "year": 2013,
            "build_year": 2012, "price_amount": 21990.5, "price_currency": "BRL", "mileage_km": 85300,
            "fuel_type": "flex", "transmission": "manual", "doors": 4, "condition": "used",
            "features": ["Air bag"], "image_urls": ["http://img.example.com/1001_01.jpg"],
            "listed_at": "2017-02-03T13:37:00Z", "quality": None,
        },
        {"make": "HONDA", "model": "CG 160", "vehicle_type": "motorcycle", "condition": "new", "mileage_km": 0,
         "price_amount": None, "price_status": "on_request", "features": None, "quality": None},
    ],
    "vincue.xml": [
        {
            "source_listing_id": "V-1", "vin": "JM3KFBCM1M0400101", "stock_number": "U1", "make": "Mazda",
            "model": "CX-5", "year": 2021, "price_amount": 24995.0, "price_currency": "USD", "mileage_km": 49890,
            "fuel_type": "petrol", "dealer_name": "West & Sons", "status": "available",
            "image_urls": ["https://img.west-lot.example/1.jpg"], "quality": _UNITS_SAID_NOWHERE,
        },
        {"source_listing_id": "V-2", "vin": None, "vin_raw": "1SANITIZED0VIN002", "mileage_km": None,
         "price_amount": None, "quality": [Quality.VIN_INVALID]},
    ],
    "google_vehicle_ads_ca.tsv": [
        {
            "source": "dealer-three-ca", "source_listing_id": "S-1001", "vin": "KM8ZZDD14TU000101", "make": "Hyundai",
            "model": "Tucson Hybrid", "trim": "Ultimate", "year": 2026, "condition": "used", "price_amount": 48900.0,
            "price_currency": "CAD", "price_status": "ok", "mileage_km": 7560, "mileage_value": 7560,
            "mileage_unit": "km", "fuel_type": "hybrid", "drivetrain": "awd", "cylinders": 4, "body_type": "suv",
            "transmission": "automatic", "doors": 4, "seats": 5, "city": "Sampleton", "region": "ON",
            "postal_code": "A1A 1A1", "country": "CA", "dealer_id": "north-lot", "dealer_name": "North Lot Motors",
            "image_urls": ["https://img.north-lot.example/w_400,h_300,c_f/1.webp"], "quality": None,
        },
        {"source_listing_id": "S-1002A", "trim": None, "drivetrain": "fwd", "transmission": "manual", "quality": None},
        {
            "price_amount": 10499.0, "price_currency": "USD", "mileage_km": 99779, "mileage_unit": "mi",
            "drivetrain": "4wd", "body_type": "pickup", "cylinders": 8, "trim": "Sport w/ 5'7\" Box", "quality": None,
        },
    ],
    "dealer_inventory_wrapped.json": [
        {
            "source": "dealer-one-us", "source_listing_id": "3GNZZXEV6NS000201", "stock_number": "24574B",
            "year": 2022, "price_amount": 20495.0, "price_currency": "USD", "price_msrp": 19194.0,
            "mileage_value": 73556, "mileage_unit": "mi", "mileage_km": 118377, "drivetrain": "fwd", "body_type": "suv",
            "engine_cc": 1500, "cylinders": 4, "fuel_type": None, "listed_at": "2026-03-23T00:00:00Z",
            "image_urls": ["https://img.lot-one.example/a.jpeg", "https://img.lot-one.example/b.jpeg"],
            "quality": [*_UNITS_SAID_NOWHERE, Quality.MSRP_BELOW_PRICE],
        },
        {
            "model": "Sprinter 3500", "body_type": "van", "fuel_type": "diesel", "mileage_km": 418, "drivetrain": "awd",
            "price_amount": 78194.0, "price_msrp": 64147.0, "transmission": "automatic",
            "quality": [*_UNITS_SAID_NOWHERE, Quality.MSRP_BELOW_PRICE],
        },
        {
            "price_amount": None, "price_currency": None, "price_status": "missing", "body_type": None,
            "transmission": "cvt", "drivetrain": "rwd", "quality": [Quality.UNIT_DEFAULTED, Quality.VALUE_UNREAD],
        },
        {
            "source_listing_id": "2GCZZNEY1T1000204", "stock_number": None, "condition": "new", "mileage_km": None,
            "price_amount": 64147.0, "drivetrain": "4wd", "fuel_type": "diesel", "cylinders": 8, "engine_cc": 6600,
            "quality": [Quality.CURRENCY_DEFAULTED],
        },
        {"source_listing_id": "1GNZZRKD2V1000205", "year": 2027, "stock_number": None},
    ],
    "cars_com_used.csv": [
        {
            "make": "Toyota", "model": "Sienna SE", "price_amount": 39998.0, "mileage_km": 47320, "drivetrain": "fwd",
            "vin": "5TDZZ3DC8KS000301", "condition": "used", "fuel_type": "petrol", "transmission": "automatic",
            "color_interior": None, "quality": _UNITS_SAID_NOWHERE,
        },
        {
            "condition": "cpo", "price_amount": None, "price_status": "on_request", "mileage_km": 41267,
            "transmission": "cvt", "fuel_type": "flex", "stock_number": None, "postal_code": "01234",
        },
    ],
    "cars_com_new.csv": [
        {"source_listing_id": "0d629-98d", "price_amount": 47140.0, "condition": "new", "mileage_km": None},
        {"source_listing_id": "0d629-98e", "price_amount": 47140.0, "dealer_name": "South Lot Motors"},
        {"price_amount": None, "price_status": "on_request", "quality": None},
    ],
    "uk_focus_unclean.csv": [
        {
            "source_listing_id": "1001", "make": "Ford", "model": "Focus", "year": 2016, "price_amount": 8000.0,
            "price_currency": "GBP", "mileage_km": 62526, "fuel_type": "petrol", "transmission": "manual",
            "engine_cc": 999, "quality": [Quality.UNIT_DEFAULTED],
        },
        {"price_amount": 10699.0, "mileage_km": 43124, "transmission": "automatic", "engine_cc": 999},
        {"price_amount": 12300.0, "mileage_km": 21332, "fuel_type": "petrol", "engine_cc": 999},
    ],
    "autoscout24_nl_search.json": [
        {
            "make": "Volkswagen", "model": "Polo", "first_registration": "2011-04", "year": 2011, "power_kw": 63,
            "price_amount": 1440.0, "price_currency": "EUR", "mileage_km": 180100, "fuel_type": "petrol",
            "transmission": "manual", "engine_cc": 1390, "country": "NL", "seller_type": "dealer",
            "source_url": "https://www.autoscout24.nl/aanbod/1", "features": ["Airco", "Radio"], "quality": None,
        },
        {
            "make": "Ford", "price_msrp": 18490.0, "transmission": "automatic", "fuel_type": "hybrid",
            "title": "Ford Focus", "power_kw": None, "quality": [Quality.VALUE_UNREAD],
        },
    ],
    "finn_no_cars.json": [
        {
            "make": "Mercedes-Benz", "model": "GLC", "price_amount": 374434.0, "price_currency": "NOK",
            "mileage_km": 118000, "fuel_type": "hybrid", "transmission": "automatic", "country": "NO",
            "seller_type": None, "city": "Lierskogen",
        },
        {"make": "Land Rover", "model": "Defender", "fuel_type": "electric", "city": "Porsgrunn",
         "seller_type": "dealer", "dealer_name": "Forhandler Test"},
        {"model": "HiLux", "fuel_type": "diesel", "transmission": None, "quality": _UNITS_SAID_NOWHERE},
    ],
    "dubizzle_uae.json": [
        {"make": "Mercedes-Benz", "model": "GLE Coupe", "price_amount": None, "mileage_km": 16769, "city": "Al Quoz"},
        {
            "price_amount": 10500.0, "price_currency": "AED", "mileage_km": 470000, "transmission": "automatic",
            "cylinders": 6, "doors": 5, "seats": 5, "engine_cc": None, "trim": None, "seller_type": "private",
            "features": ["Power Windows", "ABS"], "listed_at": "2025-10-08T07:03:08Z", "image_urls": None,
        },
        {"mileage_km": 980000, "seller_type": "dealer",
         "quality": [*_UNITS_SAID_NOWHERE, Quality.MILEAGE_SUSPICIOUS]},
    ],
    "kavak_mx.csv": [
        {"make": "Volkswagen", "model": "Touareg", "year": 2018, "price_amount": 461999.0, "price_currency": "MXN",
         "mileage_km": 77400, "transmission": "automatic", "quality": [Quality.CURRENCY_DEFAULTED]},
        {"make": "Land Rover", "price_amount": 660999.0, "mileage_km": 102184},
        {"make": "Toyota", "price_amount": 238999.0, "transmission": None},
    ],
    "topannonces_fr.csv": [
        {"source_listing_id": "71", "make": "Renault", "model": "Mégane", "year": 2020, "price_amount": 8600.0,
         "price_currency": "EUR", "mileage_km": None, "postal_code": "95190", "quality": None},
        {"make": "Fiat", "model": "Panda", "year": 2006, "price_amount": 2290.0, "mileage_km": 211000,
         "first_registration": "2006-07", "quality": [Quality.READ_FROM_TEXT]},
    ],
    "ebay_de_autos.csv": [
        {
            "source_listing_id": "2016-05-01 10:00:01 10115 peugeot", "title": "Peugeot 508 SW TÜV neu",
            "make": "peugeot", "model": "508", "first_registration": "2012-04", "year": 2012, "power_kw": 103,
            "price_amount": 6100.0, "price_currency": "EUR", "mileage_km": 125000, "condition": "used",
            "body_type": "wagon", "fuel_type": "diesel", "transmission": "manual", "seller_type": "private",
            "quality": [Quality.READ_FROM_TEXT, Quality.CURRENCY_DEFAULTED],
        },
        {
            "model": "fiesta", "first_registration": None, "power_kw": None, "price_amount": None, "condition": None,
            "price_status": "implausible", "quality": [Quality.CURRENCY_DEFAULTED, Quality.PRICE_IMPLAUSIBLE],
        },
    ],
    "autoscout24_challenge_listings.csv": [],
    "autoru_bmw.csv": [
        {
            "make": "BMW", "model": "5 Series", "trim": "520d", "year": 2008, "price_amount": 885000.0,
            "price_currency": "RUB", "mileage_km": 201500, "fuel_type": "diesel", "power_kw": 120, "engine_cc": 2000,
            "drivetrain": "rwd", "body_type": "sedan", "transmission": "automatic", "seller_type": "private",
            "color_exterior_key": "серый", "listed_at": None, "quality": [Quality.ID_DERIVED, Quality.VALUE_UNREAD],
        },
        {"model": "X3", "body_type": "suv", "drivetrain": "awd", "seller_type": "dealer", "mileage_km": 72600},
        {"model": "X3", "mileage_km": 72600, "quality": [Quality.ID_DERIVED, Quality.VALUE_UNREAD]},
        {"model": "X3", "mileage_km": 90100, "quality": [Quality.ID_DERIVED, Quality.VALUE_UNREAD]},
    ],
    "craigslist_nj.csv": [
        {
            "source_listing_id": "7200000001", "make": "Honda", "model": "Accord", "trim": None, "year": 2006,
            "price_amount": 9100.0, "price_currency": "USD", "mileage_km": None, "city": None, "region": "NJ",
            "seller_type": "private", "quality": [Quality.READ_FROM_TEXT, Quality.CURRENCY_DEFAULTED],
        },
        {"make": "Honda", "model": "Civic", "trim": "LX", "year": 2011, "price_amount": 7000.0, "city": "Sampleton",
         "postal_code": "08857", "title": "2011 HONDA CIVIC LX SEDAN 4D"},
        {"make": "Cadillac", "model": "XT5", "year": 2019, "price_amount": None, "price_status": "missing",
         "seller_type": "dealer", "quality": [Quality.READ_FROM_TEXT]},
    ],
    "india_lakh.csv": [
        {
            "make": "Maruti", "model": "Wagon R", "trim": "LXI CNG", "year": 2010, "price_amount": 185000.0,
            "price_currency": "INR", "mileage_km": 71000, "fuel_type": "cng", "power_kw": 43, "engine_cc": 998,
            "seats": 5, "quality": [Quality.ID_DERIVED, Quality.CURRENCY_DEFAULTED],
        },
        {"model": "Jazz", "price_amount": 450000.0, "price_msrp": 861000.0, "mileage_km": 46100, "power_kw": None},
        {"model": "RS5", "price_amount": 3700000.0, "price_msrp": 12800000.0, "mileage_km": 23100},
        {"model": "Jazz", "price_amount": 390000.0, "mileage_km": 90000},
    ],
    "semicolon_bom_usd.csv": [
        {
            "make": "Subaru", "model": "Outback", "year": 2010, "price_amount": 10950.0, "price_currency": "USD",
            "mileage_km": 190500, "quality": [Quality.ID_DERIVED, Quality.UNIT_DEFAULTED],
        },
        {"model": "Justy", "price_amount": 2134.11, "transmission": "manual", "fuel_type": "lpg",
         "color_exterior": None},
        {"model": "Outback", "price_amount": 9000.0, "mileage_km": 201000},
    ],
    "nigeria_naira.csv": [
        {
            "make": "Lexus", "model": "GX 460", "year": 2010, "price_amount": 12000000.0, "price_currency": "NGN",
            "condition": "used", "fuel_type": "petrol", "city": "Ibadan", "color_exterior": None,
            "quality": [Quality.ID_DERIVED],
        },
        {"model": "4-Runner", "price_amount": None, "price_status": "missing", "color_exterior": "Silver"},
        {"model": "Corolla", "price_amount": None, "mileage_km": None, "color_exterior": None,
         "quality": [Quality.ID_DERIVED, Quality.VALUE_UNREAD]},
    ],
    "cars_com_keyed_object.json": [
        {"source_listing_id": "700000003", "make": "Volkswagen", "price_status": "on_request", "mileage_km": 35567},
    ],
    "craigslist_kaggle_sparse.csv": [
        {
            "source_listing_id": "7300000002", "make": "gmc", "model": "sierra 1500", "year": 2014,
            "price_amount": 33590.0, "price_currency": "USD", "mileage_km": 93218, "mileage_unit": "mi",
            "body_type": "pickup", "drivetrain": "4wd", "cylinders": 8, "fuel_type": "petrol", "transmission": "other",
            "description": 'Line one\nLine "two"', "location": {"lat": 32.59, "lon": -85.48},
            "listed_at": "2021-05-04T17:31:18Z", "condition": None, "region": "al", "vin_raw": "3GTP1VEC4EG000001",
        },
        {"model": "f-100", "year": 1966, "condition": "salvage", "price_status": "missing", "quality": None},
    ],
}  # fmt: skip
"""By fixture: what its documents hold, in order; None stands for an absent field."""

REJECTED: dict[str, list[tuple[int, FailureCode]]] = {
    "meta_vehicle_listings_us.xml": [(3, FailureCode.MISSING_REQUIRED)],
    "cars_com_used.csv": [(3, FailureCode.MISSING_ID)],
    "autoscout24_nl_search.json": [(3, FailureCode.MISSING_REQUIRED)],
    "topannonces_fr.csv": [(3, FailureCode.NOT_A_VEHICLE)],
    "ebay_de_autos.csv": [
        (3, FailureCode.NOT_A_VEHICLE),
        (4, FailureCode.FIELD_INVALID),
        (5, FailureCode.NOT_A_VEHICLE),
        (6, FailureCode.MISSING_REQUIRED),
    ],
    "autoscout24_challenge_listings.csv": [(number, FailureCode.MISSING_REQUIRED) for number in (1, 2, 3)],
    "craigslist_nj.csv": [
        (4, FailureCode.NOT_A_VEHICLE),
        (5, FailureCode.NOT_A_VEHICLE),
        (6, FailureCode.MISSING_REQUIRED),
    ],
    "nigeria_naira.csv": [(4, FailureCode.MISSING_REQUIRED)],
    "cars_com_keyed_object.json": [(1, FailureCode.MISSING_REQUIRED), (2, FailureCode.MISSING_REQUIRED)],
    "craigslist_kaggle_sparse.csv": [(1, FailureCode.MISSING_REQUIRED)],
}

UNDERSTOOD: dict[str, list[dict[str, Any]]] = {
    "autoscout24_challenge_listings.csv": [
        {"make": "Audi", "price_amount": 30100.0, "price_currency": "EUR", "mileage_km": 4500,
         "seller_type": "private", "quality": _UNITS_SAID_NOWHERE},
        {"make": "BMW", "mileage_km": 0, "seller_type": "dealer",
         "quality": [Quality.MAKE_FUZZY, *_UNITS_SAID_NOWHERE]},
        {"make": "Volkswagen", "mileage_km": 100, "seller_type": None},
    ],
    "cars_com_keyed_object.json": [
        {"source_listing_id": "700000001", "price_amount": 47100.0, "mileage_km": 21082, "condition": "used",
         "drivetrain": "awd", "fuel_type": "diesel", "engine_cc": 3000, "cylinders": 6},
        {"source_listing_id": "700000002", "mileage_km": 0, "condition": "new", "features": ["ABS", "Tow bar"],
         "status": "available", "body_type": "suv", "fuel_type": "petrol", "vin": "WVGEP9BP4DD000001"},
        {"source_listing_id": "700000003"},
    ],
}  # fmt: skip
"""By fixture: what is understood of every record, where most are refused because something is missing."""


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_fixture(name: str) -> None:
    result = read(FIXTURES / name)
    expected = EXPECTED[name]
    assert [pick(document, wanted) for document, wanted in zip(result.documents, expected, strict=True)] == expected
    rejected = [(reject.record, reject.problems[0].code) for reject in result.rejects]
    assert rejected == REJECTED.get(name, [])


@pytest.mark.parametrize("name", sorted(UNDERSTOOD))
def test_what_is_understood_of_records_that_are_refused(name: str) -> None:
    expected = UNDERSTOOD[name]
    found = read_values(FIXTURES / name)
    assert [pick(values, wanted) for values, wanted in zip(found, expected, strict=True)] == expected


def test_vehicles_that_look_the_same_stay_apart_and_what_is_said_twice_is_one() -> None:
    ids = [document["source_listing_id"] for document in read(FIXTURES / "autoru_bmw.csv").documents]
    assert ids[1] == ids[2], "the same but for the number of views"
    assert ids[3] == f"{ids[1]}-2"
    lakh = read(FIXTURES / "india_lakh.csv").documents
    assert lakh[3]["source_listing_id"] == lakh[1]["source_listing_id"] + "-2"


def test_every_profile_has_a_fixture() -> None:
    covered = {profile.name for name in EXPECTED if (profile := PROFILES.match("uploads", name)) is not None}
    assert covered == {profile.name for profile in PROFILES.all}


def test_no_two_profiles_share_a_source() -> None:
    sources = [profile.source for profile in PROFILES.all]
    assert len(sources) == len(set(sources))


def test_the_schema_for_editors_is_up_to_date() -> None:
    path = FEEDS / "profile.schema.json"
    generated = json.dumps(profile_schema(), indent=2) + "\n"
    assert path.read_text(encoding="utf-8") == generated, (
        "write it anew: python -c 'import json; from app.pipeline.profile import profile_schema; "
        "print(json.dumps(profile_schema(), indent=2))' > connectors/feeds/profile.schema.json"
    )


SAMPLE_ROWS: dict[str, dict[int, dict[str, Any]]] = {
    "09_mobile_de_seller_ad.xml": {
        1: {
            "make": "PORSCHE", "model": "993", "first_registration": "1997-09", "build_year": 1997,
            "price_amount": 32000.0, "price_currency": "EUR", "mileage_km": 142000, "fuel_type": "petrol",
            "transmission": "manual", "power_kw": 210, "engine_cc": 3600, "body_type": "convertible", "doors": None,
            "condition": "used", "source_listing_id": "fooBar42", "quality": None,
        },
    },
    "10_meta_vehicle_listings_us.xml": {
        1: {
            "make": "Chevrolet", "model": "Equinox", "year": 2022, "price_amount": 20495.0, "price_currency": "USD",
            "mileage_value": 73556, "mileage_km": 118377, "vin": "3GNAXMEV1NS423432", "condition": "used",
            "status": "available", "drivetrain": "fwd", "quality": None,
        },
        5: {
            "make": "Mercedes-Benz", "model": "Sprinter 3500", "year": 2025, "price_amount": 78194.0,
            "mileage_value": 260, "mileage_km": 418, "drivetrain": "awd", "body_type": "van",
        },
        56: {
            "make": "Hyundai", "model": "Sonata", "year": 2018, "price_amount": 11194.0, "mileage_km": 185778,
            "status": "sold",
        },
    },
    "12_meta_vehicle_listings_blank_tags.xml": {
        1: {
            "make": "Honda", "model": "Civic", "year": 2012, "price_amount": 12995.0, "price_currency": "USD",
            "mileage_km": 226684, "vin": "JHMFB4F39CS117001", "transmission": None, "quality": None,
        },
        2: {"model": "Civic", "year": 2012, "mileage_km": 294779},
        3: {"model": "CR-Z", "source_listing_id": "5509A", "body_type": "sedan", "mileage_km": 253858},
    },
    "22_br_estoque.xml": {
        1: {
            "make": "AUDI", "model": "A4", "year": 2011, "build_year": 2010, "price_amount": 58990.0,
            "price_currency": "BRL", "mileage_km": 95332, "fuel_type": "petrol", "transmission": "automatic",
            "doors": 4, "condition": "used", "source_listing_id": "693987", "listed_at": "2017-02-23T13:37:00Z",
        },
    },
    "29_vincue_xml_in_string_element.xml": {
        1: {
            "make": "Mazda", "model": "CX-5", "trim": "Touring", "year": 2022, "price_amount": 24995.0,
            "price_currency": "USD", "mileage_value": 31000, "mileage_km": 49890, "vin": None,
            "vin_raw": "1SANITIZEDVIN0001", "source_listing_id": "VINCUE-VEHICLE-0001",
            "quality": [*_UNITS_SAID_NOWHERE, Quality.VIN_INVALID],
        },
    },
    "13_google_vehicle_ads_ca.tsv": {
        1: {
            "make": "Hyundai", "model": "Tucson Hybrid", "trim": "Ultimate", "year": 2026, "price_amount": 48900.0,
            "price_currency": "CAD", "mileage_km": 7560, "fuel_type": "hybrid", "drivetrain": "awd",
            "vin": "KM8JCDD18TU643842", "cylinders": 4,
        },
        2: {"model": "Tucson", "trim": "Preferred", "year": 2026, "price_amount": 38888.0, "mileage_km": 12456},
        5: {"model": "Kona", "year": 2025, "price_amount": 31988.0, "mileage_km": 40632},
    },
    "11_dealer_inventory_wrapped.json": {
        1: {
            "make": "Chevrolet", "model": "Equinox", "year": 2022, "price_amount": 20495.0, "price_currency": "USD",
            "mileage_value": 73556, "mileage_km": 118377, "vin": "3GNAXMEV1NS423432", "condition": "used",
            "drivetrain": "fwd", "price_msrp": 19194.0, "stock_number": "24574B",
        },
        5: {
            "model": "Sprinter 3500", "price_amount": 78194.0, "price_msrp": 64147.0, "mileage_km": 418,
            "drivetrain": "awd", "body_type": "van",
            "quality": [*_UNITS_SAID_NOWHERE, Quality.MSRP_BELOW_PRICE],
        },
        76: {
            "model": "Silverado 2500", "year": 2026, "condition": "new", "price_amount": 64147.0, "mileage_km": None,
            "stock_number": None, "vin": "2GC4KNEY5T1551833",
        },
    },
    "02_cars_com_used.csv": {
        1: {"model": "Sienna SE", "price_amount": 39998.0, "mileage_km": 47320, "vin": "5TDXZ3DC1KS675446"},
        10: {"model": "Charger Scat Pack", "mileage_km": 41267, "condition": "cpo", "drivetrain": "rwd"},
        59: {"model": "Civic Sport", "price_amount": None, "price_status": "on_request", "mileage_km": 49099},
    },
    "03_cars_com_new_2025.csv": {
        1: {"price_amount": 47140.0, "source_listing_id": "2771d629-098d-93e9-8f31-ecfcbd188774"},
        111: {"trim": "SL", "price_amount": None, "condition": "new"},
    },
    "05_uk_focus_unclean.csv": {
        1: {"price_amount": 8000.0, "mileage_km": 62526, "engine_cc": 999, "source_listing_id": "25345304"},
        6: {"price_amount": 10699.0, "mileage_km": 43124, "transmission": "automatic"},
        11: {"price_amount": 12300.0, "mileage_km": 21332, "fuel_type": "petrol", "engine_cc": 999},
    },
    "08_autoscout24_nl_search.json": {
        1: {"model": "Polo", "first_registration": "2011-04", "price_amount": 1440.0, "mileage_km": 180100,
            "power_kw": 63},
        4: {"model": "500", "first_registration": "2015-08", "price_amount": 6835.0, "power_kw": 59},
        8: {"model": "Focus", "first_registration": "2020-06", "transmission": "automatic", "power_kw": 110},
    },
    "16_finn_no_cars.json": {
        1: {"model": "GLC", "price_amount": 374434.0, "fuel_type": "hybrid", "transmission": "automatic"},
        4: {"model": "Focus", "mileage_km": 65253, "city": "Porsgrunn", "seller_type": "dealer"},
        91: {"model": "HiLux", "year": 2003, "fuel_type": "diesel", "transmission": None},
    },
    "19_dubizzle_uae.json": {
        1: {"make": "Mercedes-Benz", "year": 2021, "price_amount": None, "mileage_km": 16769},
        20: {"model": "Accord", "price_amount": 10500.0, "mileage_km": 470000, "cylinders": 6,
             "seller_type": "private"},
        24: {"model": "G-Class Brabus", "price_amount": 930000.0, "mileage_km": None},
    },
    "26_kavak_mx.csv": {
        1: {"model": "Touareg", "price_amount": 461999.0, "mileage_km": 77400, "source_listing_id": "243587"},
        4: {"model": "Avanza", "price_amount": 238999.0, "mileage_km": 76000},
    },
    "30_topannonces_fr.csv": {
        1: {"model": "Mégane", "year": 2020, "price_amount": 8600.0, "mileage_km": None},
        2: {"model": "Panda", "price_amount": 2290.0, "mileage_km": 211000, "first_registration": "2006-07"},
    },
    "01_ebay_de_autos_cp1252.csv": {
        1: {"make": "peugeot", "model": "807", "year": 2004, "price_amount": 5000.0, "price_currency": "EUR",
            "mileage_km": 150000, "fuel_type": "lpg", "transmission": "manual", "power_kw": 116,
            "first_registration": "2004-03"},
        5: {"make": "ford", "model": "focus", "year": 2003, "price_amount": 1350.0, "mileage_km": 150000,
            "fuel_type": "petrol", "transmission": "manual", "power_kw": None, "body_type": "wagon",
            "title": "Ford Focus 1 6 Benzin TÜV neu ist sehr gepflegt.mit Klimaanlage"},
        6: {"make": "chrysler", "model": "voyager", "year": 2006, "price_amount": 7900.0, "fuel_type": "diesel",
            "transmission": "automatic", "condition": None},
    },
    "17_autoru_bmw_cyrillic.csv": {
        1: {"make": "BMW", "model": "5 Series", "trim": "520d", "year": 2007, "price_amount": 985000.0,
            "price_currency": "RUB", "mileage_km": 216100, "fuel_type": "diesel", "power_kw": 120, "drivetrain": "rwd"},
        2: {"trim": "320i", "year": 2014, "price_amount": 1675000.0, "mileage_km": 72650},
        3: {"trim": "523i", "year": 2011, "price_amount": 1155000.0, "mileage_km": 202000, "seller_type": "dealer"},
    },
    "18_craigslist_nj.csv": {
        1: {"make": "Honda", "model": "Accord", "year": 2006, "price_amount": 9000.0, "price_currency": "USD",
            "mileage_km": None},
        4: {"make": "Honda", "model": "Civic", "trim": "LX", "year": 2011, "price_amount": 7000.0},
        19: {"make": "Cadillac", "model": "XT5", "year": 2019, "price_amount": None, "seller_type": "dealer"},
    },
    "24_india_lakh_prices.csv": {
        1: {"make": "Maruti", "model": "Wagon R", "year": 2010, "price_amount": 175000.0, "price_currency": "INR",
            "mileage_km": 72000, "fuel_type": "cng"},
        3: {"make": "Honda", "model": "Jazz", "year": 2011, "price_amount": 450000.0, "price_msrp": 861000.0,
            "mileage_km": 46000},
        149: {"make": "Audi", "model": "RS5", "year": 2013, "price_amount": 3700000.0, "price_msrp": 12800000.0,
              "mileage_km": 23000},
    },
    "25_semicolon_bom_usd.csv": {
        1: {"make": "Subaru", "model": "Outback", "year": 2010, "price_amount": 10900.0, "price_currency": "USD",
            "mileage_km": 190000},
        5: {"model": "Legacy", "year": 2001, "price_amount": 2134.11, "mileage_km": 280000},
        14: {"model": "Justy", "year": 2001, "price_amount": 1666.0, "mileage_km": 49999, "transmission": "manual"},
    },
    "27_nigeria_naira_numbered_cols.csv": {
        1: {"make": "Lexus", "model": "GX 460", "year": 2010, "price_amount": 12500000.0, "price_currency": "NGN",
            "condition": "used", "fuel_type": "petrol"},
        2: {"make": "Toyota", "model": "4-Runner", "year": 2017, "price_amount": 17000000.0},
        4: {"make": "Lexus", "model": "IS 250 4WD", "year": 2010, "price_amount": 3400000.0},
    },
    "07_autoscout24_challenge_listings.csv": {},
    "31_cars_com_keyed_object.json": {},
    "33_craigslist_kaggle_sparse.csv": {},
}  # fmt: skip
_NOTHING_TO_GO_BY = "missing_required make; missing_required model; missing_required year"
SAMPLE_REASONS: dict[str, dict[str, int]] = {
    "01_ebay_de_autos_cp1252.csv": {
        "not_a_vehicle name": 8,
        "missing_required model": 34,
        "missing_required make; missing_required model": 7,
        "missing_required model; field_invalid year": 3,
        "field_invalid year": 2,
    },
    "07_autoscout24_challenge_listings.csv": {"missing_required model; missing_required year": 300},
    "18_craigslist_nj.csv": {_NOTHING_TO_GO_BY: 31, "not_a_vehicle Name": 9, "missing_required model": 1},
    "27_nigeria_naira_numbered_cols.csv": {
        # rows that are out of step: a car begins in the middle of one, and goes on in the next
        "missing_required make; missing_required model; field_invalid year": 43,
        "missing_required make; missing_required model": 2,
        _NOTHING_TO_GO_BY: 1,
    },
    "30_topannonces_fr.csv": {"not_a_vehicle url": 4, "missing_required year": 1},
    "31_cars_com_keyed_object.json": {_NOTHING_TO_GO_BY: 40},
    "33_craigslist_kaggle_sparse.csv": {_NOTHING_TO_GO_BY: 9},
}
"""By sample: how often which reasons refuse a record; samples that are not here have no rejects."""
SAMPLE_UNDERSTOOD: dict[str, dict[int, dict[str, Any]]] = {
    "07_autoscout24_challenge_listings.csv": {
        1: {"make": "Audi", "price_amount": 49717.0, "price_currency": "EUR", "mileage_km": 6500,
            "seller_type": "private"},
        3: {"make": "BMW", "price_amount": 17742.0, "mileage_km": 6000,
            "quality": [Quality.MAKE_FUZZY, *_UNITS_SAID_NOWHERE]},
        4: {"make": "Toyota", "price_amount": 11768.0, "mileage_km": 0},
    },
    "31_cars_com_keyed_object.json": {
        1: {"price_amount": 47877.0, "price_currency": "USD", "mileage_value": 13241, "mileage_km": 21309,
            "condition": "used", "drivetrain": "awd", "fuel_type": "diesel"},
        2: {"vin": "WVGEP9BP4DD662156", "features": ["1st and 2nd row curtain head airbags", "4-wheel ABS Brakes"]},
    },
    "33_craigslist_kaggle_sparse.csv": {
        1: {"price_amount": 6000.0, "price_currency": "USD"},
        2: {"price_amount": 11900.0},
        3: {"price_amount": 21000.0},
    },
}  # fmt: skip
SAMPLE_COUNTS = {
    "09_mobile_de_seller_ad.xml": (1, 0),
    "10_meta_vehicle_listings_us.xml": (57, 0),
    "12_meta_vehicle_listings_blank_tags.xml": (17, 0),
    "22_br_estoque.xml": (1, 0),
    "29_vincue_xml_in_string_element.xml": (1, 0),
    "13_google_vehicle_ads_ca.tsv": (39, 0),
    "11_dealer_inventory_wrapped.json": (76, 0),
    "02_cars_com_used.csv": (139, 0),
    "03_cars_com_new_2025.csv": (140, 0),
    "05_uk_focus_unclean.csv": (238, 0),
    "08_autoscout24_nl_search.json": (20, 0),
    "16_finn_no_cars.json": (91, 0),
    "19_dubizzle_uae.json": (82, 0),
    "26_kavak_mx.csv": (100, 0),
    "30_topannonces_fr.csv": (10, 5),
    "01_ebay_de_autos_cp1252.csv": (191, 54),
    "07_autoscout24_challenge_listings.csv": (0, 300),
    "17_autoru_bmw_cyrillic.csv": (180, 0),
    "18_craigslist_nj.csv": (156, 41),
    "24_india_lakh_prices.csv": (219, 0),
    "25_semicolon_bom_usd.csv": (259, 0),
    "27_nigeria_naira_numbered_cols.csv": (32, 46),
    "31_cars_com_keyed_object.json": (0, 40),
    "33_craigslist_kaggle_sparse.csv": (0, 9),
}


@needs_samples
@pytest.mark.parametrize("name", sorted(SAMPLE_ROWS))
def test_sample(name: str) -> None:
    result = read(SAMPLES / name)
    assert (len(result.documents), len(result.rejects)) == SAMPLE_COUNTS[name]
    assert reasons(result) == SAMPLE_REASONS.get(name, {})
    by_record = {document["origin"]["record"]: document for document in result.documents}
    expected = SAMPLE_ROWS[name]
    assert {record: pick(by_record[record], wanted) for record, wanted in expected.items()} == expected


@needs_samples
@pytest.mark.parametrize("name", sorted(SAMPLE_UNDERSTOOD))
def test_what_is_understood_of_a_sample_whose_records_are_refused(name: str) -> None:
    found = read_values(SAMPLES / name)
    for record, wanted in SAMPLE_UNDERSTOOD[name].items():
        values = pick(found[record - 1], wanted)
        if "features" in wanted:
            values["features"] = values["features"][: len(wanted["features"])]
        assert values == wanted, record


@needs_samples
def test_the_same_car_twice_is_one_listing_and_equal_cars_are_two() -> None:
    """Numbers from the samples themselves: exact repeats, and rows that differ in price or mileage only."""
    ids = {
        name: len({d["listing_id"] for d in read(SAMPLES / name).documents})
        for name in ("02_cars_com_used.csv", "17_autoru_bmw_cyrillic.csv", "24_india_lakh_prices.csv",
                     "25_semicolon_bom_usd.csv", "03_cars_com_new_2025.csv", "18_craigslist_nj.csv",
                     "19_dubizzle_uae.json")
    }  # fmt: skip
    assert ids == {
        "02_cars_com_used.csv": 126,
        "17_autoru_bmw_cyrillic.csv": 160,
        "24_india_lakh_prices.csv": 219,
        "25_semicolon_bom_usd.csv": 259,
        "03_cars_com_new_2025.csv": 140,
        "18_craigslist_nj.csv": 154,
        "19_dubizzle_uae.json": 81,
    }
    assert not [d for d in read(SAMPLES / "02_cars_com_used.csv").documents if "duplicate_in_file" in d["quality"]]


@needs_samples
def test_banner_text_is_no_key_and_no_stock_number() -> None:
    documents = read(SAMPLES / "11_dealer_inventory_wrapped.json").documents
    assert len({document["listing_id"] for document in documents}) == 76
    assert not [d for d in documents if "Saving" in d.get("stock_number", "") or "Saving" in d["source_listing_id"]]
    assert {d["year"] for d in documents} >= {2027}
    assert sum("mileage_km" not in d for d in documents) == 9
    assert sum("price_amount" not in d for d in documents) == 4


@needs_samples
def test_what_is_no_vehicle_is_refused() -> None:
    rejects = read(SAMPLES / "30_topannonces_fr.csv").rejects
    assert (rejects[0].record, rejects[0].problems[0].code) == (7, FailureCode.NOT_A_VEHICLE)
