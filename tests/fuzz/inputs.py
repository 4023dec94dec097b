"""What a target is given, and the time that it may take."""

from __future__ import annotations

from dataclasses import dataclass

STALL_S = 0.05
"""No turn of the event loop may be longer."""


@dataclass(frozen=True, slots=True)
class Input:
    """One input: `name` leads it (an object key, the topic, a kind), `data` is damaged."""

    name: str
    data: bytes


class Stalled(AssertionError):
    """One step took longer than the event loop may be held."""
