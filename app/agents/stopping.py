"""Giving up a record because the worker stops or hands over its partitions, without acknowledging it."""

from __future__ import annotations

import asyncio


class LeftForLater(BaseException):
    """The worker stops or hands over its partitions before the record's turn came; it is not acknowledged.

    Like a cancellation it is no `Exception`: handlers that sort failures must not take it for one.
    """


class StopSignal:
    """Set while the worker stops or hands over partitions: whoever waits for something gives up its record."""

    def __init__(self) -> None:
        self._stopping = asyncio.Event()

    def set(self) -> None:
        self._stopping.set()

    def clear(self) -> None:
        self._stopping.clear()

    @property
    def is_set(self) -> bool:
        return self._stopping.is_set()

    async def sleep(self, seconds: float) -> None:
        """Sleep, or raise `LeftForLater` as soon as the worker stops."""
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return
        raise LeftForLater

    async def wait_unless_stopping(self, event: asyncio.Event) -> None:
        """Wait for the event, or raise `LeftForLater` as soon as the worker stops."""
        waits = [asyncio.create_task(event.wait()), asyncio.create_task(self._stopping.wait())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        if not event.is_set():
            raise LeftForLater
