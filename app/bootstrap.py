"""The composition root: the one place that knows every part of a worker and puts them together."""

from __future__ import annotations

import asyncio
import gc
import random
import time
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from typing import Any

import faust
import structlog
import uvloop

from app.adapters.avro import AvroCodec
from app.adapters.kafka_producer import KafkaPublisher
from app.adapters.opensearch.bulk_writer import BulkWriter
from app.adapters.opensearch.client import SearchClient
from app.adapters.opensearch.standing_listings import OpenSearchListings
from app.adapters.profile_files import load_profiles
from app.adapters.s3 import S3Store
from app.adapters.schema_registry import SchemaRegistry
from app.agents.alerts import AlertsHandler
from app.agents.codec import Encoder
from app.agents.engine import Engine
from app.agents.files import FilesHandler
from app.agents.gate import GateHandler
from app.agents.guard import guarded
from app.agents.handoff import Handoff
from app.agents.intake import Handler, Intake, IntakeLimits
from app.agents.listings import ListingsHandler
from app.agents.outages import Outages
from app.agents.outcomes import OutcomeReporter
from app.agents.removals import Removals
from app.agents.retries import RetriesHandler
from app.agents.stopping import StopSignal
from app.errors import Dependency, Outage
from app.failures.backoff import Backoff
from app.failures.route import DEAD_LETTER_TOPIC, RETRY_TOPIC, RetryPolicy
from app.model.record import Limits
from app.observability import metrics
from app.observability.health import HealthServer
from app.observability.logs import configure_logs
from app.ops.schemas import load_schemas
from app.pipeline.flow import FileFlow
from app.settings import LimitsSettings, Settings, load_settings

log = structlog.get_logger("listings.worker")

UPLOADS, FILES, LISTINGS = "listing-uploads", "listing-files", "listings"
_FIRST_PROBE_S = 0.5
_STUCK_S = 60.0


