"""Looks at its own worker every second, and tells people what they have to know.

Whatever goes wrong here harms nothing else: no record waits for it, and a fault of its own is logged.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

import structlog
from prometheus_client import Gauge, Histogram
from prometheus_client.samples import Sample

from app.agents.engine import Engine
from app.agents.outages import Outages
from app.agents.schema_watch import SchemaWatch
from app.model.topics import UPLOADS_TOPIC
from app.observability import metrics
from app.observability.alerts.alarms import Alarms, Observation
from app.observability.alerts.dead_letters import Letter
from app.observability.alerts.texts import Message
from app.observability.alerts.watches import DownServer
from app.ports import Clock

log = structlog.get_logger("listings.alerts")
FIRST_PARTITION = (UPLOADS_TOPIC, 0)
"""Its owner is the one worker that tells first what all of them may see."""
EVERY_S = 1.0
_POLL_S = 0.05


class Sender(Protocol):
    """Where messages go (`app.adapters.notifier.Notifier`)."""

    def send(self, message: Message) -> None:
        """Take a message; returns at once, never raises."""
        ...

    def close(self) -> None:
        """Take no more, and give up what fails."""
        ...

    @property
    def is_idle(self) -> bool:
        """Nothing waits to be sent."""
        ...


class Alerting:
    """`observe` gives what the worker sees of itself; `signature` tells in each message which worker speaks."""

    def __init__(
        self, alarms: Alarms, observe: Callable[[], Observation], sender: Sender, clock: Clock, signature: str
    ) -> None:
        self._alarms = alarms
        self._observe = observe
        self._sender = sender
        self._clock = clock
        self._signature = signature
        self._task: asyncio.Task[None] | None = None
        self._failed = False

    def start(self) -> None:
        """Begin to look; needs the running event loop."""
        self._task = asyncio.create_task(self._run())

    async def aclose(self, limit_s: float) -> None:
        """Stop looking, send what is left, and wait for it no longer than `limit_s`."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        for message in self._alarms.rest(self._clock.monotonic()):
            self._send(message)
        self._sender.close()
        deadline = self._clock.monotonic() + limit_s
        while not self._sender.is_idle and self._clock.monotonic() < deadline:
            await asyncio.sleep(_POLL_S)

    def dead_letter(self, letter: Letter) -> None:
        """Note a dead letter for the next message."""
        self._alarms.dead_letter(self._clock.monotonic(), letter)

    def look(self) -> None:
        """Look once, and send what has to be told; never raises."""
        try:
            for message in self._alarms.observe(self._observe()):
                self._send(message)
        except Exception as error:
            if not self._failed:
                log.error("alerting_failed", exc_info=error)
            self._failed = True
        else:
            self._failed = False

    def _send(self, message: Message) -> None:
        metrics.ALERTS.labels(message.kind).inc()
        log.warning("alert_raised", kind=message.kind, title=message.title, is_over=message.is_over)
        self._sender.send(replace(message, body=f"{message.body}\nFrom {self._signature}"))

    async def _run(self) -> None:
        while True:
            self.look()
            await asyncio.sleep(EVERY_S)


def observe(
    engine: Engine, outages: Outages, clock: Clock, not_reading: Callable[[], Sequence[str]], schemas: SchemaWatch
) -> Observation:
    """What a worker sees of itself now."""
    at = clock.now()
    down = [DownServer(o.dependency, max(0.0, (at - o.since).total_seconds()), o.reason) for o in outages.open]
    return Observation(
        now=clock.monotonic(),
        down=down,
        tells_first=engine.owns(*FIRST_PARTITION),
        handing_over=bool(engine.not_ready()),
        held=int(sum(sample.value for sample in _samples(metrics.DEAD_LETTERS_REFUSED))),
        partitions=engine.progress(),
        not_reading=not_reading(),
        freshness=_freshness(),
        schemas=schemas.found,
    )


def _freshness() -> list[tuple[float, float]]:
    """The histogram's finite bounds with the number of files up to each."""
    found = [sample for sample in _samples(metrics.FRESHNESS) if "le" in sample.labels]
    samples = [(float(sample.labels["le"]), sample.value) for sample in found]
    return sorted((bound, number) for bound, number in samples if math.isfinite(bound))


def _samples(metric: Gauge | Histogram) -> list[Sample]:
    return [sample for family in metric.collect() for sample in family.samples]
