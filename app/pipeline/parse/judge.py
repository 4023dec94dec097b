"""May this JSON value go on as a record? It must be an object, not too deep, and possible to write out again.

What comes out of here is known to survive `orjson.dumps`: lone surrogates, NaN and infinities do not get past the
parser (RFC 8259 allows it to refuse them), and integers that 64 bits can not hold, which it would round, are
refused here: an id that was rounded would be somebody else's id.
"""

from __future__ import annotations

from typing import Any

import orjson

from app.errors import FailureCode, Problem
from app.model.record import Rough

_FLOATS = frozenset({float, Rough})
_WATCHED = _FLOATS | {dict, list}
_NUMBER_LIMIT = 2.0**63
_NAMES = {str: "text", int: "a number", float: "a number", bool: "true or false", list: "an array", type(None): "null"}
MANY_BYTES = 64 * 1024
"""From here on what a record holds is counted before it is parsed."""
_MANY_CONTAINERS = 20_000
_MANY_VALUES = 100_000
"""More in one record would hold the event loop too long, and is no listing."""


def too_big(max_bytes: int) -> Problem:
    return Problem(FailureCode.RECORD_TOO_BIG, None, f"a record of at most {max_bytes:,} bytes", "a longer one")


def too_many_values(text: bytes) -> Problem | None:
    """For a long record only: refused unparsed when it holds more objects, arrays or values than any listing would."""
    if text.count(b"{") + text.count(b"[") > _MANY_CONTAINERS:
        return Problem(FailureCode.RECORD_TOO_BIG, None, f"at most {_MANY_CONTAINERS:,} objects and arrays", "more")
    return too_many_cells(text.count(b","))


def too_many_cells(separators: int) -> Problem | None:
    """The same for a row, or any list of values, by the number of its commas."""
    if separators <= _MANY_VALUES:
        return None
    return Problem(FailureCode.RECORD_TOO_BIG, None, f"a record of at most {_MANY_VALUES:,} values", "more")


def malformed(error: orjson.JSONDecodeError, max_depth: int) -> Problem:
    """Why a record's text is not JSON; `error` carries a short reason and a column, never the text."""
    if "depth" in error.msg:
        return _too_deep(max_depth)
    got = f"{error.msg} at column {error.colno:,}"
    return Problem(FailureCode.RECORD_MALFORMED, None, "a JSON object", got)


def problem_of(value: object, max_depth: int) -> Problem | None:
    """None: a record to go on with. The record itself is depth 1."""
    if type(value) is not dict:
        return Problem(FailureCode.RECORD_NOT_AN_OBJECT, None, "a JSON object", _NAMES.get(type(value), "another type"))
    layer: list[Any] = [item for item in value.values() if item.__class__ in _WATCHED]
    depth = 1
    while layer:
        inner: list[Any] = []
        containers = False
        for item in layer:
            kind = item.__class__
            if kind in _FLOATS:
                if not -_NUMBER_LIMIT < item < _NUMBER_LIMIT:
                    return _out_of_range(value, item)
                continue
            containers = True
            inner += [part for part in (item.values() if kind is dict else item) if part.__class__ in _WATCHED]
        depth += containers
        if depth > max_depth:
            return _too_deep(max_depth)
        layer = inner
    return None


def _too_deep(max_depth: int) -> Problem:
    return Problem(FailureCode.RECORD_TOO_DEEP, None, f"at most {max_depth} levels of objects and arrays", "more")


def _out_of_range(record: dict[str, object], number: float) -> Problem:
    field = next((name for name, value in record.items() if value is number), None)
    expected = "a number that fits into 64 bits (send a long id as text)"
    return Problem(FailureCode.RECORD_MALFORMED, field, expected, f"one near {number:.0e}")
