"""The indices and searches as declared in `schemas/opensearch/`, compared with OpenSearch and applied to it.

A declaration is an index template in OpenSearch's own shape; the index behind it is made from it once, then only
what OpenSearch can change in place is changed. What it can not (a field's type, an analyzer, the number of shards)
is refused before anything is touched. No index is ever deleted.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from app.errors import FailureCode, OperatorError
from app.model.index import LiveIndex

# The parameters of a field that OpenSearch changes in place; others mean a new index.
_CHANGEABLE = frozenset({"ignore_above", "meta", "copy_to", "coerce", "search_analyzer", "boost"})
_FIXED_SETTINGS = ("index.number_of_shards", "index.analysis.", "index.codec", "index.sort.", "index.routing")


@dataclass(frozen=True, slots=True)
class Declaration:
    """One file: the index template called `name`, of `index_patterns`; with an alias when it is written through one."""

    name: str
    template: Mapping[str, Any]
    alias: str | None

    @property
    def first_index(self) -> str:
        """The index that is made when there is none."""
        return self.name if self.alias is None else f"{self.alias}-v{self.template['version']}-000001"

    @property
    def settings(self) -> dict[str, str]:
        return flatten(self.template["template"].get("settings", {}))

    @property
    def mappings(self) -> Mapping[str, Any]:
        mappings: Mapping[str, Any] = self.template["template"]["mappings"]
        return mappings


@dataclass(frozen=True, slots=True)
class Declared:
    """Everything below `schemas/opensearch/`: templates, and stored searches by name."""

    indices: tuple[Declaration, ...]
    searches: Mapping[str, str]


class IndexAdmin(Protocol):
    """What is asked of OpenSearch (`app.adapters.opensearch.index_admin`)."""

    async def template(self, name: str) -> Mapping[str, Any] | None: ...

    async def put_template(self, name: str, template: Mapping[str, Any]) -> None: ...

    async def search(self, name: str) -> str | None: ...

    async def put_search(self, name: str, source: str) -> None: ...

    async def live(self, name: str) -> LiveIndex | None: ...

    async def write_index(self, alias: str) -> str | None: ...

    async def create(self, index: str, alias: str | None) -> None: ...

    async def put_settings(self, index: str, settings: Mapping[str, object]) -> None: ...

    async def put_mapping(self, index: str, mappings: Mapping[str, Any]) -> None: ...


class Action(StrEnum):
    CREATE = "create"
    UPDATE = "update"
    REFUSED = "refused"
    """It can not be done in place."""
    KEPT = "kept"
    """Not declared any more, and stays: it does no harm."""


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between what is declared and what is there, and what is done about it."""

    subject: str
    """As in `index listings-v1-000001`."""
    item: str | None
    """The field or setting; None: the subject as a whole."""
    declared: str | None
    actual: str | None
    action: Action

    def __str__(self) -> str:
        what = self.subject if self.item is None else f"{self.subject}: {self.item}"
        if self.actual is None:
            return f"{what} is missing"
        return f"{what} is {self.actual}, " + ("not declared" if self.declared is None else f"declared {self.declared}")


def load_declared(folder: Path, alias: str, outcomes_index: str) -> Declared:
    """Read the declarations for these names; `OperatorError(DECLARATION_INVALID)` when one can not be read."""
    return Declared(
        indices=(
            _declaration(folder / "listings.json", alias, through_alias=True),
            _declaration(folder / "listing-outcomes.json", outcomes_index, through_alias=False),
        ),
        searches={
            f"{alias}-search": _read(folder / "listings-search.mustache"),
            f"{alias}-suggest": _read(folder / "listings-suggest.mustache"),
        },
    )


async def find_changes(declared: Declared, admin: IndexAdmin) -> list[Change]:
    """Every difference, in the order in which it would be applied."""
    changes: list[Change] = []
    for declaration in declared.indices:
        changes += await _template_changes(declaration, admin)
        changes += await _index_changes(declaration, admin)
    for name, source in declared.searches.items():
        actual = await admin.search(name)
        if actual != source:
            subject = f"search template {name}"
            changes.append(Change(subject, None, "as in its file", _differs(actual), _create_or_update(actual)))
    return changes


async def apply_index(declared: Declared, admin: IndexAdmin, *, dry_run: bool = False) -> list[Change]:
    """Make it so, and say what was done; nothing is done when any change is refused, or under `dry_run`."""
    changes = await find_changes(declared, admin)
    if dry_run or any(change.action is Action.REFUSED for change in changes):
        return changes
    subjects = {change.subject for change in changes if change.action is not Action.KEPT}
    for declaration in declared.indices:
        if f"index template {declaration.name}" in subjects:
            await admin.put_template(declaration.name, declaration.template)
        live = await _live(declaration, admin)
        if live is None:
            await admin.create(declaration.first_index, declaration.alias)
        else:
            await _update(declaration, live, admin)
    for name, source in declared.searches.items():
        if f"search template {name}" in subjects:
            await admin.put_search(name, source)
    return changes


def refusal(changes: Sequence[Change]) -> OperatorError | None:
    """What to tell when something is refused, else None."""
    refused = [
        f"{c.subject}: {c.item} is {c.actual}, declared {c.declared}" for c in changes if c.action is Action.REFUSED
    ]
    if not refused:
        return None
    return OperatorError(
        FailureCode.DECLARATION_INVALID,
        f"{'; '.join(refused)}. OpenSearch can not change that in an index that exists. Undo it, or give the field a "
        "new name; nothing was changed",
    )


