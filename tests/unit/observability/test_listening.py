"""Connections that nobody ends, against what has to be answered all the same."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from urllib.request import urlopen

import pytest
import uvloop
from aiohttp import web

from app.observability.listening import Listener, listening_in_thread

HOST = "127.0.0.1"
MOST = 5
REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def app() -> web.Application:
    async def hello(_: web.Request) -> web.Response:
        return web.Response(text="hello")

    async def long(_: web.Request) -> web.Response:
        return web.Response(body=b"x" * 50_000_000)

    made = web.Application()
    made.router.add_get("/", hello)
    made.router.add_get("/long", long)
    return made


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0)


class Served:
    def __init__(self, lifetime_s: float) -> None:
        self.listener = Listener(app(), connections_max=MOST, lifetime_s=lifetime_s)
        self.port = 0
        self.opened: list[asyncio.StreamWriter] = []

    async def connect(self, sent: bytes = b"") -> Connection:
        reader, writer = await asyncio.open_connection(HOST, self.port)
        self.opened.append(writer)
        writer.write(sent)
        await writer.drain()
        return reader, writer

    async def ask(self) -> bytes:
        reader, _ = await self.connect(REQUEST)
        return await reader.read()


@asynccontextmanager
async def serving(lifetime_s: float) -> AsyncIterator[Served]:
    served = Served(lifetime_s)
    served.port = await served.listener.start(HOST, 0)
    yield served
    for writer in served.opened:
        writer.close()
    await asyncio.gather(*(writer.wait_closed() for writer in served.opened), return_exceptions=True)
    await served.listener.stop()


@pytest.fixture
async def served(request: pytest.FixtureRequest) -> AsyncIterator[Served]:
    async with serving(getattr(request, "param", 60.0)) as served:
        yield served


async def test_half_a_request_holds_no_more_than_the_bound_and_a_whole_one_is_answered(served: Served) -> None:
    await flood(served)


def test_the_loop_of_workers_is_no_other() -> None:
    async def run() -> None:
        async with serving(60.0) as served:
            await flood(served)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run())


async def flood(served: Served) -> None:
    for _ in range(20 * MOST):
        await served.connect(b"GET / HTTP/1.1\r\nHost: ")
        assert served.listener.connections <= MOST
    assert (await served.ask()).startswith(b"HTTP/1.1 200")


async def test_a_connection_without_a_byte_gives_way_as_well(served: Served) -> None:
    for _ in range(3 * MOST):
        await served.connect()
    await until(lambda: served.listener.connections == MOST)
    assert b"hello" in await served.ask()


async def test_every_connection_carries_one_request(served: Served) -> None:
    answer = await served.ask()
    assert b"connection: close" in answer.lower()
    await until(lambda: served.listener.connections == 0)


@pytest.mark.parametrize("served", [0.05], indirect=True)
@pytest.mark.parametrize(
    "sent",
    [b"", b"GET / HT", b"GET /long HTTP/1.1\r\nHost: x\r\n\r\n", b"GET / HTTP/1.1\r\nContent-Length: 9\r\n\r\n"],
)
async def test_a_connection_ends_in_its_time_whatever_it_waits_for(served: Served, sent: bytes) -> None:
    await served.connect(sent)  # and reads nothing of what is answered
    await until(lambda: served.listener.connections == 0)


def test_a_program_without_a_loop_can_listen_too() -> None:
    with listening_in_thread(app(), HOST, 0) as port:
        with urlopen(f"http://{HOST}:{port}/") as answer:
            assert answer.read() == b"hello"
        with pytest.raises(OSError), listening_in_thread(app(), HOST, port):
            pass
    began = time.monotonic()
    with pytest.raises(OSError):
        urlopen(f"http://{HOST}:{port}/")
    assert time.monotonic() - began < 5
