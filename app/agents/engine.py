"""The Faust application: subscribes, feeds the intakes, commits, drains.

Faust is used for what it does well (group membership, fetching, buffering) and kept away from what it does badly
(acknowledging): source topics are raw bytes with `acks=False`, offsets are committed by the intakes' ledgers.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, Protocol

import faust
import faust.exceptions
import faust.streams
import structlog

from app.agents.faust_transport import bounded_transport
from app.agents.intake import Intake
from app.agents.ledger import Due
from app.agents.readings import Reading
from app.agents.stopping import StopSignal
from app.agents.under_way import UnderWay
from app.agents.watchdog import Vitals, Watchdog
from app.consumer.bounds import bounds_of
from app.consumer.guarded_fetch import install
from app.errors import Dependency, FailureCode, OperatorError, Outage
from app.model.skip import Skip
from app.model.topics import RETRY_TOPIC
from app.observability import metrics
from app.observability.alerts.watches import Progress
from app.settings import KafkaSettings, WorkerSettings
from app.tls import kafka_tls_context

log = structlog.get_logger("listings.engine")

# A queue that fills up stops Faust's shared fetch loop for every topic of the worker. It never fills while
# 20 % of it hold what can be under way: partitions of a topic * records of a poll.
_POLL_RECORDS = 100
_BUFFER = 8192
_NEVER_S = 10 * 365 * 86_400.0  # an idle or paused consumer would leave the group for good after this long
_REBALANCE_SLACK_S = 30.0
_METADATA_MAX_AGE_MS = 10_000  # a topic that was deleted, made or extended is noticed as soon
_FAUST_WEB_PORT = 6077  # its default, 6066, is that of our own health pages


class Lifecycle(Protocol):
    """What else lives as long as the worker does."""

    async def start(self) -> None:
        """Before the first record is taken."""
        ...

    async def joined(self) -> str | None:
        """The group has given partitions, and no record is taken yet: why none may be, None when all is well."""
        ...

    async def stop(self) -> None:
        """After everything was drained and committed."""
        ...


class Engine:
    """One worker's Faust application and its intakes."""

    def __init__(
        self,
        kafka: KafkaSettings,
        worker: WorkerSettings,
        stop: StopSignal,
        lifecycle: Lifecycle,
        is_held_up: Callable[[], bool],
        stuck_after_s: float,
    ) -> None:
        """`is_held_up` tells that a server is down; else nothing may stand still for longer than `stuck_after_s`."""
        if getattr(faust.streams, "_CStreamIterator", None) is None:
            raise OperatorError(
                FailureCode.PREREQUISITE_MISSING,
                "faust-streaming without its Cython modules loses records; install a wheel that has them",
            )
        self._settings = worker
        self._stop = stop
        self._lifecycle = lifecycle
        self._intakes: list[Intake] = []
        self._is_held_up = is_held_up
        self._watchdog = Watchdog(stuck_after_s)
        self._buffered = install(bounds_of(kafka))
        transport = bounded_transport(self._buffered, worker.buffered_max_bytes, bounds_of(kafka).record_bytes)
        self.app = _faust_app(kafka, worker, lifecycle, transport)
        self._committing = asyncio.Lock()
        self.under_way = UnderWay(self.leave_traces, is_held_up, stop)
        self._skips_of_others: list[Skip] = []
        """Of topics with another id than is known here: gone by now, or made anew a moment ago."""
        self._connect()

    @property
    def generation(self) -> int:
        """The generation of the consumer group that the worker is a member of."""
        return int(self.app.consumer_generation_id)

    async def commit(self, due: Callable[[], Mapping[Any, Due]], took: Callable[[Mapping[Any, Due]], None]) -> None:
        """Commit what is due, and tell it when it was taken; what is of revoked partitions is dropped.

        One after another, each of what is due at its turn: a trace never stands over a later one.
        """
        async with self._committing:
            found = due()
            if found and await self.app.consumer.commit_traced(found):
                took(found)

    async def leave_traces(self) -> None:
        """Commit what is due of all topics together."""
        await self.commit(self._due, self._took)

    def _due(self) -> dict[Any, Due]:
        return {tp: due for intake in self._intakes for tp, due in intake.due().items()}

    def _took(self, due: Mapping[Any, Due]) -> None:
        for intake in self._intakes:
            intake.took(due)

    def blame(self, tp: Any) -> tuple[str, Mapping[int, int]]:
        """The name of this worker in traces; the blame of a partition's records for workers that ended."""
        thread = self.app.consumer._thread
        return thread.worker, thread.blame.get(tp, {})

    def join_error(self) -> BaseException | None:
        """What keeps the worker out of its group for good, or has ended its consumer; None: nothing."""
        thread = getattr(self.app.consumer, "_thread", None)
        return None if thread is None or self.app.should_stop else thread.end()

    async def begin_anew(self, identities: Mapping[str, str]) -> None:
        """Forget what was read of these topics, which were made anew, and have the partitions shared out again."""
        async with self._committing:  # an offset of the old topic is never kept with the id of the new one
            for intake in self._intakes:
                if intake.topic in identities:
                    intake.forget()
            self.app.consumer.know_topics(identities)
        skips, self._skips_of_others = self._skips_of_others, []
        for skip in skips:
            self.walk_past(skip)
        self.app.consumer._thread.rejoin()

    def know_topics(self, identities: Mapping[str, str]) -> None:
        """The ids that topics have now; of topics that were made anew, `begin_anew` is told."""
        self.app.consumer.know_topics(identities)

    def walk_past(self, skip: Skip) -> None:
        """Have a record acknowledged without handling it, wherever it is: not read yet, waiting, or under way.

        One of a topic that was deleted is none of the topic that has its name now.
        """
        if not skip.is_of(self.app.consumer.topic_id(skip.topic)):
            log.info("skip_of_another_topic", place=skip.place, topic_id=skip.topic_id)
            self._skips_of_others.append(skip)
            return
        log.warning("skip_ordered", place=skip.place, reason=skip.reason, by=skip.by, at=skip.at)
        self.app.consumer.walk_past((skip.topic, skip.partition), skip.offset)
        for intake in self._intakes:
            if intake.topic == skip.topic:
                intake.walk_past(skip.partition, skip.offset)

    def own_commits(self) -> dict[Any, int]:
        """The offset that was committed last for each own partition, where nothing is due."""
        own = {tp: self.app.consumer._committed_offset.get(tp) for tp in self._assignment()}
        for intake in self._intakes:
            own |= intake.committed()
        return {tp: at for tp, at in own.items() if at is not None}

    def commit_again(self, partitions: Collection[tuple[str, int]]) -> None:
        """Commit what is finished of these once more."""
        for place in partitions:
            self.app.consumer._committed_offset.pop(place, None)
            for intake in self._intakes:
                intake.commit_again(place)

    async def fatal(self, error: BaseException) -> None:
        """A record can neither be finished nor handed on: stop the worker, so that it comes again elsewhere."""
        if isinstance(error, OperatorError):
            log.critical("worker_ends", reason=error.message)
        else:
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
        waiting: dict[str, int] = dict.fromkeys(self.in_flight(), 0)
        held = dict(waiting)
        for (topic, _partition), progress in self.progress().items():
            waiting[topic] += progress.waiting
            held[topic] += progress.held
        vitals = Vitals(
            {topic: lag for topic, lag in waiting.items() if topic != RETRY_TOPIC},  # there, waiting is the work
            {intake.topic: intake.finished for intake in self._intakes},
            self._is_member(),
            self._is_held_up() or self._stop.is_set,
        )
        self._watchdog.tick(time.monotonic(), vitals)
        self._pass_over()
        for intake in self._intakes:
            await intake.commit()
            metrics.OLDEST_UNFINISHED.labels(intake.topic).set(intake.oldest_unfinished_s())
            metrics.LAG.labels(intake.topic).set(waiting[intake.topic])
            metrics.BUFFERED.labels(intake.topic).set(self._buffered.of(intake.topic))
            metrics.HELD.labels(intake.topic).set(held[intake.topic])

    def _pass_over(self) -> None:
        intakes = {intake.topic: intake for intake in self._intakes}
        for tp in self._assignment():
            if tp.topic in intakes:
                intakes[tp.topic].pass_over(tp, self.app.consumer._committed_offset.get(tp))

    def reading(self, tp: Any) -> Reading | None:
        """What the consumer has read of a partition of this worker; None: nothing yet."""
        found: Reading | None = self.app.consumer.reading(tp)
        return found

    def progress(self) -> dict[tuple[str, int], Progress]:
        """How far each partition of this worker is, as far as the consumer knows: no server is asked."""
        intakes = {intake.topic: intake for intake in self._intakes}
        found = {}
        for tp in self._assignment():
            intake = intakes.get(tp.topic)
            if intake is None:
                continue
            committed, position = intake.standing(tp, self.app.consumer._committed_offset.get(tp))
            reading = self.reading(tp)
            end, top = (0, 0) if reading is None else (reading.end or 0, reading.top or 0)
            found[(tp.topic, tp.partition)] = Progress(
                committed, _left(end, position), _left(end, committed), end, max(0, top - end)
            )
        return found

    def _assignment(self) -> set[Any]:
        try:
            return set(self.app.consumer.assignment()) if self.app.started else set()
        except (AttributeError, faust.exceptions.ConsumerNotStarted):
            return set()

    def owns(self, topic: str, partition: int) -> bool:
        """True while the partition is this worker's, and it takes records."""
        return not self._stop.is_set and any(
            (tp.topic, tp.partition) == (topic, partition) for tp in self._assignment()
        )

    def _is_member(self) -> bool:
        """The generation of a client that has left its group, or was not let in, is -1; Faust keeps the last one."""
        try:
            return bool(self.app.consumer._thread._consumer._coordinator.generation >= 0)
        except AttributeError:
            return False

    async def _on_revoked(self, *_: Any, **__: Any) -> None:
        await self._drain()

    async def _on_assigned(self, *_: Any, **__: Any) -> None:
        if (reason := await self._lifecycle.joined()) is not None:
            await self.fatal(Outage(FailureCode.UNREACHABLE, Dependency.BROKER, reason))
            return
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
        if consumer is None or not self._assignment():
            return ["no partitions assigned yet"]
        return ["partitions are being handed over"] if self._stop.is_set else []

    def not_alive(self) -> list[str]:
        """Why the worker should be restarted; empty when it should not."""
        return self._watchdog.reasons(time.monotonic())

    def connected(self) -> None:
        """The broker answers: from now on the worker has to get going."""
        self._watchdog.connected(time.monotonic())

    def in_flight(self) -> dict[str, int]:
        return {intake.topic: intake.in_flight for intake in self._intakes}


