"""`listings stack` where no server runs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from app.cli import stack as stack_command
from app.devstack import processes
from app.devstack.stack import Stack
from app.devstack.state import StateFile
from app.errors import FailureCode, OperatorError


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project folder without any stack."""
    monkeypatch.setattr(stack_command, "_ROOT", tmp_path)
    return tmp_path


@pytest.fixture
def worker(project: Path) -> Iterator[processes.Identity]:
    """A process that belongs to the project's stack."""
    identity = processes.spawn([sys.executable, "-c", "import time; time.sleep(60)"], {}, project, project / "log")
    Stack(project).register_process("worker", identity.pid)
    yield identity
    processes.kill(identity)


def run(*arguments: str) -> tuple[str, BaseException | None]:
    result = CliRunner().invoke(stack_command.command, list(arguments))
    return result.stdout, result.exception


def test_status_fails_while_servers_are_stopped(project: Path) -> None:
    output, error = run("status", "--output", "json")
    assert {line["server"]: line["state"] for line in json.loads(output)} == {
        "kafka": "stopped",
        "opensearch": "stopped",
        "s3": "stopped",
        "registry": "stopped",
    }
    assert isinstance(error, OperatorError)
    assert error.code is FailureCode.COMMAND_FAILED
    assert "kafka, opensearch, s3, registry" in error.message


def test_status_names_the_command_that_starts_what_is_missing(project: Path, worker: processes.Identity) -> None:
    processes.kill(worker)
    _, error = run("status")
    assert isinstance(error, OperatorError)
    servers, of_worker = error.message.split(". ")
    assert servers == "not running: kafka, opensearch, s3, registry; `listings stack up` starts what is missing"
    assert of_worker.startswith("not running: worker; start it with")
    assert "`listings worker`" in of_worker


def test_down_tells_what_it_stopped(project: Path, worker: processes.Identity) -> None:
    output, error = run("down", "--output", "json")
    assert error is None
    assert json.loads(output) == {"stack": "default", "stopped": ["worker"]}
    assert run("down") == ("stopped  nothing ran\n", None)


def test_env_of_a_stack_that_never_was_says_how_to_start_it(project: Path) -> None:
    output, error = run("env")
    assert output == ""
    assert isinstance(error, OperatorError)
    assert "listings stack up" in error.message


def test_env_of_a_stopped_stack_prints_no_dead_addresses(project: Path) -> None:
    ports = ("kafka.client", "opensearch.http", "s3.http", "registry.http", "worker.http")
    with StateFile(project / ".stack" / "default").change() as state:
        state.ports = dict.fromkeys(ports, 1)
        state.secrets = {"s3.access_key": "a", "s3.secret_key": "b"}
    output, error = run("env")
    assert output == ""
    assert isinstance(error, OperatorError)
    assert "stopped" in error.message


def test_an_impossible_name_is_refused(project: Path) -> None:
    _, error = run("up", "--name", "../other")
    assert isinstance(error, OperatorError)
    assert error.code is FailureCode.SETTING_INVALID
