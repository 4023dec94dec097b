"""The index, the bulk writer and the search on a real OpenSearch: also what its failures really look like."""

from __future__ import annotations

import asyncio
import json
import secrets
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner

from app.adapters.opensearch.bulk_writer import BulkWriter
from app.adapters.opensearch.client import SearchClient
from app.adapters.opensearch.index_admin import OpenSearchIndexAdmin
from app.adapters.opensearch.outcomes import OutcomeReader, outcome_lookup
from app.adapters.opensearch.search import FacetValue, ListingSearch, Near, SearchQuery, Sort
from app.agents.outcomes import outcome_document
from app.cli import cli
from app.errors import Dependency, FailureCode
from app.model.document import Document, WriteResult
from app.model.listing import FIELDS, Field, Kind
from app.model.outcome import FileOutcome, FileStatus
from app.ops.index import Action, Change, Declared, apply_index, load_declared
from app.pipeline.values.text import fold
from app.settings import PathsSettings, Settings
from tests.support.stack import RunningStack, stack_settings

pytestmark = pytest.mark.integration

UPLOADED_AT = datetime(2026, 11, 24, 10, 3, tzinfo=UTC)
VERSION = int(UPLOADED_AT.timestamp() * 1000)


@dataclass(frozen=True)
class Bench:
    """An index of this test's own, and a writer to it."""

    settings: Settings
    env: Mapping[str, str]
    client: SearchClient
    admin: OpenSearchIndexAdmin
    writer: BulkWriter
    told: list[tuple[bool, str]]

    @property
    def alias(self) -> str:
        return self.settings.opensearch.alias

    def declared(self, folder: Path | None = None) -> Declared:
        search = self.settings.opensearch
        return load_declared(folder or declarations(), search.alias, search.outcomes_index)

    async def apply(self, folder: Path | None = None) -> list[Change]:
        return await apply_index(self.declared(folder), self.admin)

    async def source(self, id_: str) -> dict[str, Any] | None:
        answer = await self.client.call("GET", f"/{self.alias}/_doc/{id_}")
        return None if answer is None else dict(answer["_source"])

    @property
    def search(self) -> ListingSearch:
        return ListingSearch(self.client, self.alias)

    async def refresh(self) -> None:
        await self.client.call("POST", f"/{self.alias},{self.settings.opensearch.outcomes_index}/_refresh")

    async def index_settings(self, values: Mapping[str, object], index: str | None = None) -> None:
        await self.client.call("PUT", f"/{index or self.alias}/_settings", body=values)


def declarations() -> Path:
    return PathsSettings().schemas / "opensearch"


@asynccontextmanager
async def opened(stack: RunningStack) -> AsyncIterator[Bench]:
    """An index of its own, empty, and gone afterwards."""
    name = f"it-{secrets.token_hex(4)}"
    names = {"LISTINGS_OPENSEARCH__ALIAS": name, "LISTINGS_OPENSEARCH__OUTCOMES_INDEX": f"{name}-outcomes"}
    settings = stack_settings(stack, {**names, "LISTINGS_OPENSEARCH__OUTAGE_PROBE_MAX_S": "0.2"})
    told: list[tuple[bool, str]] = []

    def on_outage(dependency: Dependency, is_open: bool, reason: str) -> None:
        told.append((is_open, reason))

    client = SearchClient(settings.opensearch)
    writer = BulkWriter(client, settings.opensearch, on_outage=on_outage)
    bench = Bench(settings, {**stack.env(), **names}, client, OpenSearchIndexAdmin(client), writer, told)
    await bench.apply()
    try:
        yield bench
    finally:
        await writer.aclose(5)
        for path in (f"/{name}-v1-*,{name}-outcomes", f"/_index_template/{name}", f"/_index_template/{name}-outcomes"):
            await client.call("DELETE", path)
        for stored in ("search", "suggest"):
            await client.call("DELETE", f"/_scripts/{name}-{stored}")
        await client.aclose()


@pytest.fixture
async def bench(stack: RunningStack) -> AsyncIterator[Bench]:
    async with opened(stack) as bench:
        yield bench


