"""Whether the indices, as OpenSearch has them now, can hold what this release writes.

What can not work is an outage, with the sentence that ends it: nothing is written, and nothing is lost, until a person
has mended it. Other differences are told, and `listings index apply --dry-run` shows them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from app.errors import Dependency, FailureCode, Outage
from app.model.index import LiveIndex
from app.ops.index import Declaration, Declared, fields_of, flatten

APPLY = "`listings index apply` adds what is missing"
_NAMED_MAX = 5
_BLOCKS = ("read_only", "read_only_allow_delete", "write", "read", "metadata")
_ALIAS_PARTS = ("filter", "index_routing", "search_routing")


class Standing(Protocol):
    """What is asked of OpenSearch (`app.adapters.opensearch.index_admin`)."""

    async def behind(self, name: str) -> Sequence[LiveIndex]: ...

    async def template(self, name: str) -> Mapping[str, Any] | None: ...


class IndexFit:
    """Compares the indices with what is declared; callers that come together share one look."""

    def __init__(self, declared: Declared, standing: Standing) -> None:
        self._declared = declared.indices
        self._standing = standing
        self._lock = asyncio.Lock()
        self._looked_at = -1e9
        self._names: frozenset[str] = frozenset()
        self.has_pipeline = False
        """Documents pass an ingest pipeline, which may change where they go."""

    async def check(self, max_age_s: float = 0.0) -> frozenset[str]:
        """The names of the indices that are written to; `Outage` when one of them can not work, or none answers.

        A good answer holds for `max_age_s`.
        """
        asked_at = asyncio.get_running_loop().time()
        async with self._lock:
            if self._looked_at < asked_at - max_age_s:
                names: set[str] = set()
                has_pipeline = False
                for declaration in self._declared:
                    found = await self._standing.behind(declaration.name)
                    if not found and await self._makes_itself(declaration):
                        names.add(declaration.name)
                        continue
                    live = _fit(declaration, found)
                    names.add(live.name)
                    has_pipeline = has_pipeline or bool(pipelines_of(live))
                self._names, self.has_pipeline = frozenset(names), has_pipeline
                self._looked_at = asyncio.get_running_loop().time()
            return self._names

    async def _makes_itself(self, declaration: Declaration) -> bool:
        """An index that is no alias's is made by the first document, and as declared where its template is there."""
        return declaration.alias is None and await self._standing.template(declaration.name) is not None


def pipelines_of(live: LiveIndex) -> list[str]:
    """The ingest pipelines that every document of an index passes."""
    settings = flatten(live.settings)
    found = (settings.get(f"index.{which}_pipeline", "_none") for which in ("default", "final"))
    return [name for name in found if name != "_none"]


def _fit(declaration: Declaration, found: Sequence[LiveIndex]) -> LiveIndex:
    name = declaration.name
    if not found:
        what = f"index behind the alias {name}" if declaration.alias else f"index {name}"
        raise _outage(f"OpenSearch has no {what}; `listings index apply` creates what is missing")
    if len(found) > 1:
        names = ", ".join(sorted(live.name for live in found))
        raise _outage(
            f"{name} stands for {len(found)} indices ({names}): a listing would stay in one of them as it was. Leave "
            "one behind it (POST /_aliases), and never roll it over"
        )
    for reason in _reasons(declaration, found[0]):
        raise _outage(reason)
    return found[0]


def _reasons(declaration: Declaration, live: LiveIndex) -> Iterator[str]:
    settings = flatten(live.settings)
    if settings.get("index.verified_before_close") == "true":
        yield f"index {live.name} is closed; open it: POST /{live.name}/_open"
    blocks = [block for block in _BLOCKS if settings.get(f"index.blocks.{block}") == "true"]
    if blocks:
        full = ", which OpenSearch sets when the disk is full" if "read_only_allow_delete" in blocks else ""
        yield f"index {live.name} takes no documents: index.blocks.{blocks[0]} is set{full}; take it away"
    if live.alias is not None and live.alias.get("is_write_index") is False:
        yield f"no write index is defined for the alias {declaration.name}: mark {live.name} by is_write_index"
    parts = [part for part in _ALIAS_PARTS if live.alias is not None and live.alias.get(part) is not None]
    if parts:
        yield f"the alias {declaration.name} has a {parts[0]}, by which listings are not found again; take it away"
    if str(live.mappings.get("_source", {}).get("enabled", True)).lower() == "false":
        yield f"index {live.name} keeps no _source, so nobody can read a document; it needs a new index"
    if str(live.mappings.get("_routing", {}).get("required", False)).lower() == "true":
        yield f"index {live.name} wants a routing with each document (_routing.required); it needs a new index"
    yield from _field_reasons(declaration, live)


def _field_reasons(declaration: Declaration, live: LiveIndex) -> Iterator[str]:
    actual = dict(fields_of(live.mappings.get("properties", {})))
    wanted = dict(fields_of(declaration.mappings["properties"]))
    other = [name for name, field in wanted.items() if name in actual and _type(field) != _type(actual[name])]
    if other:
        name = other[0]
        yield (
            f"index {live.name} can not hold what this release writes: {_some(other)} of another type ({name} is "
            f"{_type(actual[name])}, declared {_type(wanted[name])}). A type can not be changed: `listings index "
            "apply` shows what differs, and it needs a new index"
        )
    absent = [name for name in wanted if name not in actual]
    if absent:
        yield f"index {live.name} is older than this release: {_some(absent)} missing; {APPLY}"


def _type(field: Mapping[str, Any]) -> str:
    return str(field.get("type", "object"))


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_NAMED_MAX]) + (", …" if len(names) > _NAMED_MAX else "")
    return f"field {shown} is" if len(names) == 1 else f"{len(names)} fields ({shown}) are"


def _outage(reason: str) -> Outage:
    return Outage(FailureCode.INDEX_UNAVAILABLE, Dependency.SEARCH_INDEX, reason)
