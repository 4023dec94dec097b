"""How many bytes of each topic have been fetched and not been taken yet.

A record counts for as long as its parcel lives, so none is forgotten: neither what is dropped when partitions move on,
nor what ends with an error.
"""

from __future__ import annotations

from collections import Counter, deque
from threading import Lock

from app.errors import Rejected


class Buffered:
    """Counted by the thread that fetches, and by any that lets go of a record."""

    def __init__(self) -> None:
        self._bytes: Counter[str] = Counter()
        self._lock = Lock()
        self._let_go: deque[tuple[str, int]] = deque()

    def add(self, topic: str, size: int) -> None:
        """`size` bytes more."""
        with self._lock:
            self._settle()
            self._bytes[topic] += size

    def let_go(self, topic: str, size: int) -> None:
        """`size` bytes fewer. Takes no lock: the collector of garbage may call it in the midst of the above."""
        self._let_go.append((topic, size))

    def of(self, topic: str) -> int:
        """Bytes of a topic now."""
        with self._lock:
            self._settle()
            return self._bytes[topic]

    def _settle(self) -> None:
        while self._let_go:
            topic, size = self._let_go.popleft()
            self._bytes[topic] -= size


class Parcel:
    """What comes along with a record through a client library, in the place of its checksum."""

    __slots__ = ("_buffered", "_size", "_topic", "last", "trouble")

    def __init__(self, buffered: Buffered, topic: str, size: int, last: int, trouble: Rejected | None) -> None:
        self.trouble = trouble
        """Why the record can not be read; None for any that can."""
        self.last = last
        """The last offset that it stands for; its own, unless it can not be read."""
        self._buffered = buffered
        self._topic = topic
        self._size = size
        buffered.add(topic, size)

    def __del__(self) -> None:
        self._buffered.let_go(self._topic, self._size)
