"""Workers die by SIGKILL under load; nothing is lost, nothing is there twice, nothing is wrongly dead."""

from __future__ import annotations

import threading
import time

import pytest

from app.devstack.samples import as_json, listings
from tests.chaos.audit import audit, count_outcomes
from tests.support.system import System
from tests.support.waiting import until

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(900)]

FILES = 2000
PER_FILE = 3
KILLS = 20
FILES_PER_S = 25
QUICK_SESSIONS = {"LISTINGS_KAFKA__SESSION_TIMEOUT_S": "3", "LISTINGS_KAFKA__HEARTBEAT_S": "1"}


def upload_steadily(system: System, prefix: str, failed: list[BaseException]) -> None:
    try:
        started = time.monotonic()
        for number in range(FILES):
            while time.monotonic() < started + number / FILES_PER_S:
                time.sleep(0.005)  # the pace of the producers, not a wait for a condition
            content = as_json(listings(PER_FILE, prefix=prefix, start=number * PER_FILE + 1))
            system.upload(f"{prefix}/{number:05d}.json", content)
    except BaseException as error:
        failed.append(error)


def test_twenty_kills_of_one_of_two_workers_lose_nothing(system: System) -> None:
    prefix = "chaos-kill"
    failed: list[BaseException] = []
    workers = [system.start_worker(**QUICK_SESSIONS) for _ in range(2)]
    for worker in workers:
        system.wait_ready(worker)
    uploads = threading.Thread(target=upload_steadily, args=(system, prefix, failed))
    uploads.start()
    try:
        for kill in range(KILLS):
            # A kill every so many finished files: always under load, and only when work went on since the last one.
            due = (kill + 1) * FILES // (KILLS + 1)
            until(f"{due} files before kill {kill + 1}", lambda due=due: count_outcomes(system, prefix) >= due, 120)  # type: ignore[misc]
            workers[kill % 2].kill()
            workers[kill % 2] = system.start_worker(**QUICK_SESSIONS)
    finally:
        uploads.join()
    assert not failed
    result = audit(system, prefix, FILES, PER_FILE)
    for worker in workers:
        assert worker.terminate() == 0
    print(result)  # noqa: T201  (the run's account, for the log of a chaos run)
    assert result.in_index == result.listings
    assert result.outcomes == result.outcomes_indexed == FILES
    assert result.dead_letters == 0
