"""A file kept aside because its format has to be read from its end: zip, Parquet."""

from __future__ import annotations

from collections.abc import Callable
from typing import BinaryIO, Protocol

from app.errors import FailureCode, FileRejected

Scratch = Callable[[], BinaryIO]
"""Gives a new empty file to write and read, which nobody else sees and which is gone once it is closed."""


class Readable(Protocol):
    """A complete file that can be read anywhere."""

    @property
    def size(self) -> int: ...

    @property
    def file(self) -> BinaryIO: ...

    def read_at(self, offset: int, size: int) -> bytes:
        """Up to `size` bytes from `offset` on; fewer only at the end."""
        ...


class Spool:
    """Bytes in the order they came, then read anywhere. `close` frees what they took, at any time and more than once.

    Raises `FileRejected(FILE_TOO_BIG)` for more than `max_bytes`.
    """

    def __init__(self, scratch: Scratch, max_bytes: int) -> None:
        self._scratch = scratch
        self._max_bytes = max_bytes
        self._file: BinaryIO | None = None
        self.size = 0

    @property
    def file(self) -> BinaryIO:
        if self._file is None:
            self._file = self._scratch()
        return self._file

    def append(self, data: bytes) -> None:
        """Only before the first `read_at`."""
        self.size += len(data)
        if self.size > self._max_bytes:
            raise FileRejected(
                FailureCode.FILE_TOO_BIG,
                f"a file of this format is kept on disk to be read, more than {self._max_bytes:,} bytes of it are not; "
                "split the file",
                f"byte {self._max_bytes:,}",
            )
        self.file.write(data)

    def read_at(self, offset: int, size: int) -> bytes:
        """Up to `size` bytes from `offset` on; fewer only at the end."""
        self.file.seek(offset)
        return self.file.read(size)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
