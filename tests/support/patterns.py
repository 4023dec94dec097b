"""Every regular expression of the program: those that modules compile when loaded, and those of calls inside."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

APP = Path("app")
_EVERYWHERE = frozenset({"search", "sub", "subn", "finditer", "findall", "split"})
_CALLS = _EVERYWHERE | {"match", "fullmatch", "compile"}


@dataclass(frozen=True)
class Found:
    """One pattern, and how it is used."""

    place: str
    """module.NAME, or module:function for a call."""
    pattern: str | bytes
    flags: int
    search: bool
    """It is looked for at every place of a text."""
    whole: bool
    """It is only used to match a text as a whole."""


def all_patterns() -> Iterator[Found]:
    for path in sorted(APP.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        if not any(isinstance(node, ast.Import) and any(n.name == "re" for n in node.names) for node in ast.walk(tree)):
            continue
        module = ".".join(path.with_suffix("").parts).removesuffix(".__init__")
        yield from _of_module(module, tree)
        yield from _of_calls(module, tree)


def _of_module(module: str, tree: ast.Module) -> Iterator[Found]:
    used: dict[str, set[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            used.setdefault(node.value.id, set()).add(node.attr)
    for name, value in vars(import_module(module)).items():
        if getattr(value, "__module__", module) != module and not isinstance(value, (re.Pattern, tuple, list, dict)):
            continue
        for pattern in _patterns_in(value):
            ways = used.get(name, set()) & _CALLS if isinstance(value, re.Pattern) else set()
            yield Found(
                f"{module}.{name}",
                pattern.pattern,
                pattern.flags & ~re.UNICODE if isinstance(pattern.pattern, str) else pattern.flags,
                search=not ways or bool(ways & _EVERYWHERE),
                whole=ways == {"fullmatch"},
            )


def _patterns_in(value: object) -> Iterator[re.Pattern[str] | re.Pattern[bytes]]:
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, (tuple, list, frozenset, set)):
        for part in value:
            yield from _patterns_in(part)
    elif isinstance(value, dict):
        for part in value.values():
            yield from _patterns_in(part)


def _of_calls(module: str, tree: ast.Module) -> Iterator[Found]:
    """Calls of `re` inside of functions; a pattern that is not written there stands as its source."""
    for function in ast.walk(tree):
        if not isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        for node in ast.walk(function):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            if isinstance(node.func.value, ast.Name) and node.func.value.id == "re" and node.func.attr in _CALLS:
                first = node.args[0]
                written = first.value if isinstance(first, ast.Constant) else None
                place = f"{module}:{function.name}"
                if isinstance(written, (str, bytes)):
                    yield Found(place, written, 0, node.func.attr in _EVERYWHERE, node.func.attr == "fullmatch")
                else:
                    yield Found(f"{place} {ast.unparse(first)}", "", 0, search=True, whole=False)
