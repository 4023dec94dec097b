"""A record that a person has the workers walk past."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Skip:
    topic: str
    partition: int
    offset: int
    reason: str
    by: str
    """Who decided it, as their machine names them."""
    at: str
    """When, RFC 3339."""

    @property
    def place(self) -> str:
        """`topic/partition/offset`, for people and logs; the key on the topic."""
        return f"{self.topic}/{self.partition}/{self.offset}"


def skip_of(value: Any) -> Skip | None:
    """The skip that parsed JSON holds; None when it holds none: others may have written it."""
    if not isinstance(value, Mapping):
        return None
    topic, partition, offset = value.get("topic"), value.get("partition"), value.get("offset")
    if not isinstance(topic, str) or type(partition) is not int or type(offset) is not int:
        return None
    if partition < 0 or offset < 0:
        return None
    texts = (str(value.get(name, ""))[:1024] for name in ("reason", "by", "at"))
    return Skip(topic, partition, offset, *texts)
