"""The whole system as its users see it: upload to S3, publish to Kafka, search in OpenSearch, read the topics."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import httpx2 as httpx
import obstore
import orjson
from confluent_kafka import Producer
from obstore.store import S3Store
from prometheus_client.parser import text_string_to_metric_families

from app.adapters.kafka_reader import KafkaReader, client_config
from app.errors import Rejected
from app.failures.headers import Story, story_of
from app.model.source_record import SourceRecord
from app.ops.overview import topic_lags
from app.settings import Settings, load_settings
from tests.support.waiting import until


@dataclass
class Worker:
    """One worker process; `log` is what it wrote."""

    process: subprocess.Popen[bytes]
    log: Path
    port: int
    _file: IO[bytes] = field(repr=False)

    def kill(self) -> None:
        """SIGKILL, as a crash of the machine would."""
        self._end(signal.SIGKILL)

    def terminate(self, timeout: float = 60) -> int:
        """SIGTERM, as a deployment does; returns the exit code."""
        return self._end(signal.SIGTERM, timeout)

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def _end(self, number: int, timeout: float = 60) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(timeout)
        self._file.close()
        return code

    def events(self, name: str) -> list[dict[str, Any]]:
        """The log events of one name."""
        lines = self.log.read_bytes().splitlines()
        events = [orjson.loads(line) for line in lines if line.startswith(b"{")]
        return [event for event in events if event.get("event") == name]


def _kill(workers: Sequence[Worker]) -> None:
    for worker in workers:
        if worker.process.poll() is None:
            worker.kill()


class System:
    """A running stack with topics, schemas and index applied; workers are started by the test."""

    def __init__(self, env: Mapping[str, str], folder: Path) -> None:
        self.env = dict(env)
        self.folder = folder
        self.settings: Settings = load_settings(self.env)
        self.bucket = self.settings.s3.buckets[0]
        self._http = httpx.Client(base_url=self.settings.opensearch.url, timeout=30)
        self._workers: list[Worker] = []
        self._count = 0
        secret = self.settings.s3.secret_access_key
        self.store = S3Store(
            self.bucket,
            endpoint=self.settings.s3.endpoint_url,
            access_key_id=self.settings.s3.access_key_id,
            secret_access_key=secret.get_secret_value() if secret else None,
            region=self.settings.s3.region,
            client_options={"allow_http": True},
        )

    # -- workers

    def start_worker(self, command: Sequence[str] = ("-m", "app.cli", "worker"), **env: str) -> Worker:
        """Start `listings worker` (or another Python command) and return at once; see `wait_ready`."""
        self._count += 1
        log = self.folder / f"worker-{self._count}.log"
        file = log.open("wb")
        port = _free_port()
        values = {
            **os.environ,
            **self.env,
            "LISTINGS_WORKER__HTTP_PORT": str(port),
            "LISTINGS_WORKER__DATA_DIR": str(self.folder / f"data-{self._count}"),
            "LISTINGS_WORKER__LOG_FORMAT": "json",
            **env,
        }
        process = subprocess.Popen([sys.executable, *command], env=values, stdout=file, stderr=file)
        worker = Worker(process, log, port, file)
        self._workers.append(worker)
        return worker

    def wait_ready(self, worker: Worker, seconds: float = 60) -> None:
        def ready() -> bool:
            assert worker.process.poll() is None, worker.log.read_text()[-3000:]
            try:
                return httpx.get(f"http://127.0.0.1:{worker.port}/readyz", timeout=5).status_code == 200
            except httpx.HTTPError:
                return False

        until("the worker to be ready", ready, seconds)

    @contextmanager
    def worker(self, **env: str) -> Iterator[Worker]:
        """A ready worker that is stopped in order at the end."""
        worker = self.start_worker(**env)
        try:
            self.wait_ready(worker)
            yield worker
        finally:
            if worker.process.poll() is None:
                worker.terminate()

    @contextmanager
    def no_worker_left(self) -> Iterator[None]:
        """Kills, at the end, the workers that were started meanwhile and still run."""
        before = len(self._workers)
        try:
            yield
        finally:
            _kill(self._workers[before:])

    def close(self) -> None:
        """Stop what still runs."""
        self._http.close()
        _kill(self._workers)

    # -- producers

    def upload(self, key: str, content: bytes) -> None:
        obstore.put(self.store, key, content)

    def publish(
        self, topic: str, value: bytes | None, key: bytes | None = None, headers: Mapping[str, bytes] | None = None
    ) -> None:
        producer = Producer(client_config(self.settings.kafka) | {"partitioner": "murmur2_random"})
        producer.produce(topic, value=value, key=key, headers=list((headers or {}).items()))
        assert producer.flush(30) == 0

    # -- the search frontend

    def search(self, body: Mapping[str, object], index: str | None = None) -> dict[str, Any]:
        response = self._http.post(f"/{index or self.settings.opensearch.alias}/_search", json=dict(body))
        assert response.status_code == 200, response.text[:500]
        return dict(response.json())

    def refresh(self) -> None:
        self._http.post("/_refresh").raise_for_status()

    def set_index(self, values: Mapping[str, object]) -> None:
        """Settings of the index behind the alias."""
        self._http.put(f"/{self.settings.opensearch.alias}/_settings", json=dict(values)).raise_for_status()

    def forget_deletions(self) -> None:
        """As an index does by itself a minute after a deletion (`index.gc_deletes`)."""
        index = self.settings.opensearch.alias
        self.set_index({"index.gc_deletes": "0ms"})
        self._http.post(f"/{index}/_flush").raise_for_status()
        self._http.post(f"/{index}/_forcemerge", params={"only_expunge_deletes": "true"}).raise_for_status()

    def fresh_index(self, name: str) -> str:
        """An empty index with the settings and mapping of the listings, under a name of its own."""
        index = f"listings-v1-{name}"
        self._http.delete(f"/{index}", params={"ignore_unavailable": "true"}).raise_for_status()
        self._http.put(f"/{index}").raise_for_status()
        return index

    def move_alias(self, index: str) -> None:
        """Make an index the one behind the alias; what was behind it is deleted."""
        alias = self.settings.opensearch.alias
        old = list(self._http.get(f"/_alias/{alias}").raise_for_status().json())
        actions: list[dict[str, object]] = [{"remove_index": {"index": name}} for name in old]
        actions.append({"add": {"index": index, "alias": alias, "is_write_index": True}})
        self._http.post("/_aliases", json={"actions": actions}).raise_for_status()

    def drop_index(self, index: str) -> None:
        self._http.delete(f"/{index}").raise_for_status()

    def count(self, query: Mapping[str, object]) -> int:
        found = self.search({"size": 0, "track_total_hits": True, "query": dict(query)})
        return int(found["hits"]["total"]["value"])

    def count_of_key(self, key: str) -> int:
        return self.count({"term": {"origin.key": key}})

    def listings_of(self, source: str, size: int = 1000) -> list[dict[str, Any]]:
        found = self.search({"size": size, "query": {"term": {"source": source}}})
        return [hit["_source"] for hit in found["hits"]["hits"]]

    # -- operators

    def metric(self, worker: Worker, name: str, **labels: str) -> float:
        """The value of one sample of the worker's `/metrics`; 0 while it has not been counted yet."""
        text = httpx.get(f"http://127.0.0.1:{worker.port}/metrics", timeout=10).text
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if sample.name == name and labels.items() <= sample.labels.items():
                    return float(sample.value)
        return 0.0

    def outcome(self, key: str) -> dict[str, Any] | None:
        """The outcome of one file of the bucket."""
        query = {"bool": {"filter": [{"term": {"bucket": self.bucket}}, {"term": {"key": key}}]}}
        self.refresh()
        hits = self.search({"query": query}, self.settings.opensearch.outcomes_index)["hits"]["hits"]
        return dict(hits[0]["_source"]) if hits else None

    def wait_outcome(self, key: str, seconds: float = 60) -> dict[str, Any]:
        return until(f"the outcome of {key}", lambda: self.outcome(key), seconds)

    def records(self, topic: str) -> list[SourceRecord]:
        """Everything on a topic now."""
        with KafkaReader(self.settings.kafka) as reader:
            return list(reader.read(topic, reader.watermarks(topic)))

    def dead_letters(self, file_prefix: str = "") -> list[tuple[SourceRecord, Story]]:
        """The dead letters about files whose `bucket/key` starts so."""
        letters = []
        for record in self.records("listing-dlq"):
            with suppress(Rejected):  # attacks write to the topic, too
                letters.append((record, story_of(record)))
        start = f"{self.bucket}/{file_prefix}"
        return [(r, s) for r, s in letters if s.listing_file is not None and s.listing_file.startswith(start)]

    def lag(self, topic: str) -> int:
        """Records of the topic that the group has not acknowledged."""
        with KafkaReader(self.settings.kafka, group=self.settings.kafka.group) as reader:
            return next(lag.lag for lag in topic_lags(reader) if lag.topic == topic)

    def wait_no_lag(self, *topics: str, seconds: float = 60) -> None:
        for topic in topics:
            until(f"no lag on {topic}", lambda topic=topic: self.lag(topic) == 0, seconds)  # type: ignore[misc]


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
