"""Looks, every few seconds, at the topics and the group from outside, and says what the worker can not see itself.

A topic that was deleted and made again, partitions that nobody reads, offsets of the group that are gone, strangers in
the group: the consumer goes on as if nothing were, so a worker would be called ready and read nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

import structlog

from app.errors import FailureCode, OperatorError, Outage
from app.model.membership import ClusterState, GroupState, TopicIdentity

log = structlog.get_logger("listings.membership")

LOOK_S = 5.0
CHECK_S = 1.0
_NAMED = 3


class Cluster(Protocol):
    """The brokers, asked past the worker's own consumer."""

    async def look(self, topics: Collection[str]) -> ClusterState:
        """`Outage(BROKER)` when nobody answers."""
        ...

    async def group(self) -> GroupState:
        """`Outage(BROKER)` when nobody answers."""
        ...


class Consuming(Protocol):
    """The worker's own membership and reading."""

    def join_error(self) -> BaseException | None:
        """What keeps the worker out of its group for good, or its consumer from going on; None: nothing."""
        ...

    async def begin_anew(self, identities: Mapping[str, str]) -> None:
        """These topics were made anew: forget what was read of them, and read them from their first record."""
        ...

    def know_topics(self, identities: Mapping[str, str]) -> None:
        """The ids that topics have now."""
        ...

    def own_commits(self) -> Mapping[Any, int]:
        """The offset that was committed last for each own partition, by (topic, partition), where one was."""
        ...

    def commit_again(self, partitions: Collection[tuple[str, int]]) -> None:
        """The broker has other offsets for these than were committed."""
        ...

    async def fatal(self, error: BaseException) -> None:
        """Stop the worker."""
        ...


class Membership:
    """`reasons` says why the worker is not ready, as of the last look."""

    def __init__(self, cluster: Cluster, consuming: Consuming, topics: Collection[str], group: str) -> None:
        self._cluster = cluster
        self._consuming = consuming
        self._topics = tuple(topics)
        self._group = group
        self._ids: dict[str, str] = {}
        self._suspected: dict[tuple[str, int], int] = {}
        self._reasons: list[str] = []
        self._task: asyncio.Task[None] | None = None

    @property
    def reasons(self) -> list[str]:
        return self._reasons

    def start(self) -> None:
        """Begin to look; needs the running event loop."""
        self._task = asyncio.create_task(self._run())

    async def aclose(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _run(self) -> None:
        left_s = 0.0
        while True:
            if (error := self._join_error()) is not None:
                await self._consuming.fatal(await self._told(error))
                return
            if left_s <= 0:
                left_s = LOOK_S
                await self.look()
            await asyncio.sleep(CHECK_S)
            left_s -= CHECK_S

    def _join_error(self) -> BaseException | None:
        try:
            return self._consuming.join_error()
        except Exception as error:
            log.error("cluster_look_failed", exc_info=error)  # a fault of ours ends no worker, and no look
            return None

    async def look(self) -> None:
        """Look once, and do what can be done; a broker that does not answer is told of elsewhere. Never raises."""
        try:
            state = await self._cluster.look(self._topics)
            anew = self._made_anew(state.topics)
            if anew:
                log.warning("topics_made_anew", topics=sorted(anew))
                await self._consuming.begin_anew(anew)
            self._consuming.know_topics(self._ids)
            self._check_commits(state.committed)
            self._tell(reasons_of(state, self._topics, self._group) + [_anew_line(topic) for topic in sorted(anew)])
        except Outage as outage:
            log.info("cluster_not_seen", reason=outage.message)
        except Exception as error:
            log.error("cluster_look_failed", exc_info=error)

    def _made_anew(self, topics: Mapping[str, TopicIdentity]) -> dict[str, str]:
        """Topics with another id than before, with the new one. One that is missing keeps the id that it had."""
        anew = {name: one.id for name, one in topics.items() if self._ids.get(name, one.id) != one.id}
        self._ids |= {name: one.id for name, one in topics.items()}
        return anew

    def _check_commits(self, committed: Mapping[tuple[str, int], int]) -> None:
        """Offsets that differ twice in a row, and were not committed anew meanwhile, are not ours."""
        own = {(tp[0], tp[1]): offset for tp, offset in self._consuming.own_commits().items()}
        differing = {place: offset for place, offset in own.items() if committed.get(place) != offset}
        wrong = [place for place, offset in differing.items() if self._suspected.get(place) == offset]
        self._suspected = differing
        if wrong:
            found = {f"{topic}/{number}": committed.get((topic, number)) for topic, number in wrong}
            log.warning(
                "offsets_changed_by_others", found=found, done="what this worker has finished is committed again"
            )
            self._consuming.commit_again(wrong)

    def _tell(self, reasons: list[str]) -> None:
        for reason in reasons:
            if reason not in self._reasons:
                log.warning("not_reading", reason=reason)
        self._reasons = reasons

    async def _told(self, error: BaseException) -> OperatorError:
        """The sentence for a worker that is kept out; it names who is in the group, where that can be known."""
        try:
            group = await self._cluster.group()
        except Exception:  # whatever it is, the worker has to end now
            group = GroupState()
        return kept_out(error, group, self._group)


def kept_out(error: BaseException, group: GroupState, name: str) -> OperatorError:
    """What an operator has to know about a worker that its group does not let in."""
    others = _names(group.strangers)
    if others:
        return OperatorError(
            FailureCode.SETTING_INVALID,
            f"consumer group {name} is in use by another application: {others}, with the assignor {group.assignor!r}; "
            "stop that, or give it or the workers a group of their own (LISTINGS_KAFKA__GROUP)",
        )
    return OperatorError(
        FailureCode.SETTING_INVALID,
        f"consumer group {name} does not let this worker in, or its consumer has ended "
        f"({type(error).__name__}: {error}); look at who is in the group (listings status) "
        "and what its user may do (Read on the group and the topics)",
    )


def reasons_of(state: ClusterState, topics: Sequence[str], name: str) -> list[str]:
    """Why what comes to these topics is not read as it should be."""
    found = [
        f"topic {topic} does not exist; `listings topics apply` makes it, and it is read then without a restart"
        for topic in topics
        if topic not in state.topics
    ]
    group = state.group
    if group.strangers:
        return [
            *found,
            f"another application is in consumer group {name}, which the assignor {group.assignor!r} shares out now, "
            f"none of the workers'; in it are {_names(group.strangers)}: give it a group of its own",
        ]
    if not group.assignor:
        return found  # being formed: the worker knows of that itself
    given = {place for member in group.workers for place in member.partitions}
    for topic, identity in sorted(state.topics.items()):
        missing = [number for number in range(identity.partitions) if (topic, number) not in given]
        if missing:
            numbers = ", ".join(map(str, missing))
            found.append(f"no worker reads partition {numbers} of {topic} yet; it is given to one within half a minute")
    return found


def _anew_line(topic: str) -> str:
    return (
        f"topic {topic} was deleted and made again; it is read from its first record as soon as it is shared out anew"
    )


def _names(members: Sequence[Any]) -> str:
    more = " and others" if len(members) > _NAMED else ""
    return ", ".join(member.name for member in members[:_NAMED]) + more
