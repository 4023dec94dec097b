"""The canonical listing, the index mapping and the Avro schema say the same."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import fastavro
import pytest

from app.devstack.samples import listings
from app.model.listing import FIELDS, ORIGIN_FIELDS, SENT, Field, Kind
from tests.support.mapping import map_records

PROJECT = Path(__file__).resolve().parents[2]
MAPPING = PROJECT / "schemas" / "opensearch" / "listings.json"
AVRO = PROJECT / "schemas" / "avro" / "listings-value.avsc"

_INDEX_TYPES: dict[Kind, set[str]] = {
    Kind.IDENTIFIER: {"keyword"},
    Kind.TEXT: {"text", "keyword"},
    Kind.KEY: {"keyword"},
    Kind.URL: {"keyword"},
    Kind.ENUM: {"keyword"},
    Kind.COUNTRY: {"keyword"},
    Kind.CURRENCY: {"keyword"},
    Kind.INTEGER: {"short", "integer"},
    Kind.MONEY: {"scaled_float"},
    Kind.NUMBER: {"double", "float", "scaled_float"},
    Kind.MONTH: {"date"},
    Kind.TIMESTAMP: {"date"},
    Kind.TEXTS: {"keyword", "text"},
    Kind.URLS: {"keyword"},
    Kind.POINT: {"geo_point"},
}
_LARGEST = {"short": 32_767, "integer": 2_147_483_647}


def mapping() -> dict[str, Any]:
    properties: dict[str, Any] = json.loads(MAPPING.read_text())["template"]["mappings"]["properties"]
    return properties


def avro_fields() -> dict[str, dict[str, Any]]:
    return {field["name"]: field for field in json.loads(AVRO.read_text())["fields"]}


def test_the_mapping_has_exactly_our_fields() -> None:
    properties = mapping()
    made_there = {target for entry in properties.values() for target in entry.get("copy_to", ())}
    made_there |= {name for name, entry in properties.items() if entry.get("type") == "constant_keyword"}
    assert properties.keys() - made_there == {field.name for field in FIELDS}
    assert tuple(properties["origin"]["properties"]) == ORIGIN_FIELDS


@pytest.mark.parametrize("field", [f for f in FIELDS if f.kind is not Kind.ORIGIN], ids=lambda f: f.name)
def test_the_mapping_s_types_hold_our_values(field: Field) -> None:
    entry = mapping()[field.name]
    assert entry["type"] in _INDEX_TYPES[field.kind]
    assert field.high <= _LARGEST.get(entry["type"], field.high)
    if field.kind is Kind.MONEY:
        assert entry["scaling_factor"] == 100


def test_avro_has_exactly_the_fields_that_may_be_sent() -> None:
    schema = json.loads(AVRO.read_text())
    assert (schema["namespace"], schema["name"]) == ("com.listings.v1", "Listing")
    assert list(avro_fields()) == [field.name for field in SENT]
    fastavro.parse_schema(schema)


def test_avro_documents_every_field_and_lets_all_but_the_identity_out() -> None:
    for name, field in avro_fields().items():
        assert len(field["doc"]) > 8
        if name in ("source", "source_listing_id", "make", "model"):
            assert field["type"] == "string"
        else:
            assert field["type"][0] == "null"
            assert field["default"] is None


@pytest.mark.parametrize("field", [field for field in SENT if field.values is not None], ids=lambda f: f.name)
def test_avro_documents_every_enumerated_value(field: Field) -> None:
    told = avro_fields()[field.name]["doc"]
    # Whether a price is ok or implausible is judged here; a producer can only say why there is none.
    sendable = {"on_request", "missing"} if field.name == "price_status" else set(field.values or ())
    assert not [value for value in sendable if value not in told]


FULL: dict[str, Any] = {
    **listings(1, source="acme")[0],
    "make": "Chevrolet",
    "vin": "3GNZZXEV6NS000201",
    "stock_number": "0742",
    "year": 2022,
    "build_year": 2021,
    "first_registration": "2022-03",
    "mileage_km": None,
    "mileage_value": 73556.0,
    "mileage_unit": "mi",
    "price_amount": Decimal("20495.50"),
    "price_currency": "USD",
    "price_status": None,
    "price_net": Decimal("17000.00"),
    "vat_rate": 19.0,
    "price_msrp": Decimal("30000.00"),
    "price_previous": Decimal("21000.00"),
    "engine_cc": 1498,
    "cylinders": 4,
    "color_interior": "black",
    "dealer_id": "d1",
    "dealer_name": "North Lot Motors",
    "region": "AL",
    "listed_at": datetime(2026, 5, 1, 8, 30, 0, 125_000, tzinfo=UTC),
    "updated_at": datetime(2026, 5, 2, 8, 30, tzinfo=UTC),
}


def through_avro(value: dict[str, Any]) -> dict[str, Any]:
    schema = fastavro.parse_schema(json.loads(AVRO.read_text()))
    wire = io.BytesIO()
    fastavro.schemaless_writer(wire, schema, value)
    wire.seek(0)
    decoded = fastavro.schemaless_reader(wire, schema, None)
    assert isinstance(decoded, dict)
    return decoded


def test_a_full_listing_goes_through_avro_into_the_index_document() -> None:
    value = {name: FULL.get(name) for name in avro_fields()}
    document = map_records([through_avro(value)], source="").document
    assert document.keys() == {field.name for field in FIELDS} - {"vin_raw", "quality"}
    assert document["price_amount"] == 20495.5
    assert document["mileage_km"] == 118377
    assert document["listed_at"] == "2026-05-01T08:30:00.125Z"
    assert document["source"] == "acme"


def test_the_least_listing_goes_through_avro() -> None:
    value = {"source": "acme", "source_listing_id": "1", "make": "Ford", "model": "Focus", "year": 2019}
    document = map_records([through_avro(value)], source="").document
    assert document["price_status"] == "missing"
