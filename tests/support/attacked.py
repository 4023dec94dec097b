"""What every attack has to leave as it was: the worker, its memory, the neighbours, the sums."""

from __future__ import annotations

import os
import secrets
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import psutil

from tests.support.cgroup import memory_bound
from tests.support.system import System, Worker
from tests.support.waiting import until

_MIB = 1024 * 1024
LIMIT_BYTES = 512 * _MIB
"""Of the container that the worker under attack has to live in."""
GROWTH_BYTES = 256 * _MIB
NEIGHBOUR_S = float(os.environ.get("ATTACK_NEIGHBOUR_S", "5"))
"""Until a neighbour's upload is searchable; more on a machine that others use meanwhile."""
_END_S = 30.0


@dataclass
class Attacked:
    """The product under attack: its servers, and a worker in bounded memory."""

    system: System
    worker: Worker
    bounded: bool
    """The kernel holds the worker to `LIMIT_BYTES`; False where cgroups cannot be had."""
    resident: ResidentMemory = field(repr=False)

    def neighbour_is_served(self) -> None:
        """Assert that a legal upload is searchable within `NEIGHBOUR_S`."""
        key = f"neighbour-{secrets.token_hex(4)}/stock.csv"
        row = b"source_listing_id,make,model,year\n1,Volkswagen,Golf,2019\n"
        self.system.upload(key, row)
        until("the neighbour's listing", lambda: self.system.count_of_key(key) == 1, NEIGHBOUR_S)

    def sums_hold(self) -> None:
        """Assert that each outcome accounts for each record that was read."""
        self.system.refresh()
        found = self.system.search({"size": 1000}, self.system.settings.opensearch.outcomes_index)
        for hit in found["hits"]["hits"]:
            outcome = hit["_source"]
            parts = outcome["indexed"] + outcome["stale"] + outcome["rejected"]
            # A file that is refused as a whole may have a reject of its own without a record.
            assert parts >= outcome["read"] >= parts - (outcome["failure_code"] is not None), outcome

    def stands(self) -> None:
        """Assert all that an attack may not change; called at the end of each test."""
        assert self.worker.process.poll() is None, f"the worker ended: {self.worker.log.read_text()[-3000:]}"
        self.neighbour_is_served()
        self.sums_hold()
        assert len(self.worker.events("worker_started")) == 1
        assert not self.worker.events("worker_crashed")
        grown = self.resident.peak_bytes - self.resident.start_bytes
        assert grown <= GROWTH_BYTES, f"the worker and its children grew by {grown / _MIB:.0f} MiB"


class ResidentMemory:
    """Watches the resident memory of a process and its children, ten times a second."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self.start_bytes = self._resident()
        self.peak_bytes = self.start_bytes
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(0.1):
            self.peak_bytes = max(self.peak_bytes, self._resident())

    def _resident(self) -> int:
        total = 0
        with suppress(psutil.Error):
            for process in (self._process, *self._process.children(recursive=True)):
                with suppress(psutil.Error):
                    total += process.memory_info().rss
        return total


@contextmanager
def under_attack(system: System, **env: str) -> Iterator[Attacked]:
    """A ready and warm worker with these settings, in bounded memory."""
    with memory_bound(LIMIT_BYTES) as confine:
        worker = system.start_worker(**env)
        if confine is not None:
            confine(worker.process.pid)
        try:
            system.wait_ready(worker)
            _warm(system)
            resident = ResidentMemory(worker.process.pid)
            try:
                yield Attacked(system, worker, confine is not None, resident)
            finally:
                resident.stop()
        finally:
            _end(worker)


def _end(worker: Worker) -> None:
    """In order where it can: one that is killed stays in its group for 20 s, and the next one waits for that."""
    if worker.process.poll() is None:
        try:
            worker.terminate(_END_S)
        except subprocess.TimeoutExpired:
            worker.kill()


def _warm(system: System) -> None:
    """The first file loads what every file needs: it is part of the start."""
    key = f"warm-{time.time_ns()}/stock.json"
    system.upload(key, b'[{"source_listing_id":"1","make":"Volkswagen","model":"Golf","year":2019}]')
    system.wait_outcome(key)
