"""Which names make a file one of a well-known format, and which do not."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from app.adapters.profile_files import load_well_known
from app.model.listing import ALIASES, SENT
from app.model.record import RawRecord
from app.pipeline.columns import template_columns
from app.pipeline.recognise import OURS_ALONE, FileMapper, no_format
from app.pipeline.transform import Origin
from tests.support.mapping import LISTING, NOW, UPLOADED

FORMATS = load_well_known(Path(__file__).resolve().parents[3] / "connectors" / "feeds" / "well-known")

GOOGLE_LISTINGS = "vin,store_code,dealership_name,dealership_address,price,condition,make,model,year,mileage,link"
GOOGLE_ADS = "id,vin,store_code,image_link,link_template,price,condition,make,model,year,mileage,body_style"
META = "vehicle_id,title,url,make,model,year,mileage.value,mileage.unit,image[0].url,price,state_of_vehicle,body_style"
KAGGLE = (
    "id,url,region,region_url,price,year,manufacturer,model,condition,cylinders,fuel,odometer,title_status,transmission,"
    "VIN,drive,size,type,paint_color,image_url,description,county,state,lat,long,posting_date"
)
SCHEMA_ORG = "@type,name,brand,model,vehicleModelDate,mileageFromOdometer,offers"

ALL = {
    "google_vehicle_listings": GOOGLE_LISTINGS,
    "google_vehicle_ads": GOOGLE_ADS,
    "meta_automotive": META,
    "craigslist_kaggle": KAGGLE,
    "schema_org": SCHEMA_ORG,
}


def found(names: str) -> str | None:
    form = FORMATS.recognise(dict.fromkeys(names.split(",")))
    return None if form is None else form.name


def test_every_declared_format_is_tested_here() -> None:
    assert {form.name for form in FORMATS.all} == set(ALL)


@pytest.mark.parametrize(("name", "columns"), ALL.items())
def test_a_format_is_told_by_its_columns_in_any_order(name: str, columns: str) -> None:
    assert found(columns) == name
    assert found(",".join(reversed(columns.split(",")))) == name
    assert found(columns + ",something,else") == name


@pytest.mark.parametrize("name", ["google_vehicle_listings", "google_vehicle_ads", "meta_automotive"])
def test_neither_case_nor_blanks_nor_the_namespace_count(name: str) -> None:
    names = ALL[name].split(",")
    assert found(",".join(f" {column.upper()} " for column in names)) == name
    assert found(",".join(column.replace("_", " ") for column in names)) == name
    assert found(",".join(f"g:{column}" for column in names)) == name


def test_names_in_json_ld_are_what_they_are() -> None:
    assert found("@type,bodytype,fueltype") is None
    assert found("@type,bodyType,fuelType") == "schema_org"


@pytest.mark.parametrize(("name", "columns"), ALL.items())
def test_one_missing_column_that_tells_the_format_is_enough_to_doubt(name: str, columns: str) -> None:
    (form,) = (form for form in FORMATS.all if form.name == name)
    for needed in form.recognise.needs:
        wanted = {column.casefold() for column in needed}
        left = [column for column in columns.split(",") if column.casefold() not in wanted]
        assert found(",".join(left)) != name


@pytest.mark.parametrize(
    "near_miss",
    [
        "id,make,model,year,price,currency,mileage,vin",  # the short names of ours
        "id,vin,make,model,trim,year,price,mileage,condition,description",  # … as many inventories have them
        "vin,make,model,year,price,dealer_name,store",
        "vehicle_id,make,model,year,price,mileage",  # Meta's id alone makes no catalogue
        "id,manufacturer,model,year,price,odometer",  # like Craigslist's, without what only they have
        "@type,@id,name,url",
        "",
    ],
)
def test_near_misses_are_no_format(near_miss: str) -> None:
    assert found(near_miss) is None


def test_dealership_columns_make_an_ads_file_a_listings_file() -> None:
    assert found(GOOGLE_ADS + ",dealership_name,dealership_address") == "google_vehicle_listings"


@pytest.mark.parametrize("ours", sorted(OURS_ALONE))
def test_a_name_that_only_we_have_makes_it_our_own(ours: str) -> None:
    for columns in ALL.values():
        assert found(f"{columns},{ours}") is None
        assert found(f"{columns},{ours.replace('_', ' ').title()}") is None


def test_no_format_reads_a_name_that_only_we_have() -> None:
    assert {field.name for field in SENT} | set(ALIASES) >= OURS_ALONE
    for form in FORMATS.all:
        read = {
            name for rule in form.fields.values() for name in (*rule.source, *template_columns(rule.template or ""))
        }
        assert read.isdisjoint(OURS_ALONE), form.name


def map_all(values: list[dict[str, object]], recognised: bool = True) -> tuple[FileMapper, list[dict[str, object]]]:
    recognise = FORMATS.recognise if recognised else no_format
    mapper = FileMapper(None, recognise, "acme", Origin("uploads", "acme/x.csv", "e", UPLOADED), NOW)
    mapped = mapper.map_all([RawRecord(number, None, value) for number, value in enumerate(values, 1)])
    return mapper, [orjson.loads(document.body) for document in mapped.documents]


GOOGLE_CAR: dict[str, object] = {
    "ID": "S-1", "VIN": "KM8ZZDD14TU000101", "Store_Code": "lot", "make": "Kia", "model": "Rio", "year": "2019",
    "price": "10,499.00 USD", "mileage": "100 miles",
}  # fmt: skip


def test_the_first_record_decides_and_the_sender_is_that_of_the_file() -> None:
    mapper, documents = map_all([GOOGLE_CAR, dict(LISTING)])
    assert mapper.profile is not None
    assert mapper.profile.name == "google_vehicle_ads"
    assert [(d["source"], d["source_listing_id"], d["price_amount"]) for d in documents] == [("acme", "S-1", 10499.0)]


def test_without_a_format_our_own_names_are_read() -> None:
    mapper, documents = map_all([dict(LISTING), GOOGLE_CAR])
    assert mapper.profile is None
    assert [d["source_listing_id"] for d in documents] == [LISTING["source_listing_id"]]
    _, (as_our_own,) = map_all([GOOGLE_CAR], recognised=False)
    assert "dealer_id" not in as_our_own


def test_nothing_is_decided_before_there_is_a_record() -> None:
    mapper, documents = map_all([])
    assert mapper.profile is None
    assert documents == []
    assert len(mapper.map_all([RawRecord(1, None, GOOGLE_CAR)]).documents) == 1
