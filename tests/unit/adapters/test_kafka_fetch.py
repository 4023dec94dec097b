"""Reading spans of a topic through the guard, with a consumer of the test's own making below it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError
from aiokafka.structs import TopicPartition

from app.adapters import kafka_fetch
from app.adapters.kafka_reader import KafkaReader
from app.consumer.guarded_fetch import FetchedBytes, GuardedRecord, GuardedRecords
from app.errors import Dependency, FailureCode, Outage
from app.model.source_record import SourceRecord
from app.settings import KafkaSettings
from tests.support.raw_batches import NOW_MS, ZSTD, batch, record

TOPIC = "listing-dlq"
SETTINGS = KafkaSettings(bootstrap_servers="a:1")


@dataclass
class Log:
    """A topic: the bytes of each partition, which come whole, and once, and how far it is stable."""

    partitions: dict[int, bytes]
    stable: dict[int, int] = field(default_factory=dict)
    given: dict[str, Any] = field(default_factory=dict)
    is_down: bool = False
    ended: int = 0

    def __call__(self, **given: Any) -> Log:
        self.given = given
        self.positions: dict[TopicPartition, int] = {}
        self.fetched: set[TopicPartition] = set()
        return self

    async def start(self) -> None:
        if self.is_down:
            raise KafkaConnectionError("no")

    async def stop(self) -> None:
        self.ended += 1

    def assign(self, partitions: Iterable[TopicPartition]) -> None:
        self.positions = dict.fromkeys(partitions, 0)

    def seek(self, tp: TopicPartition, offset: int) -> None:
        self.positions[tp] = offset

    async def getmany(self, *tps: TopicPartition, timeout_ms: int, max_records: int) -> dict[Any, list[GuardedRecord]]:
        came = {}
        for tp in tps:
            data = b"" if tp in self.fetched else self.partitions.get(tp.partition, b"")
            records = GuardedRecords(tp, FetchedBytes(data), None, self.positions[tp], None, None, True, 1)
            if data and (found := list(records)):
                came[tp] = found
                self.positions[tp] = records.next_fetch_offset
            self.fetched.add(tp)
        return came

    async def position(self, tp: TopicPartition) -> int:
        return self.positions[tp]

    def last_stable_offset(self, tp: TopicPartition) -> int | None:
        return self.stable.get(tp.partition) if tp in self.fetched else None


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Log]:
    def make(*args: Any, **more: Any) -> Log:
        made = Log(*args, **more)
        monkeypatch.setattr(kafka_fetch, "AIOKafkaConsumer", made)
        return made

    return make


def read(spans: dict[int, tuple[int, int]]) -> list[SourceRecord]:
    with KafkaReader(SETTINGS) as reader:
        return list(reader.read(TOPIC, spans))


def test_records_are_read_as_they_are(log: Callable[..., Log]) -> None:
    headers: list[tuple[bytes, bytes | None]] = [(b"a", b"1"), (b"a", b"2"), (b"empty", None), (b"\xff", b"\xff")]
    topic = log({0: batch([record(headers=headers), record(None, delta=1)], base=1)})
    assert read({0: (1, 3)}) == [
        SourceRecord(TOPIC, 0, 1, NOW_MS, b"k", b"v", {"a": b"2", "empty": b"", "\udcff": b"\xff"}),
        SourceRecord(TOPIC, 0, 2, NOW_MS, b"k", None, {}),
    ]
    assert topic.ended == 1
    assert topic.given["isolation_level"] == "read_committed"
    assert "group_id" not in topic.given


def test_what_can_not_be_read_says_so(log: Callable[..., Log]) -> None:
    log({0: batch([record(b"a")], base=1) + batch([record(bytes(5_000_000))], ZSTD, base=2)})
    first, second = read({0: (1, 3)})
    assert (first.trouble, first.value) == (None, b"a")
    assert second.trouble is not None
    assert second.trouble.code is FailureCode.BATCH_TOO_BIG
    assert (second.offset, second.value) == (2, None)


def test_nothing_outside_the_spans_is_read(log: Callable[..., Log]) -> None:
    whole = batch([record(b"%d" % number, delta=number) for number in range(5)])
    log({0: whole, 1: whole, 2: whole})
    found = [(one.partition, one.offset) for one in read({0: (1, 3), 1: (0, 1), 2: (4, 4)})]
    assert sorted(found) == [(0, 1), (0, 2), (1, 0)]


def test_an_end_that_is_no_record_is_not_waited_for(log: Callable[..., Log]) -> None:
    """The end of a transaction has an offset; on a busy topic other records follow, and the end never comes."""
    end = batch([record(b"", b"\0\0\0\1")], base=2, producer=7, attributes=0x30)
    log({0: batch([record(b"a"), record(b"b", delta=1)]) + end + batch([record(b"later")], base=3)})
    assert [one.offset for one in read({0: (0, 3)})] == [0, 1]


def test_a_span_ends_where_nothing_more_is_committed(log: Callable[..., Log]) -> None:
    log({0: batch([record(b"a")]), 1: b""}, stable={0: 1, 1: 0})
    assert [one.offset for one in read({0: (0, 9), 1: (0, 4)})] == [0]


def test_an_empty_span_asks_nobody(log: Callable[..., Log]) -> None:
    assert log({}, is_down=True).ended == 0
    assert read({0: (3, 3)}) == []


def test_a_broker_that_is_away_or_falls_silent_is_an_outage(
    log: Callable[..., Log], monkeypatch: pytest.MonkeyPatch
) -> None:
    for topic in (log({}, is_down=True), log({0: b""}), log({0: batch([record(b"a")])})):
        monkeypatch.setattr(kafka_fetch, "AIOKafkaConsumer", topic)
        with pytest.raises(Outage, match="a:1") as caught:
            read({0: (0, 3)})
        assert caught.value.dependency is Dependency.BROKER
        assert topic.ended == 1


def test_who_reads_no_further_leaves_nothing_behind(log: Callable[..., Log]) -> None:
    topic = log({0: batch([record(b"a"), record(b"b", delta=1)])})
    with KafkaReader(SETTINGS) as reader:
        records = reader.read(TOPIC, {0: (0, 2)})
        assert next(records).offset == 0
        del records
    assert topic.ended == 1


def test_the_newest_come_first_over_all_partitions(log: Callable[..., Log], monkeypatch: pytest.MonkeyPatch) -> None:
    old = [record(delta=number, time_delta=time) for number, time in enumerate((0, 0, 0, 30, 10))]
    log({0: batch(old), 1: batch([record(time_delta=20)])})
    reader = KafkaReader(SETTINGS)
    monkeypatch.setattr(reader, "watermarks", lambda topic: {0: (0, 5), 1: (0, 1)})
    assert reader.newest(TOPIC, 2, lambda one: one.place) == ["listing-dlq/0/3", "listing-dlq/1/0"]
