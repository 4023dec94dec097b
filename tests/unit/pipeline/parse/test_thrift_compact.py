"""Whatever bytes stand where a Thrift value should: a value, or a refusal, never another exception."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.pipeline.parse.thrift_compact import Compact, NotThrift

LIST_IN_LIST = b"\x19" + b"\x19" * 5_000
MAP_IN_MAP = b"\x1b" + b"\x01\xbb" * 5_000
STRUCT_IN_STRUCT = b"\x1c" * 5_000
MAP_OF_LISTS_OF_STRUCTS = b"\x1b" + b"\x01\x99\x1c\x1b" * 5_000


@pytest.mark.parametrize("data", [LIST_IN_LIST, MAP_IN_MAP, STRUCT_IN_STRUCT, MAP_OF_LISTS_OF_STRUCTS])
def test_a_value_within_values_without_end_is_refused(data: bytes) -> None:
    with pytest.raises((NotThrift, IndexError)):
        Compact(data).struct(0)


@given(st.lists(st.sampled_from([b"\x1b", b"\x01\xbb", b"\x19", b"\x1c", b"\x2c", b"\x00", b"\x15\x02"]), max_size=200))
def test_any_nesting_is_read_or_refused(parts: list[bytes]) -> None:
    with contextlib.suppress(NotThrift, IndexError):
        Compact(b"".join(parts)).struct(0)


@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with contextlib.suppress(NotThrift, IndexError):
        Compact(data).struct(0)
