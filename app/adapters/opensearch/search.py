"""Searching listings as the frontend does: by the stored templates `listings-search` and `listings-suggest`.

Every parameter of the templates can be given, and nothing else: what works here works for a frontend in any language.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from app.adapters.opensearch.client import SearchClient, missing
from app.errors import FailureCode, OperatorError
from app.pipeline.values.make_names import make_of
from app.pipeline.values.text import fold

WORDS_MAX = 1024
"""More clauses than these one query can not have (`indices.query.bool.max_clause_count`)."""
WINDOW_MAX = 10_000
"""Of a result, what can be asked for by `from` and `size` (`index.max_result_window`)."""
_WORD = re.compile(r"\w+")
_COUNTRY = re.compile(r"[A-Za-z]{2}")
_CURRENCY = re.compile(r"[A-Za-z]{3}")


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
        """`OperatorError` for a query that can not be answered, with every reason."""
        problems = problems_of(query)
        if problems:
            raise OperatorError(FailureCode.COMMAND_FAILED, "; ".join(problems))
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
    if "make" in params:
        params["make"] = list(dict.fromkeys(make_of(value).key for value in params["make"]))
    if "model" in params:
        params["model"] = [fold(value) for value in params["model"]]
    if "country" in params:
        params["country"] = [value.strip().upper() for value in params["country"]]
    if "currency" in params:
        params["currency"] = params["currency"].strip().upper()
    if query.near is not None:
        params["near"] = {"lat": query.near.lat, "lon": query.near.lon, "distance_km": query.near.distance_km}
    if query.sort is not None:
        params["sort"] = {str(query.sort): True}
    return {**params, "from": query.start, "size": query.limit, "exact_total": True, "facets": query.facets}


def problems_of(query: SearchQuery) -> list[str]:
    """Why a query can not be answered, a sentence each; empty when it can."""
    return [*_text_problems(query), *_number_problems(query), *_place_problems(query)]


def _text_problems(query: SearchQuery) -> Iterator[str]:
    words = len(_WORD.findall(query.text))
    if words > WORDS_MAX:
        yield f"the text has {words:,} words, of which {WORDS_MAX:,} can be searched for at once; leave some out"
    for name in _PLAIN:
        values = getattr(query, name)
        if isinstance(values, tuple) and any(not value.strip() for value in values):
            yield f"expected a value of {name}, got a blank one"
    for value in query.country:
        if not _COUNTRY.fullmatch(value.strip()):
            yield f"expected a country by its two letters (ISO 3166-1 alpha-2), as DE, got {value[:40]!r}"
    if query.currency is not None and not _CURRENCY.fullmatch(query.currency.strip()):
        yield f"expected a currency by its three letters (ISO 4217), as EUR, got {query.currency[:40]!r}"


def _number_problems(query: SearchQuery) -> Iterator[str]:
    for name in ("year", "price", "mileage"):
        low, high = getattr(query, f"{name}_min"), getattr(query, f"{name}_max")
        if any(value is not None and not math.isfinite(value) for value in (low, high)):
            yield f"expected numbers as {name}_min and {name}_max, got {low} and {high}"
        elif low is not None and high is not None and low > high:
            yield f"{name}_min ({low:g}) is greater than {name}_max ({high:g}), so nothing can be found"
    if query.start < 0 or query.limit < 0:
        yield "expected how many to skip and to show as whole numbers, not negative"
    if query.start + query.limit > WINDOW_MAX:
        yield (
            f"the first {WINDOW_MAX:,} of what is found can be paged through, and {query.start:,} skipped with "
            f"{query.limit:,} shown ends beyond; narrow the search, or go on by search_after "
            "(schemas/opensearch/README.md)"
        )


def _place_problems(query: SearchQuery) -> Iterator[str]:
    near = query.near
    if near is None:
        if query.sort is Sort.DISTANCE:
            yield "the order by distance needs a place: near"
        return
    if not (abs(near.lat) <= 90 and abs(near.lon) <= 180):
        yield f"expected a latitude from -90 to 90 and a longitude from -180 to 180, got {near.lat:g} and {near.lon:g}"
    if not (near.distance_km > 0 and math.isfinite(near.distance_km)):
        yield f"expected a distance of more than 0 km, got {near.distance_km:g}"


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
