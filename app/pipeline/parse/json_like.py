"""Values of typed formats (Avro, Parquet) as JSON would have sent them, so that one set of rules reads every file.

Moments become RFC 3339 text (with `Z` where the type is in UTC, without an offset where it says none), dates and times
ISO 8601, decimals a number in text, bytes text if they are UTF-8. Not a number is how many tools write an empty cell of
a float column: it becomes null. What has no such form refuses its record: infinity, bytes that are not text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from math import isinf
from typing import Any

from app.errors import FailureCode, Problem


class NotJsonLike(Exception):
    """A value without a form in JSON; `expected` and `got` are for a person."""

    def __init__(self, expected: str, got: str) -> None:
        super().__init__(f"expected {expected}, got {got}")
        self.expected = expected
        self.got = got

    def problem(self, field: str) -> Problem:
        return Problem(FailureCode.RECORD_MALFORMED, field, self.expected, self.got)


def json_like(value: Any) -> Any:
    """The value with everything in it converted; raises `NotJsonLike`. Its depth is the caller's business."""
    kind = value.__class__
    return value if kind in _JSON else _BY_CLASS.get(kind, str)(value)


def _number(value: float) -> float | None:
    if value != value:
        return None
    if isinf(value):
        raise NotJsonLike("a finite number", "infinity")
    return value


def _moment(value: datetime) -> str:
    if value.tzinfo is None:
        return value.isoformat()
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _decimal(value: Decimal) -> str:
    if not value.is_finite():
        raise NotJsonLike("a finite number", "another")
    return format(value, "f")


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise NotJsonLike("text in UTF-8 (leave a field of other bytes out)", "bytes") from error


def _seconds(value: timedelta) -> float:
    return value.total_seconds()


def _object(value: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(json_like(name)): json_like(item) for name, item in value.items()}


def _array(value: list[Any]) -> list[Any]:
    return [json_like(item) for item in value]


_JSON = frozenset({str, int, bool, type(None)})
# whatever else the libraries give (a UUID) is written as it prints
_BY_CLASS: dict[type, Callable[[Any], Any]] = {
    float: _number,
    datetime: _moment,
    date: date.isoformat,
    time: time.isoformat,
    timedelta: _seconds,
    Decimal: _decimal,
    bytes: _text,
    dict: _object,
    list: _array,
}
