"""The declared indices against what the code writes, reads and searches."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from typing import Any

import pytest

from app.adapters.opensearch.search import Near, SearchQuery, Sort, search_params
from app.model.listing import FIELDS, ORIGIN_FIELDS, Field, Kind
from app.model.outcome import FileOutcome
from app.ops.index import fields_of, load_declared
from app.settings import OpenSearchSettings, PathsSettings

FOLDER = PathsSettings().schemas / "opensearch"
SEARCH = OpenSearchSettings()
DECLARED = load_declared(FOLDER, SEARCH.alias, SEARCH.outcomes_index)
LISTINGS, OUTCOMES = DECLARED.indices

SEARCH_ONLY = {"search_text", "status_if_absent"}
"""Filled by OpenSearch, from other fields or with a constant; no document has them."""

_TYPES = {
    Kind.IDENTIFIER: {"keyword"},
    Kind.TEXT: {"keyword", "text"},
    Kind.KEY: {"keyword"},
    Kind.URL: {"keyword"},
    Kind.ENUM: {"keyword"},
    Kind.COUNTRY: {"keyword"},
    Kind.CURRENCY: {"keyword"},
    Kind.INTEGER: {"short", "integer"},
    Kind.MONEY: {"scaled_float"},
    Kind.NUMBER: {"double", "scaled_float"},
    Kind.MONTH: {"date"},
    Kind.TIMESTAMP: {"date"},
    Kind.TEXTS: {"keyword"},
    Kind.URLS: {"keyword"},
    Kind.POINT: {"geo_point"},
}
_LARGEST = {"short": 2**15 - 1, "integer": 2**31 - 1}


def properties(declaration: Any) -> dict[str, Any]:
    return dict(declaration.mappings["properties"])


def test_the_mapping_has_exactly_the_fields_of_a_listing() -> None:
    assert set(properties(LISTINGS)) - SEARCH_ONLY == {field.name for field in FIELDS}
    assert tuple(properties(LISTINGS)["origin"]["properties"]) == ORIGIN_FIELDS


def test_the_outcomes_have_exactly_the_fields_of_an_outcome() -> None:
    assert set(properties(OUTCOMES)) == {field.name for field in fields(FileOutcome)}


@pytest.mark.parametrize("declaration", DECLARED.indices, ids=lambda d: d.name)
def test_an_unknown_field_is_refused_and_a_refresh_is_never_left_to_idle(declaration: Any) -> None:
    assert declaration.mappings["dynamic"] == "strict"
    assert declaration.settings["index.refresh_interval"] == "500ms"
    assert declaration.settings["index.translog.durability"] == "request"


@pytest.mark.parametrize("field", [f for f in FIELDS if f.kind in _TYPES], ids=lambda f: f.name)
def test_every_field_has_a_type_that_holds_its_values(field: Field) -> None:
    mapping = properties(LISTINGS)[field.name]
    assert mapping["type"] in _TYPES[field.kind]
    if field.high and mapping["type"] in _LARGEST:
        assert field.high <= _LARGEST[mapping["type"]]
    if field.kind is Kind.MONEY:
        assert mapping["scaling_factor"] == 100
    if field.kind is Kind.MONTH:
        assert mapping["format"] == "yyyy-MM"


@pytest.mark.parametrize("field", [f for f in FIELDS if f.kind is Kind.TEXT], ids=lambda f: f.name)
def test_a_long_keyword_is_bounded_or_not_indexed(field: Field) -> None:
    mapping = properties(LISTINGS)[field.name]
    unused = mapping.get("index") is False and mapping.get("doc_values") is False
    assert mapping["type"] == "text" or unused or mapping["ignore_above"] <= field.longest


def test_the_names_in_the_files_are_the_default_ones() -> None:
    for name, pattern in (("listings", "listings-v1-*"), ("listing-outcomes", "listing-outcomes")):
        assert json.loads((FOLDER / f"{name}.json").read_text())["index_patterns"] == [pattern]
    assert [d.name for d in DECLARED.indices] == ["listings", "listing-outcomes"]
    assert LISTINGS.first_index == "listings-v1-000001"
    assert set(DECLARED.searches) == {"listings-search", "listings-suggest"}


def test_the_stored_search_knows_every_parameter_of_ours_and_no_other() -> None:
    values: dict[str, Any] = {f.name: ("x",) for f in fields(SearchQuery) if f.type == "tuple[str, ...]"}
    values |= {f.name: 1 for f in fields(SearchQuery) if str(f.type).startswith(("int |", "float |"))}
    values |= {"text": "x", "currency": "EUR", "vehicle_key": "x", "near": Near(1, 1, 1), "sort": Sort.NEWEST}
    everything = SearchQuery(**values)
    source = DECLARED.searches["listings-search"]
    used = {name.partition(".")[0] for name in re.findall(r"{{[#^/]?([\w.]+)}}", source)}
    assert "{{{" not in source, "nothing is written as it came: a text could end the query"
    assert "toJson" not in source, "a text would be written as it came"
    shown = re.findall(r"""(.){{ ?[\w.]+ ?}}""", source)
    assert set(shown) == {'"'}, "every value stands in quotes"
    parameters = {*search_params(everything), "fields"}
    assert used == parameters
    wrong = re.findall(r"{{# (\w+) }}", source)
    assert len(wrong) > 50
    assert parameters.isdisjoint(wrong)
    told = re.findall(r"there is no parameter (\w+), it is ([\w ]+)", source)
    assert [name for name, _ in told] == wrong
    assert {name for _, right in told for name in right.split(" and ")} <= parameters


@pytest.mark.parametrize("sort", [s for s in Sort if s is not Sort.NEWEST])
def test_the_stored_search_knows_every_order(sort: Sort) -> None:
    assert f"{{{{#sort.{sort}}}}}" in DECLARED.searches["listings-search"]


def test_the_stored_searches_use_fields_of_the_mapping_only() -> None:
    known = {name for name, _ in fields_of(properties(LISTINGS))}
    for source in DECLARED.searches.values():
        used = set(re.findall(r'"(?:terms?|prefix|range)": {"(\w+)":', source)) - {"field"}
        used |= set(re.findall(r'"field": "(\w+)"', source))
        assert used
        assert used <= known