def _left(end: int, at: int | None) -> int:
    return 0 if at is None else max(0, end - at)


class _Application(faust.App):  # type: ignore[misc]
    """Faust's application, with what has to be there before its consumer is."""

    lifecycle: Lifecycle
    bounded: type[Any]

    def _new_transport(self) -> Any:
        return self.bounded(self.conf.broker_consumer, self)

    async def on_start(self) -> None:
        await self.lifecycle.start()
        await super().on_start()


def _faust_app(kafka: KafkaSettings, worker: WorkerSettings, lifecycle: Lifecycle, transport: type[Any]) -> Any:
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
        broker_client_id="listings-worker",
        broker_session_timeout=kafka.session_timeout_s,
        broker_heartbeat_interval=kafka.heartbeat_s,
        broker_rebalance_timeout=rebalance_s,
        broker_request_timeout=max(90.0, rebalance_s + 30.0),
        broker_max_poll_interval=_NEVER_S,
        broker_max_poll_records=_POLL_RECORDS,
        stream_buffer_maxsize=_BUFFER,
        consumer_auto_offset_reset="earliest",
        consumer_metadata_max_age_ms=_METADATA_MAX_AGE_MS,
        consumer_max_fetch_size=max(kafka.max_message_bytes, 1024 * 1024),
        producer_request_timeout=kafka.publish_timeout_s,
        worker_redirect_stdouts=False,
        logging_config=None,
    )
    app.lifecycle, app.bounded = lifecycle, transport
    return app


def _credentials(kafka: KafkaSettings) -> Any:
    """Faust takes SASL without TLS silently when no SSL context is given, so the protocol decides here."""
    context = kafka_tls_context(kafka)
    if kafka.security_protocol.startswith("SASL"):
        password = None if kafka.sasl_password is None else kafka.sasl_password.get_secret_value()
        return faust.SASLCredentials(
            username=kafka.sasl_username,
            password=password,
            ssl_context=context,
            mechanism=kafka.sasl_mechanism,
        )
    return None if context is None else faust.SSLCredentials(context=context)
