"""Whatever the order of events, the index ends with the newest content."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import obstore
import orjson
import pytest
from click.testing import CliRunner
from confluent_kafka import Producer

from app.adapters.kafka_reader import client_config
from app.cli import cli
from app.devstack.samples import as_json, listing
from tests.support.faulty_store import Faults, faulty_store
from tests.support.system import System, Worker
from tests.support.waiting import next_second, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def faults() -> Faults:
    return Faults()


@pytest.fixture(scope="module")
def worker(system: System, faults: Faults) -> Iterator[Worker]:
    with (
        faulty_store(system.settings.s3.endpoint_url, faults) as address,
        system.worker(LISTINGS_S3__ENDPOINT_URL=address, LISTINGS_RETRY__BASE_S="3") as worker,
    ):
        yield worker


def offer(source: str, number: int, price: int) -> dict[str, object]:
    """A listing whose price tells which upload it is from."""
    return {**listing(number, source=source, prefix=source), "price_amount": price}


def prices(system: System, source: str) -> dict[int, int]:
    """The price of each listing of the source, by its number."""
    system.refresh()
    return {
        int(doc["source_listing_id"].rpartition("-")[2]): int(doc["price_amount"]) for doc in system.listings_of(source)
    }


def settled(system: System) -> None:
    system.wait_no_lag("listing-uploads", "listing-files", "listings", "listing-retry")


def test_uploads_of_one_object_within_a_second(system: System, worker: Worker) -> None:
    source = "order-second"
    for price in (1000, 2000, 3000):
        for number in range(1, 21):
            system.upload(f"{source}/{number}.json", as_json([offer(source, number, price)]))
    settled(system)
    assert prices(system, source) == dict.fromkeys(range(1, 21), 3000)
    assert system.dead_letters(source) == []


def test_notifications_swapped_doubled_and_replayed(system: System, worker: Worker) -> None:
    source = "order-swapped"
    for price in (1000, 2000):
        for number in range(1, 11):
            system.upload(f"{source}/{number}.json", as_json([offer(source, number, price)]))
    settled(system)
    told = [r.value for r in system.records("listing-uploads") if source.encode() in (r.value or b"")]
    assert len(told) == 20
    for value in (*reversed(told), *told):
        system.publish("listing-uploads", value)
    settled(system)
    assert prices(system, source) == dict.fromkeys(range(1, 11), 2000)
    assert system.dead_letters(source) == []


def test_a_retry_that_comes_after_a_newer_upload(system: System, worker: Worker, faults: Faults) -> None:
    source, key = "order-retry", "order-retry/stock.json"
    faults.failures[key] = 2  # the store's client asks twice before it gives an attempt up
    system.upload(key, as_json([offer(source, 1, 1000)]))
    until("the retry", lambda: any(key.encode() in (r.value or b"") for r in system.records("listing-retry")))
    next_second()
    system.upload(key, as_json([offer(source, 1, 2000)]))
    until("the newer content", lambda: prices(system, source) == {1: 2000})
    settled(system)
    assert prices(system, source) == {1: 2000}


def test_an_older_file_that_is_processed_after_a_newer_one(system: System, worker: Worker, faults: Faults) -> None:
    source, old, new = "order-files", "order-files/old.json", "order-files/new.json"
    faults.failures[old] = 2
    faults.held.add(old)  # the retry may be due at once, and has to come after the newer file all the same
    system.upload(old, as_json([offer(source, 1, 1000), offer(source, 2, 1000)]))
    until("the retry", lambda: any(old.encode() in (r.value or b"") for r in system.records("listing-retry")))
    next_second()
    system.upload(new, as_json([offer(source, 1, 2000)]))
    system.wait_outcome(new)
    faults.held.clear()
    outcome = system.wait_outcome(old)
    assert (outcome["indexed"], outcome["stale"], outcome["attempts"]) == (1, 1, 2)
    assert prices(system, source) == {1: 2000, 2: 1000}


def uploaded_in_one_second(system: System, name: str) -> str:
    """Uploads a bigger and then a smaller file of one sender with the same listing; returns the sender."""
    for attempt in range(30):
        source = f"{name}-{attempt}"
        next_second()
        for key, last, price in ((f"{source}/big.ndjson", 100, 1000), (f"{source}/small.ndjson", 1, 2000)):
            lines = [orjson.dumps(offer(source, number, price)) for number in range(last, 0, -1)]
            system.upload(key, b"\n".join(lines))
        big, small = (obstore.head(system.store, f"{source}/{n}.ndjson")["last_modified"] for n in ("big", "small"))
        if big == small:
            return source
    raise AssertionError("no two uploads were in one second")


@pytest.mark.timeout(420)
def test_of_two_files_in_one_second_the_later_one_wins_however_long_the_first_one_takes(
    system: System, worker: Worker, faults: Faults
) -> None:
    """The work of the first one ends last; then everything is told and taken over again."""
    faults.held.add("big.ndjson")
    pairs = [uploaded_in_one_second(system, f"order-pair-{number}") for number in range(3)]
    for source in pairs:
        system.wait_outcome(f"{source}/small.ndjson")
    faults.held.clear()
    for source in pairs:
        assert system.wait_outcome(f"{source}/big.ndjson")["stale"] == 1
    newest = dict.fromkeys(pairs, 2000)

    def contested() -> dict[str, int]:
        system.wait_no_lag("listing-uploads", "listing-files", "listing-retry", seconds=120)
        return {source: prices(system, source)[1] for source in pairs}

    assert contested() == newest
    told = [r.value for r in system.records("listing-uploads") if b"order-pair-" in (r.value or b"")]
    for value in (*reversed(told), *told):
        system.publish("listing-uploads", value)
    assert contested() == newest
    again = CliRunner().invoke(cli, ["backfill", "--prefix", "order-pair-", "--all"], env=system.env)
    assert again.exit_code == 0, again.output
    assert contested() == newest
    assert system.dead_letters("order-pair-") == []


def test_a_producer_whose_clock_is_ahead(system: System, worker: Worker) -> None:
    """Its listing is not the newest for as long as its clock is ahead."""
    source = "order-clock"
    ahead = int((datetime.now(UTC) + timedelta(minutes=50)).timestamp() * 1000)
    producer = Producer(client_config(system.settings.kafka))
    producer.produce("listings", value=orjson.dumps(offer(source, 1, 1000)), key=b"1", timestamp=ahead)
    assert producer.flush(30) == 0
    until("the first", lambda: prices(system, source) == {1: 1000})
    system.publish("listings", orjson.dumps(offer(source, 1, 2000)), b"1")
    until("the second", lambda: prices(system, source) == {1: 2000})
