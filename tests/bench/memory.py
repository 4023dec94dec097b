"""How much a worker grows while it reads one file of a gigabyte."""

from __future__ import annotations

import gzip
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import obstore
import orjson
import psutil

from app.devstack.samples import as_csv, listing, listings
from tests.support.system import System

_BLOCK = 2000
_MIB = 1024 * 1024


def _blocks(form: str, size: int) -> Iterator[bytes]:
    """Pieces of one file in the given form, until it has about `size` bytes; every listing has its own id."""
    written = number = 0
    template = [listing(n, prefix="big") for n in range(_BLOCK)]
    if form == "json":
        yield b"["
    while written < size:
        for record in template:
            number += 1
            record["source_listing_id"] = f"big-{form}-{number:08d}"
        if form == "csv":
            block = as_csv(template)
            block = block if number == _BLOCK else block[block.index(b"\n") + 1 :]
        elif form == "json":
            block = (b"," if number > _BLOCK else b"") + orjson.dumps(template)[1:-1]
        else:
            block = b"".join(orjson.dumps(record) + b"\n" for record in template)
        written += len(block)
        yield block
    if form == "json":
        yield b"]"


def write_file(path: Path, form: str, size: int, compressed: bool) -> None:
    """Write such a file."""
    if compressed:
        with gzip.open(path, "wb", compresslevel=1) as out:
            out.writelines(_blocks(form, size))
    else:
        with path.open("wb") as out:
            out.writelines(_blocks(form, size))


def measure(system: System, form: str, compressed: bool, size: int) -> dict[str, float]:
    """MiB of growth of the worker's resident memory over what it had after a small file, and listings per second."""
    suffix = ".gz" if compressed else ""
    key = f"memory/{form}{suffix.replace('.', '-')}.{form}{suffix}"
    system.upload("memory/warm-up.ndjson", b"".join(orjson.dumps(r) + b"\n" for r in listings(5000, prefix="warm")))
    with tempfile.TemporaryDirectory() as folder, system.worker() as worker:
        system.wait_outcome("memory/warm-up.ndjson")
        path = Path(folder) / "big"
        write_file(path, form, size, compressed)
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
