"""A Kafka topic as it should be, or as it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TopicState:
    """Partitions, copies and settings of one topic."""

    name: str
    partitions: int
    replicas: int
    config: Mapping[str, str]
    """Settings by Kafka's names, values as Kafka writes them; of an existing topic all that hold for it."""
    overrides: frozenset[str] = frozenset()
    """The settings that an existing topic does not take from its broker."""
