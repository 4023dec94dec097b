from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from app.devstack import processes
from app.devstack.processes import Identity
from tests.support.waiting import until

Start = Callable[[str], Identity]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a Python program that prints "up" when it has come to its end of the set-up."""
    started: list[Identity] = []

    def run(program: str) -> Identity:
        log = tmp_path / f"{len(started)}.log"
        identity = processes.spawn([sys.executable, "-c", program], {"ADDED": "yes"}, tmp_path, log)
        started.append(identity)
        until("the program to be up", lambda: "up" in log.read_text())
        return identity

    yield run
    for identity in started:
        processes.kill(identity)


SLEEP = "import time; print('up', flush=True); time.sleep(60)"
DEAF = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEP}"


def test_a_process_is_found_and_stopped(start: Start) -> None:
    identity = start(SLEEP)
    assert processes.find(identity) is not None
    assert (processes.memory_bytes(identity) or 0) > 0
    assert processes.stop(identity, 10)
    assert processes.find(identity) is None
    assert processes.memory_bytes(identity) is None


def test_a_process_that_does_not_listen_is_killed(start: Start) -> None:
    identity = start(DEAF)
    assert not processes.stop(identity, 0.2)
    assert processes.find(identity) is None


def test_a_frozen_process_can_be_stopped(start: Start) -> None:
    identity = start(SLEEP)
    processes.send(identity, signal.SIGSTOP)
    assert processes.stop(identity, 10)


def test_a_stranger_with_the_same_pid_is_left_alone(start: Start) -> None:
    alive = start(SLEEP)
    recycled = Identity(alive.pid, alive.started - 3600)
    assert processes.find(recycled) is None
    assert not processes.send(recycled, signal.SIGKILL)
    assert processes.stop(recycled, 0.1)
    processes.kill(recycled)
    assert processes.memory_bytes(recycled) is None
    assert processes.find(alive) is not None


def test_a_child_that_ended_is_gone_although_nobody_waited_for_it(start: Start) -> None:
    identity = start("print('up', flush=True)")
    until("the end to be noticed", lambda: processes.find(identity) is None)


def test_somebody_elses_zombie_is_gone() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    identity = Identity.of(child.pid)
    until("a zombie", lambda: psutil.Process(child.pid).status() == psutil.STATUS_ZOMBIE)
    assert processes.find(identity) is None
    child.wait()


def test_a_child_has_a_session_of_its_own_and_what_was_added_to_the_environment(start: Start, tmp_path: Path) -> None:
    start("import os; print(os.getsid(0) == os.getpid(), os.environ['ADDED'], 'up', flush=True)")
    assert (tmp_path / "0.log").read_text().startswith("True yes")
