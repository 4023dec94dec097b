"""Servers die and come back under load; nothing is lost, nothing is dead, and work goes on by itself."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import pytest

from tests.chaos.audit import audit, count_outcomes
from tests.chaos.load import upload
from tests.support.faulty_store import Faults, faulty_store
from tests.support.stack import RunningStack
from tests.support.system import System, Worker
from tests.support.waiting import until

OUTAGE_S = float(os.environ.get("CHAOS_OUTAGE_S", "10"))
"""How long the search index stays away; `make chaos-long` takes ten minutes."""
pytestmark = [pytest.mark.chaos, pytest.mark.timeout(300 + 2 * OUTAGE_S)]
FILES = 300
PER_FILE = 3
RECOVERY_MAX_S = 10.0


@pytest.fixture
def busy_worker(system: System) -> Iterator[Worker]:
    """A worker that needs half a second for each file, so that plenty is under way when something breaks."""
    with (
        faulty_store(system.settings.s3.endpoint_url, Faults(delay_s=0.5)) as address,
        system.worker(LISTINGS_S3__ENDPOINT_URL=address, LISTINGS_WORKER__FILES_AT_ONCE="10") as worker,
    ):
        yield worker


def notified(system: System, prefix: str, files: int) -> bool:
    return sum(prefix.encode() in (record.value or b"") for record in system.records("listing-uploads")) >= files


def test_the_index_is_killed_and_stays_away(system: System, stack: RunningStack, busy_worker: Worker) -> None:
    prefix = "chaos-index"
    upload(system, prefix, 0, FILES // 2, PER_FILE)
    until("work under way", lambda: count_outcomes(system, prefix) >= 10)
    stack.server("opensearch").kill()
    killed = time.monotonic()
    try:
        upload(system, prefix, FILES // 2, FILES, PER_FILE)
        until(
            "the outage to be noticed",
            lambda: system.metric(busy_worker, "listings_outage_open", dependency="search_index") == 1,
            60,
        )
        until("the time to come back", lambda: time.monotonic() > killed + OUTAGE_S, OUTAGE_S + 60)
        assert busy_worker.process.poll() is None
    finally:
        stack.server("opensearch").start()
    back = time.monotonic()
    before = count_outcomes(system, prefix)
    until("work to go on", lambda: count_outcomes(system, prefix) > before, RECOVERY_MAX_S)
    print(f"working again {time.monotonic() - back:.1f} s after the index was back")  # noqa: T201
    result = audit(system, prefix, FILES, PER_FILE)
    print(result)  # noqa: T201  (the run's account, for the log of a chaos run)
    assert result.in_index == result.listings
    assert result.outcomes_indexed == FILES
    assert result.dead_letters == 0
    outcome = system.wait_outcome(f"{prefix}/{FILES - 1:05d}.json")
    assert outcome["attempts"] == 1, "an outage burns no attempt"


def test_the_broker_is_killed_and_restarted(system: System, stack: RunningStack, busy_worker: Worker) -> None:
    prefix = "chaos-broker"
    upload(system, prefix, 0, FILES, PER_FILE)
    # What the store could not announce is another story: only what the broker has is the worker's to lose.
    until("all notifications", lambda: notified(system, prefix, FILES))
    until("work under way", lambda: count_outcomes(system, prefix) >= 10)
    assert count_outcomes(system, prefix) < FILES
    stack.server("kafka").kill()
    stack.server("kafka").start()
    result = audit(system, prefix, FILES, PER_FILE)
    print(result)  # noqa: T201  (the run's account, for the log of a chaos run)
    assert result.in_index == result.listings
    assert result.outcomes_indexed == FILES
    assert result.dead_letters == 0
