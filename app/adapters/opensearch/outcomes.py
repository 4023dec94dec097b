"""What became of each file, read from the index `listing-outcomes`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from app.adapters.opensearch.client import SearchClient, missing, unread_part
from app.errors import FailureCode
from app.model.file import ObjectInfo
from app.model.listed import KnownVersion, StandingKey
from app.model.outcome import FileOutcome, FileStatus, outcome_id
from app.pipeline.wire import outcome_from_wire
from app.settings import OpenSearchSettings

_TIMES = ("uploaded_at", "processed_at")
_VERSION_FIELDS = "etag,uploaded_at,processed_at,status,failure_code,removed"
_GONE = {"status": FileStatus.REMOVED}
_MISSING = {"failure_code": FailureCode.OBJECT_MISSING}


class OutcomeReader:
    """Reads outcomes as documents (`dict`, times in RFC 3339), newest first; `Outage` when the index is away."""

    def __init__(self, client: SearchClient, index: str) -> None:
        self._client = client
        self._index = index

    async def list_outcomes(
        self, status: FileStatus | None = None, prefix: str | None = None, limit: int = 50
    ) -> list[dict[str, Any]]:
        """The latest outcomes, at most 10,000; `prefix`: of files whose `bucket/key`, or whose key, starts with it.

        Without their reject details.
        """
        filters: list[dict[str, Any]] = []
        if status is not None:
            filters.append({"term": {"status": status}})
        if prefix:
            filters.append(_beginning(prefix))
        return await self._search(
            {
                "size": limit,
                "query": {"bool": {"filter": filters}},
                "sort": [{"processed_at": "desc"}, {"key": "asc"}],
                "_source": {"excludes": ["rejects", "flags"]},
            }
        )

    async def get_outcome(self, bucket: str, key: str) -> dict[str, Any] | None:
        """The outcome of one object, reject details included; None while there is none.

        An outcome is found half a second after it was written (the index's refresh), not at once.
        """
        terms = [{"term": {"bucket": bucket}}, {"term": {"key": key}}]
        found = await self._search({"size": 1, "query": {"bool": {"filter": terms}}})
        return found[0] if found else None

    async def latest(self, bucket: str, key: str) -> KnownVersion | None:
        """What the latest outcome of one object is about, as of now; None when there is none, nor an index yet."""
        answer = await self._look_up([outcome_id(bucket, key)])
        found = {} if answer is None else answer["docs"][0]
        unread_part(found, f"index {self._index}", may_be_missing=True)
        return _known_version(found) if found.get("found") else None

    async def known_versions(self, objects: Sequence[ObjectInfo]) -> list[KnownVersion | None]:
        """The version that each object's outcome is about, in their order; None where there is no outcome.

        Asked by document id in one request, and as of now: what was written a moment ago counts.
        """
        if not objects:
            return []
        ids = [outcome_id(info.bucket, info.key) for info in objects]
        answer = await self._look_up(ids)
        if answer is None:
            raise missing(f"index {self._index}")
        for found in answer["docs"]:
            unread_part(found, f"index {self._index}")
        return [_known_version(found) if found.get("found") else None for found in answer["docs"]]

    async def _look_up(self, ids: Sequence[str]) -> Any:
        """By several at once, as a document that is not there is no 404 then, of which the library would complain."""
        params = {"_source_includes": _VERSION_FIELDS}
        return await self._client.call("POST", f"/{self._index}/_mget", params=params, body={"ids": list(ids)})

    async def standing_keys(
        self, bucket: str, prefix: str, after: str, upto: str | None, limit: int
    ) -> list[StandingKey]:
        """Objects that have an outcome and were not removed, of keys beyond `after` and up to `upto` (None: to the
        end), in the order of their UTF-8 bytes; at most `limit`, which is 10,000 at most.

        Without those of `gone_keys`: anybody can make as many of these as they like.
        """
        span = {"gt": after} if upto is None else {"gt": after, "lte": upto}
        filters: list[dict[str, Any]] = [{"range": {"key": span}}]
        return await self._standing(bucket, prefix, filters, {"key": "asc"}, limit)

    async def gone_keys(self, bucket: str, prefix: str, after: str, since: datetime, limit: int) -> list[StandingKey]:
        """Keys beyond `after` whose last event found no object, or whose removal was worked off since then; ordered and
        limited as `standing_keys`.

        Most of the former never were objects; some were, and vanished before the event was read.
        """
        lately = {"range": {"processed_at": {"gte": since.isoformat()}}}
        missing_ones = {"bool": {"filter": [{"term": _MISSING}], "must_not": [{"term": _GONE}]}}
        either = [missing_ones, {"bool": {"filter": [{"term": _GONE}, lately]}}]
        filters: list[dict[str, Any]] = [
            {"range": {"key": {"gt": after}}},
            {"bool": {"should": either, "minimum_should_match": 1}},
        ]
        return await self._found(bucket, prefix, filters, [], {"key": "asc"}, limit)

    async def latest_keys(self, bucket: str, prefix: str, since: datetime, limit: int) -> list[StandingKey]:
        """The objects with the latest uploads since then, newest first; at most `limit`, which is 10,000 at most."""
        filters: list[dict[str, Any]] = [{"range": {"uploaded_at": {"gte": since.isoformat()}}}]
        return await self._standing(bucket, prefix, filters, {"uploaded_at": "desc"}, limit)

    async def _standing(
        self, bucket: str, prefix: str, filters: list[dict[str, Any]], order: Mapping[str, str], limit: int
    ) -> list[StandingKey]:
        return await self._found(bucket, prefix, filters, [{"term": _GONE}, {"term": _MISSING}], order, limit)

    async def _found(
        self,
        bucket: str,
        prefix: str,
        filters: list[dict[str, Any]],
        but_not: list[dict[str, Any]],
        order: Mapping[str, str],
        limit: int,
    ) -> list[StandingKey]:
        filters = [{"term": {"bucket": bucket}}, *filters]
        if prefix:
            filters.append({"prefix": {"key": prefix}})
        found = await self._search(
            {
                "size": limit,
                "query": {"bool": {"filter": filters, "must_not": but_not}},
                "sort": [order],
                "_source": {"includes": ["key", "uploaded_at"]},
            }
        )
        return [StandingKey(document["key"], datetime.fromisoformat(document["uploaded_at"])) for document in found]

    async def _search(self, body: Mapping[str, Any]) -> list[dict[str, Any]]:
        answer = await self._client.call("POST", f"/{self._index}/_search", body=body)
        if answer is None:
            raise missing(f"index {self._index}")
        return [hit["_source"] for hit in answer["hits"]["hits"]]


def _beginning(prefix: str) -> dict[str, Any]:
    """Files named by the beginning of `bucket/key` or of their key."""
    bucket, slash, key = prefix.partition("/")
    in_bucket: list[dict[str, Any]] = [{"term": {"bucket": bucket}}] if slash else [{"prefix": {"bucket": bucket}}]
    if key:
        in_bucket.append({"prefix": {"key": key}})
    return {"bool": {"should": [{"prefix": {"key": prefix}}, {"bool": {"filter": in_bucket}}]}}


def _known_version(found: Mapping[str, Any]) -> KnownVersion:
    document = found["_source"]
    return KnownVersion(
        etag=document["etag"],
        uploaded_at=datetime.fromisoformat(document["uploaded_at"]),
        status=FileStatus(document["status"]),
        failure_code=document.get("failure_code"),
        removed=document.get("removed") or 0,
        version=found["_version"],
        processed_at=datetime.fromisoformat(document["processed_at"]),
    )


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
