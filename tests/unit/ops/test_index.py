"""Declared indices against an OpenSearch in memory: what differs, what is done, what is refused."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from app.errors import FailureCode, OperatorError
from app.model.index import LiveIndex
from app.ops.index import Action, Declared, apply_index, find_changes, flatten, load_declared, refusal

TEMPLATE: dict[str, Any] = {
    "version": 1,
    "template": {
        "settings": {"index.number_of_shards": "1", "index.refresh_interval": "500ms"},
        "mappings": {
            "dynamic": "strict",
            "properties": {
                "make": {"type": "keyword", "ignore_above": 256},
                "price": {"type": "scaled_float", "scaling_factor": 100},
                "origin": {"properties": {"key": {"type": "keyword"}}},
            },
        },
    },
}


class Memory:
    """Keeps what it is told, as OpenSearch would; `calls` are the changes made."""

    def __init__(self) -> None:
        self.templates: dict[str, Mapping[str, Any]] = {}
        self.searches: dict[str, str] = {}
        self.indices: dict[str, LiveIndex] = {}
        self.aliases: dict[str, str] = {}
        self.calls: list[str] = []

    async def template(self, name: str) -> Mapping[str, Any] | None:
        return self.templates.get(name)

    async def put_template(self, name: str, template: Mapping[str, Any]) -> None:
        self.calls.append(f"template {name}")
        self.templates[name] = copy.deepcopy(dict(template))

    async def search(self, name: str) -> str | None:
        return self.searches.get(name)

    async def put_search(self, name: str, source: str) -> None:
        self.calls.append(f"search {name}")
        self.searches[name] = source

    async def live(self, name: str) -> LiveIndex | None:
        return self.indices.get(name)

    async def write_index(self, alias: str) -> str | None:
        return self.aliases.get(alias)

    async def create(self, index: str, alias: str | None) -> None:
        self.calls.append(f"create {index}")
        template = next(t for t in self.templates.values() if t["index_patterns"][0].rstrip("*") in index)
        body = copy.deepcopy(template["template"])
        self.indices[index] = LiveIndex(index, {**body["settings"], "index.uuid": "x"}, body["mappings"])
        if alias:
            self.aliases[alias] = index

    async def put_settings(self, index: str, settings: Mapping[str, object]) -> None:
        self.calls.append(f"settings {sorted(settings)}")
        old = self.indices[index]
        self.indices[index] = LiveIndex(index, {**old.settings, **settings}, old.mappings)

    async def put_mapping(self, index: str, mappings: Mapping[str, Any]) -> None:
        self.calls.append(f"mapping {index}")
        old = self.indices[index]
        merged = {**old.mappings["properties"], **mappings["properties"]}
        self.indices[index] = LiveIndex(index, old.settings, {**mappings, "properties": merged})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("listings", "listing-outcomes"):
        (tmp_path / f"{name}.json").write_text(json.dumps(TEMPLATE))
    for name in ("listings-search", "listings-suggest"):
        (tmp_path / f"{name}.mustache").write_text('{"size": {{size}}}')
    return tmp_path


def declared(folder: Path, change: Mapping[str, Any] | None = None) -> Declared:
    """The declarations; `change` replaces fields of the listings' mapping (None takes one away)."""
    if change is not None:
        template = copy.deepcopy(TEMPLATE)
        found = template["template"]["mappings"]["properties"]
        for name, field in change.items():
            found.pop(name, None)
            if field is not None:
                found[name] = field
        (folder / "listings.json").write_text(json.dumps(template))
    return load_declared(folder, "cars", "told")


async def test_what_is_missing_is_created_once(folder: Path) -> None:
    memory = Memory()
    changes = await apply_index(declared(folder), memory)
    assert {change.action for change in changes} == {Action.CREATE}
    assert memory.aliases == {"cars": "cars-v1-000001"}
    assert set(memory.indices) == {"cars-v1-000001", "told"}
    assert set(memory.searches) == {"cars-search", "cars-suggest"}
    memory.calls.clear()
    assert await apply_index(declared(folder), memory) == []
    assert memory.calls == []


