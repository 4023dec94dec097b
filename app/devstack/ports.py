"""Free ports that nobody else takes between choosing and listening.

All lie below the range from which kernels hand out ports for outgoing connections (from 32768 on), so that a
server that was killed finds its port free when it is started again.
"""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Iterable
from pathlib import Path

from app.devstack.locks import try_lock
from app.devstack.state import StateFile
from app.errors import FailureCode, OperatorError

LOOPBACK = "127.0.0.1"
_PATH_MAX = 4096


def is_free(port: int) -> bool:
    """Whether a server could listen on this loopback port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def listens(port: int, timeout_s: float = 0.5) -> bool:
    """Whether something accepts connections on this loopback port."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=timeout_s):
            return True
    except OSError:
        return False


class PortLeases:
    """Ports promised to one stack, `owner` (its folder), until `release` or the end of the process.

    Whoever else acts for the same stack at that time may use them as well. After that they stay the stack's own for as
    long as it was not told to stop, also while a server of it is down: others were told where it is.
    """

    def __init__(self, owner: str, folder: Path | None = None) -> None:
        self._owner = owner
        self._folder = folder or Path(tempfile.gettempdir()) / f"listings-ports-{os.getuid()}"
        self._held: dict[int, int] = {}

    def take(self, candidates: Iterable[int]) -> int:
        """The first port that is free and not promised; `OperatorError(COMMAND_FAILED)` when none is."""
        tried: list[int] = []
        for port in candidates:
            if self.try_take(port):
                return port
            tried.append(port)
        raise OperatorError(
            FailureCode.COMMAND_FAILED,
            f"no free port between {tried[0]} and {tried[-1]}; stop another stack with `listings stack down`",
        )

    def try_take(self, port: int) -> bool:
        """Promise `port` to this stack if nobody listens on it and no other stack was promised it."""
        if port in self._held:
            return False
        path = self._folder / f"{port}.lock"
        descriptor = try_lock(path)
        if descriptor is None:
            return path.read_text(encoding="utf-8") == self._owner and is_free(port)
        if not is_free(port) or self._is_kept(port, os.pread(descriptor, _PATH_MAX, 0)):
            os.close(descriptor)
            return False
        os.truncate(descriptor, 0)
        os.write(descriptor, self._owner.encode())
        self._held[port] = descriptor
        return True

    def _is_kept(self, port: int, noted: bytes) -> bool:
        """Whether the stack that had this port last was never told to stop, and is another."""
        owner = noted.decode(errors="replace")
        if not owner or owner == self._owner:
            return False
        try:
            state = StateFile(Path(owner)).read()
        except (OSError, ValueError, TypeError, KeyError):
            return False
        return bool(state.servers) and port in state.ports.values()

    def release(self) -> None:
        """Give all ports back."""
        while self._held:
            os.close(self._held.popitem()[1])
