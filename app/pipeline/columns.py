"""Columns and paths: how a profile names a value in a sender's record.

A name is looked up as it is first ("mileage.value" may be a flattened column); then it is a path: names joined by
dots, `[2]` an element (0-based), `[]` every element, `[key=value]` the elements whose `key` is `value`. One value
where a list could be is a list of one: XML does not tell them apart.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from app.pipeline.values.ids import LostDigits

Row = Mapping[str, object]
Column = Callable[[Row], object]
_Step = Callable[[object], Iterator[object]]

_STEP = re.compile(r"\[(?P<inner>[^\[\]]*)\]|(?P<name>[^.\[\]]+)")
_TEMPLATE = re.compile(r"\{([^{}]+)\}")


def column(name: str, key: Callable[[str], str] | None = None) -> Column:
    """A function that takes the value of `name` from a row; None when there is none, a list when there are many.

    `key` brings names into the form in which they are compared; None: as they are.
    """
    wanted = name if key is None or name.startswith("$") else key(name)
    if wanted.startswith("$") or not _has_path(wanted):
        return lambda row: row.get(wanted)
    if "[" in wanted:
        return _path(wanted)
    names = wanted.split(".")

    def take(row: Row) -> object:
        value = row.get(wanted)
        if value is not None:
            return value
        value = row
        for part in names:
            if not isinstance(value, Mapping):
                return None
            value = value.get(part)
        return value

    return take


def _has_path(name: str) -> bool:
    return len(_STEP.findall(name)) > 1 or "[" in name


def _path(wanted: str) -> Column:
    steps = [_step(match) for match in _STEP.finditer(wanted)]
    many = "[]" in wanted or "=" in wanted

    def take(row: Row) -> object:
        direct = row.get(wanted)
        if direct is not None:
            return direct
        found: list[object] = [row]
        for step in steps:
            found = [value for parent in found for value in step(parent)]
        return found if many and len(found) > 1 else (found[0] if found else None)

    return take


def column_key(name: str) -> str:
    """A column name as compared when case does not count."""
    return name.strip().casefold()


def loose_key(name: str) -> str:
    """A column name as compared when neither case, blanks for `_`, nor the namespace of Google's files counts."""
    return column_key(name).removeprefix("g:").strip().replace(" ", "_")


def own_key(name: str) -> str:
    """A column name as compared with our own field names: hyphens do not count either."""
    return loose_key(name).replace("-", "_")


def template_columns(template: str) -> list[str]:
    """The columns that a template names, without the `?` of those that may be missing."""
    return [name.removesuffix("?") for name in _TEMPLATE.findall(template)]


def joined(
    template: str, make: Callable[[str], Column], nulls: frozenset[str], as_text: Callable[[object], str] = str
) -> Column:
    """Columns joined to one text; None when one says nothing (`nulls`) that is not marked with `?`, or all do.

    `as_text` makes the text of one value; where it raises `LostDigits`, the value itself stands for all.
    """
    marked = [name.endswith("?") for name in _TEMPLATE.findall(template)]
    takers = [make(name) for name in template_columns(template)]
    pieces = _TEMPLATE.split(template)[::2]
    parts = list(zip(takers, marked, pieces[1:], strict=True))

    def join(row: Row) -> object:
        text, said = pieces[0], False
        for take, optional, piece in parts:
            value = take(row)
            try:
                part = "" if value is None or isinstance(value, (list, Mapping)) else as_text(value).strip()
            except LostDigits:
                return value
            if part.casefold() not in nulls:
                said = True
                text += part
            elif not optional:
                return None
            text += piece
        return text if said else None

    return join


def fingerprint(takers: Sequence[Column], as_text: Callable[[object], str] = str) -> Column:
    """What does not change about a vehicle as an id: 32 hex digits of SHA-256; None when nothing is said at all.

    `as_text` as in `joined`.
    """

    def take(row: Row) -> object:
        texts = []
        for value in (take(row) for take in takers):
            try:
                texts.append("" if value is None else as_text(value).strip())
            except LostDigits:
                return value
        said = any(texts)
        return hashlib.sha256("\0".join(texts).encode("utf-8", "replace")).hexdigest()[:32] if said else None

    return take


def _step(match: re.Match[str]) -> _Step:
    inner = match["inner"]
    if inner is None:
        return _named(match["name"])
    if inner == "":
        return lambda value: iter(_listed(value))
    key, equals, wanted = inner.partition("=")
    if equals:
        return _having(key, wanted)
    return _element(int(inner)) if inner.isdecimal() else _named(inner)


def _named(name: str) -> _Step:
    def step(value: object) -> Iterator[object]:
        if isinstance(value, Mapping) and value.get(name) is not None:
            yield value[name]

    return step


def _element(place: int) -> _Step:
    def step(value: object) -> Iterator[object]:
        entries = _listed(value)
        if place < len(entries):
            yield entries[place]

    return step


def _listed(value: object) -> Sequence[object]:
    if isinstance(value, (list, tuple)):
        return value
    return () if value is None else (value,)


def _having(key: str, wanted: str) -> _Step:
    def step(value: object) -> Iterator[object]:
        for entry in _listed(value):
            if isinstance(entry, Mapping) and str(entry.get(key)) == wanted:
                yield entry

    return step
