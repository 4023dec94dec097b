"""The parameters of the stored searches, and what is read from their answers."""

from __future__ import annotations

import pytest

from app.adapters.opensearch.search import FacetValue, Near, SearchQuery, Sort, facet_values, problems_of, search_params

_ALWAYS = {"from": 0, "size": 20, "exact_total": True, "facets": False}


@pytest.mark.parametrize(
    ("query", "params"),
    [
        (SearchQuery(), {}),
        (SearchQuery(text="golf gti"), {"text": "golf gti"}),
        (SearchQuery(make=("Citroën", "Mercedes Benz")), {"make": ["citroen", "mercedes-benz"]}),
        (SearchQuery(model=("Model 3",)), {"model": ["model-3"]}),
        (SearchQuery(fuel=("diesel", "petrol")), {"fuel": ["diesel", "petrol"]}),
        (SearchQuery(mileage_max=0, price_min=0.0), {"mileage_max": 0, "price_min": 0.0}),
        (SearchQuery(sort=Sort.PRICE_ASC), {"sort": {"price_asc": True}}),
        (SearchQuery(near=Near(0.0, 13.4, 50)), {"near": {"lat": 0.0, "lon": 13.4, "distance_km": 50}}),
        (SearchQuery(start=40, limit=10, facets=True), {"from": 40, "size": 10, "facets": True}),
    ],
)
def test_only_what_is_asked_for_becomes_a_parameter(query: SearchQuery, params: dict[str, object]) -> None:
    assert search_params(query) == {**_ALWAYS, **params}


@pytest.mark.parametrize(
    ("query", "words"),
    [
        (SearchQuery(text="w " * 1025), "1,025 words"),
        (SearchQuery(start=9_990, limit=20), "search_after"),
        (SearchQuery(start=-1), "not negative"),
        (SearchQuery(year_min=2020, year_max=2019), "year_min (2020) is greater"),
        (SearchQuery(price_min=float("nan")), "expected numbers as price_min"),
        (SearchQuery(mileage_max=1, mileage_min=2), "mileage_min"),
        (SearchQuery(country=("Germany",)), "two letters"),
        (SearchQuery(currency="€"), "three letters"),
        (SearchQuery(make=("BMW", " ")), "a value of make"),
        (SearchQuery(near=Near(91, 0, 1)), "latitude"),
        (SearchQuery(near=Near(float("nan"), 0, 1)), "latitude"),
        (SearchQuery(near=Near(0, 0, 0)), "more than 0 km"),
        (SearchQuery(sort=Sort.DISTANCE), "needs a place"),
    ],
)
def test_what_can_not_be_answered_is_told_in_a_sentence(query: SearchQuery, words: str) -> None:
    assert [words in problem for problem in problems_of(query)] == [True]


@pytest.mark.parametrize(
    "query",
    [
        SearchQuery(),
        SearchQuery(text="w " * 1024),
        SearchQuery(text="!!!"),
        SearchQuery(start=9_980, limit=20),
        SearchQuery(year_min=2019, year_max=2019, country=("de",), currency="eur"),
        SearchQuery(near=Near(-90, 180, 0.1), sort=Sort.DISTANCE),
    ],
)
def test_everything_else_is_asked(query: SearchQuery) -> None:
    assert problems_of(query) == []


def test_countries_and_currencies_are_asked_for_as_they_are_kept() -> None:
    params = search_params(SearchQuery(country=("de", " Fr"), currency="eur"))
    assert (params["country"], params["currency"]) == (["DE", "FR"], "EUR")


def test_facets_show_a_label_and_leave_out_what_has_no_listing() -> None:
    buckets = [
        {"key": "skoda", "doc_count": 3, "label": {"buckets": [{"key": "Škoda", "doc_count": 3}]}},
        {"key": 2020, "doc_count": 2},
        {"key": "*-5000.0", "doc_count": 0},
    ]
    assert facet_values({"buckets": buckets}) == (FacetValue("skoda", "Škoda", 3), FacetValue("2020", "2020", 2))
