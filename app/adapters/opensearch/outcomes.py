"""What became of each file, read from the index `listing-outcomes`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from app.adapters.opensearch.client import SearchClient, missing
from app.model.outcome import FileOutcome, FileStatus
from app.pipeline.wire import outcome_from_wire
from app.settings import OpenSearchSettings

_TIMES = ("uploaded_at", "processed_at")


class OutcomeReader:
    """Reads outcomes as documents (`dict`, times in RFC 3339), newest first; `Outage` when the index is away."""

    def __init__(self, client: SearchClient, index: str) -> None:
        self._client = client
        self._index = index

    async def list_outcomes(
        self, status: FileStatus | None = None, prefix: str | None = None, limit: int = 50
    ) -> list[dict[str, Any]]:
        """The latest outcomes, at most 10,000; `prefix`: of keys that start with it. Without their reject details."""
        filters: list[dict[str, Any]] = []
        if status is not None:
            filters.append({"term": {"status": status}})
        if prefix:
            filters.append({"prefix": {"key": prefix}})
        return await self._search(
            {
                "size": limit,
                "query": {"bool": {"filter": filters}},
                "sort": [{"processed_at": "desc"}, {"key": "asc"}],
                "_source": {"excludes": ["rejects"]},
            }
        )

    async def get_outcome(self, bucket: str, key: str) -> dict[str, Any] | None:
        """The outcome of one object, reject details included; None while there is none.

        An outcome is found half a second after it was written (the index's refresh), not at once.
        """
        terms = [{"term": {"bucket": bucket}}, {"term": {"key": key}}]
        found = await self._search({"size": 1, "query": {"bool": {"filter": terms}}})
        return found[0] if found else None

    async def _search(self, body: Mapping[str, Any]) -> list[dict[str, Any]]:
        answer = await self._client.call("POST", f"/{self._index}/_search", body=body)
        if answer is None:
            raise missing(f"index {self._index}")
        return [hit["_source"] for hit in answer["hits"]["hits"]]


def outcome_of(document: Mapping[str, Any]) -> FileOutcome:
    """The outcome that a document of the index holds."""
    return outcome_from_wire({**document, **{name: datetime.fromisoformat(document[name]) for name in _TIMES}})


@asynccontextmanager
async def outcome_lookup(
    settings: OpenSearchSettings,
) -> AsyncIterator[Callable[[str, str], Awaitable[FileOutcome | None]]]:
    """A function that gives the latest outcome of an object by bucket and key, over a connection of its own."""
    client = SearchClient(settings)
    reader = OutcomeReader(client, settings.outcomes_index)

    async def lookup(bucket: str, key: str) -> FileOutcome | None:
        document = await reader.get_outcome(bucket, key)
        return None if document is None else outcome_of(document)

    try:
        yield lookup
    finally:
        await client.aclose()
