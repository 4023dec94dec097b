"""What a consumer group and the topics that it reads look like from outside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

ASSIGNOR = "listings"
"""The name under which workers share out partitions. Brokers let nobody into a group who does not know its assignor, so
no other application can take partitions from workers by mistake."""


@dataclass(frozen=True, slots=True)
class Member:
    """One member of a consumer group, by what it says of itself."""

    client_id: str
    host: str
    partitions: frozenset[tuple[str, int]] = frozenset()
    """Those that it was given, by topic and number."""

    @property
    def name(self) -> str:
        return f"{self.client_id} on {self.host}"


@dataclass(frozen=True, slots=True)
class GroupState:
    """A consumer group; `assignor` is empty while nobody is in it, or while it is being formed."""

    assignor: str = ""
    members: tuple[Member, ...] = ()

    @property
    def workers(self) -> tuple[Member, ...]:
        """Those that are workers: all, or none when the group is another application's."""
        return self.members if self.assignor in ("", ASSIGNOR) else ()

    @property
    def strangers(self) -> tuple[Member, ...]:
        return () if self.assignor in ("", ASSIGNOR) else self.members


@dataclass(frozen=True, slots=True)
class TopicIdentity:
    """A topic that was deleted and made again has the same name and another id."""

    id: str
    partitions: int


@dataclass(frozen=True, slots=True)
class ClusterState:
    topics: Mapping[str, TopicIdentity] = field(default_factory=dict)
    """Those that exist."""
    group: GroupState = field(default_factory=GroupState)
    committed: Mapping[tuple[str, int], int] = field(default_factory=dict)
    """The group's offsets, where it has one."""
