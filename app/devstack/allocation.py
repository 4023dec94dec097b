"""Which ports a stack uses: the same ones for as long as possible, since its data and its users know them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from app.devstack import processes
from app.devstack.ports import PortLeases
from app.errors import FailureCode, OperatorError

WORKER_PORTS: Mapping[str, range] = {"worker.http": range(16066, 16166)}


def choose_ports(
    wanted: Iterable[Mapping[str, range]], recorded: Mapping[str, int], running: set[str], leases: PortLeases
) -> dict[str, int]:
    """A port for each name `server.purpose`: the recorded one if its server runs or it is free, else another.

    While anything of the stack runs no port may change, since others were told of it:
    `OperatorError(COMMAND_FAILED)` says which program is in the way of a server that is to be started. The port of a
    worker is kept as well; who finds it taken is the worker, when it starts.
    """
    chosen: dict[str, int] = {}
    for name, candidates in (item for ports in wanted for item in ports.items()):
        port = recorded.get(name)
        if port is not None and running and name in WORKER_PORTS:
            leases.try_take(port)
            chosen[name] = port
            continue
        if port is None or not (name.partition(".")[0] in running or leases.try_take(port)):
            if port is not None and running:
                raise _taken(name, port, running)
            port = leases.take(candidates)
        chosen[name] = port
    return chosen


def _taken(name: str, port: int, running: set[str]) -> OperatorError:
    return OperatorError(
        FailureCode.COMMAND_FAILED,
        f"port {port} ({name}) is taken by {processes.named(port)}, while {', '.join(sorted(running))} of this stack "
        "still run: stop that program, then `listings stack up` again; or stop this stack with `listings stack down`, "
        "workers of your own too, and it takes other ports",
    )
