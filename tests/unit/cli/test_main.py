"""The command line as a whole."""

from __future__ import annotations

import importlib

import click
import pytest

from app.cli import NOUNS
from app.errors import Dependency, FailureCode, ListingsError, OperatorError, Outage
from tests.support.commands import DANGEROUS, Commands


def test_help_names_every_noun(run: Commands) -> None:
    code, out, _ = run("--help")
    assert code == 0
    for noun, line in NOUNS.items():
        assert f"  {noun} " in out
        assert line.split(":")[0][:40] in out


@pytest.mark.parametrize("noun", NOUNS)
def test_every_noun_has_its_module_and_its_help(run: Commands, noun: str) -> None:
    assert isinstance(importlib.import_module(f"app.cli.{noun}").command, click.Command)
    code, out, _ = run(noun, "--help")
    assert code == 0
    assert f"listings {noun}" in out


@pytest.mark.parametrize(
    "arguments", [("nonsense",), ("dlq", "nonsense"), ("dlq", "list", "--limit", "0"), ("status", "x")]
)
def test_wrong_usage_exits_with_two(run: Commands, arguments: tuple[str, ...]) -> None:
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert "Usage:" in err


@pytest.mark.parametrize(
    "error",
    [
        OperatorError(FailureCode.COMMAND_FAILED, "there is [bold]no[/] such\x1b[2J thing\nin two lines"),
        Outage(FailureCode.UNREACHABLE, Dependency.BROKER, "Kafka [bold]does\x1b[2J not answer\nin two lines"),
    ],
)
def test_what_fails_is_said_plainly_and_exits_with_one(
    run: Commands, monkeypatch: pytest.MonkeyPatch, error: ListingsError
) -> None:
    def fail() -> None:
        raise error

    monkeypatch.setattr("app.cli.worker.load_settings", fail)
    code, out, err = run("worker")
    assert (code, out) == (1, "")
    assert err.startswith(f"{error.code}: ")
    assert "[bold]" in err
    assert not DANGEROUS & set(err)
    assert err.endswith("\nin two lines\n")
    assert "Traceback" not in err


def test_an_interrupt_is_no_failure_of_ours(run: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("app.cli.worker.load_settings", interrupt)
    code, _, err = run("worker")
    assert code in (1, 130)
    assert "Traceback" not in err


def test_a_file_that_can_not_be_read_is_said_plainly(run: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise PermissionError(13, "Permission denied", "/data/worker")

    monkeypatch.setattr(importlib.import_module("app.cli.worker").command, "callback", fail)
    code, out, err = run("worker")
    assert (code, out, err.strip()) == (1, "", "/data/worker: Permission denied")
