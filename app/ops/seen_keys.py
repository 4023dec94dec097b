"""Which keys a listing has shown, in memory that does not grow with the bucket."""

from __future__ import annotations

import secrets
from collections.abc import Iterable

_BITS = 2**25


class SeenKeys:
    """Says "not seen" only of keys that were not; of few others it says "seen" by mistake.

    Four MiB whatever the bucket: of half a million keys one in seventy is mistaken for a seen one, of five millions one
    in seven. The mistakes are others with every object made, so what was hidden once shows the next time.
    """

    def __init__(self) -> None:
        self._bits = bytearray(_BITS // 8)
        self._salt = secrets.token_hex(8)

    def add(self, keys: Iterable[str]) -> None:
        bits, salt = self._bits, self._salt
        for key in keys:
            place = hash(salt + key) % _BITS
            bits[place >> 3] |= 1 << (place & 7)

    def __contains__(self, key: str) -> bool:
        place = hash(self._salt + key) % _BITS
        return bool(self._bits[place >> 3] & 1 << (place & 7))
