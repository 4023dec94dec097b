"""A server on the loopback that answers S3 requests by script, for what no real store can be made to do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from urllib.parse import parse_qs, unquote, urlsplit

LAST_MODIFIED = "Sun, 01 Mar 2026 10:03:00 GMT"
FACTS = {"Last-Modified": LAST_MODIFIED, "ETag": '"abc"'}


@dataclass(frozen=True)
class Asked:
    """One request: the key is decoded, "" for one to the bucket itself."""

    method: str
    key: str
    query: dict[str, list[str]]
    headers: dict[str, str]


@dataclass(frozen=True)
class Reply:
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    length: int | None = None
    """What Content-Length claims, when that is not the body's length."""
    then: str = "go on"
    """`go on`; `close` or `stall after` the body; `no answer` (a reset) or `stall` instead of any answer."""
    late_s: float = 0.0
    """How long the answer takes."""


Script = Callable[[Asked], Reply]


def refusal(status: int, code: str) -> Reply:
    return Reply(status, f"<Error><Code>{code}</Code><Message>No.</Message></Error>".encode())


def listing(*keys: str, after: str | None = None) -> Reply:
    """A page of a listing; `after` is the token of the next one."""
    contents = "".join(
        f"<Contents><Key>{key}</Key><LastModified>2026-03-01T10:03:00.000Z</LastModified>"
        "<ETag>&quot;abc&quot;</ETag><Size>5</Size></Contents>"
        for key in keys
    )
    more = f"<IsTruncated>true</IsTruncated><NextContinuationToken>{after}</NextContinuationToken>" if after else ""
    return Reply(
        200,
        '<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
        f"<EncodingType>url</EncodingType>{more}{contents}</ListBucketResult>".encode(),
    )


class ScriptedS3:
    """The server; `asked` are the requests so far."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.asked: list[Asked] = []
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while request := await _read(reader):
                self.asked.append(request)
                if not await _write(writer, request, self.script(request)):
                    break
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def scripted_s3(script: Script) -> AsyncIterator[ScriptedS3]:
    server = ScriptedS3(script)
    tasks: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(server.serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    listener = await asyncio.start_server(connected, "127.0.0.1", 0)
    server.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    try:
        yield server
    finally:
        listener.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _read(reader: asyncio.StreamReader) -> Asked | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    except asyncio.IncompleteReadError:
        return None
    method, target, _ = head[0].split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
    await reader.readexactly(int(headers.get("content-length", 0)))
    parts = urlsplit(target)
    key = unquote(parts.path).split("/", 2)
    return Asked(method, key[2] if len(key) > 2 else "", parse_qs(parts.query, keep_blank_values=True), headers)


def _ranged(request: Asked, reply: Reply) -> Reply:
    """The part that was asked for, as `bytes=FIRST-`."""
    asked = request.headers.get("range")
    if asked is None or reply.status != 200:
        return reply
    first = int(asked.removeprefix("bytes=").partition("-")[0])
    length = len(reply.body) if reply.length is None else reply.length
    headers = {**reply.headers, "Content-Range": f"bytes {first}-{length - 1}/{length}"}
    return replace(reply, status=206, body=reply.body[first:], headers=headers, length=length - first)


async def _write(writer: asyncio.StreamWriter, request: Asked, reply: Reply) -> bool:
    """Whether the connection goes on."""
    await asyncio.sleep(reply.late_s)  # the fault itself, not a wait for a condition
    if reply.then == "no answer":
        writer.transport.abort()
        return False
    reply = _ranged(request, reply)
    length = len(reply.body) if reply.length is None else reply.length
    lines = [f"HTTP/1.1 {reply.status} Answer", f"Content-Length: {length}"]
    lines += [f"{name}: {value}" for name, value in reply.headers.items()]
    if reply.then != "stall":
        body = b"" if request.method == "HEAD" else reply.body
        writer.write("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
        await writer.drain()
    if reply.then in ("stall", "stall after"):
        await asyncio.sleep(30)
    return reply.then == "go on"
