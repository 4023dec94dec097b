"""A worker is told to stop while the index is away: it stops in time, and its file is not lost."""

from __future__ import annotations

import time

import pytest

from app.devstack.samples import as_json, listings
from tests.support.system import System
from tests.support.waiting import until

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(240)]
DRAIN_S = 3


def test_a_worker_stops_in_time_though_the_index_is_away(system: System) -> None:
    """The file is large enough for several writes to wait for the index at once."""
    key = "stop-in-outage/cars.json"
    away = {"LISTINGS_OPENSEARCH__URL": "http://127.0.0.1:1", "LISTINGS_WORKER__DRAIN_S": str(DRAIN_S)}
    worker = system.start_worker(**away)
    system.wait_ready(worker)
    system.upload(key, as_json(listings(3000, prefix="stop-in-outage")))
    until("the outage", lambda: system.metric(worker, "listings_outage_open", dependency="search_index") == 1)
    started = time.monotonic()
    assert worker.terminate() == 0
    assert time.monotonic() - started < DRAIN_S + 10
    assert system.outcome(key) is None
    with system.worker():
        outcome = system.wait_outcome(key)
        assert (outcome["status"], outcome["indexed"], outcome["attempts"]) == ("indexed", 3000, 1)
