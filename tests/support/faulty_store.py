"""A proxy before the object store, or any other HTTP server, that answers as servers do on a bad day."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO

import aiohttp
from aiohttp import web
from yarl import URL

_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}
_OF_THE_BODY = {"transfer-encoding", "content-length", "content-encoding"}


@dataclass
class Faults:
    """What goes wrong with reading the content of objects; a test changes it while the proxy runs."""

    delay_s: float = 0.0
    """How much longer every object takes to come."""
    failures: dict[str, int] = field(default_factory=dict)
    """Part of a key → how often reading it is answered with 500 before it works."""
    asked: dict[str, int] = field(default_factory=dict)
    """Part of a key → how often its content was asked for."""
    refuse: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    """Part of a path → status and body that every request to it is answered with."""
    held: set[str] = field(default_factory=set)
    """Parts of keys whose content does not come until they are taken out."""
    cut: dict[str, int] = field(default_factory=dict)
    """Part of a key → after how many bytes its content breaks off, each time."""
    reading: set[str] = field(default_factory=set)
    """Paths whose content is being read now."""
    twice_at_once: set[str] = field(default_factory=set)
    """Paths whose content was asked for while it was still being read."""

    def fails(self, path: str) -> bool:
        for part, left in self.failures.items():
            if part in path:
                self.asked[part] = self.asked.get(part, 0) + 1
                self.failures[part] = left - 1
                return left > 0
        return False


_INTERNAL_ERROR = b"<Error><Code>InternalError</Code><Message>We encountered an internal error.</Message></Error>"


class _Proxy:
    def __init__(self, upstream: str, faults: Faults) -> None:
        self._upstream = upstream
        self._faults = faults
        self._session: aiohttp.ClientSession | None = None

    async def forward(self, request: web.Request) -> web.StreamResponse:
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=0)
            self._session = aiohttp.ClientSession(connector=connector, auto_decompress=False)
        for part, (status, body) in self._faults.refuse.items():
            if part in request.path:
                kind = "application/xml" if body.startswith(b"<") else "application/json"
                return web.Response(status=status, body=body, content_type=kind)
        if request.method != "GET" or "list-type" in request.query:
            return await self._passed_on(request, self._session)
        faults, path = self._faults, request.path
        if path in faults.reading:
            faults.twice_at_once.add(path)
        faults.reading.add(path)
        try:
            await asyncio.sleep(faults.delay_s)  # the fault itself, not a wait for a condition
            if faults.fails(path):
                return web.Response(status=500, body=_INTERNAL_ERROR, content_type="application/xml")
            while any(part in path for part in faults.held):
                await asyncio.sleep(0.02)  # as above
            for part, size_bytes in faults.cut.items():
                if part in path:
                    return await self._cut_off(request, self._session, size_bytes)
            return await self._passed_on(request, self._session)
        finally:
            faults.reading.discard(path)

    async def _passed_on(self, request: web.Request, session: aiohttp.ClientSession) -> web.Response:
        try:
            return await self._answer(request, session)
        except (aiohttp.ClientError, OSError) as error:
            # What is behind is cut off or gone: so are we. An answer of our own would be another fault than theirs.
            if request.transport is not None:
                request.transport.abort()
            raise ConnectionResetError(str(error)) from error

    async def _cut_off(
        self, request: web.Request, session: aiohttp.ClientSession, size_bytes: int
    ) -> web.StreamResponse:
        whole = await self._passed_on(request, session)
        assert isinstance(whole.body, bytes)
        answer = web.StreamResponse(status=whole.status, headers=whole.headers)
        answer.content_length = len(whole.body)
        await answer.prepare(request)
        await answer.write(whole.body[:size_bytes])
        assert request.transport is not None
        request.transport.abort()
        return answer

    async def _answer(self, request: web.Request, session: aiohttp.ClientSession) -> web.Response:
        # The signature covers the host that the client saw, so it is passed on as it came.
        url = URL(self._upstream + request.raw_path, encoded=True)
        body = await request.read()
        # The body was unpacked on its way in, and is counted anew.
        asked = {name: value for name, value in request.headers.items() if name.lower() not in _OF_THE_BODY}
        async with session.request(request.method, url, headers=asked, data=BytesIO(body) if body else None) as answer:
            headers = {name: value for name, value in answer.headers.items() if name.lower() not in _HOP}
            content = await answer.read()
            if request.method == "HEAD":
                headers["Content-Length"] = answer.headers.get("Content-Length", "0")
            return web.Response(status=answer.status, headers=headers, body=content)

    async def close(self, _: web.Application) -> None:
        if self._session is not None:
            await self._session.close()


@contextmanager
def faulty_store(upstream: str, faults: Faults) -> Iterator[str]:
    """The address of a store that has these faults."""
    loop = asyncio.new_event_loop()
    proxy = _Proxy(upstream, faults)
    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.router.add_route("*", "/{path:.*}", proxy.forward)
    app.on_cleanup.append(proxy.close)
    runner = web.AppRunner(app, access_log=None)
    loop.run_until_complete(runner.setup())
    site = web.TCPSite(runner, "127.0.0.1", 0)
    loop.run_until_complete(site.start())
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(30)
        loop.close()