def flatten(tree: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Nested settings by their flat names, values as text (OpenSearch keeps them as text)."""
    flat: dict[str, str] = {}
    for name, value in tree.items():
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = _text(value)
    return flat


def fields_of(properties: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every field by its full name, with its parameters."""
    for name, field in properties.items():
        yield prefix + name, {key: value for key, value in field.items() if key != "properties"}
        yield from fields_of(field.get("properties", {}), f"{prefix}{name}.")


async def _template_changes(declaration: Declaration, admin: IndexAdmin) -> list[Change]:
    actual = await admin.template(declaration.name)
    if actual is not None and _normal(actual) == _normal(declaration.template):
        return []
    subject = f"index template {declaration.name}"
    return [Change(subject, None, "as in its file", _differs(actual), _create_or_update(actual))]


async def _index_changes(declaration: Declaration, admin: IndexAdmin) -> list[Change]:
    live = await _live(declaration, admin)
    if live is None:
        return [Change(f"index {declaration.first_index}", None, "as in its template", None, Action.CREATE)]
    subject = f"index {live.name}"
    actual = flatten(live.settings)
    changes = [
        Change(subject, name, value, actual.get(name), _setting_action(name))
        for name, value in declaration.settings.items()
        if value != actual.get(name)
    ]
    if str(declaration.mappings.get("dynamic")) != str(live.mappings.get("dynamic")):
        dynamic = (_or_none(declaration.mappings.get("dynamic")), _or_none(live.mappings.get("dynamic")))
        changes.append(Change(subject, "dynamic", *dynamic, Action.UPDATE))
    return changes + _field_changes(subject, declaration, live)


def _field_changes(subject: str, declaration: Declaration, live: LiveIndex) -> list[Change]:
    wanted = dict(fields_of(declaration.mappings["properties"]))
    actual = dict(fields_of(live.mappings.get("properties", {})))
    changes = []
    for name, parameters in wanted.items():
        if name not in actual:
            changes.append(Change(subject, name, _text(parameters), None, Action.UPDATE))
        elif parameters != actual[name]:
            action = Action.UPDATE if _is_changeable(parameters, actual[name]) else Action.REFUSED
            changes.append(Change(subject, name, _text(parameters), _text(actual[name]), action))
    kept = [name for name in actual if name not in wanted]
    return changes + [Change(subject, name, None, _text(actual[name]), Action.KEPT) for name in kept]


async def _update(declaration: Declaration, live: LiveIndex, admin: IndexAdmin) -> None:
    present = flatten(live.settings)
    settings = {name: value for name, value in declaration.settings.items() if value != present.get(name)}
    if settings:
        await admin.put_settings(live.name, settings)
    actual = dict(fields_of(live.mappings.get("properties", {})))
    declared = dict(fields_of(declaration.mappings["properties"]))
    differs = any(parameters != actual.get(name) for name, parameters in declared.items())
    if differs or str(declaration.mappings.get("dynamic")) != str(live.mappings.get("dynamic")):
        await admin.put_mapping(live.name, declaration.mappings)


async def _live(declaration: Declaration, admin: IndexAdmin) -> LiveIndex | None:
    name = await admin.write_index(declaration.alias) if declaration.alias else declaration.name
    return None if name is None else await admin.live(name)


def _declaration(path: Path, name: str, *, through_alias: bool) -> Declaration:
    try:
        template = json.loads(_read(path))
        pattern = f"{name}-v{template['version']}-*" if through_alias else name
        mappings = template["template"]["mappings"]
        if not isinstance(mappings["properties"], dict):
            raise TypeError("template.mappings.properties")
    except (ValueError, KeyError, TypeError) as error:
        raise OperatorError(
            FailureCode.DECLARATION_INVALID,
            f"{path}: expected an index template with version and template.mappings.properties, found: {error}",
        ) from error
    return Declaration(name, {**template, "index_patterns": [pattern]}, name if through_alias else None)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise OperatorError(
            FailureCode.DECLARATION_INVALID,
            f"{path}: expected a declaration, it can not be read ({type(error).__name__}); see LISTINGS_PATHS__SCHEMAS",
        ) from error


def _normal(template: Mapping[str, Any]) -> dict[str, Any]:
    body = template.get("template", {})
    return {
        **{key: template.get(key) for key in ("index_patterns", "version", "priority", "_meta")},
        "settings": flatten(body.get("settings", {})),
        "mappings": body.get("mappings", {}),
    }


def _is_changeable(wanted: Mapping[str, Any], actual: Mapping[str, Any]) -> bool:
    names = wanted.keys() | actual.keys()
    return all(name in _CHANGEABLE for name in names if wanted.get(name) != actual.get(name))


def _setting_action(name: str) -> Action:
    return Action.REFUSED if name.startswith(_FIXED_SETTINGS) else Action.UPDATE


def _create_or_update(actual: object) -> Action:
    return Action.CREATE if actual is None else Action.UPDATE


def _differs(actual: object) -> str | None:
    return None if actual is None else "differs"


def _or_none(value: object) -> str | None:
    return None if value is None else str(value)


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
