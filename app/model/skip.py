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
    topic_id: str = ""
    """Of the topic as it was then: made anew, it has another record at that offset. Empty: not known."""

    @property
    def place(self) -> str:
        """`topic/partition/offset`, for people and logs; the key on the topic."""
        return f"{self.topic}/{self.partition}/{self.offset}"

    def is_of(self, topic_id: str) -> bool:
        """Whether it is about a record of the topic with this id, as far as both ids are known."""
        return not self.topic_id or not topic_id or self.topic_id == topic_id


def skip_of(value: Any) -> Skip | None:
    """The skip that parsed JSON holds; None when it holds none: others may have written it."""
    if not isinstance(value, Mapping):
        return None
    topic, partition, offset = value.get("topic"), value.get("partition"), value.get("offset")
    if not isinstance(topic, str) or type(partition) is not int or type(offset) is not int:
        return None
    if partition < 0 or offset < 0:
        return None
    reason, by, at = (str(value.get(name, ""))[:1024] for name in ("reason", "by", "at"))
    topic_id = value.get("topic_id")
    return Skip(topic, partition, offset, reason, by, at, topic_id if isinstance(topic_id, str) else "")
