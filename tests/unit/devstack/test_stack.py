"""A stack without its servers; with them it is tested in tests/integration."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.devstack import processes
from app.devstack.guard import Guard
from app.devstack.processes import Identity
from app.devstack.report import StackEnv
from app.devstack.stack import Stack
from app.devstack.state import StateFile
from app.errors import FailureCode, OperatorError
from app.settings import load_settings
from tests.support.stack import PROJECT
from tests.support.waiting import until


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Identity]:
    """A process that a stack may own."""
    identity = processes.spawn([sys.executable, "-c", "import time; time.sleep(60)"], {}, tmp_path, tmp_path / "log")
    yield identity
    processes.kill(identity)


@pytest.mark.parametrize("name", ["", "Upper", "../up", "a b", "-x", "x" * 42])
def test_a_name_that_is_no_folder_name_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(OperatorError) as raised:
        Stack(tmp_path, name)
    assert raised.value.code is FailureCode.SETTING_INVALID


def test_a_stack_that_never_was_says_how_to_start_it(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="listings stack up"):
        Stack(tmp_path).env()
    assert [line.state for line in Stack(tmp_path).status()] == ["stopped"] * 4
    assert list(tmp_path.iterdir()) == []


def test_stopping_what_never_was_does_nothing(tmp_path: Path) -> None:
    Stack(tmp_path).down()
    assert list(tmp_path.iterdir()) == []


def test_a_registered_process_is_shown_and_stopped(tmp_path: Path, worker: Identity) -> None:
    Stack(tmp_path).register_process("worker", worker.pid)
    line = Stack(tmp_path).status()[-1]
    assert (line.name, line.state, line.pid) == ("worker", "running", worker.pid)
    Stack(tmp_path).down()
    assert processes.find(worker) is None
    assert [line.name for line in Stack(tmp_path).status()] == ["kafka", "opensearch", "s3", "registry"]


def test_a_worker_of_ones_own_is_known_and_left_alone(tmp_path: Path) -> None:
    stack = Stack(tmp_path)
    stack.register_process("worker", 1)  # a demo's worker that has ended: its place was taken
    with StateFile(stack.folder).change() as state:
        state.processes["worker"] = Identity(2**22 - 1, 0.0)
    settings = {"LISTINGS_WORKER__DATA_DIR": str(stack.folder / "worker")}
    command = [sys.executable, "-c", "import time; time.sleep(60)", "worker"]
    mine = processes.spawn(command, settings, tmp_path, tmp_path / "mine.log")
    foreign = {"LISTINGS_WORKER__DATA_DIR": str(tmp_path / ".stack" / "other" / "worker")}
    other = processes.spawn(command, foreign, tmp_path, tmp_path / "other.log")
    try:
        lines = [line for line in stack.status() if line.name == "worker"]
        assert [(line.state, line.pid) for line in lines] == [("running", mine.pid)]
        stack.down()
        assert processes.find(mine) is not None
    finally:
        processes.kill(mine)
        processes.kill(other)


def test_a_stack_ends_when_its_owner_is_killed(tmp_path: Path, worker: Identity) -> None:
    Stack(tmp_path).register_process("worker", worker.pid)
    program = f"""
import pathlib, time
from app.devstack.guard import Guard
guard = Guard(pathlib.Path({str(tmp_path)!r}), "default", pathlib.Path({str(tmp_path / "guard.log")!r}))
print("guarded", flush=True)
time.sleep(60)
"""
    log = tmp_path / "owner.log"
    owner = processes.spawn([sys.executable, "-c", program], {"PYTHONPATH": str(PROJECT)}, tmp_path, log)
    until("the guard to be there", lambda: "guarded" in log.read_text())
    processes.kill(owner)
    until("the guard to stop the stack", lambda: processes.find(worker) is None)


def test_a_released_guard_stops_nothing(tmp_path: Path, worker: Identity) -> None:
    stack = Stack(tmp_path)
    stack.register_process("worker", worker.pid)
    guard = Guard(tmp_path, stack.name, stack.folder / "guard.log")
    guard.release()
    guard.release()
    assert processes.find(worker) is not None


def test_the_variables_are_settings(tmp_path: Path) -> None:
    env = StackEnv(
        kafka="127.0.0.1:1",
        opensearch="http://127.0.0.1:2",
        s3="http://127.0.0.1:3",
        s3_access_key="key",
        s3_secret_key="secret",
        buckets=("one", "two"),
        registry="http://127.0.0.1:4/apis/ccompat/v7",
        worker_data=tmp_path,
        worker_port=5,
    )
    settings = load_settings(env.variables())
    assert settings.kafka.bootstrap_servers == "127.0.0.1:1"
    assert settings.opensearch.url == "http://127.0.0.1:2"
    assert settings.s3.endpoint_url == "http://127.0.0.1:3"
    assert settings.s3.access_key_id == "key"
    assert settings.s3.secret_access_key is not None
    assert settings.s3.secret_access_key.get_secret_value() == "secret"
    assert settings.s3.buckets == ("one", "two")
    assert settings.schema_registry.url == "http://127.0.0.1:4/apis/ccompat/v7"
    assert (settings.worker.data_dir, settings.worker.http_port) == (tmp_path, 5)
