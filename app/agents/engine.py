"""The Faust application: subscribes, feeds the intakes, commits, drains.

Faust is used for what it does well (group membership, fetching, buffering) and kept away from what it does badly
(acknowledging): source topics are raw bytes with `acks=False`, offsets are committed by the intakes' ledgers.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from pathlib import Path
from typing import Any, Protocol

import faust
import faust.streams
import structlog

from app.agents.intake import Intake
from app.agents.stopping import StopSignal
from app.errors import FailureCode, OperatorError
from app.observability import metrics
from app.settings import KafkaSettings, WorkerSettings

log = structlog.get_logger("listings.engine")

# A queue that fills up stops Faust's shared fetch loop for every topic of the worker. It never fills while
# 20 % of it hold what can be under way: partitions of a topic * records of a poll.
_POLL_RECORDS = 100
_BUFFER = 8192
_NEVER_S = 10 * 365 * 86_400.0  # an idle or paused consumer would leave the group for good after this long
_REBALANCE_SLACK_S = 30.0
_FAUST_WEB_PORT = 6077  # its default, 6066, is that of our own health pages


class Lifecycle(Protocol):
    """What else lives as long as the worker does."""

    async def start(self) -> None:
        """Before the first record is taken."""
        ...

    async def stop(self) -> None:
        """After everything was drained and committed."""
        ...


class Engine:
    """One worker's Faust application and its intakes."""

    def __init__(self, kafka: KafkaSettings, worker: WorkerSettings, stop: StopSignal, lifecycle: Lifecycle) -> None:
        if getattr(faust.streams, "_CStreamIterator", None) is None:
            raise OperatorError(
                FailureCode.PREREQUISITE_MISSING,
                "faust-streaming without its Cython modules loses records; install a wheel that has them",
            )
        self._settings = worker
        self._stop = stop
        self._lifecycle = lifecycle
        self._intakes: list[Intake] = []
        self._heartbeat = 0.0
        self.app = _faust_app(kafka, worker, lifecycle)
        self._connect()

    @property
    def generation(self) -> int:
        """The generation of the consumer group that the worker is a member of."""
        return int(self.app.consumer_generation_id)

    async def commit(self, offsets: dict[Any, int]) -> bool:
        """Commit next offsets; those of revoked partitions are dropped by Faust."""
        return bool(await self.app.consumer._commit_offsets(offsets))

    async def fatal(self, error: BaseException) -> None:
        """A record can neither be finished nor handed on: stop the worker, so that it comes again elsewhere."""
        log.critical("worker_crashed", exc_info=error)
        await self.app.crash(error)

    def add(self, intake: Intake) -> None:
        """Subscribe an intake to its topic; before the worker starts."""
        topic = self.app.topic(
            intake.topic,
            key_type=bytes,
            value_type=bytes,
            key_serializer="raw",
            value_serializer="raw",
            acks=False,
        )

        async def take(stream: Any) -> None:
            await intake.run(stream.events())

        self.app.agent(topic, name=f"listings.{intake.topic}")(take)
        self._intakes.append(intake)

    def _connect(self) -> None:
        # Faust keeps only weak references to signal handlers; bound methods of this object live as long as it does.
        self.app.on_partitions_revoked.connect(self._on_revoked)
        self.app.on_rebalance_complete.connect(self._on_assigned)
        self.app.on_before_shutdown.connect(self._on_shutdown)
        self.app.timer(interval=self._settings.commit_every_s)(self._tick)

    async def _tick(self, *_: Any) -> None:
        self._heartbeat = time.monotonic()
        for intake in self._intakes:
            await intake.commit()
            metrics.OLDEST_UNFINISHED.labels(intake.topic).set(intake.oldest_unfinished_s())
            metrics.LAG.labels(intake.topic).set(self._lag(intake))

    def _lag(self, intake: Intake) -> int:
        """Records of this worker's partitions that are not acknowledged yet, as far as the consumer knows."""
        consumer = self.app.consumer
        lag = 0
        for tp, position in intake.positions().items():
            highwater = consumer.highwater(tp)
            lag += max(0, (highwater or position) - position)
        return lag

    async def _on_revoked(self, *_: Any, **__: Any) -> None:
        await self._drain()

    async def _on_assigned(self, *_: Any, **__: Any) -> None:
        self._stop.clear()
        log.info("partitions_assigned", count=len(self.app.consumer.assignment()))

    async def _on_shutdown(self, *_: Any, **__: Any) -> None:
        await self._drain()
        await self._lifecycle.stop()
        log.info("worker_stopped")

    async def _drain(self) -> None:
        self._stop.set()
        await asyncio.gather(*(intake.drain(self._settings.drain_s) for intake in self._intakes))

    def not_ready(self) -> list[str]:
        """Why the worker does not take records; empty when it does."""
        consumer = self.app.consumer
        if not self.app.started or consumer is None or not consumer.assignment():
            return ["no partitions assigned yet"]
        return ["partitions are being handed over"] if self._stop.is_set else []

    def silent_s(self) -> float:
        """Seconds since the commit timer last ran; 0 before it ran first."""
        return time.monotonic() - self._heartbeat if self._heartbeat else 0.0

    def in_flight(self) -> dict[str, int]:
        return {intake.topic: intake.in_flight for intake in self._intakes}