def listing(number: int, **values: object) -> dict[str, object]:
    make, model = str(values.get("make", "Volkswagen")), str(values.get("model", "Golf"))
    return {
        "listing_id": f"id-{number}",
        "source": "tests",
        "source_listing_id": str(number),
        "make": make,
        "make_key": fold(make),
        "model": model,
        "model_key": fold(model),
        "year": 2019,
        "status": "available",
        "origin": {
            "bucket": "b",
            "key": "raw/file.json",
            "etag": "e",
            "record": number,
            "uploaded_at": (UPLOADED_AT + timedelta(seconds=number)).isoformat(),
        },
        "indexed_at": UPLOADED_AT.isoformat(),
        **values,
    }


def document(number: int, version: int = VERSION, **values: object) -> Document:
    return Document(f"id-{number}", version, orjson.dumps(listing(number, **values)), number)


_SAMPLES: dict[Kind, object] = {
    Kind.IDENTIFIER: "WVWZZZ1JZXW000001",
    Kind.TEXT: "Zwölf Zylinder",
    Kind.KEY: "zwolf-zylinder",
    Kind.URL: "https://example.org/1",
    Kind.COUNTRY: "DE",
    Kind.CURRENCY: "EUR",
    Kind.MONTH: "2019-03",
    Kind.TIMESTAMP: "2026-11-24T10:03:00Z",
    Kind.TEXTS: ["Sitzheizung", "Navi"],
    Kind.URLS: ["https://example.org/1.jpg"],
    Kind.POINT: {"lat": 52.5, "lon": 13.4},
    Kind.ORIGIN: {"bucket": "b", "key": "k", "etag": "e", "record": 1, "uploaded_at": "2026-11-24T10:03:00Z"},
}


def sample(field: Field) -> object:
    """A value as large as the field allows."""
    if field.kind in (Kind.INTEGER, Kind.MONEY, Kind.NUMBER):
        return int(field.high) if field.kind is Kind.INTEGER else field.high - 0.01
    if field.values is not None:
        last = str(list(field.values)[-1])
        return [last] if field.kind is Kind.TEXTS else last
    return _SAMPLES[field.kind]


class TestApply:
    async def test_a_second_time_changes_nothing(self, bench: Bench) -> None:
        assert await bench.apply() == []
        state = await bench.admin.state(bench.alias, is_alias=True)
        assert (state.index, state.health, state.documents) == (f"{bench.alias}-v1-000001", "green", 0)
        assert (state.refresh_interval, state.replicas) == ("500ms", 0)

    async def test_a_new_field_is_added_and_another_type_is_refused(self, bench: Bench, tmp_path: Path) -> None:
        folder = shutil.copytree(declarations(), tmp_path / "opensearch")
        self._change(folder, "new_field", {"type": "keyword"})
        assert [(c.item, c.action) for c in await bench.apply(folder)] == [
            (None, Action.UPDATE),
            ("new_field", Action.UPDATE),
        ]
        assert await bench.apply(folder) == []
        self._change(folder, "year", {"type": "keyword"})
        assert ("year", Action.REFUSED) in [(c.item, c.action) for c in await bench.apply(folder)]
        template = await bench.admin.template(bench.alias)
        assert template is not None
        assert template["template"]["mappings"]["properties"]["year"] == {"type": "short"}

    def _change(self, folder: Path, name: str, field: dict[str, object]) -> None:
        path = folder / "listings.json"
        template = json.loads(path.read_text())
        template["template"]["mappings"]["properties"][name] = field
        path.write_text(json.dumps(template))

    async def test_a_changed_setting_is_put_back(self, bench: Bench) -> None:
        await bench.index_settings({"index.refresh_interval": "30s"})
        assert [(c.item, c.actual) for c in await bench.apply()] == [("index.refresh_interval", "30s")]
        assert await bench.apply() == []


