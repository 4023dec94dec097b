"""What an index may differ in from what is declared, and what it may not."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from app.errors import FailureCode, Outage
from app.model.index import LiveIndex
from app.ops.index import Declared, load_declared
from app.ops.index_fit import IndexFit

SCHEMAS = Path(__file__).resolve().parents[3] / "schemas" / "opensearch"
DECLARED: Declared = load_declared(SCHEMAS, "listings", "listing-outcomes")
INDEX = "listings-v1-000001"


class Servers:
    """The indices as declared, to be spoiled; `looks` counts who asked."""

    def __init__(self) -> None:
        listings, outcomes = DECLARED.indices
        alias = {"is_write_index": True}
        self.listings = [LiveIndex(INDEX, _settings(), copy.deepcopy(dict(listings.mappings)), alias)]
        self.outcomes = [LiveIndex("listing-outcomes", _settings(), copy.deepcopy(dict(outcomes.mappings)))]
        self.templates = {"listing-outcomes"}
        self.looks = 0

    async def behind(self, name: str) -> Sequence[LiveIndex]:
        self.looks += 1
        return self.listings if name == "listings" else self.outcomes

    async def template(self, name: str) -> Mapping[str, Any] | None:
        return {} if name in self.templates else None

    @property
    def fields(self) -> dict[str, Any]:
        found: dict[str, Any] = self.listings[0].mappings["properties"]
        return found

    def set(self, name: str, value: str) -> None:
        index: dict[str, Any] = self.listings[0].settings["index"]
        index[name] = value


def _settings() -> dict[str, Any]:
    return {"index": {"number_of_shards": "1"}}


def spoil_alias(servers: Servers, **alias: object) -> None:
    first = servers.listings[0]
    servers.listings = [LiveIndex(first.name, first.settings, first.mappings, alias)]


def second_index(servers: Servers) -> None:
    first = servers.listings[0]
    servers.listings.append(LiveIndex("listings-v1-000002", first.settings, first.mappings, {"is_write_index": False}))


def no_outcomes(servers: Servers) -> None:
    servers.outcomes.clear()
    servers.templates.clear()


def older_outcomes(servers: Servers) -> None:
    del servers.outcomes[0].mappings["properties"]["removed"]


UNFIT: dict[str, tuple[Callable[[Servers], object], tuple[str, ...]]] = {
    "a field missing": (
        lambda s: s.fields.pop("drivetrain"),
        (INDEX, "older than this release", "drivetrain", "`listings index apply`"),
    ),
    "fields missing": (lambda s: [s.fields.pop(n) for n in ("seats", "doors")], ("2 fields (doors, seats)", "apply")),
    "a field within a field missing": (lambda s: s.fields["origin"]["properties"].pop("key"), ("origin.key", "apply")),
    "a field of another type": (
        lambda s: s.fields.update(year={"type": "keyword"}), ("year is keyword, declared short", "index apply"),
    ),
    "an object that is nested": (lambda s: s.fields["origin"].update(type="nested"), ("origin is nested",)),
    "no field at all": (lambda s: s.fields.clear(), ("older than this release",)),
    "outcomes older": (older_outcomes, ("index listing-outcomes is older", "removed", "`listings index apply`")),
    "closed": (lambda s: s.set("verified_before_close", "true"), ("is closed", "_open")),
    "read only": (lambda s: s.set("blocks", {"read_only": "true"}), ("index.blocks.read_only is set",)),  # type: ignore[arg-type]
    "full": (lambda s: s.set("blocks", {"read_only_allow_delete": "true"}), ("disk is full",)),  # type: ignore[arg-type]
    "rolled over": (second_index, ("2 indices", INDEX, "listings-v1-000002", "roll it over")),
    "nothing behind the alias": (lambda s: s.listings.clear(), ("no index behind the alias listings", "index apply")),
    "no outcomes and no template": (no_outcomes, ("no index listing-outcomes",)),
    "no write index": (lambda s: spoil_alias(s, is_write_index=False), ("no write index",)),
    "a filter": (lambda s: spoil_alias(s, filter={"term": {"country": "DE"}}), ("filter",)),
    "a routing": (lambda s: spoil_alias(s, index_routing="1"), ("index_routing",)),
    "no source": (lambda s: s.listings[0].mappings.update(_source={"enabled": False}), ("_source",)),  # type: ignore[attr-defined]
    "a routing wanted": (lambda s: s.listings[0].mappings.update(_routing={"required": True}), ("_routing",)),  # type: ignore[attr-defined]
}  # fmt: skip


@pytest.mark.parametrize("case", list(UNFIT))
async def test_what_can_not_work_is_an_outage_that_says_what_to_do(case: str) -> None:
    servers, (spoil, words) = Servers(), UNFIT[case]
    fit = IndexFit(DECLARED, servers)
    assert await fit.check() == {INDEX, "listing-outcomes"}
    spoil(servers)
    with pytest.raises(Outage) as caught:
        await fit.check()
    assert caught.value.code is FailureCode.INDEX_UNAVAILABLE
    assert [word for word in words if word not in caught.value.message] == []


FIT: dict[str, Callable[[Servers], object]] = {
    "a field more": lambda s: s.fields.update(other={"type": "keyword"}),
    "another limit": lambda s: s.fields["city"].update(ignore_above=10),
    "an object with its type": lambda s: s.fields["origin"].update(type="object"),
    "no strict mapping": lambda s: s.listings[0].mappings.update(dynamic="false"),  # type: ignore[attr-defined]
    "an alias without a mark": lambda s: spoil_alias(s),
    "outcomes that are made by the first": lambda s: s.outcomes.clear(),
}


@pytest.mark.parametrize("case", list(FIT))
async def test_what_works_all_the_same_is_no_outage(case: str) -> None:
    servers = Servers()
    FIT[case](servers)
    assert await IndexFit(DECLARED, servers).check() == {INDEX, "listing-outcomes"}


async def test_a_pipeline_is_noticed() -> None:
    servers = Servers()
    fit = IndexFit(DECLARED, servers)
    for name, seen in (("_none", False), ("mine", True)):
        servers.set("final_pipeline", name)
        await fit.check()
        assert fit.has_pipeline is seen


async def test_a_good_look_holds_for_the_time_that_is_asked_for_a_bad_one_does_not() -> None:
    servers = Servers()
    fit = IndexFit(DECLARED, servers)
    await fit.check()
    await fit.check(60.0)
    assert servers.looks == 2
    servers.fields.pop("seats")
    await fit.check(60.0)
    for _ in range(2):
        with pytest.raises(Outage):
            await fit.check()
    servers.fields["seats"] = {"type": "short"}
    await fit.check()
