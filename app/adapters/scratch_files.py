"""Temporary files on the worker's own disk: without a name, and gone once they are closed, even by a kill -9."""

from __future__ import annotations

import asyncio
import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import IO, BinaryIO, cast

from app.errors import Dependency, FailureCode, FileRejected, Outage

_LEAST_BYTES = 64 * 1024
_TRIED_BYTES = 1024 * 1024
"""So much is really written to find out whether the disk takes files again."""
_FULL_SHARE = 0.95
"""A file that alone has filled so much of the whole disk can never be kept on it."""


class ScratchFiles:
    """Gives new empty files in a folder, which is made when the first is wanted (`Scratch` of the pipeline).

    Opening, writing and reading raise `Outage(WORKER)` when the disk is full or fails: it is no fault of what is being
    read, nor of anybody's but the worker's own. Only a file that the disk could not hold even if it were empty is
    refused: `FileRejected(FILE_TOO_BIG)`.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._wanted = 0

    def __call__(self) -> BinaryIO:
        try:
            return cast(BinaryIO, _ScratchFile(self._new(), self))
        except OSError as error:
            raise self.failed(error) from error

    async def ping(self) -> None:
        """Whether the disk takes files again; `Outage(WORKER)` when not.

        It has to have room for the smallest of those that it had none for.
        """
        await asyncio.to_thread(self._try)

    def failed(self, error: OSError, size: int = 0) -> Outage:
        """What the failure of a file says; `size` bytes were to be in it."""
        size = max(size, _LEAST_BYTES)
        self._wanted = min(self._wanted or size, size)
        return _outage(error.strerror or type(error).__name__)

    def can_never_hold(self, size: int) -> bool:
        """Is the whole disk too small for a file of that size?"""
        with suppress(OSError):
            return size >= _FULL_SHARE * self._capacity()
        return False

    def _capacity(self) -> int:
        disk = os.statvfs(self._folder)
        return (disk.f_blocks - disk.f_bfree + disk.f_bavail) * disk.f_frsize

    def _new(self) -> IO[bytes]:
        self._folder.mkdir(parents=True, exist_ok=True)
        return tempfile.TemporaryFile(dir=self._folder)

    def _try(self) -> None:
        wanted = self._wanted or _LEAST_BYTES
        try:
            with self._new() as file:
                file.write(bytes(min(wanted, _TRIED_BYTES)))
                file.flush()
                free = os.fstatvfs(file.fileno())
        except OSError as error:
            raise _outage(error.strerror or type(error).__name__) from error
        if (free.f_bavail * free.f_frsize) < wanted - _TRIED_BYTES:
            raise _outage(f"less than {wanted:,} bytes are free")
        self._wanted = 0


class _ScratchFile:
    """As much of a file as the pipeline and its libraries use, and another process."""

    def __init__(self, file: IO[bytes], scratch: ScratchFiles) -> None:
        self._file = file
        self._scratch = scratch
        self._written = 0

    @property
    def closed(self) -> bool:
        return self._file.closed

    def write(self, data: bytes) -> int:
        self._written += len(data)
        try:
            return self._file.write(data)
        except OSError as error:
            raise self._failed(error) from error

    def read(self, size: int = -1) -> bytes:
        try:
            return self._file.read(size)
        except OSError as error:
            raise self._failed(error) from error

    def seek(self, offset: int, whence: int = 0) -> int:
        """Writes out what is buffered, so the disk may turn out to be full here."""
        try:
            return self._file.seek(offset, whence)
        except OSError as error:
            raise self._failed(error) from error

    def tell(self) -> int:
        return self._file.tell()

    def flush(self) -> None:
        """Nothing: what is not read back need not be written."""

    def fileno(self) -> int:
        """The descriptor, with all that was written behind it: another process may read there."""
        try:
            self._file.flush()
        except OSError as error:
            raise self._failed(error) from error
        return self._file.fileno()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def close(self) -> None:
        """Never fails: what could not be written any more is not wanted any more."""
        try:
            self._file.close()
        except OSError:
            self._file.close()

    def _failed(self, error: OSError) -> Outage | FileRejected:
        if self._scratch.can_never_hold(self._written):
            return FileRejected(
                FailureCode.FILE_TOO_BIG,
                "a file of this format is kept on the worker's disk to be read, and that is too small for this one; "
                "split the file, or give LISTINGS_WORKER__DATA_DIR a larger disk",
                f"byte {self._written:,}",
            )
        return self._scratch.failed(error, self._written)


def _outage(reason: str) -> Outage:
    return Outage(
        FailureCode.SCRATCH_FAILED,
        Dependency.WORKER,
        f"its disk does not take a file that is to be read: {reason}; make room below LISTINGS_WORKER__DATA_DIR",
    )