class TestWriting:
    async def test_a_document_with_every_field_is_taken(self, bench: Bench) -> None:
        full = {field.name: sample(field) for field in FIELDS}
        result = await bench.writer.write([Document("full", VERSION, orjson.dumps(full), 1)])
        assert result == WriteResult(1, 0)
        assert await bench.source("full") == full

    async def test_a_document_the_mapping_does_not_take_is_refused_alone(self, bench: Bench) -> None:
        batch = [document(1), document(2, surprise=1), document(3, year="soon"), document(4, location={"lat": 999})]
        result = await bench.writer.write([*batch, Document("broken", VERSION, b'{"a":', 5)])
        assert result.indexed == 1
        reasons = {item.record: item.reason for item in result.refused}
        assert set(reasons) == {2, 3, 4, 5}
        assert reasons[2].startswith("400 strict_dynamic_mapping_exception: ")
        assert "[surprise]" in reasons[2]
        assert "[year] of type [short]" in reasons[3]
        assert bench.told == []

    async def test_nothing_goes_backwards(self, bench: Bench) -> None:
        write = bench.writer.write
        assert await write([document(1, 5, trim="first")]) == WriteResult(1, 0)
        assert await write([document(1, 5, trim="same version")]) == WriteResult(1, 0)
        assert await write([document(1, 4, trim="older"), document(2, 4)]) == WriteResult(1, 1)
        assert (await bench.source("id-1") or {})["trim"] == "same version"

    async def test_two_writers_at_once_leave_the_newest(self, bench: Bench) -> None:
        other = BulkWriter(bench.client, bench.settings.opensearch)
        writers = (bench.writer, other)
        writes = [
            writers[version % 2].write([document(n, version, cylinders=version) for n in range(50)])
            for version in (7, 3, 9, 1, 8, 2, 6, 4, 5)
        ]
        results = await asyncio.gather(*writes)
        await other.aclose()
        assert sum(r.indexed + r.stale for r in results) == 450
        assert {(await bench.source(f"id-{n}") or {})["cylinders"] for n in range(50)} == {9}

    async def test_many_callers_lose_nothing(self, bench: Bench) -> None:
        async def caller(number: int) -> int:
            first = number * 100
            return (await bench.writer.write([document(first + n) for n in range(100)])).indexed

        assert sum(await asyncio.gather(*(caller(number) for number in range(50)))) == 5_000
        await bench.refresh()
        assert (await bench.search.search(SearchQuery(limit=1))).total == 5_000

    async def test_an_id_that_is_too_long_does_not_sink_its_neighbours(self, bench: Bench) -> None:
        bad = Document("x" * 513, VERSION, orjson.dumps(listing(9)), 9)
        good, refused = await asyncio.gather(
            bench.writer.write([document(n) for n in range(8)]), bench.writer.write([bad])
        )
        assert good == WriteResult(8, 0)
        assert [(item.record, "too long" in item.reason) for item in refused.refused] == [(9, True)]

    async def test_a_large_document_is_taken(self, bench: Bench) -> None:
        large = document(1, description="lang " * 400_000)
        assert len(large.body) > 1024 * 1024
        assert await bench.writer.write([large]) == WriteResult(1, 0)


async def _closed(bench: Bench) -> None:
    await bench.client.call("POST", f"/{bench.alias}/_close")


async def _opened(bench: Bench) -> None:
    await bench.client.call("POST", f"/{bench.alias}-v1-000001/_open")


async def _alias_removed(bench: Bench) -> None:
    await bench.client.call("DELETE", f"/{bench.alias}-v1-000001/_alias/{bench.alias}")


async def _alias_added(bench: Bench) -> None:
    body = {"actions": [{"add": {"index": f"{bench.alias}-v1-000001", "alias": bench.alias, "is_write_index": True}}]}
    await bench.client.call("POST", "/_aliases", body=body)


async def _no_write_index(bench: Bench) -> None:
    add = {"index": f"{bench.alias}-v1-000001", "alias": bench.alias, "is_write_index": False}
    await bench.client.call("POST", "/_aliases", body={"actions": [{"add": add}]})


def _blocked(name: str, value: object) -> Callable[[Bench], Awaitable[None]]:
    return lambda bench: bench.index_settings({f"index.blocks.{name}": value}, f"{bench.alias}-v1-000001")


