"""Where the comparison of the buckets with the outcomes has come to, kept in a small index of its own.

The index is made when something is kept for the first time; losing it costs one round from the start.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from app.adapters.opensearch.client import SearchClient, unread_part
from app.model.listed import Progress

_ID = "progress"
_TIMES = ("began_at", "completed_at")
_INDEX: dict[str, Any] = {
    "settings": {"index.number_of_shards": "1", "index.auto_expand_replicas": "0-1"},
    # Read by id only; nothing in it is searched.
    "mappings": {"dynamic": "false", "properties": {}},
}


class ProgressKeeper:
    """Keeps one `Progress`; both methods may raise `Outage`."""

    def __init__(self, client: SearchClient, alias: str) -> None:
        self._client = client
        self._index = f"{alias}-reconcile"

    async def load(self) -> Progress | None:
        """What was kept last; None when nothing was, or it can not be read any more."""
        # Asked in this way, an index that is not there yet is an answer like any other, which no library complains of.
        answer = await self._client.call("POST", f"/{self._index}/_mget", body={"ids": [_ID]})
        if answer is None:
            return None
        found = answer["docs"][0]
        unread_part(found, f"index {self._index}", may_be_missing=True)
        if not found.get("found"):
            return None
        document = found["_source"]
        try:
            times = {name: datetime.fromisoformat(document[name]) for name in _TIMES if document[name] is not None}
            return Progress(**{**document, **times})
        except (KeyError, TypeError, ValueError):
            return None  # written by another version: a round from the start costs less than a fault

    async def save(self, progress: Progress) -> None:
        path, document = f"/{self._index}/_doc/{_ID}", asdict(progress)
        if await self._client.call("PUT", path, body=document) is None:  # a cluster that makes no index by itself
            await self._client.call("PUT", f"/{self._index}", body=_INDEX)
            await self._client.call("PUT", path, body=document)
