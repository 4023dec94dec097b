"""Faust's consumer with what is added to it: committed records, positions, offsets of topics that are gone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import InconsistentGroupProtocolError, KafkaError
from aiokafka.structs import OffsetAndMetadata, TopicPartition
from faust.transport.drivers import aiokafka as driver

from app.agents.consumer import CommittedConsumer, CommittedThread, stable_end
from app.agents.readings import Readings
from app.observability import metrics

TP = TopicPartition("listings", 0)


@dataclass
class State:
    """Of one partition, as aiokafka keeps it."""

    position: int = 0
    lso: int | None = None
    highwater: int | None = None
    has_valid_position: bool = True
    awaiting_reset: bool = False
    sought: list[object] = field(default_factory=list)

    def await_reset(self, strategy: object) -> None:
        self.sought.append("first")


class Consumer:
    """aiokafka's, as far as the thread looks into it."""

    def __init__(self, state: State, committed: OffsetAndMetadata | None = None) -> None:
        self.state = state
        assignment = SimpleNamespace(tps={TP}, active=True, state_value=lambda _: state)
        self.assigned = assignment
        self._subscription = SimpleNamespace(
            subscription=SimpleNamespace(assignment=assignment), reassignment_in_progress=False
        )
        self._coordinator = SimpleNamespace(fetch_committed_offsets=self._committed)
        self._fetcher = SimpleNamespace(seek_to=lambda tp, offset: state.sought.append(offset))
        self._kept = committed

    def assignment(self) -> set[TopicPartition]:
        return {TP}

    async def _committed(self, tps: set[TopicPartition]) -> dict[TopicPartition, OffsetAndMetadata]:
        return {} if self._kept is None else {TP: self._kept}

    def seek(self, tp: TopicPartition, offset: int) -> None:
        self.state.sought.append(offset)


def thread_of(consumer: Consumer) -> Any:
    thread = CommittedThread.__new__(CommittedThread)
    thread.readings, thread.topic_ids, thread.skips = Readings(), {"listings": "now"}, set()
    thread._assignment, thread._consumer, thread._noted_at = None, consumer, 0.0
    thread.worker, thread.blame = "cafe0001", {}
    return thread


def records(*offsets: int) -> dict[TopicPartition, list[Any]]:
    return {TP: [SimpleNamespace(offset=offset) for offset in offsets]}


def test_what_was_handed_on_and_the_position_are_noted_together() -> None:
    thread = thread_of(Consumer(State(position=5, lso=5, highwater=8)))
    thread._note(thread._consumer, records(0, 3))
    reading = thread.readings.get(TP)
    assert (reading.handed, reading.position, reading.end, reading.top) == (4, 5, 5, 8)


def test_under_load_only_what_came_is_looked_at_and_all_of_it_twice_a_second() -> None:
    consumer = Consumer(State(position=5))
    thread = thread_of(consumer)
    thread._note(consumer, records(4))
    consumer.state.position = 9
    thread._note(consumer, {TopicPartition("listings", 1): []})
    assert thread.readings.get(TP).position == 5
    thread._note(consumer, {})
    assert thread.readings.get(TP).position == 9


@pytest.mark.parametrize("change", ["inactive", "handing over", "another"])
def test_nothing_of_another_assignment_is_believed(change: str) -> None:
    consumer = Consumer(State(position=5))
    thread = thread_of(consumer)
    thread._note(consumer, records(4))
    if change == "another":
        thread._note(Consumer(State(position=2)), {})
        assert (thread.readings.get(TP).handed, thread.readings.get(TP).position) == (None, 2)
        return
    thread.readings.reset()
    consumer.assigned.active = change != "inactive"
    consumer._subscription.reassignment_in_progress = change == "handing over"
    thread._note(consumer, records(9))
    assert thread.readings.get(TP) is None


@pytest.mark.parametrize(
    ("metadata", "blame", "told"),
    [
        ("now w=cafe0002 u=0,2 v=3 b=2:2", {7: 2, 9: 4, 10: 1}, 1),
        ("now w=cafe0001 u=0,2 b=2:2", {9: 2}, 0),  # this process itself had it before
        ("now", {}, 0),
        ("before w=cafe0002 u=0", {}, 0),  # of a topic that is gone
        ("w=;u=0-x b=", {}, 0),
    ],
)
async def test_who_takes_over_from_a_worker_that_ended_in_silence_knows_what_it_worked_on(
    metadata: str, blame: dict[int, int], told: int
) -> None:
    thread = thread_of(Consumer(State(), OffsetAndMetadata(7, metadata)))
    before = metrics.SILENT_ENDS.labels("listings")._value.get()
    await thread._seek_to_committed()
    assert thread.blame.get(TP, {}) == blame
    assert metrics.SILENT_ENDS.labels("listings")._value.get() - before == told


@pytest.mark.parametrize(
    ("kept", "begins"),
    [
        (OffsetAndMetadata(7, "now"), 7),
        (OffsetAndMetadata(7, ""), 7),
        (OffsetAndMetadata(7, "now w=cafe0002 u=0-3"), 7),
        (OffsetAndMetadata(7, "before"), "first"),
        (OffsetAndMetadata(7, "before w=cafe0002 u=0-3"), "first"),
    ],
)
async def test_an_offset_of_a_topic_that_is_gone_counts_for_nothing(kept: OffsetAndMetadata, begins: object) -> None:
    state = State()
    found = await thread_of(Consumer(state, kept))._seek_to_committed()
    assert state.sought == [begins]
    assert found == {TP: None if begins == "first" else 7}


