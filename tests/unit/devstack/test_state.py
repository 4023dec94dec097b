from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.devstack.processes import Identity
from app.devstack.state import StackState, StateFile


def test_a_stack_that_never_was_has_an_empty_state(tmp_path: Path) -> None:
    assert StateFile(tmp_path / "none").read() == StackState()
    assert not (tmp_path / "none").exists()


def test_a_change_is_there_for_the_next_reader(tmp_path: Path) -> None:
    with StateFile(tmp_path).change() as state:
        state.ports["broker.client"] = 1
        state.secrets["key"] = "s"
        state.servers["broker"] = Identity(5, 1.5)
        state.processes["worker"] = Identity(6, 2.5)
    assert StateFile(tmp_path).read() == StackState(
        {"broker.client": 1}, {"key": "s"}, {"broker": Identity(5, 1.5)}, {"worker": Identity(6, 2.5)}
    )


def test_only_its_user_can_read_it(tmp_path: Path) -> None:
    with StateFile(tmp_path).change():
        pass
    assert stat.S_IMODE((tmp_path / "state.json").stat().st_mode) == 0o600


def test_a_failed_change_changes_nothing(tmp_path: Path) -> None:
    file = StateFile(tmp_path)

    def fail() -> None:
        with file.change() as state:
            state.ports["x"] = 1
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert file.read() == StackState()


def test_changes_at_the_same_time_do_not_lose_each_other(tmp_path: Path) -> None:
    def add(number: int) -> None:
        with StateFile(tmp_path).change() as state:
            state.ports[str(number)] = number

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add, range(8)))
    assert len(StateFile(tmp_path).read().ports) == 8
