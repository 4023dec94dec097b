"""A worker at the address of another Kafka cluster than its own."""

from __future__ import annotations

import httpx2 as httpx
import orjson
import pytest

from tests.support.system import System
from tests.support.waiting import until

pytestmark = pytest.mark.integration


def test_a_worker_does_not_join_another_cluster_and_says_why(system: System) -> None:
    worker = system.start_worker(LISTINGS_KAFKA__CLUSTER_ID="another-cluster-0000000")

    def told() -> bool:
        assert worker.process.poll() is None, worker.log.read_text()[-2000:]
        try:
            answer = httpx.get(f"http://127.0.0.1:{worker.port}/readyz", timeout=5)
        except httpx.HTTPError:
            return False
        return answer.status_code == 503 and "this worker belongs to another-cluster-0000000" in answer.text

    until("the worker to say whose broker that is", told, 60)
    assert worker.events("worker_started") == []
    worker.terminate()
    with system.worker() as joined:  # and remembers it, unasked
        (kept,) = system.folder.glob(f"data-{joined.log.stem.removeprefix('worker-')}/kafka-cluster.json")
        assert orjson.loads(kept.read_bytes())["bootstrap_servers"] == system.settings.kafka.bootstrap_servers
