"""One file of the hostile corpus, and what has to become of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from app.errors import FailureCode
from app.model.record import ReadHints


@dataclass(frozen=True)
class HostileFile:
    """`key` is a fitting object key; its ending is what the name promises, true or not."""

    key: str
    build: Callable[[], bytes] = field(repr=False)
    good: int = 0
    bad: tuple[FailureCode, ...] = ()
    blank: int = 0
    file: FailureCode | None = None
    """Why the file, or its rest, is refused; None: it is read to its end."""
    position: str | None = None
    """Part of the position that is told."""
    hints: dict[str, Any] = field(default_factory=dict)
    """What a profile says of it (`ReadHints`)."""
    limits: dict[str, Any] = field(default_factory=dict)
    """What differs from the default limits."""

    def read_hints(self, named: ReadHints) -> ReadHints:
        return ReadHints(**{"format": named.format, "compression": named.compression, **self.hints})
