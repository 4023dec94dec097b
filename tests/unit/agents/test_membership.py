"""What a worker can not see of its topics and its group by itself, and what it does about it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import pytest

from app.agents.membership import Membership, kept_out, reasons_of
from app.errors import Dependency, FailureCode, Outage
from app.model.membership import ASSIGNOR, ClusterState, GroupState, Member, TopicIdentity
from tests.support.agents import eventually

AWAY = Outage(FailureCode.UNREACHABLE, Dependency.BROKER, "no answer")
PLACES = frozenset({("a", 0), ("a", 1), ("b", 0)})
WORKER = Member("listings-worker", "10.0.0.1", PLACES)
STRANGER = Member("listings-worker", "10.0.0.9", frozenset({("a", 1)}))


TWO = TopicIdentity("id-a", 2)
OURS = GroupState(ASSIGNOR, (WORKER,))


def state(
    a: TopicIdentity | None = TWO,
    group: GroupState = OURS,
    committed: Mapping[tuple[str, int], int] | None = None,
) -> ClusterState:
    topics = {"b": TopicIdentity("id-b", 1)} | ({} if a is None else {"a": a})
    return ClusterState(topics, group, committed or {})


@dataclass
class World:
    """The brokers and the worker: `states` in turn, the last one for good; an outage is raised."""

    states: list[ClusterState | Outage]
    own: dict[tuple[str, int], int] = field(default_factory=dict)
    error: BaseException | None = None
    anew: list[dict[str, str]] = field(default_factory=list)
    known: dict[str, str] = field(default_factory=dict)
    again: list[list[tuple[str, int]]] = field(default_factory=list)
    ended: list[BaseException] = field(default_factory=list)

    async def look(self, topics: Collection[str]) -> ClusterState:
        found = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        if isinstance(found, Outage):
            raise found
        return found

    async def group(self) -> GroupState:
        return (await self.look(())).group

    def join_error(self) -> BaseException | None:
        return self.error

    async def begin_anew(self, identities: Mapping[str, str]) -> None:
        self.anew.append(dict(identities))

    def know_topics(self, identities: Mapping[str, str]) -> None:
        self.known = dict(identities)

    def own_commits(self) -> Mapping[tuple[str, int], int]:
        return self.own

    def commit_again(self, partitions: Collection[tuple[str, int]]) -> None:
        self.again.append(list(partitions))

    async def fatal(self, error: BaseException) -> None:
        self.ended.append(error)


def membership(world: World) -> Membership:
    return Membership(world, world, ["a", "b"], "cars")


async def test_a_topic_that_is_gone_is_told_until_it_is_there_again() -> None:
    world = World([state(a=None), state()])
    looking = membership(world)
    await looking.look()
    assert looking.reasons == [
        "topic a does not exist; `listings topics apply` makes it, and it is read then without a restart"
    ]
    await looking.look()
    assert (looking.reasons, world.anew) == ([], [])


@pytest.mark.parametrize("between", [[], [state(a=None)], [AWAY]])
async def test_a_topic_that_was_made_anew_is_read_anew(between: list[ClusterState | Outage]) -> None:
    other = state(a=TopicIdentity("id-2", 2))
    world = World([state(), *between, other, other])
    looking = membership(world)
    for _ in range(2 + len(between)):
        await looking.look()
    assert world.anew == [{"a": "id-2"}]
    assert world.known == {"a": "id-2", "b": "id-b"}
    assert any("topic a was deleted and made again" in reason for reason in looking.reasons)
    await looking.look()
    assert (looking.reasons, len(world.anew)) == ([], 1)


def test_partitions_that_nobody_reads() -> None:
    (reason,) = reasons_of(state(a=TopicIdentity("id-a", 4)), ["a", "b"], "cars")
    assert reason.startswith("no worker reads partition 2, 3 of a yet")
    forming = state(a=TopicIdentity("id-a", 4), group=GroupState("", (WORKER,)))
    assert reasons_of(forming, ["a", "b"], "cars") == []


def test_strangers_in_the_group_are_named_though_they_use_our_client_id() -> None:
    (reason,) = reasons_of(state(group=GroupState("uniform", (STRANGER,))), ["a", "b"], "cars")
    assert "listings-worker on 10.0.0.9" in reason
    assert "'uniform'" in reason


async def test_offsets_that_others_changed_are_committed_again_and_late_ones_are_not() -> None:
    world = World([state(committed={("a", 0): 5})], own={("a", 0): 7})
    looking = membership(world)
    await looking.look()
    world.own = {("a", 0): 9}
    await looking.look()
    assert world.again == [], "a commit was under way each time"
    await looking.look()
    assert world.again == [[("a", 0)]]
    world.states = [state(committed={("a", 0): 9})]
    await looking.look()
    await looking.look()
    assert len(world.again) == 1


async def test_a_broker_that_is_away_changes_nothing() -> None:
    world = World([state(a=None), AWAY])
    looking = membership(world)
    await looking.look()
    before = looking.reasons
    await looking.look()
    assert (looking.reasons, bool(before)) == (before, True)


async def test_a_worker_that_is_kept_out_ends_with_the_name_of_the_other() -> None:
    world = World([state(group=GroupState("range", (STRANGER,)))], error=RuntimeError("InconsistentGroupProtocol"))
    looking = membership(world)
    looking.start()
    await eventually("the end", lambda: world.ended)
    await looking.aclose()
    (error,) = world.ended
    assert "consumer group cars is in use by another application: listings-worker on 10.0.0.9" in str(error)
    assert "'range'" in str(error)


def test_without_a_stranger_the_error_itself_is_told() -> None:
    told = kept_out(PermissionError("GroupAuthorizationFailed"), GroupState(), "cars").message
    assert "GroupAuthorizationFailed" in told
    assert "Read on the group" in told


async def test_a_fault_of_a_look_ends_neither_the_looking_nor_the_end_of_a_worker_that_is_kept_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World([state()])
    answers: list[Exception | None] = [AttributeError(), None]

    def join_error() -> BaseException | None:
        answer = answers.pop(0) if answers else None
        if isinstance(answer, AttributeError):
            raise answer
        return world.error

    async def group() -> GroupState:
        raise KeyError

    monkeypatch.setattr(world, "join_error", join_error)
    monkeypatch.setattr(world, "group", group)
    monkeypatch.setattr("app.agents.membership.CHECK_S", 0.001)
    world.error = RuntimeError("kept out")
    looking = membership(world)
    looking.start()
    await eventually("the end", lambda: world.ended)
    await looking.aclose()
    assert "does not let this worker in" in str(world.ended[0])
