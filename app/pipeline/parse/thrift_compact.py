"""Just enough of the Thrift compact protocol ("Struct encoding") to look into a Parquet file's footer and pages."""

from __future__ import annotations

from collections.abc import Iterator

from app.pipeline.varint import TooLong, read_varint, zigzag

_MAX_DEPTH = 8
_TRUE, _FALSE, _BYTE, _I16, _I32, _I64, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT = range(1, 13)
_INTEGERS = (_I16, _I32, _I64)
_SIZES = {_BYTE: 1, _DOUBLE: 8, 13: 16}
LIST = _LIST


class NotThrift(Exception):
    """The bytes are no value in this encoding."""


class Compact:
    """Reads the integers and structs of a value, and passes over everything else.

    Raises `NotThrift`; IndexError where the data ends before the value does.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.at = 0

    def struct(self, depth: int) -> dict[int, object]:
        if depth > _MAX_DEPTH:
            raise NotThrift
        return {number: self.value(kind, depth) for number, kind in self.fields()}

    def fields(self) -> Iterator[tuple[int, int]]:
        """(number, kind) of each field of a struct; the caller reads its value before it goes on."""
        number = 0
        while (head := self._byte()) != 0:
            number = number + (head >> 4) if head >> 4 else self._zigzag()
            yield number, head & 0x0F

    def list_size(self) -> int:
        """How many items follow, each to be read by the caller."""
        head = self._byte()
        return head >> 4 if head >> 4 < 15 else self._varint()

    def value(self, kind: int, depth: int) -> object:
        """An integer, a struct of them, or None for anything else, which is passed over."""
        if kind in _INTEGERS:
            return self._zigzag()
        if kind == _STRUCT:
            return self.struct(depth + 1)
        if kind in (_LIST, _SET):
            self._pass_list(depth)
        elif kind == _MAP:
            self._pass_map(depth)
        elif kind == _BINARY:
            size = self._varint()
            self.at += size
        elif kind in _SIZES:
            self.at += _SIZES[kind]
        elif kind not in (_TRUE, _FALSE):
            raise NotThrift
        return None

    def _pass_list(self, depth: int) -> None:
        head = self._byte()
        count = head >> 4 if head >> 4 < 15 else self._varint()
        for _ in range(count):
            self._pass_item(head & 0x0F, depth)

    def _pass_map(self, depth: int) -> None:
        count = self._varint()
        kinds = self._byte() if count else 0
        for _ in range(count):
            self._pass_item(kinds >> 4, depth)
            self._pass_item(kinds & 0x0F, depth)

    def _pass_item(self, kind: int, depth: int) -> None:
        """An item of a list or map: a truth value takes a byte here."""
        if depth > _MAX_DEPTH:
            raise NotThrift
        if kind in (_TRUE, _FALSE):
            self._byte()
        else:
            self.value(kind, depth + 1)

    def _byte(self) -> int:
        byte = self._data[self.at]
        self.at += 1
        return byte

    def _varint(self) -> int:
        try:
            value, self.at = read_varint(self._data, self.at)
        except TooLong as error:
            raise NotThrift from error
        return value

    def _zigzag(self) -> int:
        return zigzag(self._varint())
