"""A message of a queue that carries notifications to us."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class QueuedMessage:
    """A message taken from a queue: it is ours for a while, and comes again unless it is deleted."""

    message_id: str
    receipt: str
    """What the queue wants to hear when the message is deleted or given back; new with every delivery."""
    body: str
