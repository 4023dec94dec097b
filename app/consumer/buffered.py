"""How many bytes of each topic have been fetched and not been taken yet.

A record counts for as long as its parcel lives, so none is forgotten: neither what is dropped when partitions move on,
nor what ends with an error.
"""

from __future__ import annotations

from collections import Counter
from threading import Lock

from app.errors import Rejected


class Buffered:
    """Counted by the thread that fetches, and by any that lets go of a record."""

    def __init__(self) -> None:
        self._bytes: Counter[str] = Counter()
        self._lock = Lock()

    def add(self, topic: str, size: int) -> None:
        """`size` bytes more; fewer, where it is negative."""
        with self._lock:
            self._bytes[topic] += size

    def of(self, topic: str) -> int:
        """Bytes of a topic now."""
        return self._bytes[topic]


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
        self._buffered.add(self._topic, -self._size)
