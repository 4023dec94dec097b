"""The parameters of the stored searches, and what is read from their answers."""

from __future__ import annotations

import pytest

from app.adapters.opensearch.search import FacetValue, Near, SearchQuery, Sort, facet_values, search_params

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


def test_facets_show_a_label_and_leave_out_what_has_no_listing() -> None:
    buckets = [
        {"key": "skoda", "doc_count": 3, "label": {"buckets": [{"key": "Škoda", "doc_count": 3}]}},
        {"key": 2020, "doc_count": 2},
        {"key": "*-5000.0", "doc_count": 0},
    ]
    assert facet_values({"buckets": buckets}) == (FacetValue("skoda", "Škoda", 3), FacetValue("2020", "2020", 2))
