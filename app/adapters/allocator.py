"""The C library's allocator, told to give large pieces of memory back to the system at once."""

from __future__ import annotations

import ctypes
from contextlib import suppress

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_LARGE_BYTES = 512 * 1024
_SPARE_BYTES = 4 * 1024 * 1024


def give_back_large_pieces() -> None:
    """Pieces from half a megabyte on come from the system each by itself, and go back to it when they are freed.

    Without this glibc raises that size by itself to 32 MiB, and keeps the memory of a few heavy files for good.
    Does nothing where there is another C library.
    """
    with suppress(OSError, AttributeError):
        library = ctypes.CDLL(None)
        library.mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)
        library.mallopt(_M_TRIM_THRESHOLD, _SPARE_BYTES)
