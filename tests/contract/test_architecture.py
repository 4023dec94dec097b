"""What import-linter can not see: the pure core calls no clock, no file and no chance either."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

APP = Path(__file__).parents[2] / "app"
CORE = sorted(
    [APP / "ports.py", APP / "errors.py"]
    + [path for name in ("model", "pipeline", "failures") for path in (APP / name).rglob("*.py")]
)
CLOCKS = {"now", "utcnow", "today"}
"""Methods of `datetime` and `date`; asked of a `Clock` they are fine."""
BUILTINS = {"open", "print", "input", "exec", "eval", "breakpoint"}
MODULES = {"time", "uuid", "secrets", "pathlib", "socket", "subprocess", "threading", "tempfile", "shutil", "sys"}


def impurities(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in BUILTINS:
            yield f"line {node.lineno}: {node.func.id}()"
        elif (
            isinstance(node, ast.Attribute)
            and node.attr in CLOCKS
            and isinstance(node.value, ast.Name)
            and node.value.id in ("datetime", "date")
        ):
            yield f"line {node.lineno}: {node.value.id}.{node.attr}"
        elif isinstance(node, ast.Import):
            yield from (f"line {node.lineno}: import {a.name}" for a in node.names if a.name.split(".")[0] in MODULES)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in MODULES:
            yield f"line {node.lineno}: from {node.module} import"


@pytest.mark.parametrize("path", CORE, ids=lambda path: path.relative_to(APP).as_posix())
def test_the_core_asks_no_clock_no_file_and_no_chance(path: Path) -> None:
    assert list(impurities(path.read_text())) == []


@pytest.mark.parametrize(
    "line", ["datetime.now(UTC)", "date.today()", "open('x')", "import time", "from pathlib import Path"]
)
def test_what_would_break_that_is_seen(line: str) -> None:
    assert len(list(impurities(line))) == 1


def test_a_clock_that_is_handed_in_may_be_asked() -> None:
    assert list(impurities("self._clock.now()")) == []
