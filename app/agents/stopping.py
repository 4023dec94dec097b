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
        self._sleepers: set[asyncio.Future[None]] = set()

    def set(self) -> None:
        self._stopping.set()
        for sleeper in self._sleepers:
            _wake(sleeper)

    def clear(self) -> None:
        self._stopping.clear()

    @property
    def is_set(self) -> bool:
        return self._stopping.is_set()

    async def sleep(self, seconds: float, sleeper: asyncio.Future[None] | None = None) -> None:
        """Sleep, or raise `LeftForLater` as soon as the worker stops.

        Whoever has the `sleeper`, if one is given, can end the sleep early by giving it a result. Thousands sleep at
        once, so each is one future and one timer, and no task.
        """
        loop = asyncio.get_running_loop()
        waiting = loop.create_future() if sleeper is None else sleeper
        if not self.is_set:
            timer = loop.call_later(seconds, _wake, waiting)
            self._sleepers.add(waiting)
            try:
                await waiting
            finally:
                timer.cancel()
                self._sleepers.discard(waiting)
        if self.is_set:
            raise LeftForLater

    async def wait_unless_stopping(self, event: asyncio.Event) -> None:
        """Wait until the event was set, it may be cleared again since; `LeftForLater` when the worker stops first."""
        waits = [asyncio.create_task(event.wait()), asyncio.create_task(self._stopping.wait())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            was_set = waits[0].done()
        finally:
            for wait in waits:
                wait.cancel()
        if not was_set:
            raise LeftForLater


def _wake(sleeper: asyncio.Future[None]) -> None:
    if not sleeper.done():
        sleeper.set_result(None)
