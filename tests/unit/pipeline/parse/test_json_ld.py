"""Vehicles in linked data."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from app.pipeline.parse.json_ld import is_json_ld, vehicles

_CAR: dict[str, Any] = {"@type": "Car", "name": "VW Golf"}


def _names(document: object) -> list[object]:
    return [vehicle["name"] for vehicle in vehicles(document)]


@pytest.mark.parametrize(
    "type_",
    [
        "Car",
        "Vehicle",
        "MotorizedVehicle",
        "Motorcycle",
        ["Product", "Car"],
        "http://schema.org/Car",
        "https://schema.org/Vehicle",
        "schema:Car",
    ],
)
def test_types_of_vehicles(type_: object) -> None:
    assert _names({"@context": "https://schema.org", "@type": type_, "name": "a"}) == ["a"]


@pytest.mark.parametrize("type_", ["Organization", "Product", "CarRental", "AutoDealer", None, 5, [], {"a": 1}])
def test_other_types(type_: object) -> None:
    assert _names({"@type": type_, "name": "a"}) == []


@pytest.mark.parametrize(
    "property_", ["vehicleIdentificationNumber", "mileageFromOdometer", "vehicleModelDate", "vehicleTransmission"]
)
def test_a_product_with_what_only_vehicles_have_is_one(property_: str) -> None:
    assert _names({"@type": "Product", "name": "a", property_: "x"}) == ["a"]
    assert _names({"@type": "Review", "name": "a", property_: "x"}) == []


@pytest.mark.parametrize(
    "document",
    [
        _CAR,
        [_CAR],
        {"@graph": [{"@type": "WebPage"}, _CAR]},
        {"@type": "ItemList", "itemListElement": [{"@type": "ListItem", "position": 1, "item": _CAR}]},
        {"@type": "ItemList", "itemListElement": [_CAR]},
        {"@type": "WebPage", "mainEntity": {"@type": "ItemList", "itemListElement": [_CAR]}},
        {"@type": "SearchResultsPage", "about": [[_CAR]]},
    ],
)
def test_vehicles_are_found_wherever_they_stand(document: object) -> None:
    assert list(vehicles(document)) == [_CAR]


def test_vehicles_come_in_their_order_and_those_inside_of_one_belong_to_it() -> None:
    first = {"@type": "Car", "name": "1", "isSimilarTo": [{"@type": "Car", "name": "inside"}]}
    assert _names([{"a": {"b": first}}, {"@type": "Car", "name": "2"}, [{"@type": "Car", "name": "3"}]]) == [
        "1",
        "2",
        "3",
    ]


def test_equal_ids_do_not_make_one_vehicle_of_two() -> None:
    assert _names([{"@type": "Car", "@id": "#v", "name": "1"}, {"@type": "Car", "@id": "#v", "name": "2"}]) == [
        "1",
        "2",
    ]


def test_references_are_resolved_in_both_directions() -> None:
    graph = [
        {"@id": "#brand", "@type": "Brand", "name": "VW"},
        {"@type": "Car", "name": "a", "brand": {"@id": "#brand"}, "offers": [{"@id": "#o"}], "x": {"@id": "#none"}},
        {"@id": "#o", "@type": "Offer", "price": 5, "seller": {"@type": "Organization", "@id": "#s"}},
        {"@id": "#s", "name": "Lot"},
    ]
    (car,) = vehicles({"@graph": graph})
    assert car["brand"] == graph[0]
    assert car["offers"] == [{"@id": "#o", "@type": "Offer", "price": 5, "seller": {"@id": "#s", "name": "Lot"}}]
    assert car["x"] == {"@id": "#none"}


def test_a_reference_to_a_vehicle_is_no_second_one() -> None:
    graph = [{"@id": "#page", "mainEntity": {"@id": "#car", "@type": "Car"}}, {"@id": "#car", **_CAR}]
    assert list(vehicles({"@graph": graph})) == [{"@id": "#car", **_CAR}]


def test_the_offer_around_a_vehicle_goes_with_it() -> None:
    offer = {"@type": "Offer", "price": "9,900", "priceCurrency": "EUR"}
    expected = {**_CAR, "offers": offer}
    assert list(vehicles({**offer, "itemOffered": _CAR})) == [expected]
    assert list(vehicles({"@type": "OfferCatalog", "itemListElement": [{**offer, "itemOffered": [_CAR]}]})) == [
        expected
    ]
    (car,) = vehicles([{"@id": "#c", **_CAR}, {**offer, "itemOffered": {"@id": "#c"}}])
    assert car["offers"] == offer
    own = {**_CAR, "offers": {"price": 1}}
    assert list(vehicles({**offer, "itemOffered": own})) == [own]


def test_references_in_a_circle_end() -> None:
    graph = [
        {"@id": "#c", **_CAR, "offers": {"@id": "#o"}, "self": {"@id": "#c"}},
        {"@id": "#o", "itemOffered": {"@id": "#c"}, "next": {"@id": "#p"}},
        {"@id": "#p", "next": {"@id": "#o"}},
    ]
    (car,) = vehicles({"@graph": graph})
    assert car["self"] == {"@id": "#c"}
    assert car["offers"] == {
        "@id": "#o",
        "itemOffered": {"@id": "#c"},
        "next": {"@id": "#p", "next": {"@id": "#o"}},
    }


def test_references_that_multiply_stay_small() -> None:
    wide = [{"@id": f"#{n}", "many": [{"@id": f"#{n + 1}"}] * 50, "text": "x" * 1_000} for n in range(30)]
    (car,) = vehicles({"@graph": [{**_CAR, "a": {"@id": "#0"}}, *wide]})
    assert len(orjson.dumps(car)) < 300_000
    long = [{**_CAR, "many": [{"@id": "#long"}] * 1_000}, {"@id": "#long", "text": "x" * 50_000}]
    (car,) = vehicles(long)
    assert len(orjson.dumps(car)) < 300_000


def test_depth_does_not_matter() -> None:
    document: object = _CAR
    for _ in range(50_000):
        document = [document]
    assert list(vehicles(document)) == [_CAR]
    deep: dict[str, object] = {"a": {"@id": "#x"}}
    for _ in range(900):
        deep = {"a": deep}
    assert len(list(vehicles([{**_CAR, "deep": deep}, {"@id": "#x", "b": 1}]))) == 1


@pytest.mark.parametrize("document", [None, "Car", 5, [], {}, {"@type": "Car"}, [["@type", "Car"]]])
def test_anything_can_be_asked(document: object) -> None:
    assert list(vehicles(document)) in ([], [{"@type": "Car"}])


def test_what_says_that_it_is_linked_data() -> None:
    assert is_json_ld({"@context": "https://schema.org"})
    assert is_json_ld({"@context": ["http://schema.org/", {"a": "b"}]})
    assert is_json_ld({"@context": {"@vocab": "https://schema.org/"}})
    assert not is_json_ld({"context": "https://schema.org"})
    assert not is_json_ld([{"@context": "https://schema.org"}])
