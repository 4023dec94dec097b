"""Locks between processes of one machine, kept by the kernel: they end with the process that holds them."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event

_POLL_S = 0.1


class SetUpCancelled(Exception):
    """The set-up was told to stop; whoever told it reports why."""


def try_lock(path: Path) -> int | None:
    """Lock `path` without waiting; the descriptor to close later, or None while somebody else holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


@contextmanager
def file_lock(path: Path, cancelled: Event | None = None) -> Iterator[None]:
    """Hold `path` exclusively, waiting for others; `SetUpCancelled` when the event is set before that."""
    cancelled = cancelled or Event()
    while (descriptor := try_lock(path)) is None:
        if cancelled.wait(_POLL_S):
            raise SetUpCancelled
    try:
        yield
    finally:
        os.close(descriptor)
