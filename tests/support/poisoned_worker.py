"""A worker that some listings and files are poison for.

The listing `kill me` ends it as a lack of memory would, and so does a file with `kill-me` in its key; the listing
`hold me` never ends. Run as `python -m tests.support.poisoned_worker`.
"""

from __future__ import annotations

import asyncio
import os

from app.adapters.s3 import S3Object, S3Store
from app.agents.listings import ListingsHandler
from app.bootstrap import run_worker
from app.model.source_record import SourceRecord
from app.settings import load_settings

KILLED = 137
_handle = ListingsHandler.__call__
_fetch = S3Store.fetch


async def _poisoned(self: ListingsHandler, record: SourceRecord) -> None:
    if b"kill me" in (record.value or b""):
        os._exit(KILLED)
    if b"hold me" in (record.value or b""):
        await asyncio.Event().wait()
    await _handle(self, record)


async def _poisoned_fetch(self: S3Store, bucket: str, key: str) -> S3Object:
    fetched = await _fetch(self, bucket, key)
    if "kill-me" in key:
        os._exit(KILLED)
    return fetched


if __name__ == "__main__":
    ListingsHandler.__call__ = _poisoned  # type: ignore[method-assign]
    S3Store.fetch = _poisoned_fetch  # type: ignore[method-assign]
    run_worker(load_settings())
