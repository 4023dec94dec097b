"""Bytes that wait in Faust's queues: a topic that has enough is left out, the others go on."""

from __future__ import annotations

from collections import OrderedDict
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.consumer.fetcher import FetchError
from aiokafka.structs import TopicPartition
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Consumer

from app.agents import faust_transport
from app.agents.faust_transport import BoundedThread, bounded_transport
from app.consumer.buffered import Buffered, Parcel
from app.consumer.guarded_fetch import FETCH_MAX_BYTES, POLL_BYTES

A, B = TopicPartition("a", 0), TopicPartition("b", 0)


class Bench:
    def __init__(self, monkeypatch: pytest.MonkeyPatch, record_max_bytes: int = 0) -> None:
        self.buffered = Buffered()
        self.asked: list[tuple[set[Any], float]] = []
        self.slept: list[float] = []
        kind: Any = bounded_transport(self.buffered, 1000, record_max_bytes).Consumer
        self.consumer = kind.__new__(kind)
        self.consumer._full = set()

        async def getmany(_: Any, active: set[Any], timeout: float) -> dict[Any, Any]:
            self.asked.append((active, timeout))
            return {A: []}

        async def sleep(seconds: float) -> None:
            self.slept.append(seconds)

        monkeypatch.setattr(Consumer, "_getmany", getmany)
        self.consumer.__dict__["sleep"] = sleep

    async def ask(self) -> None:
        await self.consumer._getmany({A, B}, 1.0)


async def test_a_topic_that_has_enough_is_left_out_until_half_of_it_was_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(monkeypatch)
    parcels = [Parcel(bench.buffered, "a", 200, 0, None) for _ in range(4)]
    await bench.ask()
    parcels.append(Parcel(bench.buffered, "a", 200, 0, None))
    await bench.ask()
    del parcels[3:]
    await bench.ask()
    del parcels[2:]
    await bench.ask()
    assert [active for active, _ in bench.asked] == [{A, B}, {B}, {B}, {A, B}]
    assert [timeout < 1 for _, timeout in bench.asked] == [False, True, True, False], "it is looked at again soon"


async def test_a_topic_of_large_records_is_read_on_while_the_last_one_taken_is_still_held(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever loops over a stream holds the record that came last until the next one comes."""
    bench = Bench(monkeypatch, record_max_bytes=900)
    parcels = [Parcel(bench.buffered, "a", 900, 0, None) for _ in range(5)]
    await bench.ask()
    del parcels[2:]  # one in the loop, one in the stream below it
    await bench.ask()
    assert [active for active, _ in bench.asked] == [{B}, {A, B}]


async def test_with_all_topics_full_nothing_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(monkeypatch)
    parcels = [Parcel(bench.buffered, topic, 1000, 0, None) for topic in "ab"]
    await bench.ask()
    assert bench.asked == []
    assert len(bench.slept) == 1
    assert parcels


class Fetching:
    """The consumer below Faust: what was fetched of each partition, as sizes of records."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **fetched: list[int] | FetchError) -> None:
        self.calls: list[tuple[set[Any], int | None]] = []
        self.noted: list[Any] = []
        self.fetched = OrderedDict((TopicPartition(name, 0), found) for name, found in fetched.items())
        self.subscriptions = SimpleNamespace(reassignment_in_progress=False, fetch_context=nullcontext)
        self.consumer = SimpleNamespace(
            _fetcher=SimpleNamespace(_records=self.fetched, _subscriptions=self.subscriptions)
        )
        thread: Any = BoundedThread
        self.thread = thread.__new__(thread)
        self.thread.consumer = SimpleNamespace(flow_active=True)
        self.thread._note = lambda consumer, records: self.noted.append(records)
        self.thread._turn, self.thread._turn_until = "", 0.0

        async def fetch(_: Any, consumer: Any, active: set[Any], timeout: float, max_records: int) -> dict[Any, Any]:
            self.calls.append((active, max_records))
            found = {}
            for tp in active & set(self.fetched):
                sizes = self.fetched[tp]
                assert isinstance(sizes, list), "an error would be raised here"
                found[tp] = [SimpleNamespace(size=size) for size in sizes[:max_records]]
            return found

        monkeypatch.setattr(AIOKafkaConsumerThread, "_fetch_records", fetch)

    async def drain(self, *names: str) -> dict[str, int]:
        active = {TopicPartition(name, 0) for name in names}
        found = await self.thread._fetch_records(self.consumer, active, timeout=1.0, max_records=100)
        assert self.noted.pop() == found
        return {tp.topic: len(records) for tp, records in found.items()}


async def test_a_call_takes_of_all_partitions_up_to_its_records_and_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await Fetching(monkeypatch, a=[1] * 60, b=[1] * 60, c=[1]).drain("a", "b", "c") == {"a": 60, "b": 40}
    assert await Fetching(monkeypatch, a=[1], b=[1], c=[1]).drain("a", "c") == {"a": 1, "c": 1}
    assert await Fetching(monkeypatch, a=[POLL_BYTES], b=[1]).drain("a", "b") == {"a": 1}


async def test_topics_take_turns_so_that_a_flood_on_one_is_before_nobody_on_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 1000.0
    monkeypatch.setattr(faust_transport, "time", SimpleNamespace(monotonic=lambda: now))
    fetching = Fetching(monkeypatch, flood=[1] * 500, retry=[1] * 500, upload=[1] * 3)
    names = ("flood", "retry", "upload")
    taken = []
    for _ in range(7):
        taken.append(await fetching.drain(*names))
        now += 0.15
    assert taken == [
        {"flood": 100}, {"flood": 100}, {"retry": 100}, {"retry": 100},
        {"upload": 3, "flood": 97}, {"upload": 3, "flood": 97}, {"flood": 100},
    ]  # fmt: skip
    del fetching.fetched[TopicPartition("flood", 0)]
    assert await fetching.drain(*names) == {"retry": 100}, "who has nothing more has no turn"


async def test_what_was_drained_does_not_wait_for_a_rebalance_nor_for_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    failed = FetchError(error=ValueError(), backoff=0)
    assert await Fetching(monkeypatch, a=[1], b=failed).drain("a", "b") == {"a": 1}
    moving = Fetching(monkeypatch, a=[1], b=[1])
    moving.subscriptions.reassignment_in_progress = True
    assert await moving.drain("a", "b") == {"a": 1}


async def test_where_nothing_is_there_the_next_record_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    fetching = Fetching(monkeypatch)
    assert await fetching.drain("a", "b") == {}
    assert fetching.calls == [({A, B}, 1)]


def test_an_answer_of_a_broker_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    thread: Any = BoundedThread
    made = SimpleNamespace(_fetch_max_bytes=50 * 1024 * 1024)
    monkeypatch.setattr(AIOKafkaConsumerThread, "_create_worker_consumer", lambda *_: made)
    assert thread.__new__(thread)._create_worker_consumer(None)._fetch_max_bytes == FETCH_MAX_BYTES
