from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from app.agents.alerts import AlertsHandler
from app.agents.guard import guarded
from app.agents.handoff import Handoff
from app.agents.outages import Outages
from app.agents.retries import HeldLimits, RetriesHandler
from app.agents.stopping import LeftForLater, StopSignal
from app.errors import Dependency, FailureCode, FailureKind, Outage, Rejected, Skipped, Transient
from app.failures.backoff import Backoff
from app.failures.headers import story_of
from app.failures.route import RetryPolicy
from app.model.source_record import SourceRecord
from app.observability import metrics
from tests.support.memory import START, FakeClock, MemoryPublisher, Sent
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
        self.retries = RetriesHandler(self.handoff, self.clock, self.stop, ORIGINS, 300, HeldLimits(3, 12_000))


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
    await AlertsHandler(lambda _: None)(source_record(topic="listing-dlq", headers=headers))


async def test_what_no_topic_takes_is_dead_without_its_content_and_stops_no_worker(bench: Bench) -> None:
    """As a record that its producer had packed small, and that is larger than any topic when it is handed on."""
    bench.publisher.fail_next = [Rejected(FailureCode.RECORD_TOO_BIG, "a record of 9,000,000 bytes is too big")]
    record = source_record(b"large", headers={"traceparent": b"00-ab"}, offset=17)
    await guarded(failing, bench.handoff, "files")(record)
    (sent,) = bench.publisher.sent
    assert (sent.topic, sent.key, sent.value) == ("listing-dlq", None, None)
    story = story_of(source_record(headers=sent.headers))
    assert (story.code, story.kind, story.due_at) == (FailureCode.RECORD_TOO_BIG, FailureKind.REJECT, None)
    assert story.origin.offset == 17
    assert "9,000,000 bytes" in story.message
    assert "fetch_failed: reset" in story.message


async def test_a_postponed_retry_keeps_its_story_and_burns_no_attempt(bench: Bench) -> None:
    await guarded(failing, bench.handoff, "files")(source_record(b"v"))
    (first,) = bench.publisher.sent
    handoff = Handoff(bench.publisher, RetryPolicy(3, Backoff(5, 300)), bench.clock, lambda: 0.5, bench.outages)
    await handoff.postpone(source_record(first.value, key=first.key, headers=first.headers))
    sent = bench.publisher.sent[-1]
    before, after = (story_of(source_record(headers=one.headers)) for one in (first, sent))
    assert (sent.topic, sent.key, sent.value) == ("listing-retry", first.key, b"v")
    assert after == replace(before, due_at=START + timedelta(seconds=150))


async def test_a_later_due_time_delays_no_earlier_one(bench: Bench) -> None:
    """Both are held; the one that came first is due last."""
    story = story_of(source_record(headers=(await failed_once(bench)).headers))
    late, early = (replace(story, due_at=START + timedelta(seconds=due)) for due in (100.0, 0.05))
    bench.publisher.sent.clear()
    waiting = asyncio.create_task(bench.retries(source_record(b"late", headers=late.to_headers())))
    await asyncio.sleep(0)
    await asyncio.wait_for(bench.retries(source_record(b"early", headers=early.to_headers())), 5)
    assert [sent.value for sent in bench.publisher.sent] == [b"early"]
    bench.stop.set()
    with pytest.raises(LeftForLater):
        await waiting


async def failed_once(bench: Bench) -> Sent:
    await guarded(failing, bench.handoff, "files")(source_record())
    return bench.publisher.sent[-1]


async def test_when_too_many_are_held_the_oldest_goes_to_the_end_and_what_is_behind_gets_its_turn(
    bench: Bench,
) -> None:
    """Five are due in an hour, the one behind them at once; three may be held."""
    story = story_of(source_record(headers=(await failed_once(bench)).headers))
    later = replace(story, due_at=START + timedelta(hours=1))
    bench.publisher.sent.clear()
    held = [
        asyncio.create_task(bench.retries(source_record(b"%d" % number, headers=later.to_headers())))
        for number in range(5)
    ]
    await asyncio.wait_for(asyncio.gather(*held[:2]), 5)
    assert [(sent.topic, sent.value) for sent in bench.publisher.sent] == [
        ("listing-retry", b"0"),
        ("listing-retry", b"1"),
    ]
    sent_back = story_of(source_record(headers=bench.publisher.sent[0].headers))
    assert sent_back == replace(later, due_at=START + timedelta(seconds=300)), "never later than the longest wait"
    early = replace(story, due_at=START)
    await asyncio.wait_for(bench.retries(source_record(b"early", headers=early.to_headers())), 5)
    assert (bench.publisher.sent[-1].topic, bench.publisher.sent[-1].value) == ("listing-files", b"early")
    assert not any(task.done() for task in held[2:])
    bench.stop.set()
    for task in held[2:]:
        with pytest.raises(LeftForLater):
            await task


async def test_large_retries_make_room_by_their_size(bench: Bench) -> None:
    story = story_of(source_record(headers=(await failed_once(bench)).headers))
    later = replace(story, due_at=START + timedelta(hours=1)).to_headers()
    bench.publisher.sent.clear()
    held = [asyncio.create_task(bench.retries(source_record(b"x" * 6000, headers=later))) for _ in range(2)]
    await asyncio.wait_for(held[0], 5)
    assert [sent.topic for sent in bench.publisher.sent] == ["listing-retry"]
    bench.stop.set()
    with pytest.raises(LeftForLater):
        await held[1]


