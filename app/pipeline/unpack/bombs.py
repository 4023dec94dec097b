"""How much a file may unpack to: one rule for everything that is packed, whatever it is packed in."""

from __future__ import annotations

from app.errors import FailureCode, FileRejected
from app.model.record import Limits

_RATIO_FREE_BYTES = 10 * 1024 * 1024
"""Small files may be as repetitive as they like; a bomb is only one when it is big."""


def most_by_ratio(packed: int, limits: Limits) -> int:
    """Bytes that may come out of so many packed ones."""
    return max(_RATIO_FREE_BYTES, int(packed * limits.compression_max_ratio))


def check_unpacked(unpacked: int, packed: int, limits: Limits, where: str) -> None:
    """Raises DECOMPRESSED_TOO_BIG or COMPRESSION_RATIO when more bytes than may be have come out."""
    most = limits.decompressed_max_bytes
    if unpacked > most:
        raise FileRejected(
            FailureCode.DECOMPRESSED_TOO_BIG, f"unpacks to more than {most:,} bytes; split the file", where
        )
    if unpacked > most_by_ratio(packed, limits):
        raise FileRejected(
            FailureCode.COMPRESSION_RATIO,
            f"unpacks to more than {limits.compression_max_ratio:g} times its stored size",
            where,
        )
