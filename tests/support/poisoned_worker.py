"""A worker that some listings are poison for: `kill me` ends it as a lack of memory would, `hold me` never ends.

Run as `python -m tests.support.poisoned_worker`.
"""

from __future__ import annotations

import asyncio
import os

from app.agents.listings import ListingsHandler
from app.bootstrap import run_worker
from app.model.source_record import SourceRecord
from app.settings import load_settings

KILLED = 137
_handle = ListingsHandler.__call__


async def _poisoned(self: ListingsHandler, record: SourceRecord) -> None:
    if b"kill me" in (record.value or b""):
        os._exit(KILLED)
    if b"hold me" in (record.value or b""):
        await asyncio.Event().wait()
    await _handle(self, record)


if __name__ == "__main__":
    ListingsHandler.__call__ = _poisoned  # type: ignore[method-assign]
    run_worker(load_settings())
