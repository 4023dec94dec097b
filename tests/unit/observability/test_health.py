"""What a worker answers over HTTP, asked over loopback."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import aiohttp
import pytest

from app.errors import Dependency, FailureCode, OperatorError
from app.observability.health import HealthServer
from app.observability.metrics import SKIPPED

HOST = "127.0.0.1"


class Worker:
    def __init__(self) -> None:
        self.not_ready: list[str] = []
        self.not_alive: list[str] = []
        self.facts: dict[str, object] = {"in_flight": {"listing-files": 3}, "outages": [Dependency.SEARCH_INDEX]}
        self.server = HealthServer(HOST, 0, lambda: self.not_ready, lambda: self.not_alive, lambda: self.facts)
        self.address = ""

    async def ask(self, path: str, method: str = "GET") -> tuple[int, str, str]:
        async with aiohttp.ClientSession() as session, session.request(method, self.address + path) as answer:
            return answer.status, answer.content_type, await answer.text()


@pytest.fixture
async def worker() -> AsyncIterator[Worker]:
    worker = Worker()
    worker.address = f"http://{HOST}:{await worker.server.start()}"
    yield worker
    await worker.server.stop()


async def test_a_ready_worker_tells_what_it_does(worker: Worker) -> None:
    status, content_type, body = await worker.ask("/readyz")
    assert (status, content_type) == (200, "application/json")
    assert json.loads(body) == {
        "ok": True, "reasons": [], "in_flight": {"listing-files": 3}, "outages": ["search_index"],
    }  # fmt: skip


async def test_a_worker_that_takes_nothing_says_why(worker: Worker) -> None:
    worker.not_ready = ["search_index is down: connection refused"]
    status, _, body = await worker.ask("/readyz")
    assert (status, json.loads(body)["reasons"]) == (503, ["search_index is down: connection refused"])
    assert (await worker.ask("/livez"))[0] == 200


async def test_a_worker_that_should_be_restarted_says_so(worker: Worker) -> None:
    assert await worker.ask("/livez") == (200, "application/json", '{"ok": true, "reasons": []}')
    worker.not_alive = ["the worker's timer has not run for 61 s"]
    status, _, body = await worker.ask("/livez")
    assert (status, json.loads(body)) == (503, {"ok": False, "reasons": worker.not_alive})


async def test_every_answer_is_asked_for_anew(worker: Worker) -> None:
    assert (await worker.ask("/readyz"))[0] == 200
    worker.not_ready = ["partitions are being handed over"]
    assert (await worker.ask("/readyz"))[0] == 503
    worker.not_ready = []
    assert (await worker.ask("/readyz"))[0] == 200


async def test_metrics_are_those_of_the_registry(worker: Worker) -> None:
    SKIPPED.labels(FailureCode.TEST_EVENT).inc()
    status, content_type, body = await worker.ask("/metrics")
    assert (status, content_type) == (200, "text/plain")
    assert 'listings_skipped_total{code="test_event"}' in body
    assert "# TYPE listings_freshness_seconds histogram" in body


@pytest.mark.parametrize(
    ("path", "method", "status"), [("/", "GET", 404), ("/readyz/x", "GET", 404), ("/livez", "POST", 405)]
)
async def test_there_is_nothing_else(worker: Worker, path: str, method: str, status: int) -> None:
    assert (await worker.ask(path, method))[0] == status


async def test_a_bug_in_an_answer_tells_nothing_of_itself(worker: Worker) -> None:
    worker.facts = {"secret": object()}
    status, _, body = await worker.ask("/readyz")
    assert status == 500
    assert "secret" not in body
    assert "Traceback" not in body


async def test_a_port_that_is_taken_is_told_with_the_setting(worker: Worker) -> None:
    port = int(worker.address.rpartition(":")[2])
    second = HealthServer(HOST, port, list, list, dict)
    with pytest.raises(OperatorError) as caught:
        await second.start()
    assert caught.value.code is FailureCode.SETTING_INVALID
    assert "LISTINGS_WORKER__HTTP_PORT" in caught.value.message
    assert f"{HOST}:{port}" in caught.value.message
    await second.stop()


async def test_stopping_is_harmless_however_often_and_whenever() -> None:
    worker = Worker()
    await worker.server.stop()
    worker.address = f"http://{HOST}:{await worker.server.start()}"
    assert (await worker.ask("/livez"))[0] == 200
    await worker.server.stop()
    await worker.server.stop()
    with pytest.raises(aiohttp.ClientConnectionError):
        await worker.ask("/livez")
