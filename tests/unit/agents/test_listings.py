"""The listings agent: one listing published to Kafka."""

from __future__ import annotations

import codecs
from dataclasses import replace
from datetime import UTC, datetime

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.agents.guard import guarded
from app.agents.listings import ListingsHandler
from app.errors import FailureCode, FailureKind
from app.failures.headers import Story
from app.model.document import version_of
from app.model.source_record import SourceRecord
from app.observability import metrics
from app.pipeline.sources import SourceRules, Sources
from app.pipeline.transform import listing_id_of
from tests.support.agents import Parts, come_back, story_in
from tests.support.feed_text import listing
from tests.support.limits import limits
from tests.support.records import source_record

PUBLISHED_MS = 1_772_359_380_123


class Bench(Parts):
    def __init__(self) -> None:
        super().__init__()
        self.declare()

    def declare(self, **rules: object) -> None:
        """Say who may speak for which source."""
        sources = Sources(SourceRules.model_validate(rules))
        listings = ListingsHandler(self.index, self.standing, self.encoder, self.outages, self.clock, limits(), sources)
        self._handle = guarded(listings, self.handoff, "listings")

    async def handle(self, record: SourceRecord) -> None:
        await self._handle(record)

    @property
    def documents(self) -> list[tuple[int, dict[str, object]]]:
        return list(self.index.documents.values())

    def only_story(self) -> Story:
        (sent,) = self.publisher.sent
        assert sent.topic == "listing-dlq"
        return story_in(sent)


@pytest.fixture
async def bench() -> Bench:
    return Bench()


def published(value: bytes | None, timestamp_ms: int = PUBLISHED_MS, **headers: bytes) -> SourceRecord:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return source_record(
        value, topic="listings", partition=2, offset=7, key=b"car-1", timestamp_ms=timestamp_ms, headers=named
    )


def as_json(**fields: object) -> bytes:
    return orjson.dumps({"source": "dealer", **listing(1), **fields})


@pytest.mark.parametrize("prefix", [b"", b"\x00", b" \n"], ids=["json", "framed", "json after blanks"])
async def test_a_listing_is_indexed_however_it_is_written(bench: Bench, prefix: bytes) -> None:
    await bench.handle(published(prefix + as_json()))
    ((version, document),) = bench.documents
    assert version == PUBLISHED_MS
    assert (document["source"], document["source_listing_id"], document["make"]) == ("dealer", "car-1", "Volkswagen")
    origin = document["origin"]
    assert isinstance(origin, dict)
    assert (origin["bucket"], origin["key"], origin["record"]) == ("listings", "2/7", 1)
    assert origin["uploaded_at"].startswith("2026-03-01T10:03:00")
    assert bench.publisher.sent == []


async def test_it_is_the_same_document_as_one_of_a_file_with_that_source(bench: Bench) -> None:
    await bench.handle(published(as_json(), timestamp_ms=PUBLISHED_MS))
    await bench.handle(published(as_json(title="again"), timestamp_ms=PUBLISHED_MS + 1))
    ((version, document),) = bench.documents
    assert (version, document["title"]) == (PUBLISHED_MS + 1, "again")


async def test_a_listing_that_comes_back_has_the_version_of_its_first_time(bench: Bench) -> None:
    before = PUBLISHED_MS - 60_000
    await bench.handle(published(as_json(title="newer")))
    await bench.handle(
        published(
            as_json(title="older"),
            timestamp_ms=PUBLISHED_MS + 60_000,
            failure_origin_topic=b"listings",
            failure_origin_partition=b"0",
            failure_origin_offset=b"3",
            failure_origin_timestamp=str(before).encode(),
        )
    )
    ((version, document),) = bench.documents
    assert (version, document["title"]) == (PUBLISHED_MS, "newer")