_AWAY = {
    "closed": (_closed, _opened, "index_closed_exception"),
    "without alias": (_alias_removed, _alias_added, "index_not_found_exception"),
    "without write index": (_no_write_index, _alias_added, "no write index is defined"),
    "read only": (_blocked("read_only", True), _blocked("read_only", None), "cluster_block_exception"),
    "without writes": (_blocked("write", True), _blocked("write", None), "cluster_block_exception"),
    "on a full disk": (
        _blocked("read_only_allow_delete", True),
        _blocked("read_only_allow_delete", None),
        "flood-stage watermark",
    ),
}


async def told(bench: Bench) -> None:
    async with asyncio.timeout(20):
        while not bench.told:
            await asyncio.sleep(0.01)


class TestOutages:
    @pytest.mark.parametrize("case", list(_AWAY))
    async def test_an_index_that_is_away_is_waited_for(self, bench: Bench, case: str) -> None:
        break_it, mend_it, words = _AWAY[case]
        await break_it(bench)
        write = asyncio.create_task(bench.writer.write([document(n) for n in range(5)]))
        await told(bench)
        assert bench.told[0][0]
        assert words in bench.told[0][1]
        assert bench.writer.outage is not None
        assert bench.writer.outage.code is FailureCode.INDEX_UNAVAILABLE
        await mend_it(bench)
        async with asyncio.timeout(20):
            assert await write == WriteResult(5, 0)
        assert bench.told[1:] == [(False, "")]

    async def test_a_server_that_is_killed_is_waited_for(self, bench: Bench, stack: RunningStack) -> None:
        await bench.writer.write([document(0)])
        server = stack.server("opensearch")
        await asyncio.to_thread(server.kill)
        try:
            writes = [asyncio.create_task(bench.writer.write([document(n)])) for n in range(1, 20)]
            await told(bench)
            assert "can not be reached" in bench.told[0][1]
        finally:
            await asyncio.to_thread(server.start)
        async with asyncio.timeout(60):
            results = await asyncio.gather(*writes)
        assert results == [WriteResult(1, 0)] * 19
        assert bench.writer.outage is None
        assert await bench.source("id-0") is not None

    async def test_a_server_short_of_memory_is_offered_less(self, bench: Bench) -> None:
        async with _cluster_setting(bench, "network.breaker.inflight_requests.limit", "4kb"), asyncio.timeout(30):
            result = await bench.writer.write([document(n, description="x" * 800) for n in range(20)])
        assert result == WriteResult(20, 0)
        assert "circuit_breaking_exception" in bench.told[0][1]
        assert bench.told[-1] == (False, "")

    async def test_the_index_of_outcomes_comes_back_as_declared(self, bench: Bench) -> None:
        name = bench.settings.opensearch.outcomes_index
        await bench.client.call("DELETE", f"/{name}")
        await bench.writer.write_outcome(outcome_document(outcome("raw/a.csv")))
        live = await bench.admin.live(name)
        assert live is not None
        assert live.mappings["dynamic"] == "strict"


@asynccontextmanager
async def _cluster_setting(bench: Bench, name: str, value: str) -> AsyncIterator[None]:
    await bench.client.call("PUT", "/_cluster/settings", body={"persistent": {name: value}})
    try:
        yield
    finally:
        await bench.client.call("PUT", "/_cluster/settings", body={"persistent": {name: None}})


CARS = [
    document(1, make="Škoda", model="Octavia", title="Škoda Octavia Combi", fuel_type="diesel", year=2015),
    document(2, make="Volkswagen", model="Golf", trim="GTI", price_amount=20_000, price_currency="EUR"),
    document(3, make="Volkswagen", model="Golf", description="Panoramadach, 8-fach bereift", price_amount=9_999.99),
    document(4, make="Tesla", model="Model 3", fuel_type="electric", location={"lat": 48.14, "lon": 11.58}),
    document(5, make="Tesla", model="Model Y", location={"lat": 52.52, "lon": 13.4}, year=2024, country="DE"),
    document(6, make="Citroën", model="C4 Cactus", status="sold"),
    document(7, make="Mercedes-Benz", model="C 220", mileage_km=120_000),
]


