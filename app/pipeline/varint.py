"""Whole numbers of seven bits a byte, the lowest first, as Avro, Thrift, protobuf and Snappy write them."""

from __future__ import annotations

LONGEST = 10
"""Bytes of a number of 64 bits."""


class TooLong(ValueError):
    """So many bytes, and no end: it is no number."""


def read_varint(data: bytes, at: int, most: int = LONGEST) -> tuple[int, int]:
    """(the number at `at`, where the next byte is); `TooLong`, or IndexError where the data ends before it does."""
    value = 0
    for place in range(most):
        byte = data[at + place]
        value |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return value, at + place + 1
    raise TooLong


def zigzag(value: int) -> int:
    """The signed number that is written as `value`: 0, 1, 2, 3, … are 0, -1, 1, -2, …"""
    return (value >> 1) ^ -(value & 1)
