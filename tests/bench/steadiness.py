"""Load over time: one worker beside the old job, over the same files, arriving at the same pace.

A quarter of an hour is shortened to `interval_s` seconds, and the files arrive within it evenly; so both have the work
of a busy quarter of an hour, only denser. Then all of them again at once, as a burst, for the worker.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import matplotlib as mpl
import psutil

from app.devstack.samples import as_json, listings
from tests.bench import throughput
from tests.support.system import System
from tests.support.waiting import until

mpl.use("Agg")
from matplotlib import pyplot as plt

PER_FILE = 5
RUNS = 2
_SAMPLE_S = 1.0


Sample = tuple[float, float, float]
"""Seconds since the start, per cent of one core (process and index together), MiB that the process has resident."""


def _index_process(system: System) -> psutil.Process:
    port = urlsplit(system.settings.opensearch.url).port
    listening = (c for c in psutil.net_connections("tcp") if c.status == psutil.CONN_LISTEN and c.laddr[1:] == (port,))
    return psutil.Process(next(c.pid for c in listening if c.pid is not None))


@contextmanager
def _sampled(system: System, pid: int) -> Iterator[list[Sample]]:
    """Once a second while the block runs."""
    process, index = psutil.Process(pid), _index_process(system)
    samples, stop = list[Sample](), threading.Event()
    started = time.monotonic()

    def run() -> None:
        process.cpu_percent()
        index.cpu_percent()
        while not stop.wait(_SAMPLE_S):
            try:
                cpu = process.cpu_percent() + index.cpu_percent()
                samples.append((time.monotonic() - started, cpu, process.memory_info().rss / 2**20))
            except psutil.NoSuchProcess:
                return

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield samples
    finally:
        stop.set()
        thread.join()


def _arrive(system: System, prefix: str, files: int, seconds: float) -> None:
    """The files come evenly, `seconds` long."""
    started = time.monotonic()
    for number in range(files):
        time.sleep(max(0.0, started + number * seconds / files - time.monotonic()))  # the pace of the producers
        content = as_json(listings(PER_FILE, prefix=prefix, start=number * PER_FILE + 1))
        system.upload(f"{prefix}/{number:06d}.json", content)


def _all_there(system: System, prefix: str, files: int) -> Callable[[], bool]:
    return lambda: system.count({"prefix": {"origin.key": prefix}}) >= files * PER_FILE


def measure(system: System, files: int, interval_s: float) -> dict[str, Any]:
    """CPU and memory over time of the worker under steady arrival and in a burst, and of the old job."""
    seconds = RUNS * interval_s
    with system.worker() as worker:
        system.upload("warm-up/one.json", as_json(listings(PER_FILE, prefix="warm-up")))
        system.wait_outcome("warm-up/one.json")
        with _sampled(system, worker.process.pid) as steady:
            _arrive(system, "steady", files, seconds)
            until("all listings", _all_there(system, "steady", files), 120, every=0.25)
    throughput.backlog(system, "burst", files, PER_FILE)
    with system.worker() as worker, _sampled(system, worker.process.pid) as burst:
        until("all listings", _all_there(system, "burst", files), 300, every=0.25)
    return {
        "steadiness": {
            "files": files,
            "interval_s": interval_s,
            "worker": steady,
            "burst": burst,
            "old_job": _old_job(system, files, interval_s),
        }
    }


def _old_job(system: System, files: int, interval_s: float) -> list[Sample]:
    command = [sys.executable, "-m", "tests.bench.cron_job", "old-job", str(interval_s), str(RUNS)]
    root = Path(__file__).resolve().parents[2]
    with (
        subprocess.Popen(command, env={**system.env, "PATH": "/usr/bin:/bin"}, cwd=root) as job,
        _sampled(system, job.pid) as samples,
    ):
        # All have come just before the last run begins, as the ones after it would wait for a run that is not shown.
        _arrive(system, "old-job", files, RUNS * interval_s - 1.0)
        assert job.wait(600) == 0
    system.refresh()
    assert _all_there(system, "old-job", files)()
    return samples


def draw(results: dict[str, Any], path: Path) -> None:
    """CPU over time: the worker's beside the old job's, and the burst by itself."""
    found = results["steadiness"]
    figure, (beside, alone) = plt.subplots(2, 1, figsize=(9, 6.5))
    for name, label, color in (("old_job", "old job, every interval", "#c62828"), ("worker", "worker", "#2e7d32")):
        beside.plot([t for t, _, _ in found[name]], [cpu for _, cpu, _ in found[name]], label=label, color=color)
    beside.set_title(
        f"{found['files']:,} files of {PER_FILE} listings arriving evenly; a quarter of an hour is "
        f"{found['interval_s']:g} s here; {results['machine']}",
        fontsize=8,
    )
    alone.plot([t for t, _, _ in found["burst"]], [cpu for _, cpu, _ in found["burst"]], color="#2e7d32", label="CPU")
    alone.set_title(f"worker started with all {found['files']:,} files waiting", fontsize=8)
    memory = alone.twinx()
    memory.plot([t for t, _, _ in found["burst"]], [m for _, _, m in found["burst"]], color="#888", label="MiB")
    memory.set_ylim(bottom=0)
    memory.set_ylabel("MiB resident")
    for axes in (beside, alone):
        axes.set_ylabel("% of one core, with OpenSearch")
        axes.set_ylim(0, 215)
        axes.set_xlabel("seconds")
    beside.legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    plt.close(figure)
