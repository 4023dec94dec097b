"""`/metrics`, `/livez` and `/readyz` of a worker, on loopback unless told otherwise.

They run in the worker's own event loop on purpose: a loop that hangs does not answer, and that is the truth.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from aiohttp import web
from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from app.errors import FailureCode, OperatorError
from app.observability.listening import Listener
from app.observability.metrics import REGISTRY

Reasons = Callable[[], Sequence[str]]
Facts = Callable[[], Mapping[str, object]]


async def tell_metrics(_: web.Request) -> web.Response:
    """The answer to `/metrics`."""
    return web.Response(body=generate_latest(REGISTRY), headers={"Content-Type": CONTENT_TYPE_LATEST})


class HealthServer:
    """`not_ready` gives the reasons why the worker takes no records, `not_alive` why it should be restarted;
    `facts` is what `/readyz` tells besides. All three are asked at each request."""

    def __init__(self, host: str, port: int, not_ready: Reasons, not_alive: Reasons, facts: Facts) -> None:
        self._host = host
        self._port = port
        self._not_ready = not_ready
        self._not_alive = not_alive
        self._facts = facts
        self._listener: Listener | None = None

    async def start(self) -> int:
        """Listen; returns the port. `OperatorError` when it is taken."""
        app = web.Application()
        app.router.add_get("/metrics", tell_metrics)
        app.router.add_get("/livez", self._livez)
        app.router.add_get("/readyz", self._readyz)
        listener = Listener(app)
        try:
            port = await listener.start(self._host, self._port)
        except OSError as error:
            raise OperatorError(
                FailureCode.SETTING_INVALID,
                f"cannot listen on {self._host}:{self._port} ({error.strerror}); another worker may run there: "
                "set LISTINGS_WORKER__HTTP_PORT to a free port, or to 0 for any",
            ) from error
        self._listener = listener
        return port

    async def stop(self) -> None:
        if self._listener is not None:
            await self._listener.stop()
            self._listener = None

    async def _livez(self, _: web.Request) -> web.Response:
        return self._answer(self._not_alive())

    async def _readyz(self, _: web.Request) -> web.Response:
        return self._answer(self._not_ready(), self._facts())

    @staticmethod
    def _answer(reasons: Sequence[str], facts: Mapping[str, object] | None = None) -> web.Response:
        body: dict[str, object] = {"ok": not reasons, "reasons": list(reasons), **(facts or {})}
        return web.json_response(body, status=503 if reasons else 200)
