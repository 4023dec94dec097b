"""`make bench`: measures ceiling and pipeline in one run on one machine; writes bench-results/latest.json and .png."""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson

from app.devstack import versions
from app.devstack.samples import as_json, listings
from app.devstack.stack import Stack
from app.model.document import Document
from tests.bench import ceiling, freshness, memory, plot, python_cost, steadiness, throughput
from tests.bench.big_files import FORMS
from tests.support.faulty_store import Faults, faulty_store
from tests.support.prepare import prepare
from tests.support.system import System

ROOT = Path(__file__).resolve().parent.parent.parent
RESULTS = ROOT / "bench-results"
ROUNDS = 3
WARM_UP_ROUNDS = 4
_LIBRARIES = ("faust-streaming", "aiokafka", "obstore", "orjson", "pydantic", "opensearch-py", "fastavro", "uvloop")
_GB = 1_000_000_000
_BIG_FORMS = ("ndjson", "json+gzip", "csv")


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")


def throughput_against_ceiling(system: System, scale: float) -> dict[str, Any]:
    """Ceiling and pipeline in turns, so that both see the same machine; medians of the rounds.

    The first turns only warm the servers up, both ways: a JVM gets three times as fast over its first 200,000
    documents, and while it still compiles, its compiler takes a quarter of a core from what is measured. A pipeline
    run is compared with the mean of the ceilings before and after it.
    """
    ready = ready_documents(int(60_000 * scale))
    files = int(900 * scale)
    for number in range(WARM_UP_ROUNDS):
        bare_ceiling(system, ready)
        throughput.measure(system, f"warm-up-{number}", files, 100)
    ceilings, rates = [bare_ceiling(system, ready)], []
    for number in range(ROUNDS):
        rates.append(throughput.measure(system, f"hundred-{number}", files, 100)["listings_per_s"])
        ceilings.append(bare_ceiling(system, ready))
        _say(f"  round {number + 1}: ceiling {ceilings[-1]:,.0f}/s, pipeline {rates[-1]:,.0f}/s")
    around = [(before + after) / 2 for before, after in pairwise(ceilings)]
    ratios = [rate / top for rate, top in zip(rates, around, strict=True)]
    return {
        "bulk_ceiling_docs_per_s": statistics.median(ceilings),
        "pipeline_listings_per_s": statistics.median(rates),
        "ratio": statistics.median(ratios),
        "bulk_ceiling_rounds": ceilings,
        "pipeline_rounds": rates,
        "ratio_rounds": ratios,
    }


def ready_documents(count: int) -> list[Document]:
    """Documents exactly as the pipeline makes them."""
    return [
        document
        for start in range(0, count, 1000)
        for document in python_cost.read_file(
            as_json(listings(1000, prefix="ceiling", start=start + 1)), f"ceiling/{start}.json"
        )
    ]


def bare_ceiling(system: System, ready: list[Document]) -> float:
    """Documents per second into an empty index of the same settings and mapping."""
    index = system.fresh_index("bench-ceiling")
    try:
        return asyncio.run(ceiling.measure(system.settings.opensearch.url, index, ready))
    finally:
        system.drop_index(index)


def single_files(system: System, scale: float) -> dict[str, Any]:
    rates = [throughput.measure(system, f"single-{number}", int(6000 * scale), 1)["files_per_s"] for number in range(2)]
    return {"single_listing_files_per_s": statistics.mean(rates), "single_listing_rounds": rates}


def searchable(system: System, scale: float) -> dict[str, Any]:
    with system.worker():
        freshness.measure(system, "warm-up", seconds=5)
        clean = freshness.measure(system, "fresh", seconds=max(5, 30 * scale))
        poisoned = freshness.measure(system, "poisoned", seconds=max(5, 30 * scale), poison_every=20)
    return clean | {
        "poisoned_searchable_p50_s": poisoned["searchable_p50_s"],
        "poisoned_searchable_p99_s": poisoned["searchable_p99_s"],
        "poison_p50_ratio": poisoned["searchable_p50_s"] / clean["searchable_p50_s"],
    }


def big_file(system: System, scale: float, forms: Sequence[str] = _BIG_FORMS) -> dict[str, Any]:
    """One gigabyte of each form; the largest growth is the one that counts."""
    results = {form: memory.measure(system, form, int(_GB * scale)) for form in forms}
    return {"rss_growth_mb": max(result["rss_growth_mb"] for result in results.values()), "big_files": results}


def slow_fetches(system: System, scale: float) -> dict[str, Any]:
    """1,000 files whose content takes 2 s to come, one worker; whole seconds from its start."""
    files = int(1000 * scale)
    with faulty_store(system.settings.s3.endpoint_url, Faults(delay_s=2.0)) as address:
        slow = System({**system.env, "LISTINGS_S3__ENDPOINT_URL": address}, system.folder)
        throughput.backlog(system, "slow", files, 1)
        started = time.perf_counter()
        with slow.worker():
            system.wait_no_lag("listing-uploads", "listing-files", seconds=300)
            return {"slow_fetch_s": time.perf_counter() - started, "slow_fetch_files": files}


def steady_load(system: System, scale: float) -> dict[str, Any]:
    """10,000 files in two intervals of 90 s, a tenth of the old schedule's."""
    results = steadiness.measure(system, int(10_000 * scale), 90.0 * scale)
    steadiness.draw(machine() | results, RESULTS / "steadiness.png")
    return results


STEPS: dict[str, Callable[[System, float], dict[str, Any]]] = {
    "throughput": throughput_against_ceiling,
    "single": single_files,
    "searchable": searchable,
    "slow": slow_fetches,
    "memory": big_file,
    "steadiness": steady_load,
}


def machine() -> dict[str, Any]:
    """What was measured on: without it the figures mean nothing."""
    model = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.processor(),
    )
    return {
        "machine": f"{os.cpu_count()} × {model}, Python {platform.python_version()}",
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": {name: version(name) for name in _LIBRARIES}
        | {"kafka": versions.KAFKA, "opensearch": versions.OPENSEARCH, "versitygw": versions.S3_GATEWAY},
    }


def _without_series(results: dict[str, Any]) -> dict[str, Any]:
    """What a person reads; the series that plots are made of are in the file."""
    return {
        name: _without_series(value) if isinstance(value, dict) else value
        for name, value in results.items()
        if not (isinstance(value, list) and value and isinstance(value[0], list | tuple))
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=STEPS, action="append", help="only these steps")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the usual amount of work")
    parser.add_argument("--form", choices=FORMS, action="append", help="of the big files; three of them otherwise")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that workers and servers are stopped on the way out
    RESULTS.mkdir(exist_ok=True)
    results: dict[str, Any] = machine() | {"scale": arguments.scale} | python_cost.measure()
    with tempfile.TemporaryDirectory() as folder, Stack(Path(folder), "bench", cache=ROOT / ".cache") as stack:
        system = prepare(stack, Path(folder))
        for name in arguments.only or STEPS:
            _say(f"{name} …")
            started = time.perf_counter()
            step = partial(big_file, forms=arguments.form) if name == "memory" and arguments.form else STEPS[name]
            results |= step(system, arguments.scale)
            _say(f"  {time.perf_counter() - started:.0f} s")
            # After each step, so that an interrupted run still tells what it measured.
            (RESULTS / "latest.json").write_bytes(orjson.dumps(results, option=orjson.OPT_INDENT_2))
            plot.draw(results, RESULTS / "latest.png")
    sys.stdout.buffer.write(orjson.dumps(_without_series(results), option=orjson.OPT_INDENT_2) + b"\n")


main()
