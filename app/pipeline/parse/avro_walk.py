"""Where does one Avro record end? Answered by its schema, without building a value.

Only for the record that the library could not read: one that is long, or broken. Its neighbours can be read then.
"""

from __future__ import annotations

from collections.abc import Generator

from app.pipeline.parse.avro_schema import AvroType
from app.pipeline.varint import TooLong, read_varint, zigzag

_VALUES_A_TURN = 5_000
_MAX_VALUES = 2_000_000
KEY_WEIGHT = 4
CONTAINER_WEIGHT = 5
"""The name of an entry of a map, and an object or array, take so many times the time and memory of a number."""
_CONTAINERS = frozenset({"record", "array", "map"})


class NoRecord(Exception):
    """The data is not what the schema says, or is cut off; so nobody knows where the next record begins."""


class Walk:
    """From the beginning of a record in `data` to its end."""

    def __init__(self, data: bytes, start: int) -> None:
        self._data = data
        self.at = start
        """Where it stands; after `over`, the end."""
        self.values = 0
        """What it has passed, by weight."""
        self._next_turn = _VALUES_A_TURN

    def over(self, kind: AvroType) -> Generator[None, None, None]:
        """Walk over one datum, in steps of some 5 ms. Raises `NoRecord`."""
        self.values += CONTAINER_WEIGHT if kind.kind in _CONTAINERS else 1
        if self.values > _MAX_VALUES:
            raise NoRecord
        if self.values >= self._next_turn:
            self._next_turn = self.values + _VALUES_A_TURN
            yield
        match kind.kind:
            case "record":
                for part in kind.parts:
                    yield from self.over(part)
            case "array" | "map":
                yield from self._over_items(kind)
            case "union":
                yield from self.over(kind.parts[self._index(len(kind.parts))])
            case "enum":
                self._index(kind.size)
            case "string" | "bytes":
                self._skip(self.long())
            case "int" | "long":
                self.long()
            case _:
                self._skip(kind.size or kind.least_bytes)

    def long(self) -> int:
        """A number in zig-zag order, seven bits a byte. Raises `NoRecord`."""
        try:
            value, self.at = read_varint(self._data, self.at)
        except (IndexError, TooLong) as error:
            raise NoRecord from error
        return zigzag(value)

    def piece(self) -> bytes:
        """Bytes with their length before them. Raises `NoRecord`."""
        size = self.long()
        start = self.at
        self._skip(size)
        return self._data[start : self.at]

    def _over_items(self, kind: AvroType) -> Generator[None, None, None]:
        while count := self.long():
            if count < 0:
                self.long()  # the bytes of this run of items, for those who skip it
            for _ in range(abs(count)):
                if kind.kind == "map":
                    self.values += KEY_WEIGHT
                    self._skip(self.long())
                yield from self.over(kind.parts[0])

    def _index(self, count: int) -> int:
        index = self.long()
        if not 0 <= index < count:
            raise NoRecord
        return index

    def _skip(self, size: int) -> None:
        if not 0 <= size <= len(self._data) - self.at:
            raise NoRecord
        self.at += size
