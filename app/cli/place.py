"""How commands are told which: a dead letter by PARTITION/OFFSET, files by the beginning of BUCKET/KEY."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import click

from app.errors import FailureCode, OperatorError

F = TypeVar("F", bound=Callable[..., object])
_PLACE = re.compile(r"(?:listing-dlq/)?(\d{1,9})/(\d{1,18})")


class Place(click.ParamType):
    """A partition and an offset, as in `3/17`."""

    name = "place"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int] | object:
        if isinstance(value, tuple):
            return value
        match = _PLACE.fullmatch(str(value))
        if match is None:
            self.fail("expected PARTITION/OFFSET as in `listings dlq list`, for example 3/17", param, ctx)
        return int(match[1]), int(match[2])


PLACE = Place()


def file_option(function: F) -> F:
    """Add `--file`, by its other name `--prefix`; the command receives `file_prefix: str | None`."""
    decorate = click.option(
        "--file", "--prefix", "file_prefix", help="Only files whose BUCKET/KEY, or KEY, starts with this."
    )
    return decorate(function)


def ranges_of(
    places: Sequence[tuple[int, int]], marks: Mapping[int, tuple[int, int]]
) -> list[dict[int, tuple[int, int]]]:
    """One range for each place, to be read one after the other; `OperatorError` for a place that holds nothing."""
    for partition, offset in places:
        low, high = marks.get(partition, (0, 0))
        if not low <= offset < high:
            holds = f"offsets {low} to {high - 1}" if low < high else "none"
            raise OperatorError(
                FailureCode.COMMAND_FAILED,
                f"there is no dead letter {partition}/{offset}; partition {partition} holds {holds}",
            )
    return [{partition: (offset, offset + 1)} for partition, offset in places]
