"""Searching listings as the frontend does: by the stored templates `listings-search` and `listings-suggest`.

Every parameter of the templates can be given, and nothing else: what works here works for a frontend in any language.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from app.adapters.opensearch.client import SearchClient, missing
from app.pipeline.values.text import fold


class Sort(StrEnum):
    RELEVANCE = "relevance"
    NEWEST = "newest"
    """Latest upload first."""
    PRICE_ASC = "price_asc"
    PRICE_DESC = "price_desc"
    YEAR_ASC = "year_asc"
    YEAR_DESC = "year_desc"
    MILEAGE_ASC = "mileage_asc"
    MILEAGE_DESC = "mileage_desc"
    DISTANCE = "distance"
    """From `near`."""


@dataclass(frozen=True, slots=True)
class Near:
    """A circle; degrees (WGS 84) and kilometres."""

    lat: float
    lon: float
    distance_km: float


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """What is searched for; an empty one finds everything that is neither sold nor removed.

    Several values of one field mean any of them; makes and models may be spelt as shown or as keys.
    """

    text: str = ""
    make: tuple[str, ...] = ()
    model: tuple[str, ...] = ()
    fuel: tuple[str, ...] = ()
    body: tuple[str, ...] = ()
    transmission: tuple[str, ...] = ()
    drivetrain: tuple[str, ...] = ()
    condition: tuple[str, ...] = ()
    seller_type: tuple[str, ...] = ()
    country: tuple[str, ...] = ()
    source: tuple[str, ...] = ()
    status: tuple[str, ...] = ()
    """Given: only these; not given: all but sold and removed."""
    currency: str | None = None
    vehicle_key: str | None = None
    year_min: int | None = None
    year_max: int | None = None
    price_min: float | None = None
    price_max: float | None = None
    mileage_min: int | None = None
    mileage_max: int | None = None
    """Kilometres."""
    near: Near | None = None
    sort: Sort | None = None
    """None: relevance when there is text, else newest."""
    start: int = 0
    limit: int = 20
    facets: bool = False


@dataclass(frozen=True, slots=True)
class FacetValue:
    key: str
    """What to filter by."""
    label: str
    """What to show."""
    count: int


@dataclass(frozen=True, slots=True)
class SearchPage:
    """One page of results; `listings` are index documents."""

    total: int
    took_ms: int
    listings: tuple[dict[str, Any], ...]
    facets: Mapping[str, tuple[FacetValue, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Suggestions:
    """Makes and models that start with what was typed, most listings first."""

    makes: tuple[FacetValue, ...]
    models: tuple[FacetValue, ...]


class ListingSearch:
    """Searches the alias; `Outage` when OpenSearch is away or the alias or template is missing."""

    def __init__(self, client: SearchClient, alias: str) -> None:
        self._client = client
        self._alias = alias

    async def search(self, query: SearchQuery) -> SearchPage:
        answer = await self._run(f"{self._alias}-search", search_params(query))
        hits = answer["hits"]
        return SearchPage(
            total=hits["total"]["value"],
            took_ms=answer["took"],
            listings=tuple(hit["_source"] for hit in hits["hits"]),
            facets={name: facet_values(found) for name, found in answer.get("aggregations", {}).items()},
        )

    async def suggest(self, typed: str) -> Suggestions:
        found = (await self._run(f"{self._alias}-suggest", {"prefix": fold(typed)}))["aggregations"]
        return Suggestions(facet_values(found["makes"]["values"]), facet_values(found["models"]["values"]))

    async def _run(self, template: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        path = f"/{self._alias}/_search/template"
        answer: Mapping[str, Any] | None = await self._client.call(
            "POST", path, body={"id": template, "params": params}
        )
        if answer is None:
            raise missing(f"index behind the alias {self._alias}, or no stored search {template}")
        return answer


def search_params(query: SearchQuery) -> dict[str, Any]:
    """The parameters of `listings-search`; what is not asked for is left out."""
    params: dict[str, Any] = {
        name: list(value) if isinstance(value, tuple) else value
        for name in _PLAIN
        if (value := getattr(query, name)) not in (None, (), "")
    }
    for name in ("make", "model"):
        if name in params:
            params[name] = [fold(value) for value in params[name]]
    if query.near is not None:
        params["near"] = {"lat": query.near.lat, "lon": query.near.lon, "distance_km": query.near.distance_km}
    if query.sort is not None:
        params["sort"] = {str(query.sort): True}
    return {**params, "from": query.start, "size": query.limit, "exact_total": True, "facets": query.facets}


def facet_values(found: Mapping[str, Any]) -> tuple[FacetValue, ...]:
    """The values of one facet that have listings, in the order given."""
    values = []
    for bucket in found["buckets"]:
        labels = bucket.get("label", {}).get("buckets")
        key = str(bucket["key"])
        if bucket["doc_count"]:
            values.append(FacetValue(key, str(labels[0]["key"]) if labels else key, bucket["doc_count"]))
    return tuple(values)


_PLAIN = (
    *("text", "make", "model", "fuel", "body", "transmission", "drivetrain", "condition", "seller_type", "country"),
    *("source", "status", "currency", "vehicle_key", "year_min", "year_max", "price_min", "price_max"),
    *("mileage_min", "mileage_max"),
)
