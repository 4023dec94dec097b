"""A sender that speaks for another: with files, with records, with removals."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from pathlib import Path

import obstore
import orjson
import pytest

from app.errors import FailureCode
from app.failures.headers import story_of
from app.pipeline.transform import listing_id_of
from tests.support.attacked import Attacked, under_attack
from tests.support.system import System
from tests.support.waiting import until

pytestmark = [pytest.mark.attack, pytest.mark.timeout(240)]
RULES = "uploads:\n  - {prefix: victim/, sources: [victim]}\ntopic:\n  sources: [by-topic]\n"
CAR = {"source_listing_id": "1", "make": "Volkswagen", "model": "Golf", "year": 2019}


@pytest.fixture
def declared(system: System, tmp_path: Path) -> Iterator[Attacked]:
    """The product under attack, with rules of who may speak for which source."""
    rules = tmp_path / "sources.yaml"
    rules.write_text(RULES)
    with under_attack(system, LISTINGS_PATHS__SOURCES=str(rules)) as product:
        yield product
        product.stands()


def as_file(source: str, title: str, number: str = "1") -> bytes:
    return orjson.dumps([{**CAR, "source": source, "title": title, "source_listing_id": number}])


def titles(system: System, source: str) -> list[tuple[object, object]]:
    system.refresh()
    return [(listing.get("title"), listing.get("status")) for listing in system.listings_of(source)]


def test_nobody_replaces_or_removes_the_listings_of_another(declared: Attacked) -> None:
    system = declared.system
    victims_id = listing_id_of("victim", "1").encode()
    system.upload("victim/stock.json", as_file("victim", "true"))
    assert system.wait_outcome("victim/stock.json")["status"] == "indexed"

    system.upload("evil/stock.json", as_file("victim", "forged"))
    system.upload("victim-evil/stock.json", as_file("VICTIM", "forged"))
    published = {**CAR, "source": "victim", "title": "forged"}
    system.publish("listings", orjson.dumps(published), victims_id)
    system.publish("listings", None, victims_id)
    for key in ("evil/stock.json", "victim-evil/stock.json"):
        told = system.wait_outcome(key)
        assert (told["indexed"], told["rejected"]) == (0, 1)
        assert told["rejects"][0]["problems"][0]["code"] == "source_not_allowed"
    system.wait_no_lag("listings")
    obstore.delete(system.store, "evil/stock.json")
    until("the removal", lambda: system.wait_outcome("evil/stock.json")["status"] == "removed", 60)
    assert titles(system, "victim") == [("true", None)]
    dead = [story_of(record).code for record in system.records("listing-dlq") if record.key == victims_id]
    assert dead == [FailureCode.SOURCE_NOT_ALLOWED] * 2

    # Who may, may: by topic, marked as Windows marks its texts, or in the envelope of Kafka Connect.
    own = {**CAR, "source": "by-topic", "title": "own"}
    connect = {"schema": {"type": "struct"}, "payload": {**own, "source_listing_id": "2"}}
    system.publish("listings", codecs.BOM_UTF8 + orjson.dumps(own), listing_id_of("by-topic", "1").encode())
    system.publish("listings", orjson.dumps(connect), listing_id_of("by-topic", "2").encode())
    until("both", lambda: titles(system, "by-topic") == [("own", None)] * 2, 30)
    assert declared.worker.events("sources_declared")


def test_a_worker_without_rules_says_so_once(attacked: Attacked) -> None:
    assert len(attacked.worker.events("sources_undeclared")) == 1
