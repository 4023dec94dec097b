"""Bulk requests, each of which tells how many may be under way at once."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Protocol

from app.errors import FailureCode, Outage
from app.observability import metrics
from app.pipeline.concurrency import Concurrency
from app.pipeline.index_answer import pushes_back
from app.settings import OpenSearchSettings


class BulkTransport(Protocol):
    async def bulk(self, body: bytes) -> Mapping[str, Any]:
        """One request; `Rejected` when it is refused as a whole, `Outage` when the index is."""
        ...


class PacedTransport:
    """A `BulkTransport` with a `limit`, which whoever sends has to keep to."""

    def __init__(self, transport: BulkTransport, settings: OpenSearchSettings) -> None:
        self._transport = transport
        self._patience_s = settings.request_timeout_s
        self._concurrency = Concurrency(
            settings.bulk_in_flight, settings.bulk_in_flight_min, settings.bulk_in_flight_max
        )
        self._under_way = 0
        metrics.BULK_LIMIT.set(self.limit)

    @property
    def limit(self) -> int:
        """Requests that may be under way at once now."""
        return self._concurrency.limit

    async def bulk(self, body: bytes) -> Mapping[str, Any]:
        now = asyncio.get_running_loop().time
        ticket = self._concurrency.begin(now())
        self._under_way += 1
        try:
            answer = await self._transport.bulk(body)
            if pushes_back(answer):
                self._concurrency.pushed_back(ticket, now())
            else:
                self._concurrency.answered(ticket, now(), len(body), self._under_way)
        except Outage as outage:
            if outage.code is FailureCode.OVERLOADED or now() - ticket.at >= self._patience_s:
                self._concurrency.pushed_back(ticket, now())
            raise
        finally:
            self._under_way -= 1
            metrics.BULK_LIMIT.set(self.limit)
        return answer
