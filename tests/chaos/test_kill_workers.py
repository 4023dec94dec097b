"""Workers die by SIGKILL under load; nothing is lost, nothing is there twice, nothing is wrongly dead."""

from __future__ import annotations

import pytest

from tests.chaos.audit import audit, count_outcomes
from tests.chaos.load import QUICK_SESSIONS, steady_uploads
from tests.support.system import System
from tests.support.waiting import until

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(900)]

FILES = 2000
PER_FILE = 3
KILLS = 20
FILES_PER_S = 25


def test_twenty_kills_of_one_of_two_workers_lose_nothing(system: System) -> None:
    prefix = "chaos-kill"
    workers = [system.start_worker(**QUICK_SESSIONS) for _ in range(2)]
    for worker in workers:
        system.wait_ready(worker)
    with steady_uploads(system, prefix, FILES, PER_FILE, FILES_PER_S):
        for kill in range(KILLS):
            # A kill every so many finished files: always under load, and only when work went on since the last one.
            due = (kill + 1) * FILES // (KILLS + 1)
            until(f"{due} files before kill {kill + 1}", lambda due=due: count_outcomes(system, prefix) >= due, 120)  # type: ignore[misc]
            workers[kill % 2].kill()
            workers[kill % 2] = system.start_worker(**QUICK_SESSIONS)
    result = audit(system, prefix, FILES, PER_FILE)
    for worker in workers:
        assert worker.terminate() == 0
    print(result)  # noqa: T201  (the run's account, for the log of a chaos run)
    assert result.in_index == result.listings
    assert result.outcomes == result.outcomes_indexed == FILES
    assert result.dead_letters == 0
