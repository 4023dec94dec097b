from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.devstack.allocation import WORKER_PORTS, choose_ports
from app.devstack.ports import LOOPBACK, PortLeases, is_free, listens
from app.devstack.processes import Identity
from app.devstack.state import StateFile
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


@pytest.mark.parametrize(("servers", "kept"), [({"kafka": Identity(1, 0.0)}, True), ({}, False)])
def test_the_port_of_a_stack_that_was_not_stopped_is_given_to_nobody(
    tmp_path: Path, leases: PortLeases, servers: dict[str, Identity], kept: bool
) -> None:
    """Its broker may be down for minutes: its workers come back to that port."""
    folder = tmp_path / "other"
    other = PortLeases(str(folder), tmp_path / "ports")
    port = other.take(RANGE)
    with StateFile(folder).change() as state:
        state.ports, state.servers = {"kafka.client": port}, servers
    other.release()
    assert leases.try_take(port) is not kept
    if kept:
        assert PortLeases(str(folder), tmp_path / "ports").try_take(port), "it is the stack's own"
        assert leases.take(RANGE) != port


def test_the_ports_of_a_stack_that_is_no_more_are_free(tmp_path: Path, leases: PortLeases) -> None:
    other = PortLeases(str(tmp_path / "gone"), tmp_path / "ports")
    port = other.take(RANGE)
    other.release()
    assert leases.try_take(port)


def test_the_port_of_a_worker_of_ones_own_is_kept(listening: int, leases: PortLeases) -> None:
    wanted = [{"broker.client": range(23450, 23460)}, WORKER_PORTS]
    chosen = choose_ports(wanted, {"worker.http": listening}, {"index"}, leases)
    assert chosen["worker.http"] == listening


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
    with pytest.raises(OperatorError, match=rf"port {listening} .*is taken by .*process {os.getpid()}, while index"):
        choose_ports([{"broker.client": RANGE}], {"broker.client": listening}, {"index"}, leases)
