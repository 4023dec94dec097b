"""Whoever may write notifications: removals from the future, and events of removed objects by the hundred."""

from __future__ import annotations

from urllib.parse import quote_plus

import obstore
import orjson
import pytest

from app.devstack.samples import as_ndjson, listings
from tests.support.attacked import Attacked
from tests.support.system import System
from tests.support.waiting import next_second, until

pytestmark = [pytest.mark.attack, pytest.mark.timeout(300)]
_TOPICS = ("listing-uploads", "listing-files", "listing-retry")


def tell(system: System, name: str, key: str, at: str, version: str | None = None) -> None:
    about = {"key": quote_plus(key), "sequencer": "F" * 16, "versionId": version}
    record = {"eventName": name, "eventTime": at, "s3": {"bucket": {"name": system.bucket}, "object": about}}
    system.publish("listing-uploads", orjson.dumps({"Records": [record]}))


def standing(system: System, source: str) -> int:
    system.refresh()
    return sum(listing["status"] != "removed" for listing in system.listings_of(source))


def test_removals_from_the_future_take_nothing_and_hold_nothing_back(attacked: Attacked) -> None:
    system, there, gone = attacked.system, "future-a/stock.ndjson", "future-b/stock.ndjson"
    for key in (there, gone):
        system.upload(key, as_ndjson(listings(2, source=key[:8], prefix=key[:8])))
        system.wait_outcome(key)
    for at in ("9999-12-31T23:59:59.999Z", "2100-01-01T00:00:00Z", "1970-01-01T00:00:00.000Z", "never"):
        for version in (None, "v1"):
            tell(system, "ObjectRemoved:Delete", there, at, version)
            tell(system, "ObjectRemoved:DeleteMarkerCreated", gone, at, version)
            tell(system, "ObjectCreated:Put", there, at, version)
    obstore.delete(system.store, gone)
    until("the removal", lambda: (system.outcome(gone) or {}).get("status") == "removed", 60)
    system.wait_no_lag(*_TOPICS)
    assert (standing(system, "future-a"), standing(system, "future-b")) == (2, 0)
    next_second()
    for key in (there, gone):
        system.upload(key, as_ndjson(listings(3, source=key[:8], prefix=key[:8])))
    until("both again", lambda: [standing(system, key[:8]) for key in (there, gone)] == [3, 3], 60)
    until("their outcomes", lambda: all((system.outcome(k) or {}).get("read") == 3 for k in (there, gone)), 60)
    assert system.dead_letters("future-") == []


def test_events_of_removed_objects_are_no_dead_letters_however_many(attacked: Attacked) -> None:
    system, key = attacked.system, "removed/stock.ndjson"
    system.upload(key, as_ndjson(listings(2, source="removed", prefix="removed")))
    system.wait_outcome(key)
    obstore.delete(system.store, key)
    until("the removal", lambda: (system.outcome(key) or {}).get("status") == "removed", 60)
    before = system.outcome(key)
    for number in range(150):
        name = ("ObjectCreated:Put", "ObjectRemoved:Delete", "ObjectCreated:Copy")[number % 3]
        tell(system, name, key, f"2026-03-01T10:03:{number % 60:02}.{number:03}Z")
    system.wait_no_lag(*_TOPICS)
    assert system.outcome(key) == before
    assert before is not None
    assert before["removed"] == 2
    assert system.dead_letters("removed/") == []
