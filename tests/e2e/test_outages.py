"""A server goes away under load and comes back: everything waits, no try is used up, nothing is dead."""

from __future__ import annotations

import os
import time

import httpx2 as httpx
import pytest

from app.devstack.samples import as_json, listings
from tests.support.stack import RunningStack
from tests.support.system import System, Worker
from tests.support.toxiproxy import FaultProxies, Proxy, fault_proxies, latency
from tests.support.waiting import until

OUTAGE_S = float(os.environ.get("CHAOS_OUTAGE_S", "10"))
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300 + 2 * OUTAGE_S)]
FILES = 60
BACK_MAX_S = 10.0


def upload(system: System, prefix: str, first: int, last: int, per_file: int = 5) -> None:
    for number in range(first, last):
        content = as_json(listings(per_file, prefix=prefix, start=number * per_file + 1))
        system.upload(f"{prefix}/{number:04d}.json", content)


def outage_open(system: System, worker: Worker, dependency: str) -> bool:
    return system.metric(worker, "listings_outage_open", dependency=dependency) == 1


def proxy_of(proxies: FaultProxies, dependency: str) -> Proxy:
    return {"object_store": proxies.store, "schema_registry": proxies.registry, "search_index": proxies.index}[
        dependency
    ]


@pytest.mark.parametrize("dependency", ["object_store", "schema_registry", "search_index"])
def test_a_server_is_away_under_load(system: System, stack: RunningStack, dependency: str) -> None:
    """The registry is asked once and remembered, so it is away from the start."""
    prefix = f"away-{dependency.replace('_', '-')}"
    with fault_proxies(stack) as proxies, system.worker(**proxies.env()) as worker:
        proxy = proxy_of(proxies, dependency)
        first = 0 if dependency == "schema_registry" else 5
        if first:
            upload(system, prefix, 0, first)
            system.wait_outcome(f"{prefix}/{first - 1:04d}.json")
        with proxy.down():
            began = time.monotonic()
            upload(system, prefix, first, FILES)
            until("the outage to be noticed", lambda: outage_open(system, worker, dependency), 30)
            answer = httpx.get(f"http://127.0.0.1:{worker.port}/readyz", timeout=10)
            assert answer.status_code == 503
            assert dependency in answer.text
            until("the outage to have lasted", lambda: time.monotonic() > began + OUTAGE_S, OUTAGE_S + 60)
            assert system.outcome(f"{prefix}/{FILES - 1:04d}.json") is None
            assert worker.process.poll() is None
        until("the outage to be over", lambda: not outage_open(system, worker, dependency), BACK_MAX_S)
        for number in range(FILES):
            outcome = system.wait_outcome(f"{prefix}/{number:04d}.json")
            assert (outcome["status"], outcome["attempts"]) == ("indexed", 1)
        assert system.dead_letters(prefix) == []
        assert worker.events("retry_scheduled") == []
        assert len(worker.events("partitions_assigned")) == 1, "it stayed in its group"
        lines = [line for line in worker.log.read_text().splitlines() if "outage_" in line]
        assert [name for line in lines for name in ("outage_began", "outage_ended") if name in line] == [
            "outage_began",
            "outage_ended",
        ], lines


def memory_bytes(worker: Worker) -> int:
    with open(f"/proc/{worker.process.pid}/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_a_slow_index_slows_down_consumption_and_nothing_else(system: System, stack: RunningStack) -> None:
    prefix, files, per_file, accepted = "slow-index", 300, 100, 40
    few = {"LISTINGS_WORKER__FILES_AT_ONCE": "20", "LISTINGS_WORKER__ACCEPTED_MAX": str(accepted)}
    with fault_proxies(stack) as proxies, system.worker(**proxies.env(), **few) as worker:
        upload(system, prefix, 0, 60, per_file)
        system.wait_outcome(f"{prefix}/0059.json")
        system.wait_no_lag("listing-uploads", "listing-files")
        usual, at_rest = system.metric(worker, "listings_index_bulk_limit_requests"), memory_bytes(worker)
        with proxies.index.having(latency(2.0)):
            upload(system, prefix, 60, files, per_file)
            until("the gate to have answered all", lambda: system.lag("listing-uploads") == 0, 60)
            assert system.lag("listing-files") > accepted, "what is too much waits in Kafka"
            until(
                "fewer requests at once",
                lambda: system.metric(worker, "listings_index_bulk_limit_requests") < usual,
                60,
            )
            assert system.metric(worker, "listings_in_flight_records", topic="listing-files") <= accepted
            assert not outage_open(system, worker, "search_index"), "slow is not down"
            assert httpx.get(f"http://127.0.0.1:{worker.port}/livez", timeout=5).status_code == 200
            assert memory_bytes(worker) - at_rest < 100 * 1024 * 1024
        for number in range(files):
            outcome = system.wait_outcome(f"{prefix}/{number:04d}.json", 120)
            assert (outcome["status"], outcome["indexed"], outcome["attempts"]) == ("indexed", per_file, 1)
        assert len(worker.events("partitions_assigned")) == 1, "it stayed in its group"
        assert system.dead_letters(prefix) == []
