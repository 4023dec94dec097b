"""What a sender's records hold: every column, and every path into nested values, with examples."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

_MOST_COLUMNS = 2_000
_DEEPEST = 8
_MOST_ENTRIES = 50
"""Of a list; the others hold the same."""
_EXAMPLES = 3
_BRACKETS = re.compile(r"\[[^\[\]]*\]")
_SAYS_NAME = ("name", "key", "label", "ariaLabel", "@name", "@key")
_SAYS_VALUE = ("value", "values", "data", "#text", "@value", "text")


@dataclass(slots=True)
class SeenColumn:
    """One column: how many records say something in it, and what, at first."""

    path: str
    filled: int = 0
    examples: list[str] = field(default_factory=list)

    def say(self, value: object) -> None:
        self.filled += 1
        text = str(value)
        if len(self.examples) < _EXAMPLES and text not in self.examples:
            self.examples.append(text)


class SeenColumns:
    """All columns of the records so far, in the order in which they came up."""

    def __init__(self) -> None:
        self.records = 0
        self._found: dict[str, SeenColumn] = {}

    def add(self, record: Mapping[str, object]) -> None:
        self.records += 1
        for path, value in dict(paths(record)).items():
            seen = self._found.get(path)
            if seen is None:
                if len(self._found) >= _MOST_COLUMNS:
                    continue
                seen = self._found[path] = SeenColumn(path)
            if value is not None and str(value).strip():
                seen.say(value)

    def all(self) -> list[SeenColumn]:
        return list(self._found.values())

    def unused(self, used: frozenset[str], key: Callable[[str], str] | None) -> list[SeenColumn]:
        """Columns that say something and that none of the paths in `used` leads to, or into."""
        known = {bare(name if key is None else key(name)) for name in used}
        return [seen for seen in self._found.values() if seen.filled and not _is_used(seen.path, known, key)]


def _is_used(path: str, known: set[str], key: Callable[[str], str] | None) -> bool:
    name = bare(path if key is None else key(path))
    if name in known or any(other.startswith(f"{name}.") for other in known):
        return True
    while "." in name:
        name = name.rpartition(".")[0]
        if name in known:
            return True
    return False


def bare(path: str) -> str:
    """A path without its brackets: `image[0].url` and `image[].url` are both `image.url`."""
    return _BRACKETS.sub("", path)


def paths(record: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    """(path as a profile names it, value) of every value that is no container, depth first.

    Of a list of texts the list; of a list of objects the paths of each (`images[].url`), or of each named one, if
    every entry has a name and a value (`specs[name=Power].value`).
    """
    for name, value in record.items():
        yield from _paths(name, value, 1)


def _paths(path: str, value: object, depth: int) -> Iterator[tuple[str, object]]:
    if depth > _DEEPEST:
        return
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _paths(f"{path}.{name}", inner, depth + 1)
    elif isinstance(value, (list, tuple)) and any(isinstance(entry, Mapping) for entry in value):
        yield from _of_objects(path, [entry for entry in value[:_MOST_ENTRIES] if isinstance(entry, Mapping)], depth)
    elif isinstance(value, (list, tuple)):
        yield path, ", ".join(map(str, value[:_MOST_ENTRIES])) or None
    else:
        yield path, value


def _of_objects(path: str, entries: list[Mapping[str, object]], depth: int) -> Iterator[tuple[str, object]]:
    name = next((n for n in _SAYS_NAME if all(_is_word(entry.get(n)) for entry in entries)), None)
    value = next((n for n in _SAYS_VALUE if any(n in entry for entry in entries)), None)
    if name is not None and value is not None:
        for entry in entries:
            yield f"{path}[{name}={entry[name]}].{value}", entry.get(value)
        return
    for entry in entries:
        for inner, found in entry.items():
            yield from _paths(f"{path}[].{inner}", found, depth + 1)


def _is_word(name: object) -> bool:
    return isinstance(name, str) and 0 < len(name) <= 60 and not set("[]=") & set(name)
