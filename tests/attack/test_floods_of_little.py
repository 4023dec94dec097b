"""What costs its sender next to nothing: requests that never end, events about objects that never were."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx2 as httpx
import orjson
import psutil
import pytest

from app.agents.outcomes import outcome_document
from app.failures.classify import classify
from app.model.document import Document
from app.model.file import ObjectInfo
from app.model.outcome import FileStatus
from app.observability.listening import CONNECTIONS_MAX
from app.pipeline.missed import created_notification
from app.pipeline.outcome import unread_outcome
from tests.support.attacked import Attacked, under_attack
from tests.support.system import System
from tests.support.waiting import until

pytestmark = [pytest.mark.attack, pytest.mark.timeout(300)]
HALF = (
    b"",
    b"GET /readyz HT",
    b"GET /metrics HTTP/1.1\r\nHost: x\r\n",
    b"POST / HTTP/1.1\r\nContent-Length: 9999\r\n\r\n",
)
FORGED = (100, pytest.param(1000, marks=pytest.mark.slow))  # the retries of so many are spread over minutes
REMOVED = 20


def test_requests_that_never_end_take_no_more_descriptors_than_the_bound(attacked: Attacked) -> None:
    worker, watched = attacked.worker, psutil.Process(attacked.worker.process.pid)
    before, most = watched.num_fds(), 0
    with ExitStack() as opened:
        for number in range(3000):
            connection = opened.enter_context(socket.create_connection(("127.0.0.1", worker.port), timeout=30))
            connection.sendall(HALF[number % len(HALF)])
            if number % 50 == 0:
                most = max(most, watched.num_fds())
        for path in ("readyz", "livez", "metrics"):
            assert httpx.get(f"http://127.0.0.1:{worker.port}/{path}", timeout=5).status_code == 200
        assert max(most, watched.num_fds()) - before <= CONNECTIONS_MAX + 100
        attacked.neighbour_is_served()
    until("the descriptors to be given back", lambda: watched.num_fds() <= before + 20)


@pytest.mark.parametrize("forged", FORGED)
def test_events_about_objects_that_never_were_push_back_no_removal_that_was_missed(system: System, forged: int) -> None:
    with under_attack(system, LISTINGS_RECONCILE__EVERY_S="2", LISTINGS_RECONCILE__GRACE_S="2") as attacked:
        rounds = attacked.worker.events
        _forge(system, forged)
        until("every forged event to be answered", lambda: _count(system, f"a-forged-{forged}/") == forged, 120)
        until("them to have had their time", lambda: len(rounds("reconcile_round_completed")) >= 3)
        for number in range(REMOVED):
            _stood(system, f"b-gone-{forged}/{number}.csv")
        system.refresh()
        began = len(rounds("reconcile_round_completed"))
        until("the removals to be found", lambda: _count(system, f"b-gone-{forged}/", "removed") == REMOVED, 60)
        assert len(rounds("reconcile_round_completed")) - began <= 2
        queued = [event["first"] for event in rounds("missed_removals_queued")]
        assert not [first for first in queued if first.startswith(f"a-forged-{forged}/")]
        attacked.stands()


def _forge(system: System, count: int) -> None:
    """Notifications of a hundred events each, as anybody may send them who may write to the topic."""
    at = datetime.now(UTC) - timedelta(minutes=5)
    for first in range(0, count, 100):
        infos = [ObjectInfo(system.bucket, f"a-forged-{count}/{first + n}.csv", 1, "e", at) for n in range(100)]
        records = [record for info in infos for record in orjson.loads(created_notification(info))["Records"]]
        system.publish("listing-uploads", orjson.dumps({"Records": records}))


def _stood(system: System, key: str) -> None:
    """The outcome of an object that was there an hour ago, and is gone without a notification."""
    at = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
    outcome = unread_outcome(ObjectInfo(system.bucket, key, 1, "e", at), classify(ValueError("x")), 1, at)
    document: Document = outcome_document(replace(outcome, status=FileStatus.INDEXED, failure_code=None))
    search = system.settings.opensearch
    path = f"{search.url}/{search.outcomes_index}/_doc/{document.id}"
    httpx.put(path, content=document.body, headers={"content-type": "application/json"}).raise_for_status()


def _count(system: System, prefix: str, status: str = "rejected") -> int:
    query = {"bool": {"filter": [{"prefix": {"key": prefix}}, {"term": {"status": status}}]}}
    found = system.search({"size": 0, "query": query}, system.settings.opensearch.outcomes_index)
    return int(found["hits"]["total"]["value"])
