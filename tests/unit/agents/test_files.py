"""The files agent, through one queued file at a time."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import orjson
import pytest

from app.agents.files import FilesHandler
from app.agents.guard import guarded
from app.agents.stopping import LeftForLater
from app.errors import FailureCode, Rejected, Transient
from app.model.document import Document
from app.model.file import FileFormat, ListingFile
from app.model.source_record import SourceRecord
from app.pipeline.flow import FileFlow
from app.pipeline.profile import Profile
from app.pipeline.wire import file_to_wire
from tests.support.agents import Parts, come_back, eventually, ndjson, others_running, story_in
from tests.support.feed_text import listing
from tests.support.limits import limits
from tests.support.memory import START
from tests.support.records import source_record

KEY = "dealer/cars.ndjson"
NAME = f"cars/{KEY}"
RESET = Transient(FailureCode.FETCH_FAILED, "connection reset by the store")
BAD = {"source_listing_id": "bad", "model": "Golf", "year": 2019}


class Bench(Parts):
    def __init__(self) -> None:
        super().__init__()
        self.profiles_work = True
        flow = FileFlow(self.store, self.index, self.no_profile, limits(rejects_min_count=5), self.clock)
        files = FilesHandler(
            self.store, flow, self.removals, self.encoder, self.handoff, self.outcomes, self.outages, self.clock
        )
        self._handle = guarded(files, self.handoff, "files", files.refuse)

    async def handle(self, record: SourceRecord) -> None:
        await self._handle(record)

    def no_profile(self, bucket: str, key: str) -> Profile | None:
        if not self.profiles_work:
            raise ZeroDivisionError("a bug")
        return None


@pytest.fixture
async def bench() -> Bench:
    return Bench()


def queued(key: str = KEY, headers: dict[str, bytes] | None = None) -> SourceRecord:
    file = ListingFile("cars", key, 10, "as-queued", START, START, FileFormat.NDJSON)
    value = b"\x00" + orjson.dumps(file_to_wire(file))
    return source_record(value, key=file.object_id.encode(), headers=headers)


async def test_a_good_file_is_indexed_and_told_of(bench: Bench) -> None:
    bench.put(KEY, ndjson(listing(1), b"", listing(2)))
    bench.clock.advance(3)
    await bench.handle(queued())
    assert len(bench.index.documents) == 2
    (told,) = bench.told
    assert (told["status"], told["read"], told["indexed"], told["rejected"], told["blank"], told["attempts"]) == (
        "indexed", 2, 2, 0, 1, 1,
    )  # fmt: skip
    assert (bench.dead, bench.retries) == ([], [])
    (kept,) = bench.index.outcomes.values()
    assert (kept["key"], kept["status"], kept["processed_at"]) == (KEY, "indexed", "2026-03-01T10:03:03Z")


async def test_bad_listings_are_dead_letters_one_by_one_with_the_records_own_bytes(bench: Bench) -> None:
    bench.put(KEY, ndjson(listing(1), BAD, listing(3), b'{"broken', listing(5)))
    record = queued(headers={"traceparent": b"00-ab"})
    await bench.handle(record)
    assert [(d.key, d.value, d.headers["traceparent"]) for d in bench.dead] == [
        (record.key, record.value, b"00-ab")
    ] * 2
    stories = [story_in(dead) for dead in bench.dead]
    assert [(story.listing_file, story.listing_record, story.code, story.attempts) for story in stories] == [
        (NAME, 2, FailureCode.MISSING_REQUIRED, 1),
        (NAME, 4, FailureCode.RECORD_MALFORMED, 1),
    ]
    assert "make" in stories[0].message
    (told,) = bench.told
    assert (told["status"], told["read"], told["indexed"], told["rejected"]) == ("partly_indexed", 5, 3, 2)
    rejects = told["rejects"]
    assert isinstance(rejects, list)
    assert [(r["record"], r["line"], r["source_listing_id"]) for r in rejects] == [(2, 2, "bad"), (4, 4, None)]
    assert rejects[0]["problems"] == [{"code": "missing_required", "field": "make", "expected": "a value", "got": None}]


async def test_a_flood_of_bad_listings_is_one_dead_letter_for_the_file(bench: Bench) -> None:
    bench.put(KEY, ndjson(*[listing(n) for n in range(10)], *[BAD] * 30))
    await bench.handle(queued())
    (dead,) = bench.dead
    story = story_in(dead)
    assert (story.code, story.listing_file, story.listing_record) == (FailureCode.TOO_MANY_REJECTS, NAME, None)
    assert "record 11: make: expected a value" in story.message
    (told,) = bench.told
    assert (told["status"], told["failure_code"], told["indexed"], told["rejected"]) == (
        "rejected", "too_many_rejects", 10, 30,
    )  # fmt: skip
    assert len(bench.index.documents) == 10


async def test_a_broken_file_is_one_dead_letter_and_what_came_before_the_break_is_indexed(bench: Bench) -> None:
    bench.put("dealer/cut.json", orjson.dumps([listing(1), BAD, listing(3)])[:-20])
    await bench.handle(queued("dealer/cut.json"))
    (dead,) = bench.dead
    assert (story_in(dead).code, story_in(dead).listing_record) == (FailureCode.FILE_BROKEN, None)
    (told,) = bench.told
    assert (told["status"], told["failure_code"], told["read"], told["indexed"], told["rejected"]) == (
        "rejected", "file_broken", 2, 1, 1,
    )  # fmt: skip


async def test_trouble_with_the_store_is_retried_without_an_outcome(bench: Bench) -> None:
    bench.put(KEY, ndjson(listing(1)))
    bench.store.trouble[KEY] = [RESET]
    record = queued()
    await bench.handle(record)
    (retry,) = bench.retries
    assert (retry.value, story_in(retry).listing_file, story_in(retry).due_at) == (record.value, NAME, START)
    assert (bench.told, bench.dead) == ([], [])

    await bench.handle(come_back(retry, "listing-files"))
    assert [(told["status"], told["attempts"]) for told in bench.told] == [("indexed", 2)]
    assert (len(bench.retries), bench.dead) == (1, [])


async def test_the_third_failure_is_a_dead_letter_and_an_outcome(bench: Bench) -> None:
    bench.put(KEY, ndjson(listing(1)))
    bench.store.trouble[KEY] = [RESET] * 3
    record = queued()
    for _ in range(3):
        await bench.handle(record)
        record = come_back(bench.retries[-1], "listing-files")
    assert (len(bench.retries), len(bench.dead)) == (2, 1)
    assert (story_in(bench.dead[0]).attempts, bench.dead[0].value) == (3, record.value)
    (told,) = bench.told
    assert (told["status"], told["failure_code"], told["attempts"], told["uploaded_at"]) == (
        "rejected", "fetch_failed", 3, START.isoformat(),
    )  # fmt: skip


async def test_an_object_that_is_gone_since_the_gate_saw_it_was_removed(bench: Bench) -> None:
    bench.clock.advance(600)
    await bench.handle(queued())
    assert (bench.dead, bench.retries) == ([], [])
    assert [(told["status"], told["failure_code"], told["uploaded_at"]) for told in bench.told] == [
        ("removed", None, START.isoformat())
    ]


async def test_a_file_from_the_future_does_not_hide_the_outcome_of_a_later_one(bench: Bench) -> None:
    file = ListingFile("cars", KEY, 10, "forged", datetime(9999, 12, 31, tzinfo=UTC), START, FileFormat.NDJSON)
    bench.store.trouble[KEY] = [RESET] * 3
    record = source_record(b"\x00" + orjson.dumps(file_to_wire(file)), key=b"k")
    for _ in range(3):
        await bench.handle(record)
        record = come_back(bench.retries[-1], "listing-files")
    assert [told["status"] for told in bench.told] == ["rejected"]
    bench.clock.advance(600)
    bench.put(KEY, ndjson(listing(1)), uploaded_at=bench.clock.now())
    await bench.handle(queued())
    assert [outcome["status"] for outcome in bench.index.outcomes.values()] == ["indexed"]


async def test_the_object_is_read_as_it_is_now_not_as_it_was_queued(bench: Bench) -> None:
    newer = START + timedelta(hours=1)
    bench.store.put("cars", KEY, ndjson(listing(1)), uploaded_at=newer)
    await bench.handle(queued())
    ((version, document),) = bench.index.documents.values()
    assert version == int(newer.timestamp() * 1000)
    assert document["origin"]["uploaded_at"] == "2026-03-01T11:03:00Z"  # type: ignore[index]
    (told,) = bench.told
    assert told["uploaded_at"] == newer.isoformat()
    assert told["etag"] != "as-queued"


async def test_an_older_file_does_not_replace_newer_listings(bench: Bench) -> None:
    bench.store.put("cars", "dealer/new.ndjson", ndjson(listing(1, title="new")), START + timedelta(hours=1))
    bench.put(KEY, ndjson(listing(1, title="old")))
    await bench.handle(queued("dealer/new.ndjson"))
    await bench.handle(queued())
    assert [document["title"] for _, document in bench.index.documents.values()] == ["new"]
    assert [(told["status"], told["indexed"], told["stale"]) for told in bench.told] == [
        ("indexed", 1, 0), ("indexed", 0, 1),
    ]  # fmt: skip
    assert bench.dead == []


async def test_a_listing_that_the_index_refuses_is_a_dead_letter_of_its_own(bench: Bench) -> None:
    content = ndjson(listing(1), listing(2), listing(3))
    bench.put(KEY, content)
    await bench.handle(queued())
    bench.index.refuse = {next(i for i, (_, d) in bench.index.documents.items() if d["source_listing_id"] == "car-2")}
    await bench.handle(queued())
    (dead,) = bench.dead
    assert (story_in(dead).code, story_in(dead).listing_record) == (FailureCode.INDEX_REFUSED, 2)
    assert (bench.told[-1]["indexed"], bench.told[-1]["rejected"]) == (2, 1)


async def test_a_registry_that_is_away_is_waited_for(bench: Bench) -> None:
    bench.put(KEY, ndjson(listing(1)))
    bench.codec.down = 3
    await bench.handle(queued())
    assert [told["status"] for told in bench.told] == ["indexed"]
    assert (bench.retries, bench.dead) == ([], [])


async def test_an_outage_of_the_store_is_waited_out_and_burns_no_attempt(bench: Bench) -> None:
    bench.put(KEY, ndjson(listing(1)))
    bench.store.down = True
    task = asyncio.create_task(bench.handle(queued()))
    await eventually("probes", lambda: bench.store.probes >= 3)
    assert bench.publisher.sent == []
    bench.store.down = False
    await task
    assert [(told["status"], told["attempts"]) for told in bench.told] == [("indexed", 1)]


async def test_nothing_is_told_before_every_dead_letter_is_confirmed(bench: Bench) -> None:
    bench.put(KEY, ndjson(listing(1), BAD, BAD))
    confirm = bench.publisher.held["listing-dlq"] = asyncio.Event()
    task = asyncio.create_task(bench.handle(queued()))
    await eventually("the listing to be indexed", lambda: bench.index.documents)
    for _ in range(50):
        await asyncio.sleep(0)
    assert not task.done()
    assert (bench.publisher.sent, bench.index.outcomes) == ([], {})
    confirm.set()
    await task
    assert [sent.topic for sent in bench.publisher.sent] == ["listing-dlq", "listing-dlq", "listing-outcomes"]


async def test_a_file_whose_outcome_can_not_be_published_is_not_done(bench: Bench) -> None:
    bench.put(KEY, ndjson(listing(1)))
    bench.publisher.down = True
    task = asyncio.create_task(bench.handle(queued()))
    await eventually("several tries", lambda: bench.publisher.refused >= 3)
    assert not task.done()
    bench.stop.set()
    with pytest.raises(LeftForLater):
        await task
    await bench.outages.aclose()
    await eventually("the end of all tasks", lambda: not others_running())


async def test_a_file_whose_dead_letter_can_not_be_published_is_not_done(bench: Bench) -> None:
    bench.put("dealer/cut.json", b"[{")
    bench.publisher.down = True
    task = asyncio.create_task(bench.handle(queued("dealer/cut.json")))
    await eventually("several tries", lambda: bench.publisher.refused >= 3)
    bench.stop.set()
    with pytest.raises(LeftForLater):
        await task
    assert bench.index.outcomes == {}
    await bench.outages.aclose()


async def test_an_outage_of_the_broker_delays_and_loses_nothing(bench: Bench) -> None:
    bench.put(KEY, ndjson(listing(1), BAD))
    bench.publisher.down = True
    task = asyncio.create_task(bench.handle(queued()))
    await eventually("several tries", lambda: bench.publisher.refused >= 3)
    bench.publisher.down = False
    await task
    assert [sent.topic for sent in bench.publisher.sent] == ["listing-dlq", "listing-outcomes"]
    assert [told["attempts"] for told in bench.told] == [1]


@pytest.mark.parametrize("value", [None, b"", b"garbage", b"\x00{}", b'\x00{"bucket":1}'])
async def test_a_record_that_is_no_queued_file_is_one_dead_letter(bench: Bench, value: bytes | None) -> None:
    await bench.handle(source_record(value))
    (sent,) = bench.publisher.sent
    assert (sent.topic, sent.value, story_in(sent).code) == ("listing-dlq", value, FailureCode.RECORD_NOT_DECODABLE)


async def test_a_bug_of_ours_is_retried_then_dead_and_told(bench: Bench) -> None:
    bench.put(KEY, ndjson(listing(1)))
    bench.profiles_work = False
    record = queued()
    for _ in range(3):
        await bench.handle(record)
        record = come_back(bench.retries[-1], "listing-files")
    assert [sent.topic for sent in bench.publisher.sent] == [
        "listing-retry", "listing-retry", "listing-dlq", "listing-outcomes",
    ]  # fmt: skip
    assert (story_in(bench.dead[0]).code, story_in(bench.dead[0]).exception) == ("unexpected", "ZeroDivisionError")
    assert [told["failure_code"] for told in bench.told] == ["unexpected"]


@pytest.mark.parametrize(
    ("error", "topic"),
    [(Rejected(FailureCode.INDEX_REFUSED, "refused"), "listing-dlq"), (KeyError("a bug"), "listing-retry")],
)
async def test_an_outcome_that_can_not_be_kept_costs_the_record_not_the_worker(
    bench: Bench, error: Exception, topic: str
) -> None:
    async def refuse(document: Document) -> None:
        raise error

    bench.put(KEY, ndjson(listing(1)))
    bench.index.write_outcome = refuse  # type: ignore[method-assign]
    await bench.handle(queued())
    assert [sent.topic for sent in bench.publisher.sent] == ["listing-outcomes", topic]


async def test_the_sender_of_a_file_that_must_not_be_read_is_told(bench: Bench) -> None:
    trouble = Rejected(FailureCode.KILLED_WORKER, "3 workers ended")
    await bench.handle(replace(queued(), trouble=trouble))
    (outcome,) = bench.index.outcomes.values()
    assert (outcome["status"], outcome["failure_code"]) == ("rejected", "killed_worker")
    (letter,) = [sent for sent in bench.publisher.sent if sent.topic == "listing-dlq"]
    assert letter.headers["listing-file"] == f"cars/{KEY}".encode()


async def test_a_record_in_trouble_that_says_nothing_of_a_file_is_a_dead_letter(bench: Bench) -> None:
    trouble = Rejected(FailureCode.RECORD_UNREADABLE, "its bytes can not be read")
    await bench.handle(replace(queued(), value=None, trouble=trouble))
    (letter,) = bench.publisher.sent
    assert (letter.topic, letter.headers["failure-code"]) == ("listing-dlq", b"record_unreadable")


@pytest.mark.parametrize(("queued_after_s", "blamed"), [(-1, False), (1, True)])
async def test_a_file_that_was_processed_since_it_was_queued_ended_nobody(
    bench: Bench, queued_after_s: int, blamed: bool
) -> None:
    bench.put(KEY, ndjson(listing(1)))
    bench.clock.advance(5)
    await bench.handle(queued())
    (outcome,) = bench.index.outcomes.values()
    queued_at = START + timedelta(seconds=5 + queued_after_s)
    file = ListingFile("cars", KEY, 10, str(outcome["etag"]), START, queued_at)
    record = source_record(b"\x00" + orjson.dumps(file_to_wire(file)), key=file.object_id.encode())
    await bench.handle(replace(record, trouble=Rejected(FailureCode.KILLED_WORKER, "3 workers ended")))
    assert bool(bench.dead) is blamed
