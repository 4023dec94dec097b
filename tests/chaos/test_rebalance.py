"""Workers come, go and freeze under load: nothing is lost, and no object is in two hands at once."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from app.adapters.kafka_reader import KafkaReader
from tests.chaos.audit import SOURCE_TOPICS, audit, count_outcomes
from tests.chaos.load import QUICK_SESSIONS, steady_uploads, upload
from tests.support.faulty_store import Faults, faulty_store
from tests.support.system import System
from tests.support.waiting import until

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(400)]
PER_FILE = 3


@pytest.fixture
def faults() -> Faults:
    """Each file takes half a second, so that plenty is in hand when partitions move."""
    return Faults(delay_s=0.5)


@pytest.fixture
def slow_store(system: System, faults: Faults) -> Iterator[dict[str, str]]:
    """Settings of a worker that reads through the slow store, ten files at once."""
    with faulty_store(system.settings.s3.endpoint_url, faults) as address:
        yield {"LISTINGS_S3__ENDPOINT_URL": address, "LISTINGS_WORKER__FILES_AT_ONCE": "10", **QUICK_SESSIONS}


def test_workers_join_and_leave_under_load(system: System, faults: Faults, slow_store: dict[str, str]) -> None:
    prefix, files = "chaos-join", 400
    first = system.start_worker(**slow_store)
    system.wait_ready(first)
    with steady_uploads(system, prefix, files, PER_FILE, files_per_s=15):
        until("work under way", lambda: count_outcomes(system, prefix) >= 20)
        second = system.start_worker(**slow_store)
        system.wait_ready(second)
        until("work of both", lambda: count_outcomes(system, prefix) >= 120, 60)
        assert first.terminate() == 0
        until("work of one", lambda: count_outcomes(system, prefix) >= 200, 60)
        third = system.start_worker(**slow_store)
        system.wait_ready(third)
    result = audit(system, prefix, files, PER_FILE)
    assert second.terminate() == 0
    assert third.terminate() == 0
    print(result)  # noqa: T201  (the run's account, for the log of a chaos run)
    assert result.in_index == result.listings
    assert result.outcomes_indexed == files
    assert result.dead_letters == 0
    assert faults.twice_at_once == set()
    assert result.repeats == 0, "workers that leave in order leave nothing half done"


def test_a_worker_drains_on_sigterm_and_what_it_finished_is_committed(
    system: System, faults: Faults, slow_store: dict[str, str]
) -> None:
    prefix, files = "chaos-drain", 100
    worker = system.start_worker(**slow_store)
    system.wait_ready(worker)
    upload(system, prefix, 0, files, PER_FILE)
    until("work under way", lambda: count_outcomes(system, prefix) >= 10)
    assert worker.terminate(timeout=30) == 0
    system.refresh()
    assert 10 <= count_outcomes(system, prefix) < files
    with system.worker(**slow_store):
        result = audit(system, prefix, files, PER_FILE)
    assert (result.in_index, result.outcomes_indexed, result.dead_letters) == (files * PER_FILE, files, 0)
    assert (result.repeats, faults.twice_at_once) == (0, set())


def committed(system: System) -> dict[tuple[str, int], int]:
    with KafkaReader(system.settings.kafka, group=system.settings.kafka.group) as reader:
        return {
            (topic, partition): offset or 0
            for topic in SOURCE_TOPICS
            for partition, offset in reader.committed(topic).items()
        }


def test_a_frozen_worker_does_not_commit_over_its_successor(system: System, slow_store: dict[str, str]) -> None:
    """It wakes up long after its session has ended, with records in hand that its successor has finished."""
    prefix, files = "chaos-frozen", 120
    frozen = system.start_worker(**slow_store)
    system.wait_ready(frozen)
    upload(system, prefix, 0, files // 2, PER_FILE)
    until("work under way", lambda: count_outcomes(system, prefix) >= 10)
    frozen.signal(signal.SIGSTOP)
    try:
        with system.worker(**slow_store) as successor:
            upload(system, prefix, files // 2, files, PER_FILE)
            until("the successor's work", lambda: count_outcomes(system, prefix) >= files, 90)
            system.wait_no_lag(*SOURCE_TOPICS, seconds=60)
            before = committed(system)
            assigned = frozen.log.read_text().count("partitions_assigned")
            frozen.signal(signal.SIGCONT)
            # It has to find out, give up what it holds, and be a member again.
            until("the other to be back", lambda: frozen.log.read_text().count("partitions_assigned") > assigned, 90)
            now = committed(system)
            assert {place for place, offset in before.items() if now[place] < offset} == set()
            upload(system, prefix, files, files + 20, PER_FILE)
            result = audit(system, prefix, files + 20, PER_FILE)
            assert successor.process.poll() is None
    finally:
        frozen.signal(signal.SIGCONT)
        frozen.kill()
    print(result)  # noqa: T201  (the run's account, for the log of a chaos run)
    assert result.in_index == result.listings
    assert result.outcomes_indexed == files + 20
    assert result.dead_letters == 0
