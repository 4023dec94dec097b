"""What a worker and its child tell each other: frames of a length and a JSON text, nothing that could run as a program.

A child that was taken over by a hostile file can send nothing but records, bad records or a reason: that is all that is
read here. The names of a record's fields come once, for they may be long and are the same for all records of a file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import orjson

from app.errors import Dependency, FailureCode, FileRejected, Outage, Problem
from app.model.record import BadRecord, Limits, RawRecord, Rough, Slice

LENGTH_BYTES = 4
MAX_FRAME_BYTES = 32 * 1024 * 1024
"""A slice with one record of the longest, every character of it escaped, is less; so are the longest names."""


_ROUGH = "\0rough"
"""A rough number is an object with this name alone; should a file have such an object, it gets a rough number too."""
_ROUGH_TEXT = orjson.dumps(_ROUGH)


class BadFrame(Exception):
    """The child says what it may not say."""


def _rough(value: object) -> dict[str, float]:
    if isinstance(value, Rough):
        return {_ROUGH: float(value)}
    raise TypeError


def packed(value: object) -> bytes:
    """A frame. Raises `BadFrame` when it would be too long, TypeError for what JSON has no form for."""
    text = orjson.dumps(value, default=_rough)
    if len(text) > MAX_FRAME_BYTES:
        raise BadFrame
    return len(text).to_bytes(LENGTH_BYTES, "big") + text


def job(size: int, limits: Limits) -> dict[str, object]:
    """What the child is asked: to read a file of `size` bytes, whose descriptor comes along."""
    return {"size": size, "limits": asdict(limits)}


def job_of(frame: bytes) -> tuple[int, Limits]:
    asked = orjson.loads(frame)
    return asked["size"], Limits(**asked["limits"])


class SliceWriter:
    """Slices as frames."""

    def __init__(self) -> None:
        self._names: list[str] = []

    def frame(self, piece: Slice) -> bytes:
        """Raises `BadFrame`, TypeError."""
        told: dict[str, object] = {"blank": piece.blank}
        if piece.records:
            names = list(piece.records[0].value)
            if names != self._names:
                self._names = told["names"] = names
            told["records"] = [[one.number, *one.value.values()] for one in piece.records]
        if piece.bad:
            told["bad"] = [[bad.number, *_problem(bad.problem)] for bad in piece.bad]
        return packed(told)


class SliceReader:
    """Frames as slices. Raises `BadFrame` for what is none, what the child says of the file as `FileRejected`, and of
    the disk as `Outage(WORKER)`."""

    def __init__(self) -> None:
        self._names: list[str] = []

    def read(self, frame: bytes) -> Slice | None:
        """None: that was the end of the file."""
        try:
            told = orjson.loads(frame)
            if _ROUGH_TEXT in frame:
                told = _with_rough(told)
            if "disk" in told:
                raise Outage(FailureCode.SCRATCH_FAILED, Dependency.WORKER, f"its disk fails: {told['disk']}")
            refused = told.get("refused")
            if refused is None:
                return None if told.get("end") else self._slice(told)
            code, message, position = FailureCode(refused[0]), str(refused[1]), refused[2]
        except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError) as error:
            raise BadFrame from error
        raise FileRejected(code, message, None if position is None else str(position))

    def _slice(self, told: Mapping[str, Any]) -> Slice:
        self._names = told.get("names", self._names)
        names = self._names
        return Slice(
            [
                RawRecord(number, None, dict(zip(names, values, strict=True)))
                for number, *values in told.get("records", ())
            ],
            [
                BadRecord(number, None, Problem(FailureCode(code), field, expected, got))
                for number, code, field, expected, got in told.get("bad", ())
            ],
            int(told["blank"]),
        )


def refusal(error: FileRejected) -> bytes:
    """Why the file, or the rest of it, is not read."""
    message = error.message if error.position is None else error.message.removesuffix(f" ({error.position})")
    return packed({"refused": [error.code, message, error.position]})


END = packed({"end": True})


def _problem(problem: Problem) -> list[str | None]:
    return [problem.code, problem.field, problem.expected, problem.got]


def _with_rough(told: Any) -> Any:
    """The same with its rough numbers; as deep as records may be."""
    if isinstance(told, list):
        return [_with_rough(item) for item in told]
    if not isinstance(told, dict):
        return told
    number = told.get(_ROUGH)
    if isinstance(number, float) and len(told) == 1:
        return Rough(number)
    return {name: _with_rough(item) for name, item in told.items()}
