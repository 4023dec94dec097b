from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.devstack.allocation import choose_ports
from app.devstack.ports import LOOPBACK, PortLeases, is_free, listens
from app.errors import FailureCode, OperatorError

RANGE = range(23400, 23440)


@pytest.fixture
def listening() -> Iterator[int]:
    """A port of the range that somebody else listens on."""
    for port in RANGE:
        if is_free(port):
            with socket.create_server((LOOPBACK, port)):
                yield port
            return
    pytest.fail("no free port for this test")


@pytest.fixture
def leases(tmp_path: Path) -> Iterator[PortLeases]:
    promised = PortLeases("mine", tmp_path / "ports")
    yield promised
    promised.release()


def test_a_listening_port_is_not_free(listening: int) -> None:
    assert not is_free(listening)
    assert listens(listening)


def test_a_taken_port_is_passed_over(listening: int, leases: PortLeases) -> None:
    assert leases.take(range(listening, RANGE.stop)) > listening


def test_two_stacks_that_start_at_once_get_different_ports(tmp_path: Path, leases: PortLeases) -> None:
    other = PortLeases("other", tmp_path / "ports")
    first, second = leases.take(RANGE), other.take(RANGE)
    assert first != second
    leases.release()
    assert other.try_take(first)
    other.release()


def test_another_process_may_act_for_the_same_stack(tmp_path: Path, leases: PortLeases) -> None:
    port = leases.take(RANGE)
    assert PortLeases("mine", tmp_path / "ports").try_take(port)
    assert not PortLeases("other", tmp_path / "ports").try_take(port)


def test_one_stack_gets_a_port_once(leases: PortLeases) -> None:
    assert leases.take(RANGE) != leases.take(RANGE)


def test_no_free_port_is_said_plainly(listening: int, leases: PortLeases) -> None:
    with pytest.raises(OperatorError, match=f"no free port between {listening} and {listening}") as raised:
        leases.take([listening])
    assert raised.value.code is FailureCode.COMMAND_FAILED


def test_recorded_ports_are_kept(leases: PortLeases) -> None:
    port = leases.take(RANGE)
    leases.release()
    assert choose_ports([{"broker.client": range(23450, 23460)}], {"broker.client": port}, set(), leases) == {
        "broker.client": port
    }


def test_the_port_of_a_running_server_is_kept(listening: int, leases: PortLeases) -> None:
    assert choose_ports([{"broker.client": RANGE}], {"broker.client": listening}, {"broker"}, leases) == {
        "broker.client": listening
    }


def test_a_recorded_port_that_was_taken_is_replaced_when_nothing_runs(listening: int, leases: PortLeases) -> None:
    chosen = choose_ports([{"broker.client": RANGE}], {"broker.client": listening}, set(), leases)
    assert chosen["broker.client"] != listening


def test_no_port_changes_under_a_running_stack(listening: int, leases: PortLeases) -> None:
    with pytest.raises(OperatorError, match=f"has taken port {listening}.*while index still run"):
        choose_ports([{"broker.client": RANGE}], {"broker.client": listening}, {"index"}, leases)
