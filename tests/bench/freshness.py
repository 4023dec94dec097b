"""From the start of an upload until a search finds all of its listings, at a steady rate of files."""

from __future__ import annotations

import asyncio
import time

import aiohttp
import obstore

from app.devstack.samples import as_json, listings
from tests.support.system import System

_POLL_S = 0.025


async def _run(
    system: System, prefix: str, files_per_s: int, per_file: int, seconds: float, poison_every: int
) -> list[float]:
    waiting: dict[str, float] = {}
    found: list[float] = []
    count = int(files_per_s * seconds)
    contents = [
        (f"{prefix}/{n:05d}.json", as_json(listings(per_file, prefix=prefix, start=n * per_file + 1)))
        for n in range(count)
    ]

    broken = as_json(listings(per_file, prefix=f"{prefix}-poison"))

    async def upload(key: str, content: bytes, poison: bool) -> None:
        waiting[key] = time.perf_counter()
        await obstore.put_async(system.store, key, content)
        if poison:
            await obstore.put_async(system.store, f"{prefix}-poison/{key}", broken[: len(broken) // 2])

    async def upload_all() -> None:
        started = time.perf_counter()
        uploads = []
        for number, (key, content) in enumerate(contents):
            await asyncio.sleep(max(0.0, started + number / files_per_s - time.perf_counter()))
            poison = bool(poison_every) and number % poison_every == 0
            uploads.append(asyncio.create_task(upload(key, content, poison)))
        await asyncio.gather(*uploads)

    async def search_all(session: aiohttp.ClientSession) -> None:
        while len(found) < count:
            keys = list(waiting)
            if keys:
                body = {
                    "size": 0,
                    "query": {"terms": {"origin.key": keys}},
                    "aggs": {"keys": {"filters": {"filters": {key: {"term": {"origin.key": key}} for key in keys}}}},
                }
                path = f"/{system.settings.opensearch.alias}/_search?request_cache=false"
                async with session.post(path, json=body) as response:
                    answer = await response.json()
                now = time.perf_counter()
                counts = answer["aggregations"]["keys"]["buckets"]
                whole = [key for key, bucket in counts.items() if bucket["doc_count"] == per_file]
                found.extend(now - waiting.pop(key) for key in whole)
            await asyncio.sleep(_POLL_S)

    async with aiohttp.ClientSession(system.settings.opensearch.url) as session, asyncio.timeout(seconds + 120):
        await asyncio.gather(upload_all(), search_all(session))
    return sorted(found)


def measure(
    system: System,
    prefix: str,
    files_per_s: int = 20,
    per_file: int = 25,
    seconds: float = 30,
    poison_every: int = 0,
) -> dict[str, float]:
    """Seconds from the start of the upload until a search finds all listings of the file: p50, p99 and the worst.

    With `poison_every` a broken file follows every so many good ones; only the good ones are timed.
    """
    times = asyncio.run(_run(system, prefix, files_per_s, per_file, seconds, poison_every))
    return {
        "searchable_p50_s": times[len(times) // 2],
        "searchable_p99_s": times[int(len(times) * 0.99)],
        "searchable_max_s": times[-1],
        "searchable_files": float(len(times)),
    }
