"""From upload to search, as producers, the search frontend and operators see it."""

from __future__ import annotations

import gzip
from collections.abc import Iterator

import orjson
import pytest
from click.testing import CliRunner

from app.cli import cli
from app.devstack.samples import as_csv, as_json, as_ndjson, demo_files, listing, listings
from app.errors import FailureCode, FailureKind
from app.failures.headers import story_of
from app.model.source_record import SourceRecord
from tests.support.stack import RunningStack
from tests.support.system import System, Worker
from tests.support.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def worker(system: System) -> Iterator[Worker]:
    with system.worker(LISTINGS_RETRY__BASE_S="0.5") as worker:
        yield worker


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize(("ending", "form"), [("json", as_json), ("ndjson", as_ndjson), ("csv", as_csv)])
def test_every_format_is_searchable(system: System, worker: Worker, ending: str, form: object, suffix: str) -> None:
    assert callable(form)
    source = f"formats-{ending}{suffix.replace('.', '-')}"
    content = form(listings(30, prefix=source))
    key = f"{source}/stock.{ending}{suffix}"
    system.upload(key, gzip.compress(content) if suffix else content)
    outcome = system.wait_outcome(key)
    assert (outcome["status"], outcome["read"], outcome["indexed"], outcome["rejected"]) == ("indexed", 30, 30, 0)
    found = {doc["source_listing_id"]: doc for doc in system.listings_of(source)}
    assert len(found) == 30
    for expected in listings(30, prefix=source):
        doc = found[expected["source_listing_id"]]
        for name in ("make", "model", "year", "mileage_km", "price_amount", "price_currency", "features", "location"):
            assert doc[name] == expected[name], name
        assert doc["origin"]["key"] == key


def test_a_listing_is_found_by_the_words_of_a_person(system: System, worker: Worker) -> None:
    wanted = listing(7, prefix="words") | {"title": "Quattroporte with a tartan interior", "make": "Maserati"}
    system.upload("words/one.json", as_json([wanted]))
    system.wait_outcome("words/one.json")
    system.refresh()
    result = CliRunner().invoke(cli, ["search", "maserati tartan", "--output", "json"], env=system.env)
    assert result.exit_code == 0, result.output
    assert orjson.loads(result.stdout)["listings"][0]["title"] == wanted["title"]


def test_bad_listings_are_rejected_alone(system: System, worker: Worker) -> None:
    records = listings(10, prefix="bad")
    del records[2]["make"]
    records[6]["year"] = "soon"
    system.upload("bad/stock.json", as_json(records))
    outcome = system.wait_outcome("bad/stock.json")
    assert (outcome["status"], outcome["indexed"], outcome["rejected"]) == ("partly_indexed", 8, 2)
    assert [reject["record"] for reject in outcome["rejects"]] == [3, 7]
    make, year = (reject["problems"][0] for reject in outcome["rejects"])
    assert (make["code"], make["field"]) == (FailureCode.MISSING_REQUIRED, "make")
    assert (year["field"], year["got"]) == ("year", "soon")
    assert year["expected"]
    assert len(system.listings_of("bad")) == 8
    letters = system.dead_letters("bad/")
    assert sorted(story.listing_record or 0 for _, story in letters) == [3, 7]
    assert {story.kind for _, story in letters} == {FailureKind.REJECT}
    assert all(story.attempts == 1 for _, story in letters)


def test_a_broken_file_is_one_dead_letter_and_harms_nobody(system: System, worker: Worker) -> None:
    content = as_json(listings(20, prefix="broken"))
    system.upload("broken/a.json", content[: len(content) // 2])
    system.upload("broken-neighbour/b.json", as_json(listings(20, prefix="neighbour")))
    assert system.wait_outcome("broken-neighbour/b.json")["indexed"] == 20
    outcome = system.wait_outcome("broken/a.json")
    assert (outcome["status"], outcome["failure_code"]) == ("rejected", FailureCode.FILE_BROKEN)
    ((record, story),) = system.dead_letters("broken/")
    assert story.code is FailureCode.FILE_BROKEN
    assert "byte" in story.message or "line" in story.message
    assert record.key == f"{system.bucket}/broken/a.json".encode()


@pytest.mark.parametrize(
    "name",
    ["with blank.json", "plus+plus.json", "per%20cent%.json", "grün/straße.json", "emoji-🚗.json", "a&b=c;d?.json"],
)
def test_keys_reach_the_index_as_they_are(system: System, worker: Worker, name: str) -> None:
    key = f"keys/{name}"
    system.upload(key, as_json(listings(2, prefix="keys")))
    assert system.wait_outcome(key)["indexed"] == 2
    system.refresh()
    assert system.count_of_key(key) == 2


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (b"not json", FailureCode.NOTIFICATION_NOT_JSON),
        (b'{"hello": "world"}', FailureCode.NOTIFICATION_UNKNOWN_SHAPE),
        (b"\xff\xfe", FailureCode.NOTIFICATION_NOT_JSON),
        (b"[" * 5000, FailureCode.NOTIFICATION_NOT_JSON),
    ],
)
def test_a_notification_nobody_understands_is_one_dead_letter(
    system: System, worker: Worker, value: bytes, code: FailureCode
) -> None:
    system.publish("listing-uploads", value, key=b"odd")
    letter = until("the dead letter", lambda: _dead_letter_with(system, value))
    story = story_of(letter)
    assert (story.code, story.attempts, story.origin.topic) == (code, 1, "listing-uploads")
    assert [r for r in system.records("listing-retry") if r.value == value] == []
    assert len([r for r in system.records("listing-dlq") if r.value == value]) == 1


