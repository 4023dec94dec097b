from __future__ import annotations

from datetime import timedelta

import pytest

from app.agents.alerts import AlertsHandler
from app.agents.guard import guarded
from app.agents.handoff import Handoff
from app.agents.outages import Outages
from app.agents.retries import RetriesHandler
from app.agents.stopping import LeftForLater, StopSignal
from app.errors import Dependency, FailureCode, Outage, Rejected, Skipped, Transient
from app.failures.backoff import Backoff
from app.failures.headers import story_of
from app.failures.route import RetryPolicy
from app.model.source_record import SourceRecord
from tests.support.memory import START, FakeClock, MemoryPublisher
from tests.support.records import source_record

ORIGINS = frozenset({"listing-uploads", "listing-files", "listings"})


class Bench:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.publisher = MemoryPublisher()
        self.stop = StopSignal()
        self.outages = Outages({}, Backoff(0.001, 0.001), self.clock, self.stop)
        policy = RetryPolicy(3, Backoff(5, 300))
        self.handoff = Handoff(self.publisher, policy, self.clock, lambda: 0.0, self.outages)
        self.retries = RetriesHandler(self.handoff, self.clock, self.stop, ORIGINS, longest_s=300)


@pytest.fixture
async def bench() -> Bench:
    return Bench()


async def failing(record: SourceRecord) -> None:
    raise Transient(FailureCode.FETCH_FAILED, "reset")


async def test_a_failed_record_travels_unchanged(bench: Bench) -> None:
    record = source_record(b"\x00\xffbytes", headers={"traceparent": b"00-ab"})
    await guarded(failing, bench.handoff, "files")(record)
    (sent,) = bench.publisher.sent
    assert (sent.topic, sent.key, sent.value) == ("listing-retry", b"bucket/key", b"\x00\xffbytes")
    assert sent.headers["traceparent"] == b"00-ab"


async def test_skipped_records_go_nowhere(bench: Bench) -> None:
    async def skip(record: SourceRecord) -> None:
        raise Skipped(FailureCode.TEST_EVENT, "test event")

    await guarded(skip, bench.handoff, "gate")(source_record())
    assert bench.publisher.sent == []


async def test_a_bug_is_retried_and_then_dead_never_fatal(bench: Bench) -> None:
    async def bug(record: SourceRecord) -> None:
        raise KeyError("oops")

    handle = guarded(bug, bench.handoff, "files")
    record = source_record()
    for topic in ("listing-retry", "listing-retry", "listing-dlq"):
        await handle(record)
        sent = bench.publisher.sent[-1]
        assert sent.topic == topic
        record = source_record(headers=sent.headers)
    story = story_of(record)
    assert (story.code, story.exception, story.attempts) == (FailureCode.UNEXPECTED, "KeyError", 3)


async def test_an_outage_of_the_broker_is_waited_out(bench: Bench) -> None:
    bench.publisher.fail_next = [Outage(FailureCode.UNREACHABLE, Dependency.BROKER, "away")] * 3
    await guarded(failing, bench.handoff, "files")(source_record())
    assert len(bench.publisher.sent) == 1


async def test_a_retry_goes_back_to_its_topic_when_it_is_due(bench: Bench) -> None:
    await guarded(failing, bench.handoff, "files")(source_record(b"v", headers={"traceparent": b"00-ab"}))
    waiting = bench.publisher.sent[-1]
    bench.clock.advance(10)
    await bench.retries(source_record(b"v", topic="listing-retry", headers=waiting.headers))
    back = bench.publisher.sent[-1]
    assert (back.topic, back.key, back.value) == ("listing-files", b"bucket/key", b"v")
    assert "retry-due-at" not in back.headers
    assert story_of(source_record(headers=back.headers)).attempts == 1
    assert back.headers["traceparent"] == b"00-ab"


async def test_a_stop_leaves_a_waiting_retry_unacknowledged(bench: Bench) -> None:
    await guarded(failing, bench.handoff, "files")(source_record())
    headers = bench.publisher.sent[-1].headers | {"retry-due-at": (START + timedelta(hours=1)).isoformat().encode()}
    bench.stop.set()
    with pytest.raises(LeftForLater):
        await bench.retries(source_record(topic="listing-retry", headers=headers))
    assert len(bench.publisher.sent) == 1


@pytest.mark.parametrize("topic", [b"somebody-elses-topic", b"listing-retry", b"listing-dlq"])
async def test_a_retry_is_never_written_to_a_topic_its_header_made_up(bench: Bench, topic: bytes) -> None:
    await guarded(failing, bench.handoff, "files")(source_record())
    headers = bench.publisher.sent[-1].headers | {"failure-origin-topic": topic}
    with pytest.raises(Rejected):
        await bench.retries(source_record(topic="listing-retry", headers=headers))


async def test_a_retry_without_a_story_becomes_a_dead_letter(bench: Bench) -> None:
    await guarded(bench.retries, bench.handoff, "retries")(source_record(topic="listing-retry"))
    (sent,) = bench.publisher.sent
    assert sent.topic == "listing-dlq"
    assert story_of(source_record(headers=sent.headers)).code is FailureCode.HEADER_INVALID


@pytest.mark.parametrize("headers", [{}, {"failure-code": b"\xff"}, {"failure-attempts": b"many"}])
async def test_alerts_take_any_dead_letter(headers: dict[str, bytes]) -> None:
    await AlertsHandler()(source_record(topic="listing-dlq", headers=headers))
