"""Faust's consumer as this worker needs it: committed records only, and what was read is known.

Faust 0.15.3 reads records of open and aborted transactions too, unless it makes transactions itself; it has no setting
for it. It also counts offsets as if each were a record. So its driver for aiokafka is extended here, in the four
places that decide: how the consumer is made, what it fetches, what it commits, where a partition ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import structlog
from aiokafka.consumer.fetcher import OffsetResetStrategy
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.errors import (
    CommitFailedError,
    GroupAuthorizationFailedError,
    InconsistentGroupProtocolError,
    InvalidGroupIdError,
    InvalidSessionTimeoutError,
    KafkaError,
    TopicAuthorizationFailedError,
)
from aiokafka.structs import OffsetAndMetadata
from faust.transport.drivers import aiokafka as driver

from app.agents.ledger import Due
from app.agents.readings import Reading, Readings
from app.model.membership import ASSIGNOR
from app.model.trace import Trace, metadata_of, trace_of
from app.observability import metrics

log = structlog.get_logger("listings.consumer")
ISOLATION = "read_committed"
_NOTE_ALL_S = 0.5
"""Partitions of which nothing came are looked at so often; under load records come thousands of times a second."""
_COMMIT_S = 5.0
"""A commit that is not answered is made again; to a topic that is gone, aiokafka would repeat it for ever."""


_KEPT_OUT = (
    GroupAuthorizationFailedError,
    InconsistentGroupProtocolError,
    InvalidGroupIdError,
    InvalidSessionTimeoutError,
    TopicAuthorizationFailedError,
)
"""What does not pass by itself."""
_TRIES = 30
_NO_TRACES: Mapping[Any, str] = MappingProxyType({})


class WorkersAssignor(RoundRobinPartitionAssignor):  # type: ignore[misc]
    """Shares out partitions in turn, under a name that other applications do not have."""

    name = ASSIGNOR


class CommittedThread(driver.AIOKafkaConsumerThread):  # type: ignore[misc]
    """The thread that aiokafka's consumer lives in."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.readings = Readings()
        self.topic_ids: Mapping[str, str] = {}
        """The ids that the topics have, as far as they are known; kept with each offset that is committed."""
        self.skips: set[tuple[str, int, int]] = set()
        self.worker = secrets.token_hex(4)
        """The name of this process in traces."""
        self.blame: dict[Any, dict[int, int]] = {}
        """Of the assigned partitions: that for workers that ended without a word, by offset."""
        self._assignment: Any = None
        self._noted_at = 0.0
        self._tries = 0
        self._reset_from: dict[Any, int] = {}

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        consumer._isolation_level = ISOLATION  # its fetcher is made of it at the start
        consumer._partition_assignment_strategy = [WorkersAssignor]
        return consumer

    async def on_start(self) -> None:
        await super().on_start()
        fetcher = self._ensure_consumer()._fetcher
        fetch, position = fetcher._proc_fetch_request, fetcher._update_fetch_positions

        async def fetch_and_see(assignment: Any, node_id: Any, request: Any) -> Any:
            found = await fetch(assignment, node_id, request)
            self._see_resets(assignment, request)
            return found

        async def position_and_tell(assignment: Any, node_id: Any, tps: Any) -> Any:
            found = await position(assignment, node_id, tps)
            self._tell_resets(assignment)
            return found

        fetcher._proc_fetch_request, fetcher._update_fetch_positions = fetch_and_see, position_and_tell

    def _see_resets(self, assignment: Any, request: Any) -> None:
        """Partitions that are not there any more at the offset that was asked for."""
        for topic, partitions in request.topics:
            for number, offset, *_ in partitions:
                tp = driver.TopicPartition(topic, number)
                if tp in assignment.tps and assignment.state_value(tp).awaiting_reset:
                    self._reset_from[tp] = offset

    def _tell_resets(self, assignment: Any) -> None:
        for tp, before in list(self._reset_from.items()):
            state = assignment.state_value(tp) if tp in assignment.tps else None
            if state is not None and not state.has_valid_position:
                continue
            del self._reset_from[tp]
            if state is not None and state.position > before:
                metrics.REMOVED_UNREAD.labels(tp.topic).inc(state.position - before)
                log.error(
                    "records_removed_unread",
                    topic=tp.topic,
                    partition=tp.partition,
                    first=before,
                    next=state.position,
                    look="the topic's retention; uploads: listings backfill",
                )
            elif state is not None and state.position < before:
                log.warning(
                    "read_from_the_first_record", topic=tp.topic, partition=tp.partition, offset_not_there=before
                )

    def highwater(self, tp: Any) -> int | None:
        """The end of what can be read of an assigned partition; None while nothing was fetched."""
        return stable_end(self._ensure_consumer(), tp)

    async def on_partitions_revoked(self, revoked: Any) -> None:
        self.readings.reset()  # from now on nothing is noted until there is another assignment
        await super().on_partitions_revoked(revoked)

    async def seek_to_committed(self) -> Mapping[Any, int | None]:
        """Go to the group's offsets; to the first record where an offset is one of a topic that is gone."""
        found: Mapping[Any, int | None] = await self.call_thread(self._seek_to_committed)
        return found

    async def _seek_to_committed(self) -> Mapping[Any, int | None]:
        consumer = self._ensure_consumer()
        assigned = consumer.assignment()
        committed = await consumer._coordinator.fetch_committed_offsets(assigned)
        offsets: dict[Any, int | None] = {}
        self.blame = {}
        for tp in assigned:
            kept = committed.get(tp)
            now = self.topic_ids.get(tp.topic)
            offsets[tp] = None if kept is None or kept.offset < 0 else kept.offset
            trace = Trace() if kept is None else trace_of(kept.metadata or "", kept.offset)
            if kept is not None and trace.topic_id and now and trace.topic_id != now:
                log.warning(
                    "offset_of_a_topic_that_is_gone", topic=tp.topic, partition=tp.partition, offset=kept.offset
                )
                offsets[tp] = None
                state = consumer._subscription.subscription.assignment.state_value(tp)
                state.await_reset(OffsetResetStrategy.EARLIEST)
                continue
            self._know_blame(tp, trace)
            after = self._after_skips(tp, offsets[tp] or 0)
            if after:
                offsets[tp] = after
                consumer._fetcher.seek_to(tp, after)
        return offsets

    def _know_blame(self, tp: Any, trace: Trace) -> None:
        self.blame[tp] = trace.blamed(self.worker)
        if trace.under_way and trace.worker != self.worker:
            metrics.SILENT_ENDS.labels(tp.topic).inc()
            log.warning(
                "worker_ended_without_a_word",
                worker=trace.worker,
                topic=tp.topic,
                partition=tp.partition,
                first=min(trace.under_way),
                records=len(trace.under_way),
                most_blame=max(self.blame[tp].values()),
            )

    async def _commit(self, offsets: Mapping[Any, int], traces: Mapping[Any, str] = _NO_TRACES) -> bool:
        consumer = self._ensure_consumer()
        assigned, cluster = consumer.assignment(), consumer._client.cluster
        due = {
            driver.ensure_aiokafka_TP(tp): OffsetAndMetadata(
                offset, metadata_of(self.topic_ids.get(tp.topic, ""), traces.get(tp, ""))
            )
            for tp, offset in offsets.items()
            if tp in assigned and cluster.partitions_for_topic(tp.topic)
        }
        if not due:
            return False
        try:
            async with asyncio.timeout(_COMMIT_S):
                await consumer.commit(due)
        except (CommitFailedError, TimeoutError) as error:
            log.info("commit_not_taken", reason=type(error).__name__)
            return False
        except Exception as error:
            log.error("commit_refused", exc_info=error)
            await self.crash(error)
            return False
        return True

    def _after_skips(self, tp: Any, offset: int) -> int:
        while (tp.topic, tp.partition, offset) in self.skips:
            offset += 1
        return offset

    def walk_past(self, tp: Any, offset: int) -> None:
        """Never ask for this offset where one can begin after it: its bytes may not be readable. From any thread."""
        self.skips.add((tp[0], tp[1], offset))
        self.thread_loop.call_soon_threadsafe(self._step_over, driver.TopicPartition(*tp), offset)

    def _step_over(self, tp: Any, offset: int) -> None:
        subscription = None if self._consumer is None else self._consumer._subscription.subscription
        assignment = None if subscription is None else subscription.assignment
        if assignment is None or tp not in assignment.tps:
            return
        state = assignment.state_value(tp)
        if state.has_valid_position and state.position == offset:
            self._ensure_consumer().seek(tp, self._after_skips(tp, offset))

    def rejoin(self) -> None:
        """Give partitions back and have them shared out anew; from any thread."""
        self.thread_loop.call_soon_threadsafe(self._ensure_consumer()._coordinator.request_rejoin)

    def end(self) -> BaseException | None:
        """What ended the consumer, or keeps it out of its group until somebody looks; None: nothing."""
        consumer = self._consumer
        if consumer is None or consumer._closed or self.should_stop:
            return None
        coordinator = consumer._coordinator
        if coordinator is None or coordinator._closing.done():
            return None
        pending: BaseException | None = coordinator._pending_exception
        if pending is not None:
            return self._judged(pending)
        if coordinator.generation >= 0:
            self._tries = 0
        for task in (coordinator._coordination_task, consumer._fetcher._fetch_task):
            if task.done() and not task.cancelled() and (error := task.exception()) is not None:
                failure: BaseException = error
                return failure
        return None

    def _judged(self, error: BaseException) -> BaseException | None:
        """The error when it is final. Any other holds up aiokafka until somebody takes note of it, so that is done."""
        if isinstance(error, _KEPT_OUT) or self._tries >= _TRIES:
            return error
        self._tries += 1
        log.warning("join_tried_again", reason=f"{type(error).__name__}: {error}", tries=self._tries)
        self.thread_loop.call_soon_threadsafe(self._take_note)
        return None

    def _take_note(self) -> None:
        with contextlib.suppress(KafkaError):
            self._ensure_consumer()._coordinator.check_errors()

    async def _fetch_records(
        self, consumer: Any, active_partitions: Any, timeout: float | None = None, max_records: int | None = None
    ) -> Mapping[Any, Any]:
        records: Mapping[Any, Any] = await super()._fetch_records(consumer, active_partitions, timeout, max_records)
        self._note(consumer, records)
        return records

    def _note(self, consumer: Any, records: Mapping[Any, Any]) -> None:
        """Without an await since the records were taken from the fetcher, so both tell of the same moment."""
        subscription = consumer._subscription.subscription
        assignment = None if subscription is None else subscription.assignment
        if assignment is None or not assignment.active or consumer._subscription.reassignment_in_progress:
            return
        if assignment is not self._assignment:
            self._assignment = assignment
            self.readings.reset()
        for tp, batch in records.items():
            if tp in assignment.tps:
                self.readings.of(tp).hand_on([record.offset for record in batch])
        now = time.monotonic()
        everything = not records or now - self._noted_at >= _NOTE_ALL_S
        if everything:
            self._noted_at = now
        for tp in assignment.tps if everything else assignment.tps & records.keys():
            state = assignment.state_value(tp)
            if state.has_valid_position:
                reading = self.readings.of(tp)
                reading.end, reading.top = _end(state), state.highwater
                reading.position = state.position


