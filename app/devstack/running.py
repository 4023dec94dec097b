"""One server of one stack: start, stop, and what chaos tests do to it."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

from app.devstack import processes
from app.devstack.locks import SetUpCancelled
from app.devstack.server import Launch, Place, ServerKind, Tools
from app.devstack.state import StateFile
from app.errors import FailureCode, OperatorError

_READY_S = 120.0
"""Some ten times of what it takes here; a machine that is also building the gateway is slow."""
_POLL_S = 0.1
_LOG_LINES = 15


@dataclass(frozen=True, slots=True)
class Home:
    """What the servers of one stack have in common."""

    folder: Path
    cache: Path
    buckets: Sequence[str]
    state: StateFile = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "state", StateFile(self.folder))

    def place(self, server: str) -> Place:
        """A server's own folder with the stack's ports and secrets as they are now."""
        state = self.state.read()
        return Place(self.folder / server, state.ports, state.secrets, self.buckets)


def _silent(_: str) -> None:
    pass


class Server:
    """Same ports and same data at each start. Every method returns when what it says is done."""

    def __init__(self, kind: ServerKind, home: Home) -> None:
        self.kind = kind
        self._home = home

    @property
    def name(self) -> str:
        return self.kind.name

    @property
    def log_path(self) -> Path:
        """What the process printed, of all its starts."""
        return self._home.folder / f"{self.name}.log"

    @property
    def pid(self) -> int | None:
        """The living process; None when there is none."""
        identity = self.identity
        return identity.pid if identity and processes.find(identity) else None

    @property
    def identity(self) -> processes.Identity | None:
        """Which process was started last, living or not."""
        return self._home.state.read().servers.get(self.name)

    @property
    def address(self) -> str:
        return self.kind.address(self._home.place(self.name))

    @property
    def ports(self) -> Mapping[str, int]:
        """All its ports, by `server.purpose`; empty before the stack was up for the first time."""
        ports = self._home.state.read().ports
        return {name: ports[name] for name in self.kind.ports if name in ports}

    def is_ready(self) -> bool:
        """Whether it answers as it should, asked now."""
        return self._answers(self._home.place(self.name))

    def prepare(self, cancelled: Event, progress: Callable[[str], None]) -> Launch:
        """Fetch, configure, make the data folder; starts nothing that lasts."""
        return self.kind.launch(Tools(self._home.cache, cancelled, progress), self._home.place(self.name))

    def launch(self, launch: Launch, cancelled: Event) -> None:
        """Start the process unless it runs, record it at once, and wait until it is ready.

        `OperatorError(COMMAND_FAILED)` with the end of its log when it ends or does not answer in time.
        """
        if self.pid is None:
            self.log_path.parent.mkdir(parents=True, exist_ok=True)
            with self._home.state.change() as state:
                if cancelled.is_set():
                    raise SetUpCancelled
                state.servers[self.name] = processes.spawn(
                    launch.command, launch.environment, self._home.folder, self.log_path
                )
        self.wait_ready(cancelled)
        for command in launch.then:
            if problem := processes.run(command, launch.environment):
                raise self._failed(f"answers, but `{' '.join(map(str, command[1:]))}` failed: {problem}")

    def start(self) -> None:
        """Start it again where and as it was."""
        never = Event()
        self.launch(self.prepare(never, _silent), never)

    def stop(self) -> None:
        """SIGTERM, as an operator would; SIGKILL when it takes too long."""
        if identity := self.identity:
            processes.stop(identity, self.kind.patience_s)

    def kill(self) -> None:
        """SIGKILL: no chance to write or to say good-bye."""
        if identity := self.identity:
            processes.kill(identity)

    def pause(self) -> None:
        """SIGSTOP: connections stay open and nothing answers."""
        self._send(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT after `pause`."""
        self._send(signal.SIGCONT)

    def wait_ready(self, cancelled: Event | None = None, timeout_s: float = _READY_S) -> None:
        """Ask until it is ready; errors as for `launch`."""
        cancelled = cancelled or Event()
        place = self._home.place(self.name)
        deadline = time.monotonic() + timeout_s
        while not self._answers(place):
            if self.pid is None:
                raise self._failed("ended right after its start")
            if time.monotonic() > deadline:
                raise self._failed(f"did not answer at {self.address} within {timeout_s:.0f} s")
            if cancelled.wait(_POLL_S):
                raise SetUpCancelled

    def _answers(self, place: Place) -> bool:
        """Whether it is this server that answers, and not a stranger at its port."""
        port = next((place.ports[name] for name in self.kind.ports), None)
        if not self.kind.is_ready(place):
            return False
        identity = self.identity
        return identity is not None and (
            processes.find(identity) is not None if port is None else processes.listens(identity, port)
        )

    def _send(self, number: signal.Signals) -> None:
        identity = self.identity
        if identity is None or not processes.send(identity, number):
            raise OperatorError(FailureCode.COMMAND_FAILED, f"{self.name} does not run")

    def _failed(self, what: str) -> OperatorError:
        lines = self.log_path.read_text(encoding="utf-8", errors="replace").splitlines()[-_LOG_LINES:]
        return OperatorError(
            FailureCode.COMMAND_FAILED,
            "\n".join([f"{self.name} {what}; the end of {self.log_path}:", *lines]),
        )
