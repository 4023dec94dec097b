"""A store that serves some reads and breaks off others, under a worker that has little to do: whose trouble is it?"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace

import pytest

from app.errors import FailureCode
from tests.chaos.audit import SOURCE_TOPICS, audit, count_outcomes
from tests.chaos.faults import Servers, servers_that_fail
from tests.chaos.load import IMPATIENT, QUICK_SESSIONS, upload
from tests.chaos.report import REPORT, Row
from tests.support.stack import RunningStack
from tests.support.system import System
from tests.support.toxiproxy import bandwidth, limit_data, reset_peer
from tests.support.waiting import until

FAULT_S = float(os.environ.get("CHAOS_FAULT_S", "10"))
pytestmark = [pytest.mark.chaos, pytest.mark.timeout(300 + 2 * FAULT_S)]
SMALL = 1
LARGE = 20
"""Listings a file: some 600 bytes, and some 10 KB."""
FILES = 3
QUIET = QUICK_SESSIONS | IMPATIENT | {"LISTINGS_RETRY__CAP_S": "1", "LISTINGS_RECONCILE__ENABLED": "false"}
Fault = Callable[[Servers], AbstractContextManager[object]]

UNSTEADY: dict[str, Fault] = {
    "small files come, large ones are cut off": lambda s: s.proxies.store.having(limit_data(4000)),
    "half of all connections are cut off": lambda s: s.proxies.store.having(limit_data(1000), share=0.5),
    "half of all connections are reset": lambda s: s.proxies.store.having(reset_peer(), share=0.5),
    "1 KB/s, small files come in time": lambda s: s.proxies.store.having(bandwidth(1)),
}


@pytest.mark.parametrize("fault", UNSTEADY)
def test_a_few_files_burn_no_attempt_while_the_store_is_unsteady(
    system: System, stack: RunningStack, fault: str
) -> None:
    prefix = f"chaos-unsteady-{list(UNSTEADY).index(fault)}"
    with (
        servers_that_fail(system, stack) as servers,
        # Straight to the proxy, so that a body is cut off in its middle; but trickling has to exceed a time-out.
        system.worker(**servers.env | _straight(servers, fault) | QUIET) as worker,
    ):
        upload(system, f"{prefix}/known", 0, FILES, SMALL)
        until("files to be known as good", lambda: count_outcomes(system, f"{prefix}/known") == FILES, 60, every=0.2)
        with UNSTEADY[fault](servers):
            upload(system, prefix, 0, FILES, LARGE)
            began = time.monotonic()
            until("the fault to have lasted", lambda: time.monotonic() > began + FAULT_S, FAULT_S + 60)
        result = replace(audit(system, prefix, 2 * FILES, 0), listings=FILES * (SMALL + LARGE))
        REPORT.rows.append(Row(f"unsteady store: {fault}", FAULT_S, result))
        assert (result.in_index, result.outcomes_indexed) == (result.listings, 2 * FILES)
        assert result.dead_letters == 0
        assert worker.events("retry_scheduled") == []


def test_one_object_that_always_breaks_off_beside_good_ones_is_dead_after_three_tries(
    system: System, stack: RunningStack
) -> None:
    prefix = "chaos-poisonous"
    with servers_that_fail(system, stack) as servers, system.worker(**servers.env | QUIET) as worker:
        servers.store_answers.cut["/poison/"] = 2000
        upload(system, prefix, 0, FILES, LARGE)
        until("files to be known as good", lambda: count_outcomes(system, prefix) == FILES, 60, every=0.2)
        upload(system, f"{prefix}/poison", 0, 1, LARGE)
        until("the dead letter", lambda: system.dead_letters(f"{prefix}/poison"), 60, every=0.2)
        [(_, story)] = system.dead_letters(f"{prefix}/poison")
        assert (story.code, story.attempts) == (FailureCode.FETCH_FAILED, 3)
        assert worker.events("outage_began") == [], "good files do not wait for a bad one"
        upload(system, prefix, FILES, 2 * FILES, LARGE)
        system.wait_no_lag(*SOURCE_TOPICS, seconds=60)
        assert count_outcomes(system, prefix, status="indexed") == 2 * FILES


def _straight(servers: Servers, fault: str) -> dict[str, str]:
    return {} if "KB/s" in fault else {"LISTINGS_S3__ENDPOINT_URL": servers.proxies.store.url}
