"""Temporary files on the worker's own disk: without a name, and gone once they are closed, even by a kill -9."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import IO, BinaryIO, cast

from app.errors import FailureCode, Transient


class ScratchFiles:
    """Gives new empty files in a folder, which is made when the first is wanted (`Scratch` of the pipeline).

    Opening, writing and reading raise `Transient(SCRATCH_FAILED)` when the disk is full or fails: it is no fault of
    what is being read.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(self) -> BinaryIO:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            return cast(BinaryIO, _ScratchFile(tempfile.TemporaryFile(dir=self._folder)))
        except OSError as error:
            raise _failed(error) from error


class _ScratchFile:
    """As much of a file as the pipeline and its libraries use."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    @property
    def closed(self) -> bool:
        return self._file.closed

    def write(self, data: bytes) -> int:
        try:
            return self._file.write(data)
        except OSError as error:
            raise _failed(error) from error

    def read(self, size: int = -1) -> bytes:
        try:
            return self._file.read(size)
        except OSError as error:
            raise _failed(error) from error

    def seek(self, offset: int, whence: int = 0) -> int:
        """Writes out what is buffered, so the disk may turn out to be full here."""
        try:
            return self._file.seek(offset, whence)
        except OSError as error:
            raise _failed(error) from error

    def tell(self) -> int:
        return self._file.tell()

    def flush(self) -> None:
        """Nothing: what is not read back need not be written."""

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


def _failed(error: OSError) -> Transient:
    return Transient(
        FailureCode.SCRATCH_FAILED,
        f"the worker's disk does not take a file that is to be read: {error.strerror or type(error).__name__}; "
        "make room below LISTINGS_WORKER__DATA_DIR",
    )
