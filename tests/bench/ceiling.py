"""The ceiling: how fast this OpenSearch takes ready-made documents by bare `_bulk` requests, nothing else running."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import aiohttp
import orjson

from app.model.document import Document

PER_REQUEST = 1000
IN_FLIGHT = 3


def bodies(documents: Sequence[Document]) -> list[bytes]:
    """Bulk bodies of 1,000 documents each, ready to send."""
    lines = []
    for document in documents:
        action = {"index": {"_id": document.id, "version": document.version, "version_type": "external_gte"}}
        lines.append(orjson.dumps(action) + b"\n" + document.body + b"\n")
    return [b"".join(lines[start : start + PER_REQUEST]) for start in range(0, len(lines), PER_REQUEST)]


async def measure(url: str, index: str, documents: Sequence[Document]) -> float:
    """Documents per second, three requests in flight; every answer is read and must hold no error."""
    waiting = bodies(documents)[::-1]
    headers = {"Content-Type": "application/x-ndjson"}
    async with aiohttp.ClientSession(url, headers=headers) as session:

        async def send() -> None:
            while waiting:
                async with session.post(f"/{index}/_bulk?filter_path=errors", data=waiting.pop()) as response:
                    answer = orjson.loads(await response.read())
                    assert answer == {"errors": False}, answer

        started = time.perf_counter()
        await asyncio.gather(*(send() for _ in range(IN_FLIGHT)))
        return len(documents) / (time.perf_counter() - started)
