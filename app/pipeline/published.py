"""One listing that was published as JSON, read as one of a file would be: marks, envelopes and limits are the same."""

from __future__ import annotations

from collections.abc import Mapping
from types import NoneType
from typing import Any, cast

import orjson

from app.errors import FailureCode, ListingRejected, Problem, Rejected
from app.model.record import Limits
from app.pipeline.parse.judge import MANY_BYTES, malformed, problem_of, too_big, too_many_values
from app.pipeline.parse.text import byte_order_mark

_FIRST_OF_MARKS = (b"\xef", b"\xff", b"\xfe", b"\x00")
EXPECTED = "a JSON object, or Avro with the registry's framing"


def read_published(payload: bytes, limits: Limits) -> Mapping[str, object]:
    """The object in the bytes: with or without a byte order mark, alone or in the envelope of Kafka Connect.

    Raises `Rejected(RECORD_NOT_DECODABLE)` when it is no JSON object, `ListingRejected` when it is beyond the limits.
    """
    _check_size(payload, limits)
    value = _parsed(_as_utf8(payload), limits)
    if _is_connect(value):
        value = value["payload"]
        if isinstance(value, str):
            value = _parsed(value.removeprefix("\ufeff").encode(errors="replace"), limits)
    problem = problem_of(value, limits.record_max_depth)
    if problem is not None:
        raise _refusal(problem)
    return cast("Mapping[str, object]", value)


def _check_size(payload: bytes, limits: Limits) -> None:
    if len(payload) > limits.record_max_bytes:
        raise ListingRejected([too_big(limits.record_max_bytes)])
    problem = too_many_values(payload) if len(payload) > MANY_BYTES else None
    if problem is not None:
        raise ListingRejected([problem])


def _as_utf8(payload: bytes) -> bytes:
    """Without its mark, and in UTF-8 when the mark says that it is something else."""
    encoding, mark = byte_order_mark(payload) if payload[:1] in _FIRST_OF_MARKS else (None, 0)
    if encoding is None or mark == 0:
        return payload
    if encoding == "utf-8":
        return payload[mark:]
    try:
        return payload[mark:].decode(encoding).encode()
    except UnicodeError as error:
        raise Rejected(
            FailureCode.RECORD_NOT_DECODABLE, f"expected {EXPECTED}, got text that is no {encoding}"
        ) from error


def _parsed(text: bytes, limits: Limits) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise _refusal(malformed(error, limits.record_max_depth)) from error


def _is_connect(value: Any) -> bool:
    """What Kafka Connect's JSON converter writes: a schema (or null) and what it describes, and nothing else."""
    return (
        type(value) is dict
        and len(value) == 2
        and isinstance(value.get("payload"), dict | str)
        and isinstance(value.get("schema", 0), dict | NoneType)
    )


def _refusal(problem: Problem) -> Rejected:
    if problem.field is None and problem.code in (FailureCode.RECORD_MALFORMED, FailureCode.RECORD_NOT_AN_OBJECT):
        return Rejected(FailureCode.RECORD_NOT_DECODABLE, f"expected {EXPECTED}, got {problem.got}")
    return ListingRejected([problem])
