"""The requests that the README shows to the frontend are answered by OpenSearch as it says."""

from __future__ import annotations

from typing import Any

import httpx2 as httpx
import pytest

from tests.support.docs import PROJECT
from tests.support.docs_read import requests
from tests.support.system import System

pytestmark = pytest.mark.integration
REQUESTS = requests((PROJECT / "README.md").read_text(encoding="utf-8"))


def answer_to(system: System, search: str) -> dict[str, Any]:
    body = {"id": search, "params": REQUESTS[search]}
    url = f"{system.settings.opensearch.url}/{system.settings.opensearch.alias}/_search/template"
    response = httpx.post(url, json=body, timeout=30)
    assert response.status_code == 200, response.text[:500]
    return dict(response.json())


def test_the_search_of_the_readme_gives_listings_and_facets(system: System) -> None:
    answer = answer_to(system, "listings-search")
    assert answer["hits"]["total"]["relation"] == "eq"
    assert answer["aggregations"].keys() >= {"make", "model", "fuel", "body", "price", "year"}


def test_the_suggestion_of_the_readme_gives_makes_and_models(system: System) -> None:
    assert answer_to(system, "listings-suggest")["aggregations"].keys() == {"makes", "models"}
