"""A webhook receiver on loopback, which keeps what it is sent; or one that is dead in a way of its choice."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SECRET = "tok-9f8e7d"
"""In every address, where services have their tokens: it may show up nowhere else."""


@dataclass
class Webhook:
    """`bodies` are what came, in order; `status` is what is answered, `hangs` until it is set again."""

    port: int
    bodies: list[bytes] = field(default_factory=list)
    status: int = 200
    let_go: threading.Event = field(default_factory=threading.Event)

    @property
    def json_url(self) -> str:
        return f"json://user:{SECRET}@127.0.0.1:{self.port}/{SECRET}?+X-Token={SECRET}"

    @property
    def xml_url(self) -> str:
        return f"xml://127.0.0.1:{self.port}/{SECRET}"

    @property
    def messages(self) -> list[dict[str, Any]]:
        """What came as JSON: `title`, `message`, `type`."""
        return [json.loads(body) for body in list(self.bodies) if body.startswith(b"{")]

    def titled(self, start: str) -> list[dict[str, Any]]:
        return [message for message in self.messages if message["title"].startswith(start)]


@contextmanager
def webhook(*, hangs: bool = False) -> Iterator[Webhook]:
    """Listening while the context lasts; one that `hangs` takes a request and answers nothing."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            hook.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            hook.let_go.wait(60)
            self.send_response(hook.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """Whoever asked has gone meanwhile."""

    server = Server(("127.0.0.1", 0), Handler)
    hook = Webhook(server.server_address[1])
    if not hangs:
        hook.let_go.set()
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield hook
    finally:
        hook.let_go.set()
        server.shutdown()
        server.server_close()
        thread.join(10)


def nobody() -> int:
    """A port where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
