"""Producers write in transactions while workers are killed: what is committed is there once, what is aborted is not."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import orjson
import pytest

from app.devstack.samples import listing
from tests.chaos.load import QUICK_SESSIONS
from tests.support.system import System
from tests.support.transactions import Transaction
from tests.support.waiting import until

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(600)]

TOPIC = "listings"
SOURCE = "chaos-transactions"
PRODUCERS = 3
TRANSACTIONS = 60
"""Of each producer; every third is aborted, and every tenth is left open by a producer that dies and comes again."""
PER_TRANSACTION = 8
KILLS = 8
PAUSE_S = 0.15


def _is_aborted(number: int) -> bool:
    return number % 3 == 1 or _is_abandoned(number)


def _is_abandoned(number: int) -> bool:
    return number % 10 == 9


def _ids(producer: int, number: int) -> list[str]:
    return [f"p{producer}-{number:03d}-{part}" for part in range(PER_TRANSACTION)]


def _produce(system: System, producer: int) -> None:
    name = f"chaos-{producer}"
    under_way = Transaction(system.settings.kafka, name)
    for number in range(TRANSACTIONS):
        for part, listing_id in enumerate(_ids(producer, number)):
            value = listing(part, source=SOURCE) | {"source_listing_id": listing_id}
            under_way.write(TOPIC, orjson.dumps(value), listing_id.encode())
        if _is_abandoned(number):
            under_way.flush()
            under_way = Transaction(system.settings.kafka, name)
            continue
        if _is_aborted(number):
            under_way.abort()
        else:
            under_way.commit()
        under_way.begin()
        time.sleep(PAUSE_S)  # the pace of the producers, not a wait for a condition
    under_way.abort()


@contextmanager
def _producers(system: System) -> Iterator[list[threading.Thread]]:
    failed: list[BaseException] = []

    def run(producer: int) -> None:
        try:
            _produce(system, producer)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(PRODUCERS)]
    for thread in threads:
        thread.start()
    try:
        yield threads
    finally:
        for thread in threads:
            thread.join()
    if failed:
        raise failed[0]


def _found(system: System) -> list[str]:
    system.refresh()
    return sorted(one["source_listing_id"] for one in system.listings_of(SOURCE, size=10_000))


def test_what_is_committed_is_indexed_once_and_what_is_aborted_never(system: System) -> None:
    numbers = [(producer, number) for producer in range(PRODUCERS) for number in range(TRANSACTIONS)]
    committed = sorted(name for p, n in numbers if not _is_aborted(n) for name in _ids(p, n))
    workers = [system.start_worker(**QUICK_SESSIONS) for _ in range(2)]
    for worker in workers:
        system.wait_ready(worker)
    with _producers(system):
        for kill in range(KILLS):
            due = (kill + 1) * len(committed) // (KILLS + 2)
            until(f"{due} listings before kill {kill + 1}", lambda due=due: len(_found(system)) >= due, 120)  # type: ignore[misc]
            workers[kill % 2].kill()
            workers[kill % 2] = system.start_worker(**QUICK_SESSIONS)
    until("every committed listing", lambda: len(_found(system)) >= len(committed), 120)
    system.wait_no_lag(TOPIC)
    assert _found(system) == committed
    assert [r for r in system.records("listing-dlq") if SOURCE.encode() in (r.value or b"")] == []
    for worker in workers:
        assert system.metric(worker, "listings_offset_jumps_total", topic=TOPIC) == 0
        assert worker.terminate() == 0
