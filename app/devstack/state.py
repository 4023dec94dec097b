"""What a stack consists of, in `state.json`: written as soon as a process exists, so that none is lost."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from app.devstack.locks import file_lock
from app.devstack.processes import Identity


@dataclass(slots=True)
class StackState:
    """Ports and credentials stay for the life of the data; identities come and go."""

    ports: dict[str, int] = field(default_factory=dict)
    """By `server.purpose`."""
    secrets: dict[str, str] = field(default_factory=dict)
    servers: dict[str, Identity] = field(default_factory=dict)
    processes: dict[str, Identity] = field(default_factory=dict)
    """What else belongs to the stack, such as a demo's worker, in the order of its start."""

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=1)

    @classmethod
    def from_json(cls, text: str) -> StackState:
        raw = json.loads(text)
        for group in ("servers", "processes"):
            raw[group] = {name: Identity(**identity) for name, identity in raw[group].items()}
        return cls(**raw)


class StateFile:
    """`state.json` of one stack; each change is read, made and written under a lock, by whichever process."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "state.json"
        self._lock = folder / "state.lock"

    def read(self) -> StackState:
        """The present state; an empty one when there is no stack."""
        try:
            return StackState.from_json(self._path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return StackState()

    @contextmanager
    def change(self) -> Iterator[StackState]:
        """Yield the state; what the block makes of it is written, readable by this user alone."""
        with file_lock(self._lock):
            state = self.read()
            yield state
            partial = self._path.with_suffix(".partial")
            descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(state.to_json())
            os.replace(partial, self._path)
