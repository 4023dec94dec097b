from __future__ import annotations

import socket
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from threading import Event, Timer

import pytest

from app.devstack.locks import SetUpCancelled
from app.devstack.running import Home, Server
from app.devstack.server import Launch, Place, Tools
from app.errors import FailureCode, OperatorError

SLEEP = "import pathlib, time; pathlib.Path('ready').touch(); time.sleep(60)"


class Program:
    """A server of a few lines that is ready as soon as a file is there."""

    name = "program"
    ports: Mapping[str, range] = {}
    patience_s = 5.0

    def __init__(self, text: str) -> None:
        self.text = text
        self.then: list[str] = []

    def launch(self, tools: Tools, place: Place) -> Launch:
        return Launch([sys.executable, "-c", self.text], then=[self.then] if self.then else [])

    def is_ready(self, place: Place) -> bool:
        return (place.folder.parent / "ready").exists()

    def address(self, place: Place) -> str:
        return "nowhere"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    home = Home(tmp_path / "stack", tmp_path / "cache", ["bucket"])
    yield home
    Server(Program(SLEEP), home).kill()


def test_it_runs_until_stopped_and_starts_again(home: Home) -> None:
    server = Server(Program(SLEEP), home)
    server.start()
    first = server.pid
    assert server.is_ready()
    server.stop()
    assert server.pid is None
    assert not server.is_ready()
    server.start()
    assert server.pid not in (None, first)


def test_starting_what_runs_changes_nothing(home: Home) -> None:
    server = Server(Program(SLEEP), home)
    server.start()
    pid = server.pid
    server.start()
    assert server.pid == pid


def test_another_object_finds_the_same_process(home: Home) -> None:
    Server(Program(SLEEP), home).start()
    other = Server(Program(SLEEP), home)
    assert other.pid is not None
    other.kill()
    assert other.pid is None


def test_a_frozen_one_goes_on(home: Home) -> None:
    server = Server(Program(SLEEP), home)
    server.start()
    server.pause()
    server.resume()
    server.stop()
    with pytest.raises(OperatorError, match="program does not run"):
        server.pause()


def test_one_that_ends_at_once_is_reported_with_the_end_of_its_log(home: Home) -> None:
    server = Server(Program("print('the port is taken')"), home)
    with pytest.raises(OperatorError, match=r"program ended right after its start.*\n.*the port is taken") as raised:
        server.start()
    assert raised.value.code is FailureCode.COMMAND_FAILED


def test_one_that_never_answers_is_reported_with_the_end_of_its_log(home: Home) -> None:
    server = Server(Program("import time; print('thinking', flush=True); time.sleep(60)"), home)
    cancelled = Event()
    timer = Timer(0.5, cancelled.set)
    timer.start()
    with pytest.raises(SetUpCancelled):
        server.launch(server.prepare(Event(), lambda _: None), cancelled)
    timer.join()
    with pytest.raises(OperatorError, match=r"did not answer at nowhere within 0 s.*\n.*thinking"):
        server.wait_ready(timeout_s=0.1)


def test_a_stranger_at_its_port_is_not_it(home: Home) -> None:
    """A server whose port was taken ends a moment after its start: who answers meanwhile is somebody else."""
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        with home.state.change() as state:
            state.ports = {"program.http": stranger.getsockname()[1]}
        program = Program("import time; time.sleep(0.5); print('the port is taken'); ")
        program.ports = {"program.http": range(1)}
        (home.folder / "ready").touch()
        server = Server(program, home)
        with pytest.raises(OperatorError, match="ended right after its start"):
            server.start()
        assert not server.is_ready()


def test_what_is_left_to_do_is_done_once_it_answers(home: Home, tmp_path: Path) -> None:
    done = tmp_path / "done"
    program = Program(SLEEP)
    program.then = [sys.executable, "-c", f"import pathlib; pathlib.Path({str(done)!r}).touch()"]
    Server(program, home).start()
    assert done.exists()
    program.then = [sys.executable, "-c", "import sys; sys.exit('no such bucket')"]
    with pytest.raises(OperatorError, match="no such bucket"):
        Server(program, home).start()


def test_nothing_starts_once_cancelled(home: Home) -> None:
    server = Server(Program(SLEEP), home)
    cancelled = Event()
    cancelled.set()
    with pytest.raises(SetUpCancelled):
        server.launch(server.prepare(Event(), lambda _: None), cancelled)
    assert server.identity is None
