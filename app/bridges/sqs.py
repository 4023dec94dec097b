"""From a queue of SQS to Kafka: receive, publish, and delete only what Kafka has confirmed.

While Kafka is away nothing more is received, and what was received is held and sent again: every delivery counts, and
after too many of them SQS moves a message to its own dead-letter queue. A message that nobody can read is published as
it came, so it never blocks the queue.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog

from app.adapters.kafka_confirmed import Send
from app.bridges.relay import to_send
from app.errors import ListingsError, Outage
from app.failures.backoff import Backoff
from app.model.queued import QueuedMessage
from app.observability import metrics

log = structlog.get_logger("listings.bridge")


class MessageQueue(Protocol):
    """Each raises `Outage` when the queue can not be used at present."""

    def receive(self) -> list[QueuedMessage]:
        """What there is, ours for a while; waits for it, and none when the waiting time is over."""
        ...

    def delete(self, messages: Sequence[QueuedMessage]) -> int:
        """How many were not deleted."""
        ...

    def hold(self, messages: Sequence[QueuedMessage]) -> None:
        """Keep them for a while longer."""
        ...

    def give_back(self, messages: Sequence[QueuedMessage]) -> None:
        """Let others have them at once."""
        ...


class Publisher(Protocol):
    def send_all(self, sends: Sequence[Send], give_up: Callable[[], bool]) -> list[ListingsError | None]:
        """None for each that Kafka has confirmed; nothing is under way when it returns."""
        ...


@dataclass(slots=True)
class Tally:
    """What a run of the bridge did, in messages."""

    queued: int = 0
    """Confirmed by Kafka; one that could not be deleted then comes again, and counts again."""
    not_queued: int = 0
    """Left in the queue: refused by Kafka, or not confirmed when the bridge was stopped."""


class SqsBridge:
    """Carries messages until it is stopped."""

    def __init__(
        self,
        queue: MessageQueue,
        publisher: Publisher,
        *,
        backoff: Backoff,
        drain_s: float,
        draw: Callable[[], float],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """After `stop`, what is being published has `drain_s` seconds; `draw` gives random numbers in [0, 1)."""
        self._queue = queue
        self._publisher = publisher
        self._backoff = backoff
        self._drain_s = drain_s
        self._draw = draw
        self._monotonic = monotonic
        self._stopping = threading.Event()
        self._stop_by = float("inf")
        self._tally = Tally()

    def stop(self) -> None:
        """Receive nothing more, and end; may be called by a signal handler or another thread."""
        self._stop_by = min(self._stop_by, self._monotonic() + self._drain_s)
        self._stopping.set()

    def run(self, *, once: bool = False) -> Tally:
        """Carry until stopped; with `once`, until the queue has no more to give. Outages are waited out."""
        failures = 0
        while not self._stopping.is_set():
            try:
                messages = self._queue.receive()
            except Outage as outage:
                log.warning("queue_not_usable", reason=outage.message)
                failures += 1
                self._pause(failures)
                continue
            failures = 0
            if messages:
                self._carry(messages)
            elif once:
                break
        return self._tally

    def _carry(self, messages: Sequence[QueuedMessage]) -> None:
        """Until each is published and deleted, or can never be published, or the bridge is stopped."""
        failures = 0
        while messages and not self._stopping.is_set():
            messages = self._publish(messages)
            if messages:
                failures += 1
                self._told(self._queue.hold, messages)
                self._pause(failures)
        if messages:
            self._tally.not_queued += len(messages)
            self._told(self._queue.give_back, messages)

    def _publish(self, messages: Sequence[QueuedMessage]) -> list[QueuedMessage]:
        """Those that are to be sent again."""
        results = self._publisher.send_all([to_send(message.body) for message in messages], self._is_late)
        answers = list(zip(messages, results, strict=True))
        errors = [error for error in results if error is not None]
        if errors:
            log.error(
                "notifications_not_queued", count=len(errors), error_code=errors[0].code, reason=errors[0].message
            )
        metrics.BRIDGE_MESSAGES.labels("queued").inc(len(results) - len(errors))
        metrics.BRIDGE_MESSAGES.labels("not_queued").inc(len(errors))
        self._tally.queued += len(results) - len(errors)
        self._delete([message for message, error in answers if error is None])
        again = [message for message, error in answers if isinstance(error, Outage)]
        self._tally.not_queued += len(errors) - len(again)
        return again

    def _delete(self, messages: Sequence[QueuedMessage]) -> None:
        if not messages:
            return
        kept = self._told(self._queue.delete, messages)
        if kept != 0:
            log.warning("notifications_not_deleted", count=kept or len(messages))

    def _told(
        self, ask: Callable[[Sequence[QueuedMessage]], int | None], messages: Sequence[QueuedMessage]
    ) -> int | None:
        """The queue's answer. Without one, nothing is lost: the messages come again by themselves."""
        try:
            return ask(messages)
        except Outage as outage:
            log.warning("queue_not_usable", reason=outage.message)
            return None

    def _pause(self, failures: int) -> None:
        self._stopping.wait(self._backoff.delay_s(failures, self._draw))

    def _is_late(self) -> bool:
        return self._monotonic() >= self._stop_by
