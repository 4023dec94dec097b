"""Hostile files, a store that fails for some objects, listings in Avro: on the real servers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

import psutil
import pytest

from app.adapters.avro import AvroCodec
from app.adapters.schema_registry import SchemaRegistry
from app.devstack.samples import as_json, listings
from app.errors import FailureCode, FailureKind
from app.ops.schemas import load_schemas
from tests.support.faulty_store import Faults, faulty_store
from tests.support.hostile import HOSTILE, HostileFile
from tests.support.system import System, Worker
from tests.support.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]
_MIB = 1024 * 1024
_GROWTH_MAX_MIB = 200


@pytest.fixture(scope="module")
def faults() -> Faults:
    return Faults()


@pytest.fixture(scope="module")
def worker(system: System, faults: Faults) -> Iterator[Worker]:
    """A worker that reads through the faulty store, and is quick to try again."""
    with (
        faulty_store(system.settings.s3.endpoint_url, faults) as address,
        system.worker(LISTINGS_S3__ENDPOINT_URL=address, LISTINGS_RETRY__BASE_S="0.2") as worker,
    ):
        yield worker


def _whole_way(file: HostileFile) -> bool:
    """Files that need no profile and no other limits, and whose name passes the gate."""
    return not file.hints and not file.limits


def test_hostile_files_get_their_reason_and_nothing_else_happens(system: System, worker: Worker) -> None:
    process = psutil.Process(worker.process.pid)
    system.upload("before/first.json", as_json(listings(3, prefix="before")))
    system.wait_outcome("before/first.json")
    memory = process.memory_info().rss
    files = [file for file in HOSTILE if _whole_way(file)]
    for file in files:
        system.upload(file.key, file.build())
    system.upload("after/last.json", as_json(listings(3, prefix="after")))
    wrong: list[tuple[str, object]] = []
    for file in files:
        outcome = system.wait_outcome(file.key)
        codes = [reject["problems"][0]["code"] for reject in outcome["rejects"]]
        told = (outcome["failure_code"], [code for code in codes if code in file.bad])
        if told != (file.file, list(file.bad)):
            wrong.append((file.key, told))
        if outcome["read"] != outcome["indexed"] + outcome["stale"] + outcome["rejected"]:
            wrong.append((file.key, outcome))
    assert wrong == []
    assert system.wait_outcome("after/last.json")["indexed"] == 3
    assert worker.process.poll() is None
    assert (process.memory_info().rss - memory) / _MIB < _GROWTH_MAX_MIB
    letters = system.dead_letters("hostile/")
    whole = sorted(story.listing_file or "" for _, story in letters if story.listing_record is None)
    assert whole == sorted(f"{system.bucket}/{file.key}" for file in files if file.file is not None)
    assert {story.kind for _, story in letters} == {FailureKind.REJECT}


def test_a_file_that_fails_for_a_while_is_tried_again_and_indexed(
    system: System, worker: Worker, faults: Faults
) -> None:
    faults.failures["flaky/"] = 4  # the client asks twice in each attempt
    system.upload("flaky/stock.json", as_json(listings(4, prefix="flaky")))
    outcome = system.wait_outcome("flaky/stock.json")
    assert (outcome["status"], outcome["indexed"], outcome["attempts"]) == ("indexed", 4, 3)
    assert faults.asked["flaky/"] == 5
    assert system.dead_letters("flaky/") == []


def test_a_file_that_fails_three_times_is_a_dead_letter_with_its_story(
    system: System, worker: Worker, faults: Faults
) -> None:
    faults.failures["doomed/"] = 1_000_000
    system.upload("doomed/stock.json", as_json(listings(4, prefix="doomed")))
    system.upload("doomed-not/stock.json", as_json(listings(4, prefix="doomed-not")))
    outcome = system.wait_outcome("doomed/stock.json")
    assert (outcome["status"], outcome["failure_code"]) == ("rejected", FailureCode.FETCH_FAILED)
    ((record, story),) = system.dead_letters("doomed/")
    assert (story.kind, story.code, story.attempts) == (FailureKind.TRANSIENT, FailureCode.FETCH_FAILED, 3)
    assert (story.origin.topic, story.stage) == ("listing-files", "files")
    assert story.first_at < story.last_at
    original = next(r for r in system.records("listing-files") if r.key == record.key)
    assert record.value == original.value
    assert system.wait_outcome("doomed-not/stock.json")["indexed"] == 4


def test_a_listing_in_avro_is_searchable(system: System, worker: Worker) -> None:
    schemas = load_schemas(system.settings.paths.schemas / "avro")
    value = {field["name"]: None for field in schemas["listings-value"]["fields"]} | {
        "source": "avro-sender",
        "source_listing_id": "A-1",
        "make": "Peugeot",
        "model": "208",
        "year": 2021,
        "price_amount": Decimal("12999.50"),
        "price_currency": "EUR",
        "updated_at": datetime(2026, 2, 3, 4, 5, tzinfo=UTC),
    }

    async def encode() -> bytes:
        async with SchemaRegistry(system.settings.schema_registry) as registry:
            return await AvroCodec(registry, schemas).encode("listings-value", value)

    system.publish("listings", asyncio.run(encode()), key=b"A-1")
    (found,) = until("the listing", lambda: system.listings_of("avro-sender"))
    assert (found["price_amount"], found["price_currency"], found["year"]) == (12999.5, "EUR", 2021)
    assert found["updated_at"].startswith("2026-02-03T04:05:00")


def test_a_listing_in_avro_of_an_unknown_schema_is_a_dead_letter(system: System, worker: Worker) -> None:
    """After three tries: a registry may learn of an id a moment later."""
    value = b"\x00\x7f\xff\xff\xff\x02"
    system.publish("listings", value, key=b"unknown-schema")
    letter = until(
        "the dead letter", lambda: next((r for r in system.records("listing-dlq") if r.value == value), None), 90
    )
    assert letter.headers["failure-code"] == FailureCode.SCHEMA_UNKNOWN.encode()
    assert letter.headers["failure-attempts"] == b"3"


def test_fausts_own_command_runs_a_worker_too(system: System) -> None:
    worker = system.start_worker(("-m", "faust", "-A", "app.agents", "worker", "--without-web"))
    try:
        system.wait_ready(worker)
        system.upload("faust/stock.json", as_json(listings(2, prefix="faust")))
        assert system.wait_outcome("faust/stock.json")["indexed"] == 2
    finally:
        assert worker.terminate() == 0
