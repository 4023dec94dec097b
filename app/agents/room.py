"""How much may have been taken from a topic and not be finished: so many records, and so many bytes of them."""

from __future__ import annotations

import asyncio


class Room:
    """Entered by one at a time, in order; a record larger than all the room is let in alone."""

    def __init__(self, records: int, size_bytes: int) -> None:
        self._records_max = records
        self._bytes_max = size_bytes
        self.records = 0
        self.bytes = 0
        self._changed = asyncio.Event()

    async def enter(self, size: int) -> None:
        """Wait until a record of `size` bytes fits."""
        while self.records >= self._records_max or (self.records and self.bytes + size > self._bytes_max):
            self._changed.clear()
            await self._changed.wait()
        self.records += 1
        self.bytes += size

    def leave(self, size: int) -> None:
        """It is finished, or given up."""
        self.records -= 1
        self.bytes -= size
        self._changed.set()
