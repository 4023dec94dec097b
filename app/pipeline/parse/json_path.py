"""Where the records are in a JSON document: `vehicles[]`, `pageProps.listings[]`, `dealers[].cars[]`, `cars.*`."""

from __future__ import annotations

import re
from enum import Enum

from app.errors import FailureCode, OperatorError


class Every(Enum):
    """A step into all of a container's values."""

    ELEMENT = "[]"
    """… of an array."""
    VALUE = "*"
    """… of an object; each value's key goes with it."""


Step = str | Every
"""A member's name, or every value."""

_SEGMENT = re.compile(r"(\*|[^\[\]*]+)?((?:\[\])*)")


def parse_records_path(path: str) -> tuple[Step, ...]:
    """The steps of a path; `OperatorError(DECLARATION_INVALID)` when it is none. A name can not hold `.`, `[`, `*`."""
    steps: list[Step] = []
    for position, segment in enumerate(path.split(".")):
        match = _SEGMENT.fullmatch(segment)
        if not segment or match is None or (match[1] is None and position):
            raise OperatorError(
                FailureCode.DECLARATION_INVALID,
                f"records_path {path!r}: expected names joined by dots, `[]` after an array, `*` for all of an object, "
                "as in `pageProps.listings[]` or `cars.*`",
            )
        if match[1] is not None:
            steps.append(Every.VALUE if match[1] == "*" else match[1])
        steps += [Every.ELEMENT] * (len(match[2]) // 2)
    return tuple(steps)
