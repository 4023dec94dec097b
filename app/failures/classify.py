"""Sorts whatever went wrong with one record by what happens next.

Adapters have translated their libraries' errors already, so only our own tree is judged here. Anything else is a bug
of ours: it is retried under a code of its own and becomes a dead letter, never a dead worker.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from enum import StrEnum

from app.errors import FailureCode, FailureKind, ListingsError, NotTried, Outage, Rejected, Skipped, Transient


class NextStep(StrEnum):
    """What is done with the record."""

    SKIP = "skip"
    REJECT = "reject"
    RETRY = "retry"
    PAUSE = "pause"


@dataclass(frozen=True, slots=True)
class Verdict:
    """How one failure is answered."""

    step: NextStep
    code: FailureCode
    message: str
    exception: str | None = None
    """Class of an unexpected exception; None for our own."""
    retry_after_s: float | None = None
    is_try: bool = True
    """False: it uses up none of the record's tries."""

    @property
    def kind(self) -> FailureKind:
        """The `failure-kind` header: what was rejected stays rejected, all else may succeed later."""
        return FailureKind.REJECT if self.step is NextStep.REJECT else FailureKind.TRANSIENT


def classify(error: BaseException) -> Verdict:
    """The verdict over one error; never raises. Texts of foreign exceptions are not passed on: they may hold data."""
    if isinstance(error, Skipped):
        return Verdict(NextStep.SKIP, error.code, error.message)
    if isinstance(error, Rejected):
        return Verdict(NextStep.REJECT, error.code, error.message)
    if isinstance(error, Outage):
        return Verdict(NextStep.PAUSE, error.code, error.message, None, error.retry_after_s)
    if isinstance(error, Transient):
        is_try = not isinstance(error, NotTried)
        return Verdict(NextStep.RETRY, error.code, error.message, None, error.retry_after_s, is_try)
    name = type(error).__name__
    if isinstance(error, (TimeoutError, asyncio.TimeoutError)):
        return Verdict(NextStep.RETRY, FailureCode.HANDLING_TIMED_OUT, "handling took longer than allowed", name)
    if isinstance(error, ListingsError):
        return Verdict(NextStep.RETRY, error.code, error.message, name)
    return Verdict(
        NextStep.RETRY, FailureCode.UNEXPECTED, f"unexpected {name}; the worker's log has the traceback", name
    )
