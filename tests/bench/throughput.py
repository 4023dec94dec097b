"""How fast one worker takes a backlog: files uploaded while it was away, timed from its first listing to its last."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Sequence

import httpx2 as httpx
import obstore

from app.devstack.samples import as_json, listings
from tests.support.system import System, Worker
from tests.support.waiting import until

_UPLOADS_AT_ONCE = 32
_LOOK_EVERY_S = 0.4
_INDEXED = re.compile(r'^listings_listings_total\{outcome="indexed"\} (\S+)$', re.MULTILINE)


def backlog(system: System, prefix: str, files: int, per_file: int) -> None:
    """Upload files of so many different listings each, with no worker running."""
    contents = [
        (f"{prefix}/{number:06d}.json", as_json(listings(per_file, prefix=prefix, start=number * per_file + 1)))
        for number in range(files)
    ]
    asyncio.run(_upload(system, contents))


async def _upload(system: System, contents: Sequence[tuple[str, bytes]]) -> None:
    slots = asyncio.Semaphore(_UPLOADS_AT_ONCE)

    async def put(key: str, content: bytes) -> None:
        async with slots:
            await obstore.put_async(system.store, key, content)

    await asyncio.gather(*(put(key, content) for key, content in contents))


def measure(system: System, prefix: str, files: int, per_file: int) -> dict[str, float]:
    """Files and listings per second of one worker over a waiting backlog.

    The clock runs between 10 % and 90 % of the listings, as the worker counts them once the index has acknowledged
    them: start-up and the tail, where nothing is left to overlap, are not the rate of a busy worker. `whole_s` is
    from the worker's start to the last listing all the same.
    """
    backlog(system, prefix, files, per_file)
    total = files * per_file
    marks: list[tuple[float, int]] = []
    started = time.perf_counter()
    with system.worker() as worker:

        def indexed() -> bool:
            count = _indexed(worker)
            marks.append((time.perf_counter(), count))
            return count >= total

        until(f"{total} listings", indexed, seconds=600, every=_LOOK_EVERY_S)
        whole_s = time.perf_counter() - started
        system.wait_no_lag("listing-uploads", "listing-files")
    assert system.dead_letters(prefix) == []
    first = next(mark for mark in marks if mark[1] >= total * 0.1)
    last = next(mark for mark in marks if mark[1] >= total * 0.9)
    rate = (last[1] - first[1]) / (last[0] - first[0])
    return {"listings_per_s": rate, "files_per_s": rate / per_file, "whole_s": whole_s}


def _indexed(worker: Worker) -> int:
    """Read with one search: a parser of all metrics would take a twentieth of the machine from what is measured."""
    found = _INDEXED.search(httpx.get(f"http://127.0.0.1:{worker.port}/metrics", timeout=10).text)
    return 0 if found is None else int(float(found[1]))
