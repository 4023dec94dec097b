"""Listens for HTTP requests from whoever can connect, at a bounded cost.

A request that never ends, or an answer that nobody reads, holds a connection and with it a descriptor of the process.
So there are at most `CONNECTIONS_MAX`, of which the oldest gives way to a new one, and each ends after `LIFETIME_S`.
A whole request is answered within milliseconds, long before it could be the oldest.
"""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import cast

from aiohttp import web

CONNECTIONS_MAX = 256
LIFETIME_S = 10.0
_BACKLOG = 64
"""The loop takes so many new connections in one step; it must stay below the bound, or they would end one another."""


class Listener:
    """Serves one application on one address; every connection carries one request."""

    def __init__(
        self, app: web.Application, *, connections_max: int = CONNECTIONS_MAX, lifetime_s: float = LIFETIME_S
    ) -> None:
        app.on_response_prepare.append(_close_after)
        self._runner = web.AppRunner(app, access_log=None)
        self._open = _Connections(connections_max, lifetime_s)
        self._server: asyncio.Server | None = None

    @property
    def connections(self) -> int:
        """Connections that are open now."""
        return len(self._open)

    async def start(self, host: str, port: int) -> int:
        """Listen; returns the port. `OSError` when the address can not be had."""
        await self._runner.setup()
        server = self._runner.server
        assert server is not None
        handler: Callable[[], asyncio.Protocol] = server  # aiohttp types it for a request of its own
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(
                lambda: _Bounded(handler(), self._open), host, port, backlog=_BACKLOG
            )
        except OSError:
            await self._runner.cleanup()
            raise
        bound = self._server.sockets[0].getsockname()[1]
        assert isinstance(bound, int)
        return bound

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            self._open.end_all()
            await self._runner.cleanup()
            self._server = None


@contextmanager
def listening_in_thread(app: web.Application, host: str, port: int) -> Iterator[int]:
    """As a `Listener`, for a program without an event loop of its own; gives the port. `OSError` as there."""
    with asyncio.Runner() as runner:
        listener = Listener(app)
        bound = runner.run(listener.start(host, port))
        loop = runner.get_loop()
        thread = threading.Thread(target=loop.run_forever, name="http", daemon=True)
        thread.start()
        try:
            yield bound
        finally:
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            runner.run(listener.stop())


async def _close_after(_: web.Request, response: web.StreamResponse) -> None:
    response.force_close()
    response.headers["Connection"] = "close"


class _Connections:
    """What is open, oldest first, each with the timer that ends it."""

    def __init__(self, most: int, lifetime_s: float) -> None:
        self._most = most
        self._lifetime_s = lifetime_s
        self._timers: OrderedDict[asyncio.Transport, asyncio.TimerHandle] = OrderedDict()

    def __len__(self) -> int:
        return len(self._timers)

    def add(self, transport: asyncio.Transport) -> None:
        loop = asyncio.get_running_loop()
        self._timers[transport] = loop.call_later(self._lifetime_s, transport.abort)
        if len(self._timers) > self._most:
            self._end(next(iter(self._timers)))

    def discard(self, transport: asyncio.Transport) -> None:
        timer = self._timers.pop(transport, None)
        if timer is not None:
            timer.cancel()

    def end_all(self) -> None:
        for transport in list(self._timers):
            self._end(transport)

    def _end(self, transport: asyncio.Transport) -> None:
        self.discard(transport)
        transport.abort()


class _Bounded(asyncio.Protocol):
    """Passes everything on to the protocol that answers, and counts its connection."""

    def __init__(self, inner: asyncio.Protocol, connections: _Connections) -> None:
        self._inner = inner
        self._connections = connections
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one in all but its class
        self._connections.add(self._transport)
        self._inner.connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._transport is not None:
            self._connections.discard(self._transport)
        self._inner.connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        return self._inner.eof_received()

    def pause_writing(self) -> None:
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._inner.resume_writing()
