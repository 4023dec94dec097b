"""A worker that starts while the store fails: it has read nothing yet that tells an outage from an object's trouble."""

from __future__ import annotations

import os
import time
from contextlib import ExitStack

import pytest

from tests.chaos.audit import audit
from tests.chaos.faults import FAULTS, servers_that_fail
from tests.chaos.load import IMPATIENT, QUICK_SESSIONS, upload
from tests.chaos.report import REPORT, Row
from tests.support.stack import RunningStack
from tests.support.system import System
from tests.support.waiting import until

FAULT_S = float(os.environ.get("CHAOS_FAULT_S", "6"))
pytestmark = [pytest.mark.chaos, pytest.mark.timeout(240 + 2 * FAULT_S)]
FILES = 40
PER_FILE = 20


@pytest.mark.parametrize("fault", ["store: cut off mid-body", "store: silent", "store: 503 SlowDown"])
def test_it_burns_no_attempts(system: System, stack: RunningStack, fault: str) -> None:
    prefix = f"chaos-start-{'-'.join(fault.replace(':', '').split())}"
    with servers_that_fail(system, stack) as servers, ExitStack() as ended_first:
        with FAULTS[fault](servers):
            upload(system, prefix, 0, FILES, PER_FILE)
            worker = system.start_worker(**servers.env | QUICK_SESSIONS | IMPATIENT)
            ended_first.callback(worker.terminate)
            until("the outage", lambda: worker.events("outage_began"), 60)
            began = time.monotonic()
            until("the fault to have lasted", lambda: time.monotonic() > began + FAULT_S, FAULT_S + 60)
        result = audit(system, prefix, FILES, PER_FILE)
        REPORT.rows.append(Row(f"{fault}, from the start", FAULT_S, result))
        assert (result.in_index, result.outcomes_indexed) == (FILES * PER_FILE, FILES)
        assert result.dead_letters == 0
        assert worker.events("retry_scheduled") == []
