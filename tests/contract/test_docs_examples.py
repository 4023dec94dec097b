"""The examples in the documentation work: files are read, listings are taken, searches use parameters that exist."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime

import pytest

from app.adapters.opensearch.search import Sort
from app.model.listing import BY_NAME
from app.model.outcome import FileStatus
from app.model.record import ReadHints
from app.pipeline.parse import FileReader
from app.pipeline.transform import Mapper, Origin
from app.settings import PathsSettings
from tests.support.docs import PROJECT
from tests.support.docs_read import blocks, requests
from tests.support.limits import limits

README = (PROJECT / "README.md").read_text(encoding="utf-8")
PRODUCERS = (PROJECT / "docs" / "PRODUCERS.md").read_text(encoding="utf-8")
FILES = [(language, body) for language in ("json", "ndjson", "csv") for body in blocks(PRODUCERS, language)]
FILES += [("csv", body) for body in blocks(README, "csv")]
NOW = datetime(2026, 11, 25, tzinfo=UTC)
ORIGIN = Origin("listings-uploads", "acme/stock", "etag", NOW)


def parameters(search: str) -> set[str]:
    """The parameters that a stored search reads."""
    text = (PathsSettings().schemas / "opensearch" / f"{search}.mustache").read_text(encoding="utf-8")
    outer = re.sub(r"\{\{#near\}\}.*?\{\{/near\}\}", "{{near}}", text)
    return {name.partition(".")[0] for name in re.findall(r"\{\{[#^]?([a-z_]+[a-z_.0]*)\}\}", outer)}


def test_there_is_an_example_of_every_format() -> None:
    assert {language for language, _ in FILES} == {"json", "ndjson", "csv"}


@pytest.mark.parametrize(("language", "body"), FILES)
def test_an_example_file_is_indexed_without_a_doubt(language: str, body: str) -> None:
    reader = FileReader(ReadHints(), limits(), None)
    slices = [*reader.feed(body.encode()), *reader.finish()]
    assert str(reader.shape) == language
    assert not any(piece.bad for piece in slices)
    mapped = Mapper(None, "acme", ORIGIN, NOW).map_all([record for piece in slices for record in piece.records])
    assert mapped.documents
    assert (mapped.rejects, mapped.flagged) == ([], 0)


def test_the_example_of_a_single_listing_is_taken() -> None:
    (script,) = [body for body in blocks(PRODUCERS, "sh") if "producer.produce" in body]
    found = re.search(r"listing = (\{.*?\n\})", script, re.DOTALL)
    assert found is not None
    listing = json.loads(found[1].replace(",\n}", "}"))
    assert listing.keys() <= BY_NAME.keys()
    assert listing["source"]
    assert 'produce("listings", ' in script


@pytest.mark.parametrize("search", ["listings-search", "listings-suggest"])
def test_an_example_search_uses_parameters_that_exist(search: str) -> None:
    assert requests(README)[search].keys() <= parameters(search)


def test_every_parameter_of_the_search_is_told() -> None:
    rows = README.partition("| Parameters, all optional")[2].partition("\n\n")[0].splitlines()[2:]
    told = {name for row in rows for name in re.findall(r"`([a-z_]+)`", row.split("|")[1])}
    assert told == parameters("listings-search") - {"toJson"}
    (sorts,) = [row.split("|")[2] for row in rows if row.startswith("| `sort`")]
    assert re.findall(r"`([a-z_]+)`", sorts) == [str(sort) for sort in Sort]


def test_every_status_of_a_file_is_told() -> None:
    section = PRODUCERS.partition("| Status | Meaning |")[2].partition("\n\n")[0]
    assert re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE) == [str(status) for status in FileStatus]


def test_the_refresh_that_is_told_is_the_declared_one() -> None:
    template = json.loads((PathsSettings().schemas / "opensearch" / "listings.json").read_bytes())
    assert template["template"]["settings"]["index.refresh_interval"] == "500ms"
    assert "every 500 ms (`refresh_interval`)" in README