@given(at=st.integers(0, int(datetime(2200, 1, 1, tzinfo=UTC).timestamp() * 1000)))
async def test_the_version_is_the_time_of_publishing_to_the_millisecond(at: int) -> None:
    bench = Bench()
    await bench.handle(replace(published(as_json(), timestamp_ms=at), is_broker_timed=True))
    assert [version for version, _ in bench.documents] == [at]


@pytest.mark.parametrize("at", [-1, 10**16, 2**63 - 1], ids=["none", "year 318857", "largest"])
@pytest.mark.parametrize("is_broker_timed", [False, True])
async def test_a_timestamp_that_is_no_time_is_a_dead_letter(bench: Bench, at: int, is_broker_timed: bool) -> None:
    await bench.handle(replace(published(as_json(), timestamp_ms=at), is_broker_timed=is_broker_timed))
    assert bench.only_story().code is FailureCode.RECORD_NOT_DECODABLE
    assert bench.documents == []


@pytest.mark.parametrize("is_removal", [False, True])
@pytest.mark.parametrize("ahead_ms", [3_600_000, 10**10, 250_000_000_000_000])
async def test_a_producer_can_not_publish_from_the_future(bench: Bench, ahead_ms: int, is_removal: bool) -> None:
    now_ms = version_of(bench.clock.now())
    forged = tombstone(now_ms + ahead_ms) if is_removal else published(as_json(), timestamp_ms=now_ms + ahead_ms)
    await bench.handle(forged)
    story = bench.only_story()
    assert (story.code, bench.documents) == (FailureCode.RECORD_NOT_DECODABLE, [])
    assert "LogAppendTime" in story.message
    await bench.handle(published(as_json(), timestamp_ms=now_ms + 2000))
    assert [document["make"] for _, document in bench.documents] == [listing(1)["make"]], "a clock a little ahead"


async def test_an_origin_that_nobody_judged_is_a_dead_letter(bench: Bench) -> None:
    await bench.handle(published(as_json(), failure_origin_topic=b"listings", failure_origin_timestamp=b"soon"))
    assert bench.only_story().code is FailureCode.HEADER_INVALID


@pytest.mark.parametrize(
    "value",
    [None, b"", b"garbage", b"\xff\xfe", b"[1]", b"null", b'"text"', b"17", as_json()[:-1], b"\x00garbage", b"\x00"],
)
async def test_what_is_no_listing_is_one_dead_letter_with_its_bytes(bench: Bench, value: bytes | None) -> None:
    await bench.handle(published(value))
    story = bench.only_story()
    assert (story.code, story.stage, story.origin.topic) == (FailureCode.RECORD_NOT_DECODABLE, "listings", "listings")
    assert (bench.dead[0].value, bench.dead[0].key) == (value, b"car-1")


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (b'{"source":"s","x":' + b"[" * 5000 + b"]" * 5000 + b"}", FailureCode.RECORD_TOO_DEEP),
        (b'{"source":"s","x":' + b"[" * 40 + b"]" * 40 + b"}", FailureCode.RECORD_TOO_DEEP),
        (as_json(description="x" * 10 * 1024 * 1024), FailureCode.RECORD_TOO_BIG),
        (b'{"source":"s","x":[' + b"1," * 200_000 + b"1]}", FailureCode.RECORD_TOO_BIG),
        (b'{"source":"s","source_listing_id":123456789012345678901234}', FailureCode.RECORD_MALFORMED),
        (b'{"source":"s","price_amount":' + b"9" * 5000 + b"}", FailureCode.RECORD_NOT_DECODABLE),
        (rb'{"source":"\ud800"}', FailureCode.RECORD_NOT_DECODABLE),
    ],
    ids=["5000 levels", "40 levels", "10 MB", "many values", "long id", "5000 digits", "lone surrogate"],
)
async def test_hostile_listings_are_dead_letters(bench: Bench, value: bytes, code: FailureCode) -> None:
    await bench.handle(published(value))
    assert bench.only_story().code is code
    assert bench.documents == []


