"""Templates, indices, aliases and stored searches (the protocol `app.ops.index.IndexAdmin`), and how they are doing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.adapters.opensearch.client import SearchClient
from app.errors import FailureCode, OperatorError
from app.model.index import IndexState, LiveIndex


class OpenSearchIndexAdmin:
    """Every method may raise `Outage`, or `OperatorError` with what OpenSearch has against it."""

    def __init__(self, client: SearchClient) -> None:
        self._client = client

    async def template(self, name: str) -> Mapping[str, Any] | None:
        """The index template of that name, None when there is none."""
        answer = await self._client.call("GET", f"/_index_template/{name}")
        if answer is None:
            return None
        found: Mapping[str, Any] = answer["index_templates"][0]["index_template"]
        return found

    async def put_template(self, name: str, template: Mapping[str, Any]) -> None:
        await self._client.call("PUT", f"/_index_template/{name}", body=template)

    async def search(self, name: str) -> str | None:
        """The source of a stored search template, None when there is none."""
        answer = await self._client.call("GET", f"/_scripts/{name}")
        return None if answer is None else str(answer["script"]["source"])

    async def put_search(self, name: str, source: str) -> None:
        await self._client.call("PUT", f"/_scripts/{name}", body={"script": {"lang": "mustache", "source": source}})

    async def live(self, name: str) -> LiveIndex | None:
        """The index that an index's name or an alias of one index stands for, None when there is none."""
        answer = await self._client.call("GET", f"/{name}")
        if answer is None:
            return None
        index, found = next(iter(answer.items()))
        return LiveIndex(index, found["settings"], found["mappings"])

    async def behind(self, name: str) -> list[LiveIndex]:
        """Every index that an alias or an index's name stands for."""
        answer = await self._client.call("GET", f"/{name}")
        return [
            LiveIndex(index, found["settings"], found["mappings"], found.get("aliases", {}).get(name))
            for index, found in (answer or {}).items()
        ]

    async def write_index(self, alias: str) -> str | None:
        """The index that writes to the alias go to, None when there is no such alias."""
        answer = await self._client.call("GET", f"/_alias/{alias}")
        if answer is None:
            return None
        flags: dict[str, bool | None] = {
            index: found["aliases"][alias].get("is_write_index") for index, found in answer.items()
        }
        writable = [index for index, flag in flags.items() if flag or (flag is None and len(flags) == 1)]
        if not writable:
            raise OperatorError(
                FailureCode.COMMAND_FAILED,
                f"the alias {alias} points to {', '.join(sorted(flags))} and none of them is its write index; "
                "mark one of them by is_write_index",
            )
        return writable[0]

    async def create(self, index: str, alias: str | None) -> None:
        """Make an index from its template; it is the write index of `alias`."""
        aliases = {} if alias is None else {alias: {"is_write_index": True}}
        try:
            await self._client.call("PUT", f"/{index}", body={"aliases": aliases})
        except OperatorError as error:
            if "resource_already_exists_exception" not in error.message:  # else somebody was faster
                raise

    async def put_settings(self, index: str, settings: Mapping[str, object]) -> None:
        await self._client.call("PUT", f"/{index}/_settings", body=settings)

    async def put_mapping(self, index: str, mappings: Mapping[str, Any]) -> None:
        await self._client.call("PUT", f"/{index}/_mapping", body=mappings)

    async def state(self, name: str, *, is_alias: bool) -> IndexState:
        """How the index that `name` stands for is doing."""
        index = await self.write_index(name) if is_alias else name
        live = None if index is None else await self.live(index)
        if live is None:
            return IndexState(name, None)
        stats = await self._client.call("GET", f"/{index}/_stats/docs,store")
        health = await self._client.call("GET", f"/_cluster/health/{index}")
        settings = live.settings["index"]
        primaries = stats["_all"]["primaries"]
        return IndexState(
            name=name,
            index=live.name,
            health=health["status"],
            documents=primaries.get("docs", {}).get("count"),  # none of a shard that is lost
            size_bytes=primaries.get("store", {}).get("size_in_bytes"),
            refresh_interval=settings.get("refresh_interval"),
            shards=int(settings["number_of_shards"]),
            replicas=int(settings["number_of_replicas"]),
        )
