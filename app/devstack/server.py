"""What a kind of server has to say about itself, so that a stack can run it."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Protocol

from app.devstack.ports import LOOPBACK


@dataclass(frozen=True, slots=True)
class Tools:
    """Where artifacts are kept, and how to say what is being fetched or stop it."""

    cache: Path
    cancelled: Event
    progress: Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Place:
    """One server of one stack: its own folder, and the whole stack's ports and secrets."""

    folder: Path
    ports: Mapping[str, int]
    """By `server.purpose`."""
    secrets: Mapping[str, str]
    buckets: Sequence[str]


@dataclass(frozen=True, slots=True)
class Launch:
    """How to start a server."""

    command: Sequence[str | Path]
    environment: Mapping[str, str] = field(default_factory=dict)
    then: Sequence[Sequence[str | Path]] = ()
    """Commands that are left to run once it answers, in the same environment."""


class ServerKind(Protocol):
    """Kafka, OpenSearch, … : stateless; everything of one stack comes in a `Place`."""

    name: str
    ports: Mapping[str, range]
    """Candidates for each port, by `server.purpose`; the first one is what clients use."""
    patience_s: float
    """How long a clean stop may take."""

    def launch(self, tools: Tools, place: Place) -> Launch:
        """Fetch what is missing, write the configuration, prepare the data folder; no server runs yet."""
        ...

    def is_ready(self, place: Place) -> bool:
        """Ask the server itself, within a few seconds; False also when somebody else answers at its port."""
        ...

    def address(self, place: Place) -> str:
        """What a client is given."""
        ...


def get(port: int, path: str, timeout_s: float = 3.0) -> tuple[int, bytes]:
    """One HTTP GET on this machine: status and body; status 0 when there is no answer."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=timeout_s)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (OSError, http.client.HTTPException):
        return 0, b""
    finally:
        connection.close()


def get_json(port: int, path: str) -> Mapping[str, object]:
    """The object at `path`; an empty one when there is no such answer."""
    status, body = get(port, path)
    if status != 200:
        return {}
    try:
        value = json.loads(body)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