@pytest.fixture(scope="module")
def cars(stack: RunningStack) -> Iterator[Bench]:
    """An index with a few cars, for tests that only search; its client belongs to a loop of its own."""
    with asyncio.Runner() as runner:
        opening = opened(stack)
        bench = runner.run(opening.__aenter__())
        try:
            assert runner.run(bench.writer.write(CARS)) == WriteResult(len(CARS), 0)
            runner.run(bench.refresh())
            yield bench
        finally:
            runner.run(opening.__aexit__(None, None, None))


@pytest.fixture
async def search(cars: Bench) -> AsyncIterator[ListingSearch]:
    client = SearchClient(cars.settings.opensearch)
    yield ListingSearch(client, cars.alias)
    await client.aclose()


async def numbers(search: ListingSearch, query: SearchQuery) -> list[int]:
    return [int(found["source_listing_id"]) for found in (await search.search(query)).listings]


class TestSearching:
    @pytest.mark.parametrize(
        ("query", "found"),
        [
            (SearchQuery(text="skoda OCTAVIA"), {1}),
            (SearchQuery(text="golf gti"), {2}),
            (SearchQuery(text="golf panoramadach"), {3}),
            (SearchQuery(text="citroen"), set()),
            (SearchQuery(text="citroen", status=("sold",)), {6}),
            (SearchQuery(text='golf"}}, {"match_all": {}} {{text}}'), set()),
            (SearchQuery(make=("Mercedes-Benz", "SKODA")), {1, 7}),
            (SearchQuery(make=("tesla",), model=("Model 3",)), {4}),
            (SearchQuery(fuel=("diesel", "electric")), {1, 4}),
            (SearchQuery(year_min=2015, year_max=2018), {1}),
            (SearchQuery(price_max=10_000), {3}),
            (SearchQuery(price_min=10_000, currency="EUR"), {2}),
            (SearchQuery(mileage_max=0), set()),
            (SearchQuery(mileage_min=100_000), {7}),
            (SearchQuery(country=("DE",)), {5}),
            (SearchQuery(near=Near(52.5, 13.4, 20)), {5}),
            (SearchQuery(source=("nobody",)), set()),
        ],
    )
    async def test_finds_what_is_asked_for(self, search: ListingSearch, query: SearchQuery, found: set[int]) -> None:
        assert set(await numbers(search, query)) == found

    @pytest.mark.parametrize(
        ("sort", "first"),
        [
            (None, 7),
            (Sort.NEWEST, 7),
            (Sort.PRICE_ASC, 3),
            (Sort.PRICE_DESC, 2),
            (Sort.YEAR_ASC, 1),
            (Sort.YEAR_DESC, 5),
            (Sort.MILEAGE_ASC, 7),
        ],
    )
    async def test_sorts_what_it_finds(self, search: ListingSearch, sort: Sort | None, first: int) -> None:
        assert (await numbers(search, SearchQuery(sort=sort)))[0] == first

    async def test_sorts_by_distance(self, search: ListingSearch) -> None:
        near = Near(48.1, 11.5, 2_000)
        assert await numbers(search, SearchQuery(near=near, sort=Sort.DISTANCE)) == [4, 5]

    async def test_pages_cover_everything_once(self, search: ListingSearch) -> None:
        pages = [await numbers(search, SearchQuery(start=start, limit=2)) for start in (0, 2, 4, 6)]
        assert [number for page in pages for number in page] == [7, 5, 4, 3, 2, 1]

    async def test_facets_count_what_is_found(self, search: ListingSearch) -> None:
        page = await search.search(SearchQuery(facets=True, limit=0))
        assert page.total == 6
        assert set(page.facets["make"]) == {
            FacetValue("skoda", "Škoda", 1),
            FacetValue("volkswagen", "Volkswagen", 2),
            FacetValue("tesla", "Tesla", 2),
            FacetValue("mercedes-benz", "Mercedes-Benz", 1),
        }
        assert sum(value.count for value in page.facets["price"]) == 2

    @pytest.mark.parametrize(
        ("typed", "makes", "models"),
        [("sko", ["Škoda"], []), ("Model", [], ["Model 3", "Model Y"]), ("model y", [], ["Model Y"]), ("citr", [], [])],
    )
    async def test_suggests_makes_and_models(
        self, search: ListingSearch, typed: str, makes: list[str], models: list[str]
    ) -> None:
        found = await search.suggest(typed)
        assert ([v.label for v in found.makes], sorted(v.label for v in found.models)) == (makes, models)

    def test_the_command_shows_a_table_or_json(self, cars: Bench) -> None:
        run = CliRunner().invoke(cli, ["search", "golf", "gti"], env=cars.env)
        assert run.exit_code == 0
        assert "20,000 EUR" in run.output
        assert "1 found" in run.output
        run = CliRunner().invoke(cli, ["search", "golf", "--price-max", "10000", "--output", "json"], env=cars.env)
        assert [found["source_listing_id"] for found in json.loads(run.output)["listings"]] == ["3"]


