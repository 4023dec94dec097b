"""The listings that stand in the index, by who supplied them (`app.ports.StandingListings`)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import Any
from urllib.parse import quote

from app.adapters.opensearch.client import SearchClient, missing
from app.model.listing import ListingStatus
from app.model.removal import StoredListing, Supply
from app.pipeline.values.dates import rfc3339

_PAGE = 500
_KEEP = "5m"
"""How long the index keeps the view of a search between two pages."""


class OpenSearchListings:
    """Every method may raise `Outage`; the alias of the listings has to be there."""

    def __init__(self, client: SearchClient, alias: str) -> None:
        self._client = client
        self._alias = alias
        self._refreshing = asyncio.Lock()
        self._asked = 0
        self._done = 0

    async def refresh(self) -> None:
        """Make findable what was written until now; callers that come together share one request."""
        self._asked += 1
        mine = self._asked
        async with self._refreshing:
            if self._done >= mine:
                return
            covered = self._asked
            await self._ask("POST", f"/{self._alias}/_refresh")
            self._done = covered

    async def count(self, supply: Supply) -> int:
        answer = await self._ask("POST", f"/{self._alias}/_count", {"query": _query(supply)})
        return int(answer["count"])

    async def pages(self, supply: Supply) -> AsyncGenerator[Sequence[StoredListing], None]:
        # A scroll sees one state of the index: what is marked removed meanwhile does not shift the pages.
        body = {"size": _PAGE, "version": True, "sort": ["_doc"], "query": _query(supply)}
        answer = await self._ask("POST", f"/{self._alias}/_search", body, {"scroll": _KEEP})
        try:
            while hits := answer["hits"]["hits"]:
                yield [StoredListing(hit["_id"], hit["_version"], hit["_source"]) for hit in hits]
                if len(hits) < _PAGE:
                    return
                again = {"scroll": _KEEP, "scroll_id": answer["_scroll_id"]}
                answer = await self._ask("POST", "/_search/scroll", again)
        finally:
            await self._client.call("DELETE", "/_search/scroll", body={"scroll_id": answer["_scroll_id"]})

    async def objects_with_listings(self, bucket: str, keys: Sequence[str]) -> set[str]:
        """Those of the keys, a thousand at most, of which at least one listing stands."""
        if not keys:
            return set()
        # Keys have no doc values to be counted by, so each is a filter of its own.
        counts = {"standing": {"filters": {"filters": {key: {"term": {"origin.key": key}} for key in keys}}}}
        query = _query(Supply(bucket))
        query["bool"]["filter"].append({"terms": {"origin.key": list(keys)}})
        body = {"size": 0, "track_total_hits": False, "query": query, "aggs": counts}
        answer = await self._ask("POST", f"/{self._alias}/_search", body)
        found = answer["aggregations"]["standing"]["buckets"]
        return {key for key, bucket_of_key in found.items() if bucket_of_key["doc_count"]}

    async def get(self, listing_id: str) -> StoredListing | None:
        found = await self._client.call("GET", f"/{self._alias}/_doc/{quote(listing_id, safe='')}")
        return None if found is None else StoredListing(found["_id"], found["_version"], found["_source"])

    async def _ask(self, method: str, path: str, body: object = None, params: dict[str, str] | None = None) -> Any:
        answer = await self._client.call(method, path, params=params, body=body)
        if answer is None:
            raise missing(f"index behind the alias {self._alias}")
        return answer


def _query(supply: Supply) -> dict[str, Any]:
    terms = {"origin.bucket": supply.bucket, "origin.key": supply.key, "source": supply.source}
    filters: list[dict[str, Any]] = [{"term": {name: value}} for name, value in terms.items() if value is not None]
    if supply.folder:
        filters.append({"prefix": {"origin.key": supply.folder}})
    if supply.before is not None:
        filters.append({"range": {"origin.uploaded_at": {"lt": rfc3339(supply.before)}}})
    return {"bool": {"filter": filters, "must_not": [{"term": {"status": ListingStatus.REMOVED}}]}}
