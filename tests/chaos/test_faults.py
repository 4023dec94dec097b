"""Every server slow, cut off or refusing, one after the other, under load: nothing is lost, nothing is dead."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import pytest

from tests.chaos.audit import audit, count_outcomes
from tests.chaos.faults import FAULTS, Servers, servers_that_fail
from tests.chaos.load import IMPATIENT, QUICK_SESSIONS, RECONCILING, upload
from tests.chaos.report import REPORT, Row
from tests.support.stack import RunningStack
from tests.support.system import System, Worker
from tests.support.waiting import until

FAULT_S = float(os.environ.get("CHAOS_FAULT_S", "6"))
"""How long each fault lasts; `make chaos-long` takes longer."""
pytestmark = [pytest.mark.chaos, pytest.mark.timeout(240 + 2 * FAULT_S)]
FILES = 60
PER_FILE = 20
RECOVERY_MAX_S = 15.0


@pytest.fixture(scope="module")
def servers(system: System, stack: RunningStack) -> Iterator[Servers]:
    with servers_that_fail(system, stack) as servers:
        yield servers


@pytest.fixture(scope="module")
def worker(servers: Servers) -> Iterator[Worker]:
    """One worker for all faults: what one leaves behind, the next would show."""
    with servers.system.worker(**servers.env | QUICK_SESSIONS | IMPATIENT | RECONCILING) as worker:
        yield worker


@pytest.mark.parametrize("fault", FAULTS)
def test_nothing_is_lost_or_dead(system: System, servers: Servers, worker: Worker, fault: str) -> None:
    prefix = f"chaos-{'-'.join(fault.replace(':', '').split())}"
    upload(system, prefix, 0, FILES // 2, PER_FILE)
    with FAULTS[fault](servers):
        began = time.monotonic()
        if fault != "store: killed":
            upload(system, prefix, FILES // 2, FILES, PER_FILE)
        until("the fault to have lasted", lambda: time.monotonic() > began + FAULT_S, FAULT_S + 60)
        assert worker.process.poll() is None
    healed = time.monotonic()
    if fault == "store: killed":
        upload(system, prefix, FILES // 2, FILES, PER_FILE)
    before = count_outcomes(system, prefix)
    back_s = None
    if before < FILES:
        until("work to go on", lambda: count_outcomes(system, prefix) > before, RECOVERY_MAX_S)
        back_s = time.monotonic() - healed
    result = audit(system, prefix, FILES, PER_FILE)
    REPORT.rows.append(Row(fault, healed - began, result, back_s=back_s))
    assert result.in_index == result.listings
    assert result.outcomes_indexed == FILES
    assert result.dead_letters == 0
