from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.pipeline.parse.json_scan import ValueScanner, swallowed_neighbours

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=10)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | _TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXT, inner, max_size=4),
    max_leaves=15,
)


def _end(text: bytes, block: int) -> int:
    """Where the value at the beginning of `text` ends, the text coming block by block."""
    scanner = ValueScanner(text[0])
    done, at, seen = False, 0, b""
    for start in range(0, len(text), block):
        seen += text[start : start + block]
        before = -1
        while not done and at > before:
            before = at
            at, done = scanner.advance(seen, at)
    assert done
    return at


@settings(deadline=None)
@given(_VALUES, st.sampled_from([b",", b"]", b" x", b'}"']), st.integers(1, 9))
def test_the_end_of_any_value_is_found(value: Any, after: bytes, block: int) -> None:
    text = orjson.dumps(value)
    assert _end(text + after, block) == len(text)


@pytest.mark.parametrize("block", [1_000, 1_001, 200_000])
@pytest.mark.parametrize(
    "text",
    [
        b"[" * 50_000 + b"]" * 50_000,
        b'{"a":' * 9 + b"1" + b"}" * 9,
        b"[" + b"[[[[[]]]]]," * 3_000 + b"1]",
        b'"' + b"\\\\" * 1_001 + b'"',
        rb'"a\"b\\"',
        rb'{"a]}\"":["\\\"}"]}',
        b"NaN",
        b"9" * 5_000,
        b"undefined",
    ],
)
def test_it_needs_no_valid_json(text: bytes, block: int) -> None:
    assert _end(text + b", ...", block) == len(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b'{"t":"11" springs","p":1}, {"t":"x"}, {"t":"5" w"}', True),
        (b'{"a":[1,2}, {"b":1}, {"c":[1]]', True),
        (b'{"t":"11" springs" x"}', False),
        (b'{"a":[{"b":1},{"c":2}],"d":nope}', False),
        (b'{"a":1]', False),
    ],
)
def test_several_records_in_one_are_suspected(text: bytes, expected: bool) -> None:
    assert swallowed_neighbours(text) is expected
