"""A server on the loopback that answers HTTP requests by script, for what no real one can be brought to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: str
    body: bytes


Script = Callable[[Request], web.Response]


@asynccontextmanager
async def scripted_http(script: Script) -> AsyncIterator[str]:
    """The address of a server that answers each request with what the script says."""

    async def answer(request: web.Request) -> web.Response:
        return script(Request(request.method, request.path, await request.read()))

    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
