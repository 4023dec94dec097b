"""How much a worker grows while it reads one file of a gigabyte."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import obstore
import orjson
import psutil

from app.devstack.samples import listings
from tests.bench.big_files import key_of, write_file
from tests.support.system import System

_MIB = 1024 * 1024


def measure(system: System, form: str, size: int) -> dict[str, float]:
    """MiB of growth of the worker's resident memory over what it had after a small file, and listings per second."""
    key = key_of(form)
    system.upload("memory/warm-up.ndjson", b"".join(orjson.dumps(r) + b"\n" for r in listings(5000, prefix="warm")))
    with tempfile.TemporaryDirectory() as folder, system.worker() as worker:
        system.wait_outcome("memory/warm-up.ndjson")
        path = Path(folder) / "big"
        write_file(path, form, size)
        process = psutil.Process(worker.process.pid)
        before = process.memory_info().rss
        started = time.perf_counter()
        obstore.put(system.store, key, path)
        peak = before
        while system.outcome(key) is None:
            peak = max(peak, process.memory_info().rss)
            assert time.perf_counter() - started < 1200, "the file took more than 20 minutes"
            time.sleep(0.2)
        outcome = system.wait_outcome(key)
        seconds = time.perf_counter() - started
    assert outcome["status"] == "indexed", outcome
    return {
        "rss_growth_mb": (peak - before) / _MIB,
        "file_mb": size / _MIB,
        "listings": outcome["read"],
        "seconds": seconds,
    }
