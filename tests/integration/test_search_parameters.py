"""The stored searches, rendered by strangers: whatever is sent, no filter is cut off and no answer is a 500."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import httpx2 as httpx
import pytest

from app.pipeline.values.make_names import make_of
from app.pipeline.values.text import fold
from tests.support.system import System

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]
NAME = "search-parameters"
LEFT_OUT = {"sold", "removed"}

LISTS: tuple[str, ...] = (
    "make",
    "model",
    "fuel",
    "body",
    "transmission",
    "drivetrain",
    "condition",
    "seller_type",
    "country",
    "source",
)
LISTS += ("status", "currency", "vehicle_key")
NUMBERS = ("from", "size", "year_min", "year_max", "price_min", "price_max", "mileage_min", "mileage_max")
OTHERS = ("text", "near", "sort", "facets", "exact_total", "fields")
CUT = '0}, "query": {"match_all": {}}'
HOSTILE: list[object] = [
    "0}", "0}}", CUT, '"}', '"}}]}}, "x": {', "]", "\\", "\\u0022", "\n\r\t\x00", "{{#toJson}}.{{/toJson}}", "*", "",
    " ", "!!!", "ü" * 100_000, "a b " * 3_000, "1e400", "-1", "NaN", -1, 0, 1.5, 10**30, True, False, None,
    [], [""], [None], ["0}"], ['"]}}'], [[1]], [{}], ["x"] * 2_000, {}, {"a": "0}"}, {"size": 0}, {"0": '"}'},
]  # fmt: skip

CARS: dict[str, dict[str, object]] = {
    "golf": {"make": "Volkswagen", "model": "Golf", "fuel_type": "diesel", "year": 2018, "country": "DE",
             "price_amount": 9_000, "price_currency": "EUR", "mileage_km": 90_000,
             "location": {"lat": 52.5, "lon": 13.4}},
    "leaf": {"make": "Nissan", "model": "Leaf", "fuel_type": "electric", "year": 2020, "status": "available"},
    "reserved": {"make": "Tesla", "model": "Model Y", "year": 2021, "status": "reserved"},
    "sold": {"make": "Tesla", "model": "Model 3", "year": 2021, "status": "sold",
             "price_amount": 1, "price_currency": "EUR"},
    "removed": {"make": "Tesla", "model": "Model S", "year": 2021, "status": "removed", "country": "DE"},
}  # fmt: skip


class Searches:
    """The stored searches over a few cars."""

    def __init__(self, system: System) -> None:
        self._alias = system.settings.opensearch.alias
        self._http = httpx.Client(base_url=system.settings.opensearch.url, timeout=60)

    def close(self) -> None:
        self._http.close()

    def send(self, method: str, path: str, **named: Any) -> httpx.Response:
        return self._http.request(method, path, **named)

    def answer(self, params: Mapping[str, object], search: str = "search") -> httpx.Response:
        body = json.dumps({"id": f"{self._alias}-{search}", "params": params})
        return self.send(
            "POST", f"/{NAME}/_search/template", content=body, headers={"content-type": "application/json"}
        )

    def found(self, **params: object) -> set[str]:
        answer = self.answer({name.rstrip("_"): value for name, value in params.items()})
        assert answer.status_code == 200, answer.text[:500]
        return {hit["_id"] for hit in answer.json()["hits"]["hits"]}

    def refused(self, **params: object) -> str:
        answer = self.answer({name.rstrip("_"): value for name, value in params.items()})
        assert answer.status_code == 400, answer.text[:500]
        return answer.text


@pytest.fixture(scope="module")
def searches(system: System) -> Iterator[Searches]:
    searches = Searches(system)
    template = searches.send("GET", f"/_index_template/{system.settings.opensearch.alias}").json()
    body = template["index_templates"][0]["index_template"]["template"]
    searches.send("DELETE", f"/{NAME}")
    searches.send("PUT", f"/{NAME}", json=body).raise_for_status()
    for number, (name, car) in enumerate(CARS.items()):
        make = make_of(str(car["make"]))
        keys = {"make_key": make.key, "model_key": fold(str(car["model"]))}
        also = {"make_also": make.names} if make.names else {}
        at = f"2026-11-24T10:03:0{number}Z"
        document = {
            "listing_id": name,
            "source": "tests",
            **keys,
            **also,
            **car,
            "origin": {"uploaded_at": at},
            "indexed_at": at,
        }
        searches.send("PUT", f"/{NAME}/_doc/{name}", json=document).raise_for_status()
    searches.send("POST", f"/{NAME}/_refresh").raise_for_status()
    yield searches
    searches.send("DELETE", f"/{NAME}")
    searches.close()


ALL = {"golf", "leaf", "reserved"}


@pytest.mark.parametrize("parameter", [*LISTS, *NUMBERS, *OTHERS])
def test_no_value_of_any_parameter_cuts_a_filter_off_or_is_an_error_of_the_server(
    searches: Searches, parameter: str
) -> None:
    odd = []
    for value in HOSTILE:
        # With another filter and facets, so that what is cut off shows, whether it comes before or behind.
        answer = searches.answer({"make": ["tesla"], "facets": True, parameter: value})
        asked = f"{parameter}={str(value)[:60]!r}"
        if answer.status_code == 200:
            cars = [CARS[hit["_id"]] for hit in answer.json()["hits"]["hits"]]
            others = parameter != "make" and any(car["make"] != "Tesla" for car in cars)
            if others or any(car.get("status") in LEFT_OUT for car in cars):
                odd.append(f"{asked}: {cars}")
        elif answer.status_code != 400 or not answer.json()["error"]["root_cause"][0]["reason"]:
            odd.append(f"{asked}: {answer.status_code} {answer.text[:200]}")
    assert odd == []


@pytest.mark.parametrize("value", HOSTILE, ids=lambda value: repr(value)[:30])
def test_no_prefix_does_either(searches: Searches, value: object) -> None:
    answer = searches.answer({"prefix": value}, "suggest")
    assert answer.status_code in (200, 400)
    if answer.status_code == 200:
        assert "Model S" not in answer.text


def test_an_empty_list_is_as_if_left_out(searches: Searches) -> None:
    assert searches.found() == ALL
    assert searches.found(**{name: [] for name in LISTS}, fields=[]) == ALL
    assert searches.found(**dict.fromkeys((*LISTS, *NUMBERS, *OTHERS), "")) == ALL
    assert searches.found(**dict.fromkeys((*LISTS, *NUMBERS, *OTHERS))) == ALL


def test_a_text_counts_as_a_list_of_one(searches: Searches) -> None:
    assert searches.found(make="volkswagen") == searches.found(make=["Volkswagen"]) == {"golf"}
    assert searches.found(make=["volkswagen", "nissan"]) == {"golf", "leaf"}
    assert searches.found(status="sold") == {"sold"}
    assert searches.found(fuel="DIESEL", model="golf") == {"golf"}
    assert searches.answer({"make": "nissan", "fields": "model"}).json()["hits"]["hits"][0]["_source"] == {
        "model": "Leaf"
    }


def test_a_listing_without_status_counts_as_available(searches: Searches) -> None:
    assert searches.found(status=["available"]) == searches.found(status="available") == {"golf", "leaf"}
    assert searches.found(status=["Available", "sold"]) == {"golf", "leaf", "sold"}
    assert searches.found(status=["reserved"]) == {"reserved"}


def test_codes_are_found_in_any_case_and_a_text_of_signs_finds_everything(searches: Searches) -> None:
    assert searches.found(country="de") == searches.found(country=["DE", "fr"]) == {"golf"}
    assert searches.found(currency="eur") == searches.found(currency=["EUR"]) == {"golf"}
    assert searches.found(text=" ") == searches.found(text="!!!") == ALL


def test_what_is_misunderstood_is_said(searches: Searches) -> None:
    assert "sort is one of relevance, newest, price_asc" in searches.refused(sort="price_asc")
    assert "sort is one of" in searches.refused(sort={"cheapest": True})
    assert "needs the parameter near" in searches.refused(sort={"distance": True})
    assert "there is no parameter price, it is price_min and price_max" in searches.refused(price=5)
    assert "there is no parameter limit, it is size" in searches.refused(limit=5)
    assert "0}" in searches.refused(from_="0}")
    assert "maxClauseCount is set to 1024" in searches.refused(text=" ".join(f"w{n}" for n in range(1025)))
    assert "less than or equal to: [10000]" in searches.refused(from_=9_990, size=20)


def test_numbers_may_be_sent_as_text(searches: Searches) -> None:
    assert searches.found(year_min="2020") == {"leaf", "reserved"}
    assert searches.found(near={"lat": "52.5", "lon": 13.4, "distance_km": "10"}, sort={"distance": True}) == {"golf"}
    assert searches.found(size="1") == {"reserved"}


def test_a_make_is_found_by_any_of_its_names(searches: Searches) -> None:
    for name in ("VW", "vw", "V.W.", "Volkswagen", ["vw"], ["bmw", "VW"]):
        assert searches.found(make=name) == {"golf"}
    for text in ("vw golf", "volkswagen golf", "golf VW"):
        assert searches.found(text=text) == {"golf"}
    for typed in ("vw", "VOLKS"):
        found = searches.answer({"prefix": typed}, "suggest").json()["aggregations"]["makes"]["values"]["buckets"]
        assert [bucket["key"] for bucket in found] == ["volkswagen"]


def test_the_way_on_beyond_the_window(searches: Searches) -> None:
    """As schemas/opensearch/README.md has it: render, add search_after, search."""
    params = {"size": 1, "sort": {"price_asc": True}}
    body = {"id": "listings-search", "params": params}
    request = searches.send("POST", "/_render/template", json=body).json()["template_output"]
    seen: list[str] = []
    while hits := searches.send("POST", f"/{NAME}/_search", json=request).raise_for_status().json()["hits"]["hits"]:
        seen += [hit["_id"] for hit in hits]
        request["search_after"] = hits[-1]["sort"]
    assert seen == ["golf", "reserved", "leaf"]