async def test_without_an_offset_nothing_is_sought() -> None:
    state = State()
    assert await thread_of(Consumer(state))._seek_to_committed() == {TP: None}
    assert state.sought == []


async def test_records_to_be_walked_past_are_not_even_asked_for() -> None:
    state = State(position=7)
    thread = thread_of(Consumer(state, OffsetAndMetadata(7, "now")))
    thread.skips |= {("listings", 0, 7), ("listings", 0, 8), ("listings", 1, 9)}
    assert await thread._seek_to_committed() == {TP: 9}
    thread._step_over(TP, 7)
    thread._step_over(TopicPartition("listings", 1), 9)
    assert state.sought == [9, 9]


def test_a_partition_ends_at_its_last_stable_offset() -> None:
    assert stable_end(Consumer(State(lso=4, highwater=9)), TP) == 4
    assert stable_end(Consumer(State(lso=-1, highwater=9)), TP) == 9
    assert stable_end(Consumer(State(highwater=None)), TP) is None


def kept_out(error: Exception) -> tuple[Any, list[Any]]:
    """A thread whose coordinator waits with an error, and what was called in the thread."""
    consumer: Any = Consumer(State())
    consumer._closed = False
    done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    consumer._coordinator = SimpleNamespace(
        _closing=done, _pending_exception=error, generation=-1, _coordination_task=done, check_errors=lambda: None
    )
    consumer._fetcher._fetch_task = done
    thread = thread_of(consumer)
    called: list[Any] = []
    thread._tries, thread.thread_loop = 0, SimpleNamespace(call_soon_threadsafe=called.append)
    return thread, called


async def test_an_error_that_does_not_pass_ends_the_consumer_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CommittedThread, "should_stop", False)
    thread, called = kept_out(InconsistentGroupProtocolError())
    assert isinstance(thread.end(), InconsistentGroupProtocolError)
    assert called == []


async def test_an_error_that_may_pass_is_taken_note_of_so_that_it_is_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(CommittedThread, "should_stop", False)
    thread, called = kept_out(KafkaError("UnknownServerError"))
    assert thread.end() is None
    assert called == [thread._take_note]
    for _ in range(100):
        thread.end()
    assert isinstance(thread.end(), KafkaError), "not for ever"
    coordinator = thread._consumer._coordinator
    coordinator._pending_exception, coordinator.generation = None, 4
    assert thread.end() is None
    assert thread._tries == 0


def consuming() -> Any:
    kind: Any = CommittedConsumer
    consumer = kind.__new__(kind)
    consumer._thread = SimpleNamespace(topic_ids={"listings": "old"}, skips={("listings", 0, 5), ("other", 0, 5)})
    return consumer


def test_what_was_to_be_walked_past_of_a_topic_that_is_gone_is_forgotten() -> None:
    consumer = consuming()
    consumer.know_topics({"listings": "old", "other": "first seen"})
    assert consumer._thread.skips == {("listings", 0, 5), ("other", 0, 5)}
    consumer.know_topics({"listings": "new"})
    assert consumer._thread.skips == {("other", 0, 5)}
    assert (consumer.topic_id("listings"), consumer.topic_id("unknown")) == ("new", "")


async def test_records_before_the_committed_offset_are_not_dropped_when_the_log_begins_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The offset is that of another log, so it does not exist, and aiokafka goes back to the first record."""
    taken: list[int] = []
    stopped = asyncio.Event()

    async def callback(message: Any) -> None:
        taken.append(message.offset)

    monkeypatch.setattr(driver.Consumer, "__init__", lambda self: None)
    monkeypatch.setattr(driver.Consumer, "should_stop", False)
    kind: Any = CommittedConsumer
    consumer = kind()
    consumer.__dict__ |= {
        "app": SimpleNamespace(topics=SimpleNamespace(acks_enabled_for=None)),
        "_stopped": stopped,
        "_commit_every": None,
        "_committed_offset": {},
        "_read_offset": consumer._read_offset,
        "callback": callback,
        "diag": SimpleNamespace(set_flag=str, unset_flag=str),
        "log": SimpleNamespace(dev=print),
        "sleep": asyncio.sleep,
        "suspend_flow": SimpleNamespace(wait=str),
        "wait_first": lambda came, _: came,
    }

    async def committed() -> dict[Any, int]:
        return {TP: 5000}

    async def getmany(timeout: float) -> AsyncIterator[tuple[Any, Any]]:
        for offset in (0, 1):
            yield TP, SimpleNamespace(offset=offset, topic="listings", key=None, value=None)
        stopped.set()

    consumer.seek_to_committed, consumer.getmany = committed, getmany
    await consumer.perform_seek()
    await consumer._drain_messages(SimpleNamespace(_stopped=stopped))
    assert taken == [0, 1]


async def test_offsets_are_committed_with_the_topics_id_and_the_trace() -> None:
    taken: list[Any] = []
    consumer = Consumer(State())

    async def commit(due: Any) -> None:
        taken.append(due)

    consumer.commit = commit  # type: ignore[attr-defined]
    consumer._client = SimpleNamespace(cluster=SimpleNamespace(partitions_for_topic=lambda _: {0}))  # type: ignore[attr-defined]
    thread = thread_of(consumer)
    assert await thread._commit({TP: 7}, {TP: "w=cafe0001 u=0"})
    assert await thread._commit({TP: 8})
    assert taken == [{TP: OffsetAndMetadata(7, "now w=cafe0001 u=0")}, {TP: OffsetAndMetadata(8, "now")}]
