"""Numbers of seven bits a byte: read back as written, and never without end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.pipeline.varint import LONGEST, TooLong, read_varint, zigzag


def written(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


@given(st.integers(0, 2**64 - 1), st.binary(max_size=5), st.binary(max_size=5))
def test_a_number_is_read_back(value: int, before: bytes, after: bytes) -> None:
    data = before + written(value) + after
    assert read_varint(data, len(before)) == (value, len(data) - len(after))


@pytest.mark.parametrize("most", [1, 5, LONGEST])
def test_one_without_end_is_none(most: int) -> None:
    with pytest.raises(TooLong):
        read_varint(b"\x80" * 1_000_000, 0, most)


@pytest.mark.parametrize("data", [b"", b"\x80", b"\x80" * (LONGEST - 1)])
def test_one_that_is_cut_off_is_told_apart(data: bytes) -> None:
    with pytest.raises(IndexError):
        read_varint(data, 0)


def test_signs_alternate() -> None:
    assert [zigzag(value) for value in range(5)] == [0, -1, 1, -2, 2]
    assert zigzag(2**64 - 1) == -(2**63)
