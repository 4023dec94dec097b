"""What this application makes of a fault: asked of the adapters, as their callers see it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from app.adapters.opensearch.bulk_writer import BulkWriter
from app.adapters.opensearch.client import SearchClient
from app.adapters.s3 import S3Store
from app.errors import FailureCode, ListingsError
from app.model.document import Document
from app.settings import OpenSearchSettings
from tests.support.failure_table import Answer, Seen, seen


async def seen_reading(store: S3Store, bucket: str, key: str) -> Seen:
    """The object is opened and read to its end."""
    try:
        fetched = await store.fetch(bucket, key)
        async for _ in fetched.chunks():
            pass
    except ListingsError as error:
        return seen(error)
    return Seen(Answer.DONE)


async def seen_writing(settings: OpenSearchSettings, documents: Sequence[Document]) -> Seen:
    """The documents are written until they have their result, or the writer waits for an outage to end."""
    client = SearchClient(settings)
    writer = BulkWriter(client, settings)
    requests = 0
    bulk = client.bulk

    async def counted(body: bytes) -> object:
        nonlocal requests
        requests += 1
        return await bulk(body)

    client.bulk = counted  # type: ignore[method-assign, assignment]
    writing = asyncio.create_task(writer.write(documents))
    try:
        async with asyncio.timeout(30):
            while not writing.done() and writer.outage is None:
                await asyncio.sleep(0.005)
        if writer.outage is not None:
            return seen(writer.outage)
        result = await writing
        if result.refused:
            return Seen(Answer.REJECT, FailureCode.INDEX_REFUSED)
        return Seen(Answer.AGAIN if requests > 1 else Answer.DONE)
    finally:
        await writer.aclose(0.1)
        await asyncio.gather(writing, return_exceptions=True)
        await client.aclose()
