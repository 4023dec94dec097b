"""The gate, through one notification at a time."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote_plus

import orjson
import pytest

from app.agents.gate import GateHandler
from app.agents.guard import guarded
from app.agents.stopping import LeftForLater
from app.errors import FailureCode, Rejected, Transient
from app.failures.classify import classify
from app.model.document import Document
from app.model.file import ObjectInfo
from app.model.outcome import FileOutcome, FileStatus
from app.model.source_record import SourceRecord
from app.observability import metrics
from app.pipeline.missed import created_notification
from app.pipeline.notification import parse_notification
from app.pipeline.outcome import unread_outcome
from app.pipeline.profile import Profile
from tests.support.agents import Parts, come_back, eventually, others_running, story_in
from tests.support.feed_text import listing
from tests.support.limits import limits
from tests.support.memory import START, MemoryStore
from tests.support.records import source_record

CONTENT = orjson.dumps([listing(1)])
FULL_FEED = Profile.model_validate(
    {
        "name": "full",
        "description": "all that a dealer has",
        "source": "dealer",
        "match": [{"key": "*full*"}],
        "delivery": {"kind": "full"},
        "fields": {"source_listing_id": "id"},
    }
)
RESET = Transient(FailureCode.FETCH_FAILED, "connection reset by the store")


class Bench(Parts):
    def __init__(self) -> None:
        super().__init__()
        self.gate = GateHandler(
            self.store,
            self.encoder,
            self.handoff,
            self.outcomes,
            self.outages,
            self.clock,
            limits(file_max_bytes=1000),
            buckets=("cars", "trucks"),
            prefix="in/",
            profile_for=self.profile_for,
        )
        self._handle = guarded(self.gate, self.handoff, "gate")

    async def handle(self, record: SourceRecord) -> None:
        await self._handle(record)

    def profile_for(self, bucket: str, key: str) -> Profile | None:
        return FULL_FEED if "full" in key else None

    def put_all(self, *keys: str) -> None:
        for key in keys:
            self.put(key, CONTENT)

    @property
    def queued_keys(self) -> list[object]:
        return [file["key"] for file in self.queued]


@pytest.fixture
async def bench() -> Bench:
    return Bench()


def created(key: str, bucket: str = "cars", event: str = "ObjectCreated:Put", **about: Any) -> dict[str, Any]:
    return {"eventName": event, "s3": {"bucket": {"name": bucket}, "object": {"key": quote_plus(key), **about}}}


def notification(*records: object, headers: dict[str, bytes] | None = None) -> SourceRecord:
    value = orjson.dumps({"Records": [created(r) if isinstance(r, str) else r for r in records]})
    return source_record(value, topic="listing-uploads", key=None, headers=headers)


def keys_in(value: bytes | None) -> list[str]:
    """Of the objects that a notification tells of."""
    return [event.key for event in parse_notification(value or b"").events]


async def test_the_key_of_the_record_names_what_the_value_does_not(bench: Bench) -> None:
    """SeaweedFS names the folder of a removed file nowhere else."""
    removed = b"\n\n\n\x08old.json\x18\x01"
    await bench.handle(source_record(removed, topic="listing-uploads", key=b"/buckets/cars/in/old.json"))
    assert [(file["key"], file["change"]) for file in bench.queued] == [("in/old.json", "removed")]


@pytest.mark.parametrize("told", ["in//a.json", "in/./a.json", "in///./a.json"])
async def test_a_key_is_the_one_that_the_store_lists(bench: Bench, told: str) -> None:
    """Versity keeps `in//a.json` as `in/a.json`: one answer, at once, and not a refusal and a file minutes later."""
    bench.put("in/a.json", CONTENT)
    etag = (await bench.store.head("cars", "in/a.json")).etag
    await bench.handle(notification(created(told, eTag=f'"{etag}"')))
    assert bench.queued_keys == ["in/a.json"]
    await bench.handle(notification(created(told, event="ObjectRemoved:Delete")))
    assert [(file["key"], file["change"]) for file in bench.queued[1:]] == [("in/a.json", "removed")]


@pytest.mark.parametrize("about", [{"eTag": "another"}, {}])
async def test_another_object_is_not_read_in_its_place(bench: Bench, about: dict[str, str]) -> None:
    """On Amazon the two are two objects; that with an empty segment can not be asked for."""
    bench.put("in/a.json", CONTENT)
    refused = Rejected(FailureCode.KEY_NOT_DECODABLE, "an empty segment")
    head = bench.store.head

    async def asked(bucket: str, key: str) -> ObjectInfo:
        if "//" in key:
            raise refused
        return await head(bucket, key)

    bench.store.head = asked  # type: ignore[method-assign]
    await bench.handle(notification(created("in//a.json", **about)))
    assert bench.queued_keys == []
    assert (
        story_in(next(sent for sent in bench.publisher.sent if sent.topic == "listing-dlq")).code
        is FailureCode.KEY_NOT_DECODABLE
    )


async def test_a_file_is_queued_under_its_name_as_the_store_has_it(bench: Bench) -> None:
    bench.put("in/är+1 .csv.gz", CONTENT)
    record = notification(created("in/är+1 .csv.gz", size=7, eTag="stale"), headers={"traceparent": b"00-ab"})
    await bench.handle(record)
    (sent,) = bench.publisher.sent
    assert (sent.topic, sent.key) == ("listing-files", "cars/in/är+1 .csv.gz".encode())
    assert sent.headers == {"traceparent": b"00-ab"}
    (file,) = bench.queued
    assert (file["size"], file["etag"], file["format_hint"], file["compression_hint"]) == (
        len(CONTENT), f"{len(CONTENT):x}", "csv", "gzip",
    )  # fmt: skip


async def test_the_story_of_a_retried_notification_does_not_travel_with_its_files(bench: Bench) -> None:
    bench.put("in/a.json", CONTENT)
    bench.store.trouble["in/a.json"] = [RESET]
    await bench.handle(notification("in/a.json", headers={"traceparent": b"00-ab"}))
    await bench.handle(come_back(bench.retries[0], "listing-uploads"))
    (sent,) = bench.publisher.to("listing-files")
    assert sent.headers == {"traceparent": b"00-ab"}


async def test_each_object_of_a_notification_is_answered_for_itself(bench: Bench) -> None:
    bench.put_all("in/a.json", "in/photo.jpg", "in/z.csv")
    bench.put("in/big.json", b"x" * 1001)
    bench.put("in/empty.csv", b"")
    record = notification("in/a.json", "in/big.json", "in/empty.csv", "in/photo.jpg", "in/z.csv")
    await bench.handle(record)
    assert bench.queued_keys == ["in/a.json", "in/z.csv"]
    assert bench.dead_codes() == {
        "cars/in/big.json": FailureCode.FILE_TOO_BIG,
        "cars/in/empty.csv": FailureCode.OBJECT_EMPTY,
        "cars/in/photo.jpg": FailureCode.FORMAT_UNKNOWN,
    }
    assert len(bench.dead) == 3
    assert {key for sent in bench.dead for key in keys_in(sent.value)} == {
        "in/big.json",
        "in/empty.csv",
        "in/photo.jpg",
    }
    assert all(len(keys_in(sent.value)) == 1 for sent in bench.dead)
    assert {(f"cars/{told['key']}", told["failure_code"]) for told in bench.told} == set(bench.dead_codes().items())
    assert {told["status"] for told in bench.told} == {"rejected"}
    assert len(bench.index.outcomes) == 3
    assert bench.retries == []


async def test_only_the_objects_in_trouble_come_again_each_for_itself(bench: Bench) -> None:
    bench.put_all("in/a.json", "in/b.json", "in/c.json")
    bench.store.trouble = {"in/b.json": [RESET], "in/c.json": [RESET]}
    bench.put_all("in/photo.jpg")
    await bench.handle(notification("in/a.json", "in/b.json", "in/photo.jpg", "in/c.json"))
    assert bench.queued_keys == ["in/a.json"]
    assert [keys_in(retry.value) for retry in bench.retries] == [["in/b.json"], ["in/c.json"]]
    assert {(story_in(retry).code, story_in(retry).attempts) for retry in bench.retries} == {(RESET.code, 1)}
    assert [(told["key"], told["attempts"]) for told in bench.told] == [("in/photo.jpg", 1)]

    for retry in bench.retries:
        await bench.handle(come_back(retry, "listing-uploads"))
    assert bench.queued_keys == ["in/a.json", "in/b.json", "in/c.json"]
    assert bench.dead_codes() == {"cars/in/photo.jpg": FailureCode.FORMAT_UNKNOWN}
    assert (len(bench.dead), len(bench.retries), len(bench.told)) == (1, 2, 1)


async def test_after_three_tries_the_object_is_dead_and_every_object_has_its_outcome(bench: Bench) -> None:
    bench.put_all("in/a.json")
    bench.store.trouble["in/b.json"] = [RESET] * 3
    record = notification("in/b.json", "in/photo.jpg", "in/a.json")
    bench.put_all("in/photo.jpg")
    for _ in range(3):
        await bench.handle(record)
        if bench.retries:
            record = come_back(bench.retries[-1], "listing-uploads")
    assert (len(bench.retries), len(bench.dead)) == (2, 2)
    assert bench.dead_codes() == {"cars/in/b.json": RESET.code, "cars/in/photo.jpg": FailureCode.FORMAT_UNKNOWN}
    assert {(told["key"], told["failure_code"], told["attempts"]) for told in bench.told} == {
        ("in/b.json", RESET.code, 3),
        ("in/photo.jpg", FailureCode.FORMAT_UNKNOWN, 1),
    }


async def test_a_thousand_dead_objects_of_one_notification_weigh_no_more_than_it_did(bench: Bench) -> None:
    filler = {"filler": "x" * 500}
    bench.put_all(*[f"in/{number}.jpg" for number in range(1000)])
    events = [{**created(f"in/{number}.jpg"), **filler} for number in range(1000)]
    record = replace(notification(*events, headers={"note": b"x" * 200_000}), key=b"k" * 200_000)
    await bench.handle(record)
    assert len(bench.dead) == 1000
    assert sum(len(sent.value or b"") for sent in bench.dead) < 1.05 * len(record.value or b"")
    assert all(sent.key is None and "note" not in sent.headers for sent in bench.dead)


async def test_what_a_producer_put_into_headers_is_not_multiplied_by_the_files_of_a_notification(bench: Bench) -> None:
    bench.put_all("in/a.json", "in/b.json")
    headers = {"traceparent": b"00-ab", "note": b"x" * 200_000}
    await bench.handle(notification("in/a.json", "in/b.json", headers=headers))
    assert [sent.headers for sent in bench.publisher.to("listing-files")] == [{"traceparent": b"00-ab"}] * 2


async def test_a_notification_of_one_object_comes_again_and_dies_as_it_came(bench: Bench) -> None:
    for value in (
        notification("in/photo.jpg").value,
        b' {"Records" : [' + orjson.dumps(created("in/photo.jpg")) + b"]}",
    ):
        bench.put_all("in/photo.jpg")
        await bench.handle(source_record(value, topic="listing-uploads", key=b"k", headers={"note": b"x" * 9000}))
        assert (bench.dead[-1].key, bench.dead[-1].value) == (b"k", value)
        assert bench.dead[-1].headers["note"] == b"x" * 9000


async def test_an_outage_of_the_store_is_waited_out_and_burns_no_attempt(bench: Bench) -> None:
    bench.put_all("in/a.json", "in/b.json", "in/photo.jpg")
    bench.store.down = True
    task = asyncio.create_task(bench.handle(notification("in/a.json", "in/b.json", "in/photo.jpg")))
    await eventually("probes", lambda: bench.store.probes >= 3)
    assert bench.publisher.sent == []
    bench.store.down = False
    await task
    assert sorted(map(str, bench.queued_keys)) == ["in/a.json", "in/b.json"]
    assert bench.retries == []
    assert [told["attempts"] for told in bench.told] == [1]


async def test_a_stop_during_an_outage_hands_nothing_on_and_leaves_nothing_running(bench: Bench) -> None:
    bench.put_all("in/a.json")
    bench.store.down = True
    task = asyncio.create_task(bench.handle(notification("in/a.json", "in/b.json")))
    await eventually("probes", lambda: bench.store.probes >= 1)
    bench.stop.set()
    with pytest.raises(LeftForLater):
        await task
    await bench.outages.aclose()
    await eventually("the end of all tasks", lambda: not others_running())
    assert bench.publisher.sent == []


async def test_a_cancelled_notification_leaves_nothing_running(bench: Bench) -> None:
    bench.put_all("in/a.json", "in/b.json")
    bench.publisher.held["listing-files"] = asyncio.Event()
    task = asyncio.create_task(bench.handle(notification("in/a.json", "in/b.json")))
    await eventually("both objects to be under way", lambda: len(others_running()) == 3)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert others_running() == set()
    assert bench.publisher.sent == []


async def test_a_removal_is_queued_behind_the_uploads_of_its_object_and_the_store_is_not_asked(bench: Bench) -> None:
    bench.put_all("in/b.json")
    gone = created("in/gone.json", event="s3:ObjectRemoved:Delete")
    await bench.handle(notification(created("in/b.json"), gone))
    assert [(file["key"], file["change"]) for file in bench.queued] == [
        ("in/b.json", "created"),
        ("in/gone.json", "removed"),
    ]
    assert [sent.key for sent in bench.publisher.to("listing-files")] == [b"cars/in/b.json", b"cars/in/gone.json"]
    assert bench.store.heads == 1


async def test_an_empty_file_says_something_only_when_its_sender_delivers_all_it_has(bench: Bench) -> None:
    bench.put("in/full.json", b"")
    bench.put("in/other.json", b"")
    await bench.handle(notification(created("in/full.json"), created("in/other.json")))
    assert bench.queued_keys == ["in/full.json"]
    assert bench.dead_codes() == {"cars/in/other.json": FailureCode.OBJECT_EMPTY}


@pytest.mark.parametrize(
    ("record", "code"),
    [
        (created("in/a.json", bucket="secrets"), FailureCode.BUCKET_NOT_ALLOWED),
        (created("out/a.json"), FailureCode.PREFIX_NOT_WATCHED),
        (created("in/folder/"), FailureCode.FOLDER_MARKER),
        (created("out/a.json", event="s3:ObjectRemoved:Delete"), FailureCode.PREFIX_NOT_WATCHED),
        (created("in/a.json", event="ObjectTagging:Put"), FailureCode.EVENT_NOT_HANDLED),
    ],
)
async def test_what_is_not_for_us_is_counted_and_never_asked_for(
    bench: Bench, record: dict[str, Any], code: FailureCode
) -> None:
    before = metrics.SKIPPED.labels(code)._value.get()
    await bench.handle(notification(record))
    assert metrics.SKIPPED.labels(code)._value.get() == before + 1
    assert (bench.store.heads, bench.publisher.sent) == (0, [])


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (None, FailureCode.NOTIFICATION_NOT_JSON),
        (b"", FailureCode.NOTIFICATION_NOT_JSON),
        (b"\xff\x00garbage", FailureCode.NOTIFICATION_NOT_JSON),
        (b'{"Records":' + b"[" * 5000 + b"]" * 5000 + b"}", FailureCode.NOTIFICATION_NOT_JSON),
        (b"[]", FailureCode.NOTIFICATION_UNKNOWN_SHAPE),
        (b'{"hello":"world"}', FailureCode.NOTIFICATION_UNKNOWN_SHAPE),
        (orjson.dumps({"Records": [created("x")]}).replace(b'"x"', b'"%zz"'), FailureCode.KEY_NOT_DECODABLE),
    ],
)
async def test_what_is_no_notification_is_one_dead_letter_and_no_retry(
    bench: Bench, value: bytes | None, code: FailureCode
) -> None:
    await bench.handle(source_record(value, topic="listing-uploads", key=b"k"))
    (sent,) = bench.publisher.sent
    assert (sent.topic, sent.key, sent.value, story_in(sent).code) == ("listing-dlq", b"k", value, code)


async def test_a_record_that_can_not_be_read_does_not_sink_the_others(bench: Bench) -> None:
    bench.put_all("in/a.json")
    await bench.handle(notification({"eventName": 7}, "in/a.json", {"eventName": 8}))
    assert bench.queued_keys == ["in/a.json"]
    (dead,) = bench.dead
    assert story_in(dead).code is FailureCode.NOTIFICATION_UNKNOWN_SHAPE


async def test_a_bug_with_one_object_is_retried_under_its_own_code(bench: Bench) -> None:
    bench.put_all("in/a.json")
    bench.store.trouble["in/b.json"] = [KeyError("4711")]
    await bench.handle(notification("in/b.json", "in/a.json"))
    assert bench.queued_keys == ["in/a.json"]
    (retry,) = bench.retries
    assert (story_in(retry).code, story_in(retry).exception) == (FailureCode.UNEXPECTED, "KeyError")
    assert not any(b"4711" in value for value in retry.headers.values())


async def test_an_outcome_that_its_index_refuses_costs_a_dead_letter_not_the_worker(bench: Bench) -> None:
    async def refuse(document: Document) -> None:
        raise Rejected(FailureCode.INDEX_REFUSED, "the outcome is refused")

    bench.index.write_outcome = refuse  # type: ignore[method-assign]
    bench.put_all("in/photo.jpg")
    await bench.handle(notification("in/photo.jpg"))
    assert [story_in(dead).code for dead in bench.dead] == [FailureCode.FORMAT_UNKNOWN, FailureCode.INDEX_REFUSED]


async def test_story_headers_that_nobody_judged_are_one_dead_letter_before_anything_is_done(bench: Bench) -> None:
    bench.put_all("in/a.json")
    await bench.handle(notification("in/a.json", headers={"failure-attempts": b"\xff"}))
    (sent,) = bench.publisher.sent
    assert (sent.topic, story_in(sent).code) == ("listing-dlq", FailureCode.HEADER_INVALID)


async def test_a_notification_of_thousands_asks_a_few_at_a_time(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    asking = most = 0
    head = MemoryStore.head

    async def counted(self: MemoryStore, bucket: str, key: str) -> object:
        nonlocal asking, most
        asking += 1
        most = max(most, asking)
        await asyncio.sleep(0)
        asking -= 1
        return await head(self, bucket, key)

    monkeypatch.setattr(MemoryStore, "head", counted)
    keys = [f"in/{number}.json" for number in range(500)]
    bench.put_all(*keys)
    await bench.handle(notification(*keys))
    assert sorted(map(str, bench.queued_keys)) == sorted(keys)
    assert 1 < most <= 64


# -- an object that is not there


async def tried(bench: Bench, record: SourceRecord, times: int) -> None:
    for _ in range(times):
        await bench.handle(record)
        if bench.retries:
            record = come_back(bench.retries[-1], "listing-uploads")


async def test_an_object_that_nobody_knows_is_asked_for_again_then_dead_and_told(bench: Bench) -> None:
    """Its outcome goes by the time of the event, not by the clock of the worker."""
    bench.clock.advance(600)
    await tried(bench, notification(created("in/gone.json") | {"eventTime": "2026-03-01T10:02:50.120Z"}), 3)
    first, second = (story_in(retry) for retry in bench.retries)
    assert first.code is second.code is FailureCode.OBJECT_MISSING
    assert first.due_at == bench.clock.now() + timedelta(seconds=3)
    assert bench.dead_codes() == {"cars/in/gone.json": FailureCode.OBJECT_MISSING}
    assert [(told["status"], told["failure_code"], told["uploaded_at"]) for told in bench.told] == [
        ("rejected", "object_missing", "2026-03-01T10:02:50.120000+00:00")
    ]


async def test_an_object_that_is_known_to_be_removed_is_skipped(bench: Bench) -> None:
    """As of a replay, a redrive or a late event; and its outcome stays."""
    await bench.outcomes.report(told_before("in/gone.json", FileStatus.REMOVED, removed=3))
    before = metrics.SKIPPED.labels(FailureCode.ALREADY_REMOVED)._value.get()
    await bench.handle(notification("in/gone.json"))
    assert metrics.SKIPPED.labels(FailureCode.ALREADY_REMOVED)._value.get() == before + 1
    assert (bench.dead, bench.retries, bench.queued) == ([], [], [])
    (kept,) = bench.index.outcomes.values()
    assert (kept["status"], kept["removed"]) == ("removed", 3)


async def test_a_removal_that_is_told_a_moment_later_makes_its_upload_a_skip(bench: Bench) -> None:
    await bench.handle(notification("in/gone.json"))
    await bench.outcomes.report(told_before("in/gone.json", FileStatus.REMOVED))
    await bench.handle(come_back(bench.retries[0], "listing-uploads"))
    assert (bench.dead, len(bench.retries), [told["status"] for told in bench.told]) == ([], 1, ["removed"])


@pytest.mark.parametrize("status", [FileStatus.INDEXED, FileStatus.HELD, FileStatus.REJECTED])
async def test_an_object_that_was_read_and_is_gone_was_removed(bench: Bench, status: FileStatus) -> None:
    """The notification of its removal is late, or lost."""
    await bench.outcomes.report(told_before("in/gone.json", status))
    await bench.handle(notification("in/gone.json"))
    assert [(file["key"], file["change"]) for file in bench.queued] == [("in/gone.json", "removed")]
    assert (bench.dead, bench.retries) == ([], [])


def told_before(key: str, status: FileStatus, removed: int = 0) -> FileOutcome:
    info = ObjectInfo("cars", key, 10, "e1", START)
    outcome = unread_outcome(info, classify(Rejected(FailureCode.FILE_BROKEN, "")), 1, START)
    return replace(outcome, status=status, removed=removed)


# -- what orders the uploads of one second


def told_at(key: str, time: str, sequencer: str | None = None) -> dict[str, Any]:
    about = {} if sequencer is None else {"sequencer": sequencer}
    return created(key, **about) | {"eventTime": time}


async def test_uploads_of_one_second_are_queued_with_the_order_of_their_notifications(bench: Bench) -> None:
    keys = ["in/a.json", "in/b.json", "in/c.json", "in/d.json"]
    bench.put_all(*keys)
    told = ("10:03:00.120Z", "8"), ("10:03:00.130Z", "9"), ("10:03:00.130Z", "A"), ("10:03:04.000Z", "B")
    for key, (time, sequencer) in zip(keys, told, strict=True):
        await bench.handle(notification(told_at(key, f"2026-03-01T{time}", sequencer)))
    times = [str(file["uploaded_at"]) for file in bench.queued]
    assert times[0] == "2026-03-01T10:03:00.120000+00:00"
    assert times == sorted(set(times))
    assert all(time.startswith("2026-03-01T10:03:00.") for time in times)


async def test_what_is_told_in_place_of_a_notification_has_the_time_that_the_upload_had(bench: Bench) -> None:
    """`backfill --all` is to write again what stands: a store's listing may be off by some milliseconds."""
    bench.put_all("in/a.json")
    info = replace(await bench.store.head("cars", "in/a.json"), uploaded_at=START + timedelta(milliseconds=330))
    await bench.outcomes.report(unread_outcome(info, classify(Rejected(FailureCode.FILE_BROKEN, "")), 1, START))
    listed = replace(info, uploaded_at=START + timedelta(milliseconds=310))
    await bench.handle(source_record(created_notification(listed), topic="listing-uploads"))
    assert [file["uploaded_at"] for file in bench.queued] == ["2026-03-01T10:03:00.330000+00:00"]


async def test_an_upload_that_is_told_again_much_later_is_not_newer_than_it_was(bench: Bench) -> None:
    """Its event has whole seconds, and the record that brings it again a time of its own."""
    bench.put_all("in/a.json")
    event = told_at("in/a.json", "2026-03-01T10:03:00Z", "5")
    await bench.handle(replace(notification(event), timestamp_ms=1_772_359_380_300))
    (first,) = bench.queued
    info = await bench.store.head("cars", "in/a.json")
    info = replace(info, uploaded_at=datetime.fromisoformat(str(first["uploaded_at"])))
    await bench.outcomes.report(unread_outcome(info, classify(Rejected(FailureCode.FILE_BROKEN, "")), 1, START))
    await bench.handle(replace(notification(event), timestamp_ms=1_772_359_999_000))
    assert [file["uploaded_at"] for file in bench.queued] == [first["uploaded_at"]] * 2
    assert str(first["uploaded_at"]).startswith("2026-03-01T10:03:00.300")
