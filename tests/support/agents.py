"""What agents are built from, with memory in place of every server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime

import orjson

from app.agents.codec import Encoder
from app.agents.handoff import Handoff
from app.agents.outages import Outages
from app.agents.outcomes import OutcomeReporter
from app.agents.removals import Removals
from app.agents.stopping import StopSignal
from app.errors import Dependency, FailureCode, Outage
from app.failures.backoff import Backoff
from app.failures.headers import Story, story_of
from app.failures.route import RetryPolicy
from app.model.file import ObjectInfo
from app.model.source_record import SourceRecord
from tests.support.memory import (
    START,
    FakeClock,
    JsonCodec,
    MemoryIndex,
    MemoryPublisher,
    MemoryStanding,
    MemoryStore,
    Sent,
)
from tests.support.records import source_record

STORE_DOWN = Outage(FailureCode.UNREACHABLE, Dependency.OBJECT_STORE, "connection refused")
BROKER_DOWN = Outage(FailureCode.UNREACHABLE, Dependency.BROKER, "not confirmed in time")


class TroubledStore(MemoryStore):
    """A store that can be `down` for everybody, or in `trouble` for one key: errors raised, one a call."""

    def __init__(self) -> None:
        super().__init__()
        self.down = False
        self.probes = 0
        self.trouble: dict[str, list[Exception]] = {}

    async def ping(self) -> None:
        self.probes += 1
        if self.down:
            raise STORE_DOWN

    def _open(self, bucket: str, key: str) -> tuple[ObjectInfo, bytes]:
        if self.down:
            raise STORE_DOWN
        if self.trouble.get(key):
            raise self.trouble[key].pop(0)
        return super()._open(bucket, key)


class TroubledPublisher(MemoryPublisher):
    """A broker that can be `down`, and that confirms what goes to a topic of `held` only once its event is set."""

    def __init__(self) -> None:
        super().__init__()
        self.down = False
        self.refused = 0
        self.held: dict[str, asyncio.Event] = {}

    async def publish(
        self, topic: str, *, key: bytes | None, value: bytes | None, headers: Mapping[str, bytes] | None = None
    ) -> None:
        if self.down:
            self.refused += 1
            raise BROKER_DOWN
        if topic in self.held:
            await self.held[topic].wait()
        await super().publish(topic, key=key, value=value, headers=headers)


class Parts:
    """One of everything; `attempts` of the retry policy is three, delays are none."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.stop = StopSignal()
        self.store = TroubledStore()
        self.index = MemoryIndex()
        self.standing = MemoryStanding(self.index)
        self.codec = JsonCodec()
        self.publisher = TroubledPublisher()
        self.outages = Outages({Dependency.OBJECT_STORE: self.store.ping}, Backoff(0.001, 0.002), self.clock, self.stop)
        self.removals = Removals(self.index, self.standing, self.outages, self.clock)
        self.encoder = Encoder(self.codec, self.outages)
        policy = RetryPolicy(3, Backoff(5, 300))
        self.handoff = Handoff(self.publisher, policy, self.clock, lambda: 0.0, self.outages)
        self.outcomes = OutcomeReporter(self.handoff, self.index, self.encoder, self.index, self.outages)

    @property
    def retries(self) -> list[Sent]:
        return self.publisher.to("listing-retry")

    @property
    def dead(self) -> list[Sent]:
        return self.publisher.to("listing-dlq")

    @property
    def told(self) -> list[dict[str, object]]:
        """The outcomes that were published."""
        return [_value(sent) for sent in self.publisher.to("listing-outcomes")]

    @property
    def queued(self) -> list[dict[str, object]]:
        """The files that were queued."""
        return [_value(sent) for sent in self.publisher.to("listing-files")]

    def dead_codes(self) -> dict[str | None, FailureCode]:
        """The code of each dead letter by the file it is about."""
        return {story.listing_file: story.code for story in map(story_in, self.dead)}

    def put(self, key: str, content: bytes, uploaded_at: datetime = START) -> None:
        self.store.put("cars", key, content, uploaded_at)


def _value(sent: Sent) -> dict[str, object]:
    value = orjson.loads((sent.value or b"")[1:])
    assert isinstance(value, dict)
    return value


def story_in(sent: Sent) -> Story:
    return story_of(source_record(headers=sent.headers))


def come_back(sent: Sent, topic: str) -> SourceRecord:
    """The record as its agent gets it again from the retries agent."""
    return source_record(sent.value, topic=topic, key=sent.key, headers=sent.headers)


def ndjson(*records: object) -> bytes:
    return b"".join((record if isinstance(record, bytes) else orjson.dumps(record)) + b"\n" for record in records)


async def eventually(what: str, condition: Callable[[], object]) -> None:
    """Let other tasks run until the condition holds."""
    try:
        async with asyncio.timeout(5):
            while not condition():
                await asyncio.sleep(0.001)
    except TimeoutError:
        raise AssertionError(f"waited 5 s for {what}") from None


def others_running() -> set[asyncio.Task[object]]:
    """Tasks besides the test itself."""
    return {task for task in asyncio.all_tasks() if task is not asyncio.current_task()}