class SystemClock:
    """The real clock (`app.ports.Clock`)."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()


def limits_of(settings: LimitsSettings) -> Limits:
    """The settings group as the pure pipeline wants it."""
    return Limits(**settings.model_dump())


class Worker:
    """One worker process: every part of it, wired."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._clock = SystemClock()
        self._stop = StopSignal()
        self._store = S3Store(settings.s3)
        self._registry = SchemaRegistry(settings.schema_registry)
        self._codec = AvroCodec(self._registry, load_schemas(settings.paths.schemas / "avro"))
        self._publisher = KafkaPublisher(settings.kafka)
        self._client = SearchClient(settings.opensearch)
        probes = {
            Dependency.OBJECT_STORE: self._store.ping,
            Dependency.SCHEMA_REGISTRY: self._codec.ping,
            Dependency.SEARCH_INDEX: self._client.ping,
        }
        self._probing = Backoff(_FIRST_PROBE_S, settings.opensearch.outage_probe_max_s)
        self._outages = Outages(probes, self._probing, self._clock, self._stop)
        self._index = BulkWriter(self._client, settings.opensearch, on_outage=self._outages.changed)
        self.engine = Engine(settings.kafka, settings.worker, self._stop, self)
        self._health = HealthServer(
            settings.worker.http_host, settings.worker.http_port, self._not_ready, self._not_alive, self._facts
        )
        for intake in self._intakes():
            self.engine.add(intake)

    def _intakes(self) -> list[Intake]:
        settings, clock = self._settings, self._clock
        retry = settings.retry
        policy = RetryPolicy(retry.attempts, Backoff(retry.base_s, retry.cap_s))
        handoff = Handoff(self._publisher, policy, clock, random.random, self._outages)
        encoder = Encoder(self._codec, self._outages)
        outcomes = OutcomeReporter(handoff, self._index, encoder)
        limits = limits_of(settings.limits)
        standing = OpenSearchListings(self._client, settings.opensearch.alias)
        removals = Removals(self._index, standing, self._outages, clock)
        profiles = load_profiles(settings.paths.feeds)
        flow = FileFlow(
            self._store,
            self._index,
            profiles.match,
            limits,
            clock,
            settings.worker.file_timeout_s,
        )
        gate = GateHandler(
            self._store,
            encoder,
            handoff,
            outcomes,
            self._outages,
            clock,
            limits,
            settings.s3.buckets,
            settings.s3.prefix,
            profiles.match,
        )
        files = FilesHandler(self._store, flow, removals, encoder, handoff, outcomes, self._outages, clock)
        listings = ListingsHandler(self._index, standing, encoder, self._outages, clock, limits)
        origins = frozenset({UPLOADS, FILES, LISTINGS})
        retries = RetriesHandler(handoff, clock, self._stop, origins, longest_s=2 * retry.cap_s)
        worker = settings.worker
        waiting = IntakeLimits(retry.waiting_max, retry.waiting_max, ordered=False)
        parts: list[tuple[str, Handler, str, IntakeLimits]] = [
            (UPLOADS, gate, "gate", IntakeLimits(worker.gate_at_once, 2 * worker.gate_at_once, ordered=False)),
            (FILES, files, "files", IntakeLimits(worker.files_at_once, max(worker.accepted_max, worker.files_at_once))),
            (LISTINGS, listings, "listings", IntakeLimits(worker.listings_at_once, worker.listings_at_once)),
            (RETRY_TOPIC, retries, "retries", waiting),
            (DEAD_LETTER_TOPIC, AlertsHandler(), "alerts", IntakeLimits(1, 100)),
        ]
        return [
            Intake(
                topic,
                guarded(handler, handoff, stage) if topic != DEAD_LETTER_TOPIC else handler,
                at_once,
                self.engine,
                self._stop,
                clock.monotonic,
                self.engine.fatal,
            )
            for topic, handler, stage, at_once in parts
        ]

    async def start(self) -> None:
        """Connect what needs connecting; before the first record is taken."""
        metrics.BUILD_INFO.labels(version("listings")).set(1)
        port = await self._health.start()
        await self._connect()
        _spare_the_collector()
        log.info("worker_started", health=f"http://{self._settings.worker.http_host}:{port}/readyz")

    async def _connect(self) -> None:
        """Wait for the broker, as any other outage is waited out: a worker may be started before it."""
        failures = 0
        while True:
            try:
                return await self._publisher.start()
            except Outage as outage:
                failures += 1
                log.warning("broker_awaited", reason=outage.message)
                await asyncio.sleep(self._probing.ceiling_s(failures))

    async def stop(self) -> None:
        """Disconnect; after everything was drained and committed."""
        await self._index.aclose(limit_s=1.0)
        await self._outages.aclose()
        await self._publisher.stop()
        await self._client.aclose()
        await self._registry.aclose()
        await self._health.stop()

    def _not_ready(self) -> list[str]:
        waiting = [f"{outage.dependency} is down: {outage.reason}" for outage in self._outages.open]
        return self.engine.not_ready() + waiting

    def _not_alive(self) -> list[str]:
        silent = self.engine.silent_s()
        return [f"the worker's timer has not run for {silent:.0f} s"] if silent > _STUCK_S else []

    def _facts(self) -> dict[str, object]:
        return {
            "in_flight": self.engine.in_flight(),
            "outages": [
                {"dependency": o.dependency, "since": o.since.isoformat(), "reason": o.reason}
                for o in self._outages.open
            ],
        }


@cache
def faust_app() -> Any:
    """The Faust application of one worker, for `faust -A app.agents worker`."""
    settings = load_settings()
    configure_logs(settings.worker.log_format, settings.worker.log_level)
    return Worker(settings).engine.app


def _spare_the_collector() -> None:
    """Keep garbage collection from holding the event loop.

    What was imported and built until now stays for good, so it is never looked at again; a full pass over a busy
    worker's heap would take longer than the 20 ms an event may wait.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def run_worker(settings: Settings) -> None:
    """Run one worker until SIGTERM or Ctrl-C; exits the process with its code."""
    configure_logs(settings.worker.log_format, settings.worker.log_level)
    uvloop.install()
    worker = Worker(settings)
    faust.Worker(
        worker.engine.app, quiet=True, redirect_stdouts=False, override_logging=False
    ).execute_from_commandline()
