"""The child: reads one Parquet file after another, until the worker is gone.

It is started with its end of a socket, the worker's process id and how much memory it may take beyond what it has once
its library is loaded. It ends with the worker, and with nothing else: a signal to the whole group (Ctrl-C, a service
manager's stop) is for the worker, which may still need it. It has no settings and no secrets in its environment.
"""

from __future__ import annotations

import ctypes
import io
import os
import re
import resource
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, cast

from app.adapters.child.frames import END, LENGTH_BYTES, BadFrame, SliceWriter, job_of, packed, refusal
from app.errors import Dependency, FailureCode, FileRejected, Outage
from app.model.record import Limits, Slice

STEP_CPU_S = 10
"""Of one step; some milliseconds are usual."""
_PR_SET_PDEATHSIG = 1
_JOB_BYTES = 64 * 1024
_NICE = 5
"""The worker goes first."""


class _File(io.RawIOBase):
    """The file by its descriptor: what the spool of the reader is to its own process.

    A disk that fails is told as such: to the library it would be damage, as any OSError is.
    """

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self.size = size

    @property
    def file(self) -> BinaryIO:
        return cast(BinaryIO, self)

    def read_at(self, offset: int, size: int) -> bytes:
        self.seek(offset)
        return self.read(size)

    def read(self, size: int = -1) -> bytes:
        try:
            return self._file.read(size)
        except OSError as error:
            raise Outage(FailureCode.SCRATCH_FAILED, Dependency.WORKER, error.strerror or "error") from error

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True


def main(arguments: list[str]) -> None:
    """Serve until the socket ends."""
    descriptor, parent, memory = map(int, arguments)
    live_and_die_with(parent)
    connection = socket.socket(fileno=descriptor)
    import app.pipeline.parse.parquet_rows  # noqa: F401  # before the bound is set: what it takes is no file's

    _bound(memory)
    connection.sendall(packed({"ready": True}))
    while True:
        frame, descriptors, _, _ = socket.recv_fds(connection, _JOB_BYTES, 1)
        if not frame:
            return
        with open(descriptors[0], "rb", buffering=0) as file:
            _read(connection, file, *job_of(frame[LENGTH_BYTES:]))


def live_and_die_with(parent: int) -> None:
    """End with the process of that id, whatever it dies of, and heed no signal that is meant for it."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    with suppress(OSError, AttributeError):  # where there is no such call, the end of the socket tells it
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit(0)
    with suppress(OSError):
        os.nice(_NICE)
        Path("/proc/self/oom_score_adj").write_text("1000")  # if one has to go, it is this one


def _bound(memory: int) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    with suppress(OSError, ValueError):
        at_rest = re.search(r"VmData:\s+(\d+) kB", Path("/proc/self/status").read_text())
        if at_rest is not None:
            most = int(at_rest[1]) * 1024 + memory
            resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def _read(connection: socket.socket, file: BinaryIO, size: int, limits: Limits) -> None:
    from app.pipeline.parse.gather import Gather
    from app.pipeline.parse.parquet_rows import ParquetRows

    writer, gather = SliceWriter(), Gather(limits)
    try:
        try:
            for piece in _in_steps(ParquetRows(gather, limits, _File(file, size)).read()):
                connection.sendall(writer.frame(piece))
            answer = END
        except FileRejected as error:
            answer = refusal(error)
        except Outage as outage:
            answer = packed({"disk": outage.message})
        if gather.has_any():
            connection.sendall(writer.frame(gather.take()))
    except (BadFrame, MemoryError):
        answer = refusal(
            FileRejected(FailureCode.BLOCK_TOO_BIG, "reading it takes more memory than there is; write smaller records")
        )
    connection.sendall(answer)


def _in_steps(pieces: Iterator[Slice]) -> Iterator[Slice]:
    """The pieces; each may take so much of a processor, and no more."""
    while True:
        resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time()) + 1 + STEP_CPU_S, resource.RLIM_INFINITY))
        piece = next(pieces, None)
        if piece is None:
            return
        yield piece


if __name__ == "__main__":
    main(sys.argv[1:])