async def test_every_reason_is_told(bench: Bench) -> None:
    await bench.handle(published(orjson.dumps({"model": "Golf", "year": "soon", "price_amount": "cheap"})))
    message = bench.only_story().message
    for field in ("source", "source_listing_id", "make", "year", "price_amount"):
        assert f"{field}: expected" in message


@pytest.mark.parametrize("source", [None, "", "  ", ["dealer"], {"name": "dealer"}])
async def test_a_listing_names_its_sender(bench: Bench, source: object) -> None:
    await bench.handle(published(as_json(source=source)))
    assert "source: expected" in bench.only_story().message


async def test_a_listing_that_the_index_refuses_is_a_dead_letter(bench: Bench) -> None:
    await bench.handle(published(as_json()))
    bench.index.refuse = set(bench.index.documents)
    await bench.handle(published(as_json()))
    assert bench.only_story().code is FailureCode.INDEX_REFUSED


async def test_what_becomes_of_listings_is_counted(bench: Bench) -> None:
    def counts() -> list[float]:
        return [metrics.LISTINGS.labels(name)._value.get() for name in ("indexed", "stale", "rejected")]

    before = counts()
    await bench.handle(published(as_json()))
    await bench.handle(published(as_json(), timestamp_ms=PUBLISHED_MS - 1))
    await bench.handle(published(b"garbage"))
    assert [now - then for now, then in zip(counts(), before, strict=True)] == [1, 1, 1]


async def test_a_bug_is_retried_and_the_listing_keeps_its_version(bench: Bench) -> None:
    write = bench.index.write
    bench.index.write = None  # type: ignore[method-assign, assignment]
    await bench.handle(published(as_json()))
    bench.index.write = write  # type: ignore[method-assign]
    await bench.handle(come_back(bench.retries[0], "listings"))
    assert [version for version, _ in bench.documents] == [PUBLISHED_MS]


# -- tombstones

CONNECT = {"type": "struct", "optional": False, "fields": [{"field": "make", "type": "string"}]}


@pytest.mark.parametrize(
    "value",
    [
        codecs.BOM_UTF8 + as_json(),
        codecs.BOM_UTF16_LE + as_json().decode().encode("utf-16-le"),
        codecs.BOM_UTF16_BE + as_json().decode().encode("utf-16-be"),
        codecs.BOM_UTF32_LE + as_json().decode().encode("utf-32-le"),
        codecs.BOM_UTF32_BE + as_json().decode().encode("utf-32-be"),
        orjson.dumps({"schema": CONNECT, "payload": orjson.loads(as_json())}),
        codecs.BOM_UTF8 + orjson.dumps({"payload": orjson.loads(as_json()), "schema": None}),
        orjson.dumps({"schema": {"type": "string"}, "payload": as_json().decode()}),
        orjson.dumps({"schema": {"type": "string"}, "payload": "\ufeff" + as_json().decode()}),
    ],
    ids=["utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be", "connect", "both", "text", "marked text"],
)
async def test_a_byte_order_mark_or_an_envelope_of_connect_is_read_as_in_files(bench: Bench, value: bytes) -> None:
    await bench.handle(published(value))
    assert [document["make"] for _, document in bench.documents] == [listing(1)["make"]]


@pytest.mark.parametrize(
    "value",
    [
        codecs.BOM_UTF8,
        codecs.BOM_UTF16_LE + b"{",
        codecs.BOM_UTF8 * 2 + as_json(),
        orjson.dumps({"schema": CONNECT, "payload": [orjson.loads(as_json())]}),
        orjson.dumps({"schema": CONNECT, "payload": "no JSON"}),
        orjson.dumps({"schema": None, "payload": None}),
    ],
)
async def test_a_mark_or_an_envelope_around_something_else_is_a_dead_letter(bench: Bench, value: bytes) -> None:
    await bench.handle(published(value))
    assert bench.documents == []
    assert bench.only_story().kind is FailureKind.REJECT


