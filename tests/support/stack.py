"""The real servers for tests, embedded or in Docker; both look the same to a test."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from app.devstack.report import StackEnv
from app.devstack.stack import ServerName, Stack
from app.settings import Settings, load_settings

PROJECT = Path(__file__).resolve().parents[2]
CACHE = PROJECT / ".cache"


class RunningServer(Protocol):
    """What a chaos test may do to a server; each returns when it is done, `start` when the server answers."""

    def stop(self) -> None: ...

    def kill(self) -> None: ...

    def start(self) -> None: ...

    def pause(self) -> None: ...

    def resume(self) -> None: ...


class RunningStack(Protocol):
    """All four servers, ready."""

    def env(self) -> dict[str, str]: ...

    def describe(self) -> StackEnv: ...

    def server(self, name: ServerName) -> RunningServer: ...


@contextmanager
def embedded_stack(root: Path) -> Iterator[RunningStack]:
    """A stack of this test session alone: state below `root`, programs from the project's cache."""
    with Stack(root, f"test-{secrets.token_hex(3)}", cache=CACHE) as stack:
        yield stack


def stack_settings(stack: RunningStack, more: Mapping[str, str] | None = None) -> Settings:
    """Settings of this application for `stack`; `more` are further variables, by their full names."""
    return load_settings({**stack.env(), **(more or {})})
