"""Every declared profile against files of its kind: own small ones always, the collected samples where they lie."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import orjson
import pytest

from app.adapters.profile_files import load_profiles
from app.errors import FailureCode
from app.model.listing import Quality
from app.model.record import RawRecord
from app.pipeline.parse import FileReader
from app.pipeline.profile import profile_schema
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


def read(path: Path) -> Result:
    """A file as a worker reads it: profile by its name, parser, mapper."""
    profile = PROFILES.match("uploads", path.name)
    assert profile is not None, f"no profile matches {path.name}"
    content = path.read_bytes()
    reader = FileReader(profile.hints(), limits(), len(content))
    records: list[RawRecord] = []
    for pieces in (reader.feed(content), reader.finish()):
        for piece in pieces:
            assert not piece.bad
            records += piece.records
    mapped = Mapper(profile, "unused", Origin("uploads", path.name, "e", UPLOADED), NOW).map_all(records)
    return Result([orjson.loads(d.body) for d in mapped.documents], mapped.rejects, mapped.flagged)


def pick(document: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
    """The fields of a document that an expectation names; None: absent."""
    return {name: document.get(name) for name in wanted}


EXPECTED: dict[str, list[dict[str, Any]]] = {
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
        {"make": "Fiat", "model": "Panda", "year": 2006, "price_amount": 2290.0, "mileage_km": 211000},
    ],
}  # fmt: skip
"""By fixture: what its documents hold, in order; None stands for an absent field."""

REJECTED: dict[str, list[tuple[int, FailureCode]]] = {
    "cars_com_used.csv": [(3, FailureCode.MISSING_ID)],
    "autoscout24_nl_search.json": [(3, FailureCode.MISSING_REQUIRED)],
    "topannonces_fr.csv": [(3, FailureCode.NOT_A_VEHICLE)],
}


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_fixture(name: str) -> None:
    result = read(FIXTURES / name)
    expected = EXPECTED[name]
    assert [pick(document, wanted) for document, wanted in zip(result.documents, expected, strict=True)] == expected
    rejected = [(reject.record, reject.problems[0].code) for reject in result.rejects]
    assert rejected == REJECTED.get(name, [])


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
        2: {"model": "Panda", "price_amount": 2290.0, "mileage_km": 211000},
    },
}  # fmt: skip
SAMPLE_COUNTS = {
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
}


@needs_samples
@pytest.mark.parametrize("name", sorted(SAMPLE_ROWS))
def test_sample(name: str) -> None:
    result = read(SAMPLES / name)
    assert (len(result.documents), len(result.rejects)) == SAMPLE_COUNTS[name]
    by_record = {document["origin"]["record"]: document for document in result.documents}
    expected = SAMPLE_ROWS[name]
    assert {record: pick(by_record[record], wanted) for record, wanted in expected.items()} == expected


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
