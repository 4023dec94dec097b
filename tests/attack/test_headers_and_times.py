"""Headers and times that others made up, and notifications that multiply themselves."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from datetime import UTC, datetime

import orjson
import pytest

from app.adapters.avro import AvroCodec
from app.adapters.schema_registry import SchemaRegistry
from app.errors import FailureCode, FailureKind
from app.failures.headers import Origin, Story
from app.model.file import ListingFile
from app.ops.schemas import load_schemas
from app.pipeline.transform import listing_id_of
from app.pipeline.wire import file_to_wire
from tests.support.attacked import Attacked
from tests.support.system import System
from tests.support.waiting import until

pytestmark = [pytest.mark.attack, pytest.mark.timeout(240)]
NOW = datetime(2026, 3, 1, tzinfo=UTC)
STORY = Story(
    origin=Origin("listings", 0, 0, 0),
    stage="listings",
    kind=FailureKind.TRANSIENT,
    code=FailureCode.FETCH_FAILED,
    message="reset",
    exception=None,
    attempts=1,
    first_at=NOW,
    last_at=NOW,
)
FORGERIES = {
    "in-9999": replace(STORY, origin=replace(STORY.origin, timestamp_ms=253_402_300_799_000)).to_headers(),
    "in-1e18-ms": replace(STORY, origin=replace(STORY.origin, timestamp_ms=10**18)).to_headers(),
    "in-an-hour": {
        **STORY.to_headers(),
        "failure-origin-timestamp": str(int(time.time() * 1000) + 3_600_000).encode(),
    },
    "before-1970": {**STORY.to_headers(), "failure-origin-timestamp": b"-5"},
    "huge-tries": {**STORY.to_headers(), "failure-attempts": b"9" * 18, "failure-origin-timestamp": b"9" * 18},
    "not-whole": {"failure-origin-timestamp": b"9" * 18, "failure-attempts": b"2", "retry-due-at": b"\xff"},
    "of-elsewhere": {**STORY.to_headers(), "failure-origin-topic": b"listing-files"},
}


def test_no_forged_time_or_try_freezes_a_listing_or_hides_it(attacked: Attacked) -> None:
    system = attacked.system
    for source, headers in FORGERIES.items():
        publish(system, source, "forged", headers)
        system.publish("listings", None, listing_id_of(source, "2").encode(), headers)
    system.wait_no_lag("listings")
    for source in FORGERIES:
        publish(system, source, "true")
        publish(system, source, "true", number="2")
    until("the true listings", lambda: all(titles(system, source) == ["true", "true"] for source in FORGERIES), 20)
    assert [story.message for _, story in system.dead_letters() if story.origin.topic == "listings"] == []


def test_a_file_queued_from_the_future_hides_no_outcome(attacked: Attacked) -> None:
    system, key = attacked.system, "future/stock.json"
    file = ListingFile(
        system.bucket, key, 9, "e", datetime(9999, 12, 31, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)
    )
    headers = replace(STORY, origin=Origin("listing-files", 0, 0, 10**18)).to_headers()
    system.publish(
        "listing-files", asyncio.run(encoded(system, file)), file.object_id.encode(),
        headers | {"failure-attempts": b"9" * 18},
    )  # fmt: skip
    told = system.wait_outcome(key)
    assert (told["status"], told["attempts"]) == ("removed", 1)
    assert told["uploaded_at"] < "2100"


def test_a_notification_of_many_missing_objects_becomes_no_larger_than_it_is(attacked: Attacked) -> None:
    system = attacked.system
    count, before = 60, size_of("listing-dlq", system)
    events = [
        {
            "eventName": "ObjectCreated:Put",
            "s3": {"bucket": {"name": system.bucket}, "object": {"key": f"many-missing/{number}.json"}},
            "filler": "x" * 14_000,
        }
        for number in range(count)
    ]
    value = orjson.dumps({"Records": events})
    system.publish("listing-uploads", value, headers={"note": b"x" * 40_000})
    attacked.neighbour_is_served()
    until("its dead letters", lambda: len(system.dead_letters("many-missing/")) == count, 150)
    assert size_of("listing-dlq", system) - before < 1.1 * len(value)


async def encoded(system: System, file: ListingFile) -> bytes:
    async with SchemaRegistry(system.settings.schema_registry) as registry:
        codec = AvroCodec(registry, load_schemas(system.settings.paths.schemas / "avro"))
        return await codec.encode("listing-files-value", file_to_wire(file))


def publish(
    system: System, source: str, title: str, headers: dict[str, bytes] | None = None, number: str = "1"
) -> None:
    listing = {"source": source, "source_listing_id": number, "make": "Volkswagen", "model": "Golf", "year": 2019}
    value = orjson.dumps({**listing, "title": title})
    system.publish("listings", value, listing_id_of(source, number).encode(), headers)


def titles(system: System, source: str) -> list[str | None]:
    system.refresh()
    return [listing.get("title") for listing in system.listings_of(source)]


def size_of(topic: str, system: System) -> int:
    return sum(len(record.key or b"") + len(record.value or b"") for record in system.records(topic))