def _dead_letter_with(system: System, value: bytes) -> SourceRecord | None:
    return next((record for record in system.records("listing-dlq") if record.value == value), None)


def test_events_that_are_not_ours_are_skipped(system: System, worker: Worker) -> None:
    before = len(system.records("listing-dlq"))
    s3 = {"bucket": {"name": "somebody-elses"}, "object": {"key": "a.json"}}
    event = {"eventName": "ObjectCreated:Put", "s3": s3}
    system.publish("listing-uploads", orjson.dumps({"Records": [event]}))
    system.publish("listing-uploads", b'{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"b"}')
    system.publish("listing-uploads", orjson.dumps({"Records": [event | {"eventName": "ObjectRemoved:Delete"}]}))
    system.wait_no_lag("listing-uploads")
    assert len(system.records("listing-dlq")) == before
    assert system.metric(worker, "listings_skipped_total", code="bucket_not_allowed") >= 1
    assert system.metric(worker, "listings_skipped_total", code="test_event") >= 1


def test_a_newer_upload_replaces_and_a_replay_changes_nothing(system: System, worker: Worker) -> None:
    key = "replaced/stock.json"
    system.upload(key, as_json([listing(1, prefix="replaced") | {"price_amount": 5000}]))
    first = system.wait_outcome(key)
    queued = next(r for r in system.records("listing-files") if r.key == f"{system.bucket}/{key}".encode())
    until("a later second", lambda: _changed(system, key, first), seconds=30, every=1.1)
    system.publish("listing-files", queued.value, key=queued.key)
    system.wait_no_lag("listing-files")
    system.refresh()
    (doc,) = system.listings_of("replaced")
    assert doc["price_amount"] == 4000


def _changed(system: System, key: str, first: dict[str, object]) -> bool:
    system.upload(key, as_json([listing(1, prefix="replaced") | {"price_amount": 4000}]))
    later = until("the next outcome", lambda: _newer(system, key, first))
    return bool(later["uploaded_at"] != first["uploaded_at"])


def _newer(system: System, key: str, first: dict[str, object]) -> dict[str, object] | None:
    outcome = system.outcome(key)
    return outcome if outcome is not None and outcome["processed_at"] != first["processed_at"] else None


def test_a_single_listing_published_as_json_is_searchable(system: System, worker: Worker) -> None:
    value = listing(1, source="published-json")
    system.publish("listings", orjson.dumps(value), key=b"published-json-1")
    found = until("the listing", lambda: system.listings_of("published-json"))
    assert found[0]["title"] == value["title"]
    assert found[0]["origin"]["bucket"] == "listings"


def test_a_published_listing_without_its_sender_is_a_dead_letter(system: System, worker: Worker) -> None:
    value = orjson.dumps(listing(2))
    system.publish("listings", value, key=b"nobody")
    letter = until("the dead letter", lambda: _dead_letter_with(system, value))
    assert letter.headers["failure-code"] == b"missing_required"
    assert b"source" in letter.headers["failure-message"]


def test_the_store_may_be_away_for_a_while(system: System, worker: Worker, stack: RunningStack) -> None:
    system.upload("away/before.json", as_json(listings(3, prefix="away-before")))
    system.wait_outcome("away/before.json")
    queued = next(r for r in system.records("listing-files") if (r.key or b"").endswith(b"away/before.json"))
    dead = len(system.records("listing-dlq"))
    retried = len(system.records("listing-retry"))
    stack.server("s3").stop()
    try:
        system.publish("listing-files", queued.value, key=queued.key)
        until("the outage", lambda: system.metric(worker, "listings_outage_open", dependency="object_store") == 1)
        assert system.lag("listing-files") > 0
    finally:
        stack.server("s3").start()
    system.wait_no_lag("listing-files")
    assert len(system.records("listing-dlq")) == dead
    assert len(system.records("listing-retry")) == retried


def test_all_that_a_worker_prints_from_start_to_stop_is_json(system: System) -> None:
    """Who collects its output parses each line."""
    with system.worker(LISTINGS_WORKER__LOG_LEVEL="debug") as worker:
        system.upload("logs/broken.json", b'[{"make"')
        system.wait_outcome("logs/broken.json")
    lines = worker.log.read_bytes().splitlines()
    assert {"worker_started", "worker_stopped"} <= {orjson.loads(line)["event"] for line in lines}


def test_the_files_of_the_demo_do_what_they_say(system: System, worker: Worker) -> None:
    for file in demo_files():
        system.upload(file.key, file.content)
    status = {file.key: system.wait_outcome(file.key)["status"] for file in demo_files()}
    assert status.pop("void-autos/export.json") == "rejected"
    assert status.pop("tail-cars/export.json") == "partly_indexed"
    assert status.pop("hill-motors/cars.ndjson") == "partly_indexed"
    assert set(status.values()) == {"indexed"}