class _NothingDropped(dict[Any, Any]):
    """In place of the offsets up to which Faust has read: it drops whatever comes before them, without a word.

    Offsets go back where a log was cut off, or a topic is another one than that whose offset was committed: then all
    that comes before the old offset is new. What really comes twice does no harm.
    """

    def __getitem__(self, tp: Any) -> None:
        return None


class CommittedConsumer(driver.Consumer):  # type: ignore[misc]
    """Faust's consumer, with the thread above."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._read_offset = _NothingDropped()

    def _new_consumer_thread(self) -> CommittedThread:
        return CommittedThread(self, loop=self.loop, beacon=self.beacon)

    async def commit_traced(self, due: Mapping[Any, Due]) -> bool:
        """Commit offsets with their traces, of the partitions that are still assigned; True when they were taken."""
        offsets = {tp: one.offset for tp, one in due.items()}
        traces = {tp: one.trace for tp, one in due.items()}
        taken = bool(await self._thread.call_thread(self._thread._commit, offsets, traces))
        if taken:
            self._committed_offset.update(offsets)
        return taken

    def reading(self, tp: Any) -> Reading | None:
        """What was read of an assigned partition; None: nothing yet."""
        found: Reading | None = self._thread.readings.get(tp)
        return found

    def walk_past(self, tp: tuple[str, int], offset: int) -> None:
        """Never ask for an offset of a partition again, where it can be left out."""
        self._thread.walk_past(tp, offset)

    def know_topics(self, identities: Mapping[str, str]) -> None:
        """The ids that topics have now, where they are known; what was to be walked past of another is forgotten."""
        known = self._thread.topic_ids
        anew = {name for name, found in identities.items() if known.get(name, found) != found}
        if anew:
            self._thread.skips = {place for place in self._thread.skips if place[0] not in anew}
        self._thread.topic_ids = {**known, **identities}

    def topic_id(self, topic: str) -> str:
        """The id that a topic has now; "" while it is not known."""
        found: str = self._thread.topic_ids.get(topic, "")
        return found


class CommittedTransport(driver.Transport):  # type: ignore[misc]
    """Faust's transport, with the consumer above."""

    Consumer = CommittedConsumer


def stable_end(consumer: Any, tp: Any) -> int | None:
    """The offset up to which an assigned partition can be read; None while nothing of it was fetched."""
    return _end(consumer._subscription.subscription.assignment.state_value(tp))


def _end(state: Any) -> int | None:
    """By the last fetch: the last stable offset, or the high watermark of a broker that tells none."""
    stable: int | None = state.lso
    end: int | None = state.highwater
    return end if stable is None or stable < 0 else stable
