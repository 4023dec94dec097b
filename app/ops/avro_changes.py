"""Why one Avro schema and another can not read each other's records, in words.

A registry only says that they can not. The rules are those of FULL compatibility (Avro specification, "Schema
resolution", applied in both directions): fields come and go with defaults only, and types stay.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def find_breaks(old: Any, new: Any, place: str = "") -> Iterator[str]:
    """Each break between two schemas, as "field a.b: …"; none when both can read what the other writes."""
    old_kind, new_kind = _kind(old), _kind(new)
    if old_kind != new_kind:
        yield f"{place or 'schema'}: {_name(old)} became {_name(new)}"
    elif old_kind in ("record", "enum", "fixed") and _simple_name(old) != _simple_name(new):
        yield f"{place or 'schema'}: {old_kind} {_name(old)} was renamed to {_name(new)}"
    elif old_kind == "record":
        yield from _record_breaks(old, new, place)
    elif old_kind == "array":
        yield from find_breaks(old["items"], new["items"], f"{place}[]")
    elif old_kind == "map":
        yield from find_breaks(old["values"], new["values"], f"{place}{{}}")
    elif old_kind == "union":
        yield from _union_breaks(old, new, place)
    elif old_kind == "enum":
        if set(old["symbols"]) != set(new["symbols"]) and not ("default" in old and "default" in new):
            yield f"{place}: symbols changed without a default symbol in both"
    elif isinstance(old, dict) and isinstance(new, dict):
        yield from _logical_breaks(old, new, place)


def _record_breaks(old: Any, new: Any, place: str) -> Iterator[str]:
    before = {field["name"]: field for field in old["fields"]}
    after = {field["name"]: field for field in new["fields"]}
    for name, field in after.items():
        here = f"{place}.{name}" if place else f"field {name}"
        known = [before[alias] for alias in (name, *field.get("aliases", ())) if alias in before]
        if known:
            yield from find_breaks(known[0]["type"], field["type"], here)
        elif "default" not in field:
            yield f"{here}: added without a default"
    aliases = {alias for field in after.values() for alias in field.get("aliases", ())}
    for name, field in before.items():
        if name not in after and name not in aliases and "default" not in field:
            yield f"{place}.{name}: removed, and had no default" if place else f"field {name}: removed, had no default"


def _union_breaks(old: Any, new: Any, place: str) -> Iterator[str]:
    before, after = {_name(branch): branch for branch in old}, {_name(branch): branch for branch in new}
    for name in sorted(before.keys() ^ after.keys()):
        yield f"{place}: {name} {'removed from' if name in before else 'added to'} the union"
    for name in sorted(before.keys() & after.keys()):
        yield from find_breaks(before[name], after[name], place)


def _logical_breaks(old: dict[str, Any], new: dict[str, Any], place: str) -> Iterator[str]:
    for attribute in ("logicalType", "precision", "scale", "size"):
        if old.get(attribute) != new.get(attribute):
            yield f"{place}: {attribute} {old.get(attribute)} became {new.get(attribute)}"


def _kind(schema: Any) -> str:
    if isinstance(schema, list):
        return "union"
    return _kind(schema["type"]) if isinstance(schema, dict) else str(schema)


def _name(schema: Any) -> str:
    """For a person, and to tell the branches of a union apart."""
    if isinstance(schema, dict):
        return str(schema.get("name") or schema.get("logicalType") or _kind(schema))
    return _kind(schema)


def _simple_name(schema: Any) -> str:
    """Readers match names without their namespace (Avro specification)."""
    return str(schema["name"]).rpartition(".")[2] if isinstance(schema, dict) else str(schema)


def find_losses(ours: Any, theirs: Any, place: str = "") -> Iterator[str]:
    """What ours can say and theirs can not, as "field a.b": what a record loses that is written by theirs."""
    kind = _kind(ours)
    if kind != _kind(theirs):
        yield place or "all of it"
    elif kind in ("array", "map"):
        inner, mark = ("items", "[]") if kind == "array" else ("values", "{}")
        yield from find_losses(ours[inner], theirs[inner], f"{place}{mark}")
    elif kind == "enum":
        missing = [symbol for symbol in ours["symbols"] if symbol not in theirs["symbols"]]
        if missing:
            yield f"{place} ({', '.join(missing)})"
    elif kind in ("record", "union"):
        known, wanted = (_parts(kind, schema, place) for schema in (theirs, ours))
        for name, (here, part) in wanted.items():
            if name in known:
                yield from find_losses(part, known[name][1], place if kind == "union" else here)
            else:
                yield here


def _parts(kind: str, schema: Any, place: str) -> dict[str, tuple[str, Any]]:
    """The fields of a record, or the branches of a union: by name, how each is told to a person, and its type."""
    if kind == "union":
        return {_name(branch): (f"{place} ({_name(branch)})", branch) for branch in schema}
    start = f"{place}." if place else "field "
    return {field["name"]: (f"{start}{field['name']}", field["type"]) for field in schema["fields"]}
