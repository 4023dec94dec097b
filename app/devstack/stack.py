"""The four real servers of one machine as one thing: up, down, status, env.

Everything of a stack is below `<root>/.stack/<name>/`: `state.json`, a log and a folder for each server.
Programs are kept in `<root>/.cache` for all stacks. Stacks, of one clone or of many, live side by side.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from types import TracebackType
from typing import Literal, Self, TypeVar

from app.devstack import processes
from app.devstack.allocation import WORKER_PORTS, choose_ports
from app.devstack.guard import Guard
from app.devstack.kafka import Kafka
from app.devstack.locks import file_lock
from app.devstack.opensearch import OpenSearch
from app.devstack.ports import PortLeases
from app.devstack.registry import Registry
from app.devstack.report import ServerStatus, StackEnv
from app.devstack.running import Home, Server
from app.devstack.s3 import S3Gateway
from app.devstack.server import ServerKind
from app.devstack.startup import KafkaHook, Progress, StartUp
from app.devstack.state import StackState
from app.errors import FailureCode, OperatorError

T = TypeVar("T")
ServerName = Literal["kafka", "opensearch", "s3", "registry"]
KINDS: tuple[ServerKind, ...] = (Kafka(), OpenSearch(), S3Gateway(), Registry())

_OWN_WORKER = "worker"
_PROCESS_PATIENCE_S = 30.0
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,40}")


class Stack:
    """A stack by its name; making the object starts nothing.

    `up` leaves the servers running when this process ends, for `down` to stop them, in whichever process.
    As a context manager the stack ends with the block, or with this process, however that ends.
    """

    def __init__(
        self,
        root: Path,
        name: str = "default",
        *,
        cache: Path | None = None,
        buckets: Sequence[str] = ("listings-uploads",),
    ) -> None:
        if not _NAME.fullmatch(name):
            raise OperatorError(
                FailureCode.SETTING_INVALID,
                f"a stack's name has lower-case letters, digits and hyphens only, not {name!r}",
            )
        self._root = root.resolve()
        self.name = name
        self.folder = self._root / ".stack" / name
        self._home = Home(self.folder, (cache or self._root / ".cache").resolve(), tuple(buckets))
        self._servers = {kind.name: Server(kind, self._home) for kind in KINDS}
        self._leases = PortLeases(str(self.folder))
        self._guard: Guard | None = None

    def __enter__(self) -> Self:
        self.up(guarded=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.down()

    def server(self, name: ServerName) -> Server:
        """One server, to stop, kill, freeze or start it."""
        return self._servers[name]

    @property
    def servers(self) -> list[Server]:
        """All of them."""
        return list(self._servers.values())

    def up(
        self,
        progress: Progress | None = None,
        *,
        on_kafka_ready: KafkaHook | None = None,
        guarded: bool = False,
    ) -> StackEnv:
        """Start what does not run yet and wait until all of it answers.

        `on_kafka_ready` is called before the object store starts, which needs the topic `listing-uploads`;
        when that is missing afterwards, a plain one is made. A failure or Ctrl-C stops what this call has
        started; with `guarded`, so does the death of this process at any later time. `OperatorError` says
        what is wrong.
        """
        cancelled = Event()
        with file_lock(self.folder / "up.lock", cancelled):
            already = {name for name, server in self._servers.items() if server.pid is not None}
            self._settle(already)
            guard = Guard(self._root, self.name, self.folder / "guard.log")
            try:
                StartUp(self._servers, progress or _silent, on_kafka_ready, cancelled).run()
            except BaseException:
                self._stop_servers([name for name in self._servers if name not in already])
                guard.release()
                raise
            if guarded:
                self._guard = guard
            else:
                guard.release()
        return self.describe()

    def down(self) -> None:
        """Stop all of it: first what was registered, then the servers. Data and logs stay."""
        registered = list(self._home.state.read().processes.values())
        _each(lambda identity: processes.stop(identity, _PROCESS_PATIENCE_S), registered)
        self._stop_servers(list(self._servers))
        if self.folder.is_dir():
            with self._home.state.change() as state:
                state.processes.clear()
                state.servers.clear()
        self._leases.release()
        if self._guard:
            self._guard.release()
            self._guard = None

    def status(self) -> list[ServerStatus]:
        """Every server, asked now, and every registered process."""
        state = self._home.state.read()
        servers = [self._server_status(server, state) for server in self._servers.values()]
        own = [worker for worker in self._own_workers() if worker.pid not in {i.pid for i in state.processes.values()}]
        registered = {name: one for name, one in state.processes.items() if not own or processes.find(one)}
        return [
            *servers,
            *(self._process_status(name, identity) for name, identity in registered.items()),
            *(self._process_status(_OWN_WORKER, identity) for identity in own),
        ]

    def describe(self) -> StackEnv:
        """Where everything is; `OperatorError(COMMAND_FAILED)` when this stack has never been up."""
        state = self._home.state.read()
        if not state.ports:
            raise OperatorError(
                FailureCode.COMMAND_FAILED,
                f"there is no stack {self.name!r} here; start it with `listings stack up`",
            )
        return StackEnv(
            kafka=self._servers["kafka"].address,
            opensearch=self._servers["opensearch"].address,
            s3=self._servers["s3"].address,
            s3_access_key=state.secrets["s3.access_key"],
            s3_secret_key=state.secrets["s3.secret_key"],
            buckets=tuple(self._home.buckets),
            registry=self._servers["registry"].address,
            worker_data=self.folder / "worker",
            worker_port=state.ports["worker.http"],
        )

    def env(self) -> dict[str, str]:
        """The variables that make this application use this stack; errors as for `describe`."""
        return self.describe().variables()

    def register_process(self, name: str, pid: int) -> None:
        """Make a running process part of the stack: shown by `status`, stopped first by `down`.

        Its log, if it has one, is `<name>.log` in the stack's folder.
        """
        with self._home.state.change() as state:
            state.processes[name] = processes.Identity.of(pid)

    def _settle(self, already: set[str]) -> None:
        """Ports and credentials, once for the life of the stack if possible."""
        with self._home.state.change() as state:
            if not state.secrets:
                access = {"s3.access_key": "listings", "s3.secret_key": secrets.token_hex(20)}
                state.secrets = {"id": secrets.token_hex(4), **access}
            registered = [identity for identity in state.processes.values() if processes.find(identity)]
            worker = {"a worker"} if registered or self._own_workers() else set()
            wanted = [*(kind.ports for kind in KINDS), WORKER_PORTS]
            state.ports = choose_ports(wanted, state.ports, already | worker, self._leases)

    def _own_workers(self) -> list[processes.Identity]:
        """Workers with this stack's settings, also those that somebody has started in a shell of theirs."""
        return processes.workers_of(self.folder) if self.folder.is_dir() else []

    def _stop_servers(self, names: Sequence[str]) -> None:
        """The object store before the broker that it publishes to, the others beside that."""
        if "s3" in names:
            self._servers["s3"].stop()
        _each(Server.stop, [self._servers[name] for name in names if name != "s3"])

    def _server_status(self, server: Server, state: StackState) -> ServerStatus:
        identity = state.servers.get(server.name)
        if identity is None or server.pid is None:
            return ServerStatus(server.name, "stopped", None, None, None, server.log_path)
        return ServerStatus(
            server.name,
            "running" if server.is_ready() else "not answering",
            identity.pid,
            server.address,
            processes.memory_bytes(identity),
            server.log_path,
        )

    def _process_status(self, name: str, identity: processes.Identity) -> ServerStatus:
        alive = processes.find(identity) is not None
        log = self.folder / f"{name}.log"
        return ServerStatus(
            name,
            "running" if alive else "stopped",
            identity.pid if alive else None,
            None,
            processes.memory_bytes(identity),
            log if log.exists() else None,
        )


def _each(work: Callable[[T], object], items: Sequence[T]) -> None:
    """All at once; returns when the last is done."""
    with ThreadPoolExecutor(max(1, len(items))) as pool:
        list(pool.map(work, items))


def _silent(_: str) -> None:
    pass
