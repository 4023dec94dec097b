"""Waiting for a condition, never for a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar

T = TypeVar("T")


def until(what: str, probe: Callable[[], T | None], seconds: float = 30.0, every: float = 0.1) -> T:
    """The first true-ish answer of `probe`; fails with `what` and the last answer when none comes in time."""
    deadline = time.monotonic() + seconds
    answer = probe()
    while not answer:
        assert time.monotonic() < deadline, f"waited {seconds:g} s for {what}; last answer: {answer!r}"
        time.sleep(every)
        answer = probe()
    return answer


def next_second() -> None:
    """Stores tell the time of an upload in whole seconds: what comes after this is newer than what came before."""
    now = datetime.now(UTC).replace(microsecond=0)
    until("the next second", lambda: datetime.now(UTC).replace(microsecond=0) > now)