async def test_a_listing_is_found_without_anybody_asking_for_a_refresh(bench: Bench) -> None:
    await bench.writer.write([document(1)])
    async with asyncio.timeout(5):
        while await numbers(bench.search, SearchQuery(text="golf")) != [1]:
            await asyncio.sleep(0.05)


def outcome(key: str, status: FileStatus = FileStatus.INDEXED, second: int = 0) -> FileOutcome:
    time = UPLOADED_AT + timedelta(seconds=second)
    return FileOutcome(
        *("b", key, "e", 10, time, time, status, "csv", None),
        *(1, 1, 0, 0, 0, 0, 10, 1),
    )


class TestOutcomes:
    async def test_are_listed_newest_first_and_shown_one_by_one(self, bench: Bench) -> None:
        search = bench.settings.opensearch
        outcomes = [
            outcome("raw/a.csv", second=1),
            outcome("raw/b.csv", FileStatus.REJECTED, second=3),
            outcome("other/c.csv", second=2),
        ]
        for one in outcomes:
            await bench.writer.write_outcome(outcome_document(one))
        await bench.refresh()
        reader = OutcomeReader(bench.client, search.outcomes_index)
        assert [d["key"] for d in await reader.list_outcomes()] == ["raw/b.csv", "other/c.csv", "raw/a.csv"]
        assert [d["key"] for d in await reader.list_outcomes(prefix="raw/")] == ["raw/b.csv", "raw/a.csv"]
        assert [d["key"] for d in await reader.list_outcomes(prefix="b/raw/")] == ["raw/b.csv", "raw/a.csv"]
        assert [d["key"] for d in await reader.list_outcomes(prefix="b/other/c")] == ["other/c.csv"]
        assert len(await reader.list_outcomes(prefix="b/")) == len(await reader.list_outcomes(prefix="b")) == 3
        assert await reader.list_outcomes(prefix="c/raw/") == []
        assert [d["key"] for d in await reader.list_outcomes(FileStatus.REJECTED)] == ["raw/b.csv"]
        assert len(await reader.list_outcomes(limit=1)) == 1
        async with outcome_lookup(search) as lookup:
            assert await lookup("b", "raw/a.csv") == outcomes[0]
            assert await lookup("b", "raw/none.csv") is None

    async def test_an_older_outcome_does_not_replace_a_newer_one(self, bench: Bench) -> None:
        for second, status in ((5, FileStatus.REJECTED), (1, FileStatus.INDEXED)):
            await bench.writer.write_outcome(outcome_document(outcome("raw/a.csv", status, second)))
        await bench.refresh()
        reader = OutcomeReader(bench.client, bench.settings.opensearch.outcomes_index)
        assert [d["status"] for d in await reader.list_outcomes()] == ["rejected"]


class TestCommands:
    def test_apply_says_that_nothing_is_to_do_and_status_shows_both(self, bench: Bench) -> None:
        run = CliRunner().invoke(cli, ["index", "apply"], env=bench.env)
        assert (run.exit_code, "nothing to change" in run.output) == (0, True)
        run = CliRunner().invoke(cli, ["index", "status", "--output", "json"], env=bench.env)
        assert run.exit_code == 0
        assert [state["health"] for state in json.loads(run.output)] == ["green", "green"]
