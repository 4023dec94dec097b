"""The same servers in Docker, from the project's own docker-compose.yml, through testcontainers."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from testcontainers.compose import DockerCompose

from app.devstack.ports import LOOPBACK, PortLeases
from app.devstack.registry import API
from app.devstack.report import StackEnv
from app.devstack.stack import KINDS, ServerName
from tests.support.stack import PROJECT, RunningStack

SERVERS = ("kafka", "opensearch", "s3", "registry")
_PORTS = {"KAFKA_PORT": "kafka.client", "OPENSEARCH_PORT": "opensearch.http", "S3_PORT": "s3.http"}
_PORTS["REGISTRY_PORT"] = "registry.http"


class DockerServer:
    """One service of the compose file."""

    def __init__(self, compose: DockerCompose, service: str) -> None:
        self._compose = compose
        self._service = service

    def stop(self) -> None:
        self._run("stop", self._service)

    def kill(self) -> None:
        self._run("kill", self._service)

    def start(self) -> None:
        self._run("up", "--detach", "--wait", "--no-deps", self._service)

    def pause(self) -> None:
        self._run("pause", self._service)

    def resume(self) -> None:
        self._run("unpause", self._service)

    def _run(self, *arguments: str) -> None:
        command: list[str] = [*self._compose.compose_command_property, *arguments]
        subprocess.run(command, cwd=PROJECT, check=True, timeout=300, capture_output=True)


class DockerStack:
    """Host ports are chosen as for an embedded stack, so that both can run side by side."""

    def __init__(self, compose: DockerCompose, ports: dict[str, int], data: Path) -> None:
        self._compose = compose
        self._ports = ports
        self._data = data

    def server(self, name: ServerName) -> DockerServer:
        return DockerServer(self._compose, name)

    def describe(self) -> StackEnv:
        return StackEnv(
            kafka=f"{LOOPBACK}:{self._ports['kafka.client']}",
            opensearch=f"http://{LOOPBACK}:{self._ports['opensearch.http']}",
            s3=f"http://{LOOPBACK}:{self._ports['s3.http']}",
            s3_access_key="listings",
            s3_secret_key="listings-on-this-machine-only",
            buckets=("listings-uploads",),
            registry=f"http://{LOOPBACK}:{self._ports['registry.http']}{API}",
            worker_data=self._data,
            worker_port=0,
        )

    def env(self) -> dict[str, str]:
        return self.describe().variables()


@contextmanager
def docker_stack(root: Path) -> Iterator[RunningStack]:
    """Start the compose file's servers in a project of their own, and remove them with their data at the end."""
    leases = PortLeases(str(root))
    candidates = {name: ports for kind in KINDS for name, ports in kind.ports.items()}
    ports = {name: leases.take(candidates[name]) for name in _PORTS.values()}
    environment = root / "compose.env"
    lines = [f"{variable}={ports[name]}" for variable, name in _PORTS.items()]
    environment.write_text("\n".join([*lines, f"COMPOSE_PROJECT_NAME=listings-test-{os.getpid()}", ""]))
    with DockerCompose(PROJECT, env_file=str(environment), services=list(SERVERS), wait=True) as compose:
        leases.release()
        yield DockerStack(compose, ports, root / "worker")
