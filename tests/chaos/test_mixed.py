"""Everything at once: servers fail, workers die, producers change and remove files; every listing is accounted for.

`CHAOS_MIXED_S` and `CHAOS_SEED` choose how long and which; `make chaos-long` takes ten minutes.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from app.errors import FailureCode
from tests.chaos.audit import SOURCE_TOPICS
from tests.chaos.faults import FAULTS, Fault, Servers, servers_that_fail
from tests.chaos.load import IMPATIENT, QUICK_SESSIONS, RECONCILING
from tests.chaos.truth import Truth
from tests.support.stack import RunningStack
from tests.support.system import System, Worker
from tests.support.waiting import until

SECONDS = float(os.environ.get("CHAOS_MIXED_S", "45"))
SEED = int(os.environ.get("CHAOS_SEED", "20261125"))
pytestmark = [pytest.mark.chaos, pytest.mark.timeout(600 + 2 * SECONDS)]
STEPS_PER_S = 12
SETTLED_MAX_S = 240.0
COMPARED_MAX_S = 120.0


@contextmanager
def killed(servers: Servers, name: str) -> Iterator[None]:
    server = servers.stack.server(name)  # type: ignore[arg-type]
    server.kill()
    try:
        yield
    finally:
        server.start()


MORE: dict[str, Fault] = {
    "broker: killed": lambda s: killed(s, "kafka"),
    "index: killed": lambda s: killed(s, "opensearch"),
    "registry: killed": lambda s: killed(s, "registry"),
}


@pytest.fixture
def servers(system: System, stack: RunningStack) -> Iterator[Servers]:
    with servers_that_fail(system, stack) as servers:
        yield servers


@contextmanager
def in_background(step: Callable[[], None], steps_per_s: float) -> Iterator[None]:
    """The step again and again while the block runs; fails when it did."""
    stop, failed = threading.Event(), list[BaseException]()

    def run() -> None:
        try:
            while not stop.wait(1 / steps_per_s):
                step()
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
    if failed:
        raise failed[0]


def test_everything_at_once(system: System, servers: Servers) -> None:
    drawn = random.Random(SEED)
    truth = Truth(system, "chaos-mixed", SEED)
    env = servers.env | QUICK_SESSIONS | IMPATIENT | RECONCILING
    workers = [system.start_worker(**env) for _ in range(2)]
    for worker in workers:
        system.wait_ready(worker)
    faults = FAULTS | MORE
    told: list[str] = []
    began = time.monotonic()
    with in_background(truth.step, STEPS_PER_S):
        while time.monotonic() < began + SECONDS:
            name = drawn.choice([*sorted(faults), "worker: killed"])
            ends = time.monotonic() + drawn.uniform(2, 8)
            told.append(name)
            if name == "worker: killed":
                victim = drawn.randrange(2)
                workers[victim].kill()
                workers[victim] = system.start_worker(**env)
                continue
            with faults[name](servers):
                until(f"{name} to have lasted", lambda ends=ends: time.monotonic() > ends, 60)  # type: ignore[misc]
    healed = time.monotonic()
    print(f"{truth.uploads} uploads of {len(truth.files)} objects in {SECONDS:.0f} s: {', '.join(told)}")  # noqa: T201
    system.wait_no_lag(*SOURCE_TOPICS, seconds=SETTLED_MAX_S)
    until("every file to be accounted for", lambda: not truth.unaccounted(), SETTLED_MAX_S, every=1.0)
    # A write that was long on its way may come behind a removal: the next comparison but one has found that.
    until("the listings as last uploaded", lambda: not wrong(truth), COMPARED_MAX_S, every=1.0)
    print(f"all accounted for after {time.monotonic() - healed:.1f} s")  # noqa: T201
    check(system, truth, workers)


def wrong(truth: Truth) -> dict[str, tuple[int | None, int | None]]:
    """By the sender's id: the revision that is found, and the one that has to be."""
    found = truth.found()
    return {i: (found.get(i), revision) for i, revision in truth.expected().items() if found.get(i) != revision}


def check(system: System, truth: Truth, workers: list[Worker]) -> None:
    found, expected = truth.found(), truth.expected()
    assert wrong(truth) == {}, f"of {len(expected)} listings these are not as last uploaded (found, expected)"
    assert set(found) <= {str(i) for i in expected} | truth.bad_ids()
    # Dead are the bad records, and uploads that were removed before anything was known of them.
    codes = {story.code for _, story in system.dead_letters(truth.prefix)}
    assert codes <= {FailureCode.FIELD_INVALID, FailureCode.OBJECT_MISSING}
    for worker in workers:
        assert worker.terminate() == 0
