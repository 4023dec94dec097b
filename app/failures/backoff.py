"""How long a retry waits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

RETRY_AFTER_HEEDED_S = 60.0
"""A dependency that is down is left alone for as long as it wishes (`Retry-After`), but not longer than this: it may
be back sooner than it thought, and everybody waits."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """Exponential delays with full jitter, so that what failed together does not return together.

    The n-th delay is drawn evenly from 0 to min(cap, base * 2^(n-1)) seconds ("full jitter" of M. Brooker,
    Exponential Backoff And Jitter, AWS Architecture Blog, 2015).
    """

    base_s: float
    cap_s: float

    def ceiling_s(self, failures: int) -> float:
        """The longest the delay after `failures` (1, 2, …) failures can be."""
        doublings = min(max(failures, 1) - 1, 32)
        return min(self.cap_s, self.base_s * 2.0**doublings)

    def delay_s(self, failures: int, draw: Callable[[], float], at_least_s: float | None = None) -> float:
        """The delay after `failures` failures; `draw` gives evenly spread numbers in [0, 1).

        `at_least_s` is a server's own wish (Retry-After); it is honoured up to the cap, on top of the jitter.
        """
        jitter = draw() * self.ceiling_s(failures)
        return jitter if at_least_s is None else min(self.cap_s, at_least_s) + jitter
