"""The worker's side of its child process: starts it when it is needed, and again after it has died."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess  # our own program, by its own path
import sys
from collections.abc import AsyncGenerator
from contextlib import suppress
from pathlib import Path

import structlog

import app
from app.adapters.child.frames import LENGTH_BYTES, MAX_FRAME_BYTES, BadFrame, SliceReader, job, packed
from app.errors import Dependency, FailureCode, FileRejected, Outage, Transient
from app.model.record import Limits, Slice, Spooled
from app.observability import metrics

log = structlog.get_logger("listings.child")

_START_S = 60.0
_STEP_S = 120.0
"""For one step, by the clock; what it may take of a processor is bounded far below (`STEP_CPU_S`)."""
_DYING_S = 2.0
"""Whoever has closed its end of the socket is about to go, and its exit code tells why."""
_MAIN = "app.adapters.child.main"
_OWN_ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH")


class _Ended(Exception):
    """The child is no more, or says what it may not say."""


class ChildReader:
    """Implements `app.ports.ApartReader`.

    One child for all files, one file at a time. It starts with the first file, and anew with the next file after one
    that was not read to its end, or that it died of.
    """

    def __init__(self, memory: int) -> None:
        """`memory` in bytes: what the child may take for a file, beyond what it has when it does nothing."""
        self.memory = memory
        self._one_at_a_time = asyncio.Lock()
        self._child: _Child | None = None
        self._could_not_start = False

    async def read(self, file: Spooled, limits: Limits) -> AsyncGenerator[Slice, None]:
        """As `ApartReader.read` says; `file` has to be one with a descriptor."""
        async with self._one_at_a_time:
            is_whole = False
            try:
                reader, frame = SliceReader(), await self._begin(file, limits)
                while (piece := reader.read(frame)) is not None:
                    yield piece
                    frame = await self._child_now.frame()
                is_whole = True
            except Outage:
                is_whole = True
                raise
            except FileRejected as error:
                is_whole = error.code is not FailureCode.BLOCK_TOO_BIG  # after that, who knows what is left of it
                raise
            except (_Ended, BadFrame, TimeoutError) as error:
                raise await self._why(error) from error
            finally:
                if not is_whole:
                    await self.aclose()

    async def _begin(self, file: Spooled, limits: Limits) -> bytes:
        """Hand the file over; its first frame."""
        question = packed(job(file.size, limits))
        is_new = self._child is None
        child = await self._ready()
        try:
            child.ask(file.file.fileno(), question)
            return await child.frame()
        except _Ended:
            if is_new:
                raise
        # it died of what was before, or of nothing: this file shall have one of its own to die of
        await self.aclose()
        child = await self._ready()
        child.ask(file.file.fileno(), question)
        return await child.frame()

    @property
    def _child_now(self) -> _Child:
        if self._child is None:
            raise _Ended
        return self._child

    async def ping(self) -> None:
        """Whether there can be a child, if there could be none the last time; `Outage(WORKER)` when not."""
        if self._could_not_start:
            async with self._one_at_a_time:
                await self._ready()

    async def aclose(self) -> None:
        """End the child; what it reads is given up."""
        child, self._child = self._child, None
        if child is not None:
            await child.end()

    async def _ready(self) -> _Child:
        if self._child is not None and self._child.is_there:
            return self._child
        if self._child is not None:
            await self._child.end()
        self._child = None
        self._could_not_start = True
        try:
            child = _Child(self.memory)
        except OSError as error:
            raise _none(error.strerror or type(error).__name__) from error
        try:
            await child.frame(_START_S)
        except BaseException as error:
            code = await child.end(is_dying=isinstance(error, _Ended))
            if isinstance(error, (_Ended, TimeoutError)):
                raise _none(f"it ended with {code}") from error
            raise
        self._child, self._could_not_start = child, False
        return child

    async def _why(self, error: Exception) -> Exception:
        """What the end of the child says of the file that it read."""
        child, self._child = self._child, None
        code = -signal.SIGKILL if child is None else await child.end(is_dying=isinstance(error, _Ended))
        metrics.CHILD_DEATHS.inc()
        log.warning("child_ended", code=code, reason=type(error).__name__)
        if code == -signal.SIGXCPU:
            return FileRejected(
                FailureCode.BLOCK_TOO_BIG, "reading a part of it takes too long; write row groups of fewer rows"
            )
        if code < 0 and code != -signal.SIGKILL:
            return FileRejected(
                FailureCode.FILE_BROKEN, "the library for Parquet does not survive it; write the file again"
            )
        return Transient(
            FailureCode.READER_ENDED,
            "the process that reads such files was ended while it read this one, by a lack of memory or by somebody",
        )


class _Child:
    """A process and our end of its socket. Raises OSError when it can not be started."""

    def __init__(self, memory: int) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                self._process = subprocess.Popen(  # noqa: S603
                    [sys.executable, "-P", "-m", _MAIN, str(theirs.fileno()), str(os.getpid()), str(memory)],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    pass_fds=[theirs.fileno()],
                    env=child_environment(),
                )
            except OSError:
                ours.close()
                raise
        ours.setblocking(False)
        self._socket = ours

    @property
    def is_there(self) -> bool:
        return self._process.poll() is None

    def ask(self, descriptor: int, frame: bytes) -> None:
        """Hand a file over; its answers come as frames."""
        try:
            socket.send_fds(self._socket, [frame], [descriptor])
        except OSError as error:
            raise _Ended from error

    async def frame(self, within_s: float = _STEP_S) -> bytes:
        """The next one. Raises `_Ended`, TimeoutError."""
        async with asyncio.timeout(within_s):
            size = int.from_bytes(await self._receive(LENGTH_BYTES), "big")
            if size > MAX_FRAME_BYTES:
                raise _Ended
            return await self._receive(size)

    async def _receive(self, size: int) -> bytes:
        data = bytearray()
        loop = asyncio.get_running_loop()
        while len(data) < size:
            try:
                piece = await loop.sock_recv(self._socket, size - len(data))
            except OSError as error:
                raise _Ended from error
            if not piece:
                raise _Ended
            data += piece
        return bytes(data)

    async def end(self, is_dying: bool = False) -> int:
        """End it if it still lives; its exit code, negative: the signal. May be called more than once."""
        self._socket.close()
        if is_dying:
            with suppress(subprocess.TimeoutExpired):
                await asyncio.to_thread(self._process.wait, _DYING_S)
        self._process.kill()  # nothing when it has ended
        return await asyncio.to_thread(self._process.wait)


def child_environment() -> dict[str, str]:
    """Where our own program is, and nothing of what the worker knows; one arena, so that a bound on memory is one."""
    own = {name: os.environ[name] for name in _OWN_ENVIRONMENT if name in os.environ}
    root = str(Path(str(app.__file__)).resolve().parent.parent)
    paths = os.pathsep.join([root, *(path for path in sys.path if path)])
    return own | {
        "PYTHONPATH": paths,
        "ARROW_DEFAULT_MEMORY_POOL": "system",
        "ARROW_IO_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "MALLOC_ARENA_MAX": "1",
        "MALLOC_TRIM_THRESHOLD_": "1048576",
    }


def _none(reason: str) -> Outage:
    return Outage(
        FailureCode.UNREACHABLE,
        Dependency.WORKER,
        f"the process that reads Parquet files can not be started ({reason}): is there memory left?",
    )