async def test_the_limit_on_depth_counts_inside_an_envelope(bench: Bench) -> None:
    deep: object = 1
    for _ in range(200):
        deep = [deep]
    await bench.handle(published(orjson.dumps({"schema": None, "payload": {"extra": deep}})))
    assert bench.only_story().code is FailureCode.RECORD_TOO_DEEP


LISTING_ID = listing_id_of("dealer", str(listing(1)["source_listing_id"]))


def tombstone(timestamp_ms: int, key: str = LISTING_ID) -> SourceRecord:
    return source_record(None, topic="listings", partition=2, offset=9, key=key.encode(), timestamp_ms=timestamp_ms)


async def test_a_tombstone_removes_the_listing_of_its_key(bench: Bench) -> None:
    await bench.handle(published(as_json()))
    await bench.handle(tombstone(PUBLISHED_MS + 1))
    ((version, document),) = bench.documents
    assert (version, document["status"], document["make"]) == (PUBLISHED_MS + 1, "removed", listing(1)["make"])


async def test_what_was_published_before_the_tombstone_does_not_come_back(bench: Bench) -> None:
    await bench.handle(tombstone(PUBLISHED_MS + 1))
    await bench.handle(published(as_json()))
    assert [document["status"] for _, document in bench.documents] == ["removed"]
    await bench.handle(published(as_json(), PUBLISHED_MS + 2))
    assert [document.get("status") for _, document in bench.documents] == [None]


async def test_a_late_tombstone_takes_nothing_newer_away(bench: Bench) -> None:
    await bench.handle(published(as_json(), PUBLISHED_MS + 5))
    await bench.handle(tombstone(PUBLISHED_MS))
    assert [document.get("status") for _, document in bench.documents] == [None]


@pytest.mark.parametrize("key", ["", "car-1", LISTING_ID.upper(), LISTING_ID + "0", "../_search" + "0" * 22])
async def test_a_tombstone_names_a_listing_id(bench: Bench, key: str) -> None:
    await bench.handle(tombstone(PUBLISHED_MS, key))
    assert (bench.only_story().code, bench.documents) == (FailureCode.RECORD_NOT_DECODABLE, [])


ACME_ELSEWHERE = [{"prefix": "dealer/", "sources": ["dealer"]}]


async def test_a_listing_of_a_source_that_comes_by_files_is_refused_on_the_topic(bench: Bench) -> None:
    bench.declare(uploads=ACME_ELSEWHERE)
    await bench.handle(published(as_json()))
    assert (bench.only_story().code, bench.documents) == (FailureCode.SOURCE_NOT_ALLOWED, [])
    await bench.handle(published(as_json(source="other")))
    assert [document["source"] for _, document in bench.documents] == ["other"]


async def test_a_tombstone_removes_only_what_the_topic_may_speak_for(bench: Bench) -> None:
    await bench.handle(published(as_json()))
    bench.declare(uploads=ACME_ELSEWHERE)
    await bench.handle(tombstone(PUBLISHED_MS + 1))
    assert [document.get("status") for _, document in bench.documents] == [None]
    assert bench.only_story().code is FailureCode.SOURCE_NOT_ALLOWED
    bench.declare(topic={"sources": ["dealer"]})
    await bench.handle(tombstone(PUBLISHED_MS + 1))
    assert [document.get("status") for _, document in bench.documents] == ["removed"]


async def test_a_tombstone_of_a_listing_never_seen_is_waited_for_where_sources_are_declared(bench: Bench) -> None:
    bench.declare(topic={"sources": ["dealer"]})
    await bench.handle(tombstone(PUBLISHED_MS + 1))
    assert (bench.documents, bench.dead) == ([], [])
    (waiting,) = bench.retries
    await bench.handle(published(as_json()))
    await bench.handle(come_back(waiting, "listings"))
    assert [document.get("status") for _, document in bench.documents] == ["removed"], "published before it"
