"""One budget of memory for all files that are read at once: each says what it takes, and waits until it is there.

A file takes little as long as little of it was seen, and that is not counted. What goes on longer, or is of a kind that
needs a lot (a window to look back into, a block that has to be there as a whole, a child process), asks for it here.
Two rules keep that free of deadlocks and fair:

- Who has to wait holds nothing: it gives back what it had, and begins again once it has all that it asked for.
- Senders take turns: a thousand files of one sender are before nobody but that sender's next one.

Small claims and large ones have a share each, so that files with a little text go on while the large ones queue.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

_MIB = 1024 * 1024
SMALL_BYTES = 8 * _MIB
"""A larger claim waits among the large ones."""

Wait = Callable[[asyncio.Event], Awaitable[None]]
"""Waits for the event, or raises what says that there is no time to wait for it."""


class MemoryExceeded(Exception):
    """The file takes more than there is at the moment: give everything back, wait for `size` bytes, begin again."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.size = size


async def _patiently(event: asyncio.Event) -> None:
    await event.wait()


class MemoryBudget:
    """`size` bytes for all files; a quarter of them for small claims, half for large ones.

    The last quarter is what stays around: the child process when it does nothing, what the allocator keeps.
    """

    def __init__(self, size: int, wait: Wait = _patiently) -> None:
        self._small = _Share(max(1, size // 4), wait)
        self._large = _Share(max(1, size // 2), wait)

    @property
    def large_bytes(self) -> int:
        """The most that one file can get."""
        return self._large.size

    @property
    def used(self) -> int:
        """Bytes that are given out."""
        return self._small.used + self._large.used

    @property
    def waiting(self) -> int:
        """Files that wait for their turn."""
        return self._small.waiting + self._large.waiting

    def claim(self, sender: str) -> Claim:
        """The claim of one file, empty at first."""
        return Claim(self, sender)

    def share_for(self, size: int) -> _Share:
        return self._small if size <= min(SMALL_BYTES, self._small.size) else self._large


class Claim:
    """What one file holds of the budget. `release` at the end, however it ended; it may be called more than once."""

    def __init__(self, budget: MemoryBudget, sender: str) -> None:
        self._budget = budget
        self._sender = sender
        self._share: _Share | None = None
        self.size = 0
        """Bytes held."""

    def grow(self, size: int) -> bool:
        """Hold `size` bytes in all, if they can be had without waiting; False: nothing has changed."""
        if size <= self.size:
            return True
        share = self._budget.share_for(size)
        size = min(size, share.size)
        if share is self._share:
            if not share.take(size - self.size):
                return False
        else:
            if not share.take(size):
                return False
            self.release()
        self._share, self.size = share, size
        return True

    async def wait_for(self, size: int) -> None:
        """Give back what is held, and hold `size` bytes (all there are, if that is less) once it is this one's turn."""
        self.release()
        share = self._budget.share_for(size)
        size = min(size, share.size)
        await share.wait_for(size, self._sender)
        self._share, self.size = share, size

    def release(self) -> None:
        """Give everything back."""
        if self._share is not None:
            share, self._share = self._share, None
            size, self.size = self.size, 0
            share.give_back(size)


class _Turn:
    """One who waits."""

    __slots__ = ("come", "is_given", "size")

    def __init__(self, size: int) -> None:
        self.size = size
        self.come = asyncio.Event()
        self.is_given = False


class _Share:
    """A part of the budget, with its queues: one for each sender that waits, served in turns."""

    def __init__(self, size: int, wait: Wait) -> None:
        self.size = size
        self.used = 0
        self._wait = wait
        self._queues: dict[str, deque[_Turn]] = {}

    @property
    def waiting(self) -> int:
        return sum(map(len, self._queues.values()))

    def take(self, size: int) -> bool:
        """Nobody is overtaken: while others wait, nothing is given but to them."""
        if self._queues or self.used + size > self.size:
            return False
        self.used += size
        return True

    def give_back(self, size: int) -> None:
        self.used -= size
        self._serve()

    async def wait_for(self, size: int, sender: str) -> None:
        turn = _Turn(size)
        self._queues.setdefault(sender, deque()).append(turn)
        self._serve()
        try:
            await self._wait(turn.come)
        except BaseException:
            self._leave(turn, sender)
            raise

    def _serve(self) -> None:
        """Whose turn it is gets it, or everybody waits until it can: small ones do not pass a large one for ever."""
        while self._queues:
            sender, queue = next(iter(self._queues.items()))
            if self.used + queue[0].size > self.size:
                return
            turn = queue.popleft()
            del self._queues[sender]
            if queue:
                self._queues[sender] = queue  # behind the other senders
            self.used += turn.size
            turn.is_given = True
            turn.come.set()

    def _leave(self, turn: _Turn, sender: str) -> None:
        if turn.is_given:
            self.give_back(turn.size)
            return
        queue = self._queues[sender]
        queue.remove(turn)
        if not queue:
            del self._queues[sender]
        self._serve()
