"""The library's connection, with the one header that its errors leave out: `Retry-After`."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

import aiohttp
from opensearchpy._async.http_aiohttp import AIOHttpConnection, OpenSearchClientResponse

from app.failures.retry_after import read_retry_after

_retry_after: ContextVar[str | None] = ContextVar("retry_after", default=None)


def wished_pause_s() -> float | None:
    """What the last answer that this task has read wishes (`Retry-After`), in seconds from now."""
    return read_retry_after(_retry_after.get(), datetime.now(UTC))


class _Response(OpenSearchClientResponse):
    async def text(self, encoding: Any = None, errors: str = "strict") -> Any:
        """The library reads every answer by this, in the task of whoever asked."""
        _retry_after.set(self.headers.get("Retry-After"))
        return await super().text(encoding, errors)


class Connection(AIOHttpConnection):
    """As the library's own, to the settings of which it keeps."""

    async def perform_request(self, *arguments: Any, **named: Any) -> Any:
        _retry_after.set(None)  # when there is no answer, the wish of an earlier one must not stand for it
        return await super().perform_request(*arguments, **named)

    async def _create_aiohttp_session(self) -> Any:
        if self.loop is None:
            self.loop = asyncio.get_running_loop()
        self.session = aiohttp.ClientSession(
            headers=self.headers,
            skip_auto_headers=("accept", "accept-encoding"),
            cookie_jar=aiohttp.DummyCookieJar(),
            response_class=_Response,
            connector=aiohttp.TCPConnector(limit=self._limit or 100, use_dns_cache=True, ssl=self._ssl_context or True),
            trust_env=bool(self._trust_env),
        )
