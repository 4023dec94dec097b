"""Brokers of a test's own, for what the shared one can not be brought to: rules, and a replica that goes away."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event

from app.devstack.kafka import Kafka, admin
from app.devstack.ports import LOOPBACK, PortLeases
from app.devstack.running import Home, Server
from app.devstack.server import Launch, Place, Tools
from tests.support.stack import CACHE
from tests.support.waiting import until

_RULES = """\
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
allow.everyone.if.no.acl.found=true
"""
_SECOND_PORTS = range(19900, 19999)


class GuardedKafka(Kafka):
    """With an authorizer: everything is allowed until a rule says otherwise."""

    def launch(self, tools: Tools, place: Place) -> Launch:
        launch = super().launch(tools, place)
        with (place.folder / "server.properties").open("a", encoding="utf-8") as settings:
            settings.write(_RULES)
        return launch


@contextmanager
def guarded_kafka(folder: Path) -> Iterator[str]:
    """Its `host:port`; it ends with the block."""
    with server_of(GuardedKafka(), folder) as (server, _):
        yield server.address


@contextmanager
def server_of(kind: Kafka, folder: Path) -> Iterator[tuple[Server, Launch]]:
    home = Home(folder, CACHE, ())
    leases = PortLeases(str(folder))
    folder.mkdir(parents=True, exist_ok=True)
    with home.state.change() as state:
        state.ports = {name: leases.take(candidates) for name, candidates in kind.ports.items()}
    server = Server(kind, home)
    try:
        launch = server.prepare(Event(), lambda _: None)
        server.launch(launch, Event())
        yield server, launch
    finally:
        server.kill()
        leases.release()


class SecondBroker:
    """The follower of a cluster of two."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    def kill(self) -> None:
        self._process.kill()
        self._process.wait(30)


@contextmanager
def two_brokers(folder: Path) -> Iterator[tuple[str, SecondBroker]]:
    """The first one's `host:port`, and the second one, to be killed."""
    leases = PortLeases(f"{folder}-second")
    with server_of(Kafka(), folder) as (server, launch):
        java = [str(part) for part in launch.command[:-2]]  # all but the main class and its settings
        settings = _second_settings(folder, leases.take(_SECOND_PORTS))
        meta = (folder / "kafka" / "data" / "meta.properties").read_text(encoding="utf-8")
        cluster = next(line.partition("=")[2] for line in meta.splitlines() if line.startswith("cluster.id="))
        with (folder / "second.log").open("wb") as log:
            tool = [*java, "kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(settings)]
            subprocess.run(tool, stdout=log, stderr=log, timeout=60, check=True)
            process = subprocess.Popen([*java, "kafka.Kafka", str(settings)], stdout=log, stderr=log)
        try:
            client = admin(server.address)
            until("the second broker", lambda: len(client.list_topics(timeout=5).brokers) == 2, 60)
            yield server.address, SecondBroker(process)
        finally:
            process.kill()
            process.wait(30)
            leases.release()


def _second_settings(folder: Path, port: int) -> Path:
    first = (folder / "kafka" / "server.properties").read_text(encoding="utf-8")
    changed = {
        "process.roles": "broker",
        "node.id": "2",
        "listeners": f"PLAINTEXT://{LOOPBACK}:{port}",
        "advertised.listeners": f"PLAINTEXT://{LOOPBACK}:{port}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": str(folder / "second"),
    }
    values = dict(line.split("=", 1) for line in first.splitlines()) | changed
    path = folder / "second.properties"
    path.write_text("".join(f"{name}={value}\n" for name, value in values.items()), encoding="utf-8")
    return path
