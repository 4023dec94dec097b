"""`listings bridge`: notifications of stores that can not write to Kafka themselves."""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict

import click
import structlog
from aiohttp import web

from app.adapters.kafka_confirmed import ConfirmedProducer
from app.adapters.sqs import SqsQueue
from app.bridges.sqs import SqsBridge
from app.cli.output import Output, output_option, print_fields, print_json
from app.errors import FailureCode, OperatorError, Outage
from app.failures.backoff import Backoff
from app.model.topics import UPLOADS_TOPIC
from app.observability.health import tell_metrics
from app.observability.listening import listening_in_thread
from app.observability.logs import configure_logs
from app.settings import Settings, load_settings

log = structlog.get_logger("listings.bridge")

_TO_PUBLISH = 0.6
"""Share of the time to stop that publishing may take; the rest is for giving back what is not confirmed."""


@click.group("bridge")
def command() -> None:
    """Carry notifications to Kafka for a store that can not write to it."""


@command.command("sqs")
@click.option("--queue-url", help="Address of the queue; LISTINGS_BRIDGE__QUEUE_URL by default.")
@click.option("--once", is_flag=True, help="End when the queue has no more to give.")
@output_option
def sqs(queue_url: str | None, once: bool, output: str) -> None:
    """Empty a queue of SQS into `listing-uploads`, until SIGTERM or Ctrl-C.

    A message is deleted only after Kafka has confirmed it, so nothing is lost; what is carried twice does no harm.
    Start as many as needed. Exit code 1 when messages were left in the queue since Kafka refused them.
    """
    settings = load_settings()
    configure_logs(settings.worker.log_format, settings.worker.log_level)
    bridge = _bridge(settings, queue_url or settings.bridge.queue_url)
    log.info("bridge_started", queue=queue_url or settings.bridge.queue_url, topic=UPLOADS_TOPIC)
    with _stopped_by_signals(bridge, settings.bridge.drain_s), _metrics(settings):
        tally = bridge.run(once=once)
    log.info("bridge_stopped", **asdict(tally))
    if output == Output.JSON:
        print_json(asdict(tally))
    else:
        print_fields({"queued": tally.queued, "left in the queue": tally.not_queued})
    sys.exit(1 if once and tally.not_queued else 0)


def _bridge(settings: Settings, queue_url: str | None) -> SqsBridge:
    if not queue_url:
        raise OperatorError(
            FailureCode.SETTING_INVALID, "which queue? name it by --queue-url or LISTINGS_BRIDGE__QUEUE_URL"
        )
    bridge = settings.bridge
    queue = SqsQueue(queue_url, bridge)
    producer = ConfirmedProducer(settings.kafka, UPLOADS_TOPIC)
    with suppress(Outage):  # it is waited out like any later one
        queue.check()
    backoff = Backoff(bridge.backoff_base_s, bridge.backoff_cap_s)
    return SqsBridge(queue, producer, backoff=backoff, drain_s=bridge.drain_s * _TO_PUBLISH, draw=random.random)


@contextmanager
def _stopped_by_signals(bridge: SqsBridge, drain_s: float) -> Iterator[None]:
    """SIGTERM and Ctrl-C stop the bridge. Past its time it is ended all the same: what is not deleted comes again."""

    def stop(*_: object) -> None:
        bridge.stop()
        killer = threading.Timer(drain_s, os._exit, (1,))
        killer.daemon = True
        killer.start()

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _metrics(settings: Settings) -> Iterator[None]:
    if settings.bridge.http_port == 0:
        yield
        return
    app = web.Application()
    app.router.add_get("/metrics", tell_metrics)
    with ExitStack() as stack:
        try:
            stack.enter_context(listening_in_thread(app, settings.worker.http_host, settings.bridge.http_port))
        except OSError as error:
            raise OperatorError(
                FailureCode.SETTING_INVALID, f"port {settings.bridge.http_port} can not be used: {error.strerror}"
            ) from error
        yield