class _Application(faust.App):  # type: ignore[misc]
    """Faust's application, with what has to be there before its consumer is."""

    lifecycle: Lifecycle

    async def on_start(self) -> None:
        await self.lifecycle.start()
        await super().on_start()


def _faust_app(kafka: KafkaSettings, worker: WorkerSettings, lifecycle: Lifecycle) -> Any:
    data_dir = Path(worker.data_dir)
    data_dir.mkdir(parents=True, exist_ok=True)
    rebalance_s = worker.drain_s + _REBALANCE_SLACK_S
    app = _Application(
        kafka.group,
        id_format="{id}",
        broker=[f"kafka://{server.strip()}" for server in kafka.bootstrap_servers.split(",")],
        broker_credentials=_credentials(kafka),
        datadir=str(data_dir),
        topic_allow_declare=False,
        topic_disable_leader=True,
        # Off, but `faust worker` turns it on again: then on loopback, without the pages that show tables.
        web_enabled=False,
        web_bind="127.0.0.1",
        web_port=_FAUST_WEB_PORT,
        web_router_enabled=False,
        web_tables_enabled=False,
        broker_session_timeout=kafka.session_timeout_s,
        broker_heartbeat_interval=kafka.heartbeat_s,
        broker_rebalance_timeout=rebalance_s,
        broker_request_timeout=max(90.0, rebalance_s + 30.0),
        broker_max_poll_interval=_NEVER_S,
        broker_max_poll_records=_POLL_RECORDS,
        stream_buffer_maxsize=_BUFFER,
        consumer_auto_offset_reset="earliest",
        consumer_max_fetch_size=max(kafka.max_message_bytes, 1024 * 1024),
        producer_request_timeout=kafka.publish_timeout_s,
        worker_redirect_stdouts=False,
        logging_config=None,
    )
    app.lifecycle = lifecycle
    return app


def _credentials(kafka: KafkaSettings) -> Any:
    """Faust takes SASL without TLS silently when no SSL context is given, so the protocol decides here."""
    context = _ssl_context(kafka) if kafka.security_protocol.endswith("SSL") else None
    if kafka.security_protocol.startswith("SASL"):
        password = None if kafka.sasl_password is None else kafka.sasl_password.get_secret_value()
        return faust.SASLCredentials(
            username=kafka.sasl_username,
            password=password,
            ssl_context=context,
            mechanism=kafka.sasl_mechanism,
        )
    return None if context is None else faust.SSLCredentials(context=context)


def _ssl_context(kafka: KafkaSettings) -> ssl.SSLContext:
    ca_file = None if kafka.ssl_ca_file is None else str(kafka.ssl_ca_file)
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise OperatorError(
            FailureCode.SETTING_INVALID,
            f"LISTINGS_KAFKA__SSL_CA_FILE: expected a file of certificates (PEM), {ca_file} is none: {error.strerror}",
        ) from error
