"""What `listings search` prints, and what it asks for."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner

from app.adapters.opensearch.search import FacetValue, ListingSearch, Near, SearchPage, SearchQuery, Sort
from app.cli import cli

GOLF = {
    "make": "Volkswagen",
    "model": "Golf",
    "trim": "GTI",
    "price_amount": 19_990.5,
    "price_currency": "EUR",
    "mileage_km": 12_345,
    "year": 2019,
    "city": "Ulm",
    "country": "DE",
}
PAGE = SearchPage(
    total=1_234,
    took_ms=7,
    listings=(GOLF, {"title": "A car of few words", "price_status": "on_request"}),
    facets={"make": tuple(FacetValue(m.lower(), m, 9) for m in ("Audi", "BMW", "Kia", "Seat", "Opel"))},
)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[SearchQuery]:
    asked: list[SearchQuery] = []

    async def search(self: ListingSearch, query: SearchQuery) -> SearchPage:
        asked.append(query)
        uploaded_at = datetime.now(UTC) - timedelta(seconds=150)
        return replace(PAGE, listings=(GOLF | {"origin": {"uploaded_at": uploaded_at.isoformat()}}, PAGE.listings[1]))

    monkeypatch.setattr(ListingSearch, "search", search)
    return asked


def run(*arguments: str) -> str:
    result = CliRunner().invoke(cli, ["search", *arguments], env={"COLUMNS": "140"})
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.usefixtures("asked")
def test_a_row_tells_what_is_known_and_a_dash_for_the_rest() -> None:
    lines = run("golf").splitlines()
    assert lines[1].split() == [
        *("Volkswagen", "Golf", "GTI", "19,990.50", "EUR", "12,345", "km", "2019", "Ulm,", "DE", "2", "min", "ago")
    ]
    assert lines[2].split() == [*("A", "car", "of", "few", "words", "on", "request", "–", "–", "–", "–")]
    assert lines[3:] == ["1,234 found in 7 ms", "make: Audi 9, BMW 9, Kia 9, Seat 9, …"]


def test_options_become_the_query(asked: list[SearchQuery]) -> None:
    run("golf", "gti", "--make", "VW", "--make", "Seat", "--fuel", "diesel", "--year-min", "2015", "--sort", "distance")
    run("--near", "48.4", "9.99", "30", "--price-max", "9999.5", "--from", "40", "--limit", "5")
    assert asked == [
        SearchQuery(
            text="golf gti", make=("VW", "Seat"), fuel=("diesel",), year_min=2015, sort=Sort.DISTANCE, facets=True
        ),
        SearchQuery(near=Near(48.4, 9.99, 30), price_max=9999.5, start=40, limit=5, facets=True),
    ]


@pytest.mark.usefixtures("asked")
def test_json_holds_the_documents_and_the_facets() -> None:
    answer = json.loads(run("golf", "--output", "json"))
    assert (answer["total"], answer["listings"][0]["trim"]) == (1_234, "GTI")
    assert answer["facets"]["make"][0] == {"key": "audi", "label": "Audi", "count": 9}


def test_a_value_that_no_listing_can_have_is_a_usage_error() -> None:
    assert CliRunner().invoke(cli, ["search", "--fuel", "coal"]).exit_code == 2