async def test_headers_count_for_the_room_of_what_is_held(bench: Bench) -> None:
    story = story_of(source_record(headers=(await failed_once(bench)).headers))
    later = {**replace(story, due_at=START + timedelta(hours=1)).to_headers(), "note": b"x" * 6000}
    held = [asyncio.create_task(bench.retries(source_record(b"", headers=later))) for _ in range(2)]
    await asyncio.wait_for(held[0], 5)
    bench.stop.set()
    with pytest.raises(LeftForLater):
        await held[1]


async def test_a_due_time_beyond_the_longest_delay_is_cut_from_when_the_record_came(bench: Bench) -> None:
    """However often it goes round or is read again, it is due when it was."""
    story = story_of(source_record(headers=(await failed_once(bench)).headers))
    headers = replace(story, due_at=START + timedelta(days=365)).to_headers()
    bench.publisher.sent.clear()
    bench.clock.advance(300)
    await asyncio.wait_for(bench.retries(source_record(b"v", topic="listing-retry", headers=headers)), 5)
    assert [sent.topic for sent in bench.publisher.sent] == ["listing-files"]


async def test_large_records_go_round_at_a_bounded_rate_of_bytes(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    sleep = bench.stop.sleep

    async def counted(seconds: float, sleeper: asyncio.Future[None] | None = None) -> None:
        if sleeper is None:
            slept.append(seconds)
            seconds = 0
        await sleep(seconds, sleeper)

    monkeypatch.setattr(bench.stop, "sleep", counted)
    story = story_of(source_record(headers=(await failed_once(bench)).headers))
    headers = replace(story, due_at=START + timedelta(days=365)).to_headers()
    records = [source_record(b"x" * 900_000, headers=headers) for _ in range(6)] + [source_record(headers=headers)] * 6
    tasks = [asyncio.create_task(bench.retries(record)) for record in records]
    await asyncio.wait_for(asyncio.gather(*tasks[:9]), 5)
    assert sum(slept) == pytest.approx(6 * 0.43, rel=0.05)
    bench.stop.set()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_stop_while_it_is_sent_back_leaves_it_where_it_is(bench: Bench) -> None:
    story = story_of(source_record(headers=(await failed_once(bench)).headers))
    later = replace(story, due_at=START + timedelta(hours=1)).to_headers()
    bench.publisher.sent.clear()
    held = [asyncio.create_task(bench.retries(source_record(headers=later))) for _ in range(4)]
    await asyncio.sleep(0)
    bench.stop.set()
    results = await asyncio.gather(*held, return_exceptions=True)
    assert {type(result) for result in results} == {LeftForLater}
    assert bench.publisher.sent == []


async def test_however_often_a_record_fails_its_headers_stay_as_large(bench: Bench) -> None:
    """Through the retry topic and back, fifty times; only the digits of the tries may grow."""
    longest = Rejected(FailureCode.FILE_BROKEN, "x" * 5000)
    record = source_record(b"v", headers={"traceparent": b"00-ab"})
    sizes = []
    for _ in range(50):
        await bench.handoff.failed(record, longest, stage="files", listing_file="cars/" + "k" * 3000, listing_record=7)
        sent = bench.publisher.sent[-1]
        assert (sent.topic, sent.value, sent.headers["traceparent"]) == ("listing-dlq", b"v", b"00-ab")
        sizes.append(sum(len(name) + len(value) for name, value in sent.headers.items()))
        record = source_record(sent.value, topic="listing-files", key=sent.key, headers=sent.headers)
    assert max(sizes) - min(sizes) <= 1
    assert max(sizes) < 8 * 1024
    assert story_of(source_record(headers=sent.headers)).attempts == 50


async def test_a_dead_letter_that_the_topic_does_not_take_at_all_is_held_until_it_does(bench: Bench) -> None:
    """The topic was mis-set while the worker ran: not even the story fits. Nothing is lost, and the worker lives."""
    too_big = Rejected(FailureCode.RECORD_TOO_BIG, "too big for topic listing-dlq")
    bench.publisher.fail_next = [too_big] * 4
    await guarded(failing, bench.handoff, "files")(source_record(b"large"))
    (sent,) = bench.publisher.sent
    assert (sent.topic, sent.value) == ("listing-dlq", None)
    assert refused_now() == 0


async def test_while_it_is_held_others_go_on_and_a_stop_leaves_it_unacknowledged(bench: Bench) -> None:
    held = Handoff(Refusing(), RetryPolicy(1, Backoff(5, 300)), bench.clock, lambda: 0.0, bench.outages)
    waiting = asyncio.ensure_future(guarded(failing, held, "files")(source_record(b"large")))
    async with asyncio.timeout(5):
        while not refused_now():
            await asyncio.sleep(0.001)
    await guarded(failing, bench.handoff, "files")(source_record(b"other"))
    assert [sent.value for sent in bench.publisher.sent] == [b"other"]
    assert bench.outages.open == ()
    bench.stop.set()
    with pytest.raises(LeftForLater):
        await waiting
    assert refused_now() == 0


class Refusing(MemoryPublisher):
    """Takes nothing, whatever its size."""

    async def publish(self, topic: str, **_: object) -> None:
        raise Rejected(FailureCode.RECORD_TOO_BIG, f"too big for topic {topic}")


def refused_now() -> float:
    (family,) = metrics.DEAD_LETTERS_REFUSED.collect()
    return family.samples[0].value
