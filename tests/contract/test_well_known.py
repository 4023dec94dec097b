"""Files of the well-known formats, read as a worker reads them, without any sender's profile."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from app.adapters.profile_files import load_profile, load_well_known
from app.errors import FailureCode, OperatorError
from app.model.listing import Quality
from app.pipeline.recognise import FileMapper
from app.pipeline.sniff import hints_from_name
from app.pipeline.transform import Mapped, Origin
from tests.support.mapping import NOW, UPLOADED
from tests.support.reading import read_file

PROJECT = Path(__file__).resolve().parents[2]
FORMATS = load_well_known(PROJECT / "connectors" / "feeds" / "well-known")
FIXTURES = PROJECT / "tests" / "fixtures" / "well-known"
SAMPLES = PROJECT.parent / "shared" / "feeds" / "files"


def read(path: Path) -> tuple[str | None, Mapped]:
    """The name of the format that was recognised, and what became of the records."""
    reading = read_file(path.read_bytes(), hints_from_name(path.name))
    assert reading.error is None
    assert not reading.bad
    mapper = FileMapper(None, FORMATS.recognise, "acme", Origin("uploads", path.name, "e", UPLOADED), NOW)
    mapped = mapper.map_all(reading.records)
    return None if mapper.profile is None else mapper.profile.name, mapped


EXPECTED: dict[str, list[dict[str, Any]]] = {
    "google_vehicle_listings.csv": [
        {
            "source": "acme", "source_listing_id": "S-2001", "vin": "KM8ZZDD14TU000101", "stock_number": "S-2001",
            "condition": "cpo", "make": "Hyundai", "model": "Tucson", "trim": "SEL", "year": 2022,
            "price_amount": 10499.0, "price_currency": "USD", "mileage_value": 23335, "mileage_unit": "mi",
            "image_urls": [f"https://img.lot-one.example/{n}.jpg" for n in (1, 2, 3)], "dealer_id": "lot-1",
            "features": ["Sunroof", 'Wheels 17" Alloy'], "dealer_name": "Lot One Motors", "city": "Sampleton",
            "region": "CA", "postal_code": "94045", "country": "US", "listed_at": "2026-01-31T00:00:00Z",
            "color_exterior": "White", "quality": None,
        },
        {
            "source_listing_id": "5TDZZ3DC8KS000301", "stock_number": None, "condition": "new", "mileage_km": None,
            "price_amount": 39998.0, "image_urls": [f"https://img.lot-one.example/{n}.jpg" for n in (4, 5, 6)],
        },
    ],
    "google_vehicle_ads.tsv": [
        {
            "source_listing_id": "A-1", "price_amount": 19990.0, "price_currency": "USD", "mileage_km": 3755,
            "fuel_type": "petrol", "body_type": "suv", "source_url": "https://lot-two.example/a-1?store=",
            "dealer_id": "lot-2", "image_urls": ["https://img.lot-two.example/1.jpg"], "quality": None,
        },
        {"price_amount": 18990.0, "price_currency": "CAD", "mileage_unit": "km", "fuel_type": "hybrid"},
    ],
    "google_vehicle_ads.rss": [
        {
            "source_listing_id": "R-1", "title": "2023 Hyundai Kona SE", "condition": "cpo", "body_type": "wagon",
            "fuel_type": "diesel", "source_url": "https://lot-two.example/r-1", "vin": "KM8ZZDD14TU000101",
            "image_urls": [f"https://img.lot-two.example/{n}.jpg" for n in (1, 2, 3)], "quality": None,
        },
        {"source_listing_id": "R-2", "vin": None, "condition": "used", "mileage_km": 12000, "quality": None},
    ],
    "meta_automotive.csv": [
        {
            "source_listing_id": "m-1", "condition": "used", "price_amount": 16000.0, "mileage_km": 1500,
            "body_type": "sedan", "fuel_type": "petrol", "city": "Sampleton", "region": "CA", "country": "US",
            "postal_code": "96075", "image_urls": [f"https://img.lot-three.example/{n}.jpg" for n in (1, 2)],
            "location": {"lat": 36.9, "lon": -121.7}, "status": "available",
        },
        {
            "source_listing_id": "m-2", "condition": "cpo", "status": "reserved", "city": "Otherville", "region": "AL",
            "postal_code": "01234", "image_urls": [f"https://img.lot-three.example/{n}.jpg" for n in (3, 4)],
            "drivetrain": "4wd", "mileage_km": 32187, "quality": None,
        },
    ],
    "meta_automotive.xml": [
        {
            "source_listing_id": "x-1", "status": "sold", "mileage_km": 118377, "city": "Sampleton", "region": "AL",
            "postal_code": "01234", "country": "US", "drivetrain": "4wd", "transmission": None,
            "image_urls": [f"https://img.lot-three.example/{n}.jpg" for n in (1, 2)], "quality": None,
        },
        {
            "source_listing_id": "x-2", "condition": "new", "body_type": "van", "mileage_km": 418,
            "image_urls": ["https://img.lot-three.example/3.jpg"],
        },
    ],
    "schema_org.html": [
        {
            "source_listing_id": "J-1", "make": "Honda", "model": "Accord", "trim": "EX", "year": 2019,
            "mileage_value": 15000, "mileage_unit": "mi", "condition": "used", "body_type": "sedan",
            "drivetrain": "fwd", "transmission": "cvt", "price_amount": 18990.0, "price_currency": "USD",
            "status": "available", "dealer_name": "Lot Four", "seller_type": "dealer", "city": "Sampleton",
            "country": "US", "image_urls": [f"https://img.lot-four.example/{n}.jpg" for n in (1, 2)], "quality": None,
        }
    ],
    "schema_org.jsonld": [
        {
            "source_listing_id": "https://lot-four.example/j-2", "make": "Volkswagen", "model": "Golf", "year": 2018,
            "first_registration": "2018-06", "mileage_km": 61000, "price_amount": 13990.0, "price_currency": "EUR",
            "status": "sold", "dealer_name": "Lot Four", "image_urls": ["https://img.lot-four.example/3.jpg"],
            "quality": None,
        }
    ],
    "craigslist_kaggle.csv": [
        {
            "source_listing_id": "7300000002", "make": "gmc", "year": 2014, "price_amount": 33590.0,
            "price_currency": "USD", "mileage_km": 93218, "cylinders": 8, "body_type": "pickup",
            "quality": [Quality.UNIT_DEFAULTED, Quality.CURRENCY_DEFAULTED],
        }
    ],
}  # fmt: skip


def test_every_format_has_a_file_and_every_file_is_expected() -> None:
    assert {path.name for path in FIXTURES.iterdir()} == set(EXPECTED)
    assert {name.partition(".")[0] for name in EXPECTED} == {form.name for form in FORMATS.all}


@pytest.mark.parametrize("name", EXPECTED)
def test_a_file_is_recognised_and_read(name: str) -> None:
    recognised, mapped = read(FIXTURES / name)
    assert recognised == name.partition(".")[0]
    documents = [orjson.loads(document.body) for document in mapped.documents]
    assert [
        {key: found.get(key) for key in wanted} for found, wanted in zip(documents, EXPECTED[name], strict=True)
    ] == (EXPECTED[name])
    refused = {"craigslist_kaggle.csv": [(1, FailureCode.MISSING_REQUIRED)]}.get(name, [])
    assert [(reject.record, reject.problems[0].code) for reject in mapped.rejects] == refused


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the collected samples are not on this machine")
@pytest.mark.parametrize(
    ("name", "recognised", "indexed"),
    [
        ("10_meta_vehicle_listings_us.xml", "meta_automotive", 57),
        ("12_meta_vehicle_listings_blank_tags.xml", "meta_automotive", 17),
        ("13_google_vehicle_ads_ca.tsv", "google_vehicle_listings", 39),
        ("33_craigslist_kaggle_sparse.csv", "craigslist_kaggle", 0),
        ("02_cars_com_used.csv", None, 5),  # our names but for case; priced ones lack their currency
        ("18_craigslist_nj.csv", None, 0),
        ("26_kavak_mx.csv", None, 0),
    ],
)
def test_collected_samples_are_recognised_without_their_profiles(
    name: str, recognised: str | None, indexed: int
) -> None:
    found, mapped = read(SAMPLES / name)
    assert (found, len(mapped.documents)) == (recognised, indexed)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("source: acme", "source: "),
        ("match: [{key: x}]", "match: "),
        ("delivery: {kind: full}", "delivery: expected kind increment"),
        ("recognise: {needs: []}", "recognise.needs: "),
    ],
)
def test_a_format_has_no_sender(tmp_path: Path, line: str, told: str) -> None:
    good = "description: x\nrecognise: {needs: [a]}\nfields: {source_listing_id: id}\n"
    (tmp_path / "x.yaml").write_text(good)
    assert [form.name for form in load_well_known(tmp_path).all] == ["x"]
    name = line.partition(":")[0]
    kept = "".join(f"{one}\n" for one in good.splitlines() if not one.startswith(name))
    (tmp_path / "x.yaml").write_text(f"{kept}{line}\n")
    with pytest.raises(OperatorError) as caught:
        load_well_known(tmp_path)
    assert told in caught.value.message
    assert f"x.yaml:{len(kept.splitlines()) + 1}: " in caught.value.message


def test_no_folder_is_no_format(tmp_path: Path) -> None:
    assert load_well_known(tmp_path / "none").all == ()


def test_a_format_is_no_profile(tmp_path: Path) -> None:
    with pytest.raises(OperatorError):
        load_profile(PROJECT / "connectors" / "feeds" / "well-known" / "schema_org.yaml")