async def test_a_dry_run_shows_the_same_and_does_nothing(folder: Path) -> None:
    memory = Memory()
    changes = await apply_index(declared(folder), memory, dry_run=True)
    assert memory.calls == []
    assert changes == await apply_index(declared(folder), memory)


async def test_a_new_field_and_a_changed_limit_are_put(folder: Path) -> None:
    memory = Memory()
    await apply_index(declared(folder), memory)
    memory.calls.clear()
    change = {"model": {"type": "keyword"}, "make": {"type": "keyword", "ignore_above": 512}}
    changes = await apply_index(declared(folder, change), memory)
    assert {(c.item, c.action) for c in changes} == {(name, Action.UPDATE) for name in (None, "make", "model")}
    assert memory.calls == ["template cars", "mapping cars-v1-000001"]
    assert await find_changes(declared(folder), memory) == []


async def test_a_setting_that_drifted_is_put_back(folder: Path) -> None:
    memory = Memory()
    await apply_index(declared(folder), memory)
    memory.calls.clear()
    await memory.put_settings("cars-v1-000001", {"index.refresh_interval": "30s"})
    changes = await apply_index(declared(folder), memory)
    assert [(c.item, c.declared, c.actual) for c in changes] == [("index.refresh_interval", "500ms", "30s")]
    assert memory.calls[1:] == ["settings ['index.refresh_interval']"]


@pytest.mark.parametrize(
    ("change", "item"),
    [
        ({"make": {"type": "text"}}, "make"),
        ({"make": {"type": "keyword", "ignore_above": 256, "index": False}}, "make"),
        ({"origin": {"properties": {"key": {"type": "long"}}}}, "origin.key"),
    ],
)
async def test_what_can_not_change_in_place_is_refused_before_anything_is_done(
    folder: Path, change: dict[str, Any], item: str
) -> None:
    memory = Memory()
    await apply_index(declared(folder), memory)
    memory.calls.clear()
    changes = await apply_index(declared(folder, {**change, "added": {"type": "keyword"}}), memory)
    assert [c.item for c in changes if c.action is Action.REFUSED] == [item]
    assert memory.calls == []
    error = refusal(changes)
    assert error is not None
    assert error.code is FailureCode.DECLARATION_INVALID
    assert item in error.message


async def test_another_number_of_shards_is_refused(folder: Path) -> None:
    memory = Memory()
    await apply_index(declared(folder), memory)
    await memory.put_settings("told", {"index.number_of_shards": "3"})
    refused = [c for c in await find_changes(declared(folder), memory) if c.action is Action.REFUSED]
    assert [(c.subject, c.item) for c in refused] == [("index told", "index.number_of_shards")]


async def test_a_field_that_is_declared_no_more_is_kept_and_told(folder: Path) -> None:
    memory = Memory()
    await apply_index(declared(folder), memory)
    await apply_index(declared(folder, {"price": None}), memory)
    changes = await find_changes(declared(folder), memory)
    assert [(c.item, c.action) for c in changes] == [("price", Action.KEPT)]
    assert refusal(changes) is None


@pytest.mark.parametrize("text", ["{", "[]", '{"version": 1}', '{"version": 1, "template": {"mappings": {}}}'])
def test_a_file_that_is_no_index_template_is_told_by_its_name(folder: Path, text: str) -> None:
    (folder / "listing-outcomes.json").write_text(text)
    with pytest.raises(OperatorError) as raised:
        declared(folder)
    assert "listing-outcomes.json" in raised.value.message


def test_a_file_that_is_missing_is_told_by_its_name(folder: Path) -> None:
    (folder / "listings-search.mustache").unlink()
    with pytest.raises(OperatorError) as raised:
        declared(folder)
    assert "listings-search.mustache" in raised.value.message


def test_settings_are_compared_by_flat_names_and_as_text() -> None:
    nested = {"index": {"shards": 1, "analysis": {"filter": ["a", "b"]}, "flag": True}}
    flat = {"index.shards": "1", "index.analysis.filter": ["a", "b"], "index.flag": "true"}
    assert flatten(nested) == flatten(flat)
