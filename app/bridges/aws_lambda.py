"""AWS Lambda function that queues the notifications it is invoked with; handler: `app.bridges.aws_lambda.handler`.

Invoked by SQS, by S3 or SNS directly, as a target of EventBridge, or by a pipe. Sources: AWS Lambda Developer Guide
("Using Lambda with Amazon SQS", "Implementing partial batch responses", "Process Amazon S3 event notifications with
Lambda", "Using Lambda with Amazon SNS"). Settings: `LISTINGS_KAFKA__…`, as for a worker; the function's time-out has to
be longer than `LISTINGS_KAFKA__PUBLISH_TIMEOUT_S`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

import structlog

from app.adapters.kafka_confirmed import ConfirmedProducer, Send
from app.bridges.relay import to_send
from app.errors import ListingsError
from app.model.topics import UPLOADS_TOPIC
from app.observability.logs import configure_logs
from app.settings import load_settings

log = structlog.get_logger("listings.bridge")

_TO_ANSWER_S = 2.0
"""Kept of the function's time, to answer before it is stopped."""


class Publisher(Protocol):
    def send_all(self, sends: Sequence[Send], give_up: Callable[[], bool]) -> list[ListingsError | None]: ...


@dataclass(frozen=True, slots=True)
class Notice:
    """One notification; `item` is its name in a batch whose items can fail one by one."""

    body: str
    item: str | None = None


def handler(event: object, context: Any) -> dict[str, object]:
    """Queue what the event holds; returns when Kafka has confirmed it.

    What is not confirmed: for a batch of SQS it is named in `batchItemFailures`, and SQS delivers it again. For all
    others the error is raised, and AWS invokes the function again with the same event.
    """
    return relay(event, _publisher(), _patience(context))


def relay(event: object, publisher: Publisher, give_up: Callable[[], bool]) -> dict[str, object]:
    """The same with a publisher of the caller's."""
    notices = notices_of(event)
    results = publisher.send_all([to_send(notice.body) for notice in notices], give_up)
    failed = [(notice, error) for notice, error in zip(notices, results, strict=True) if error is not None]
    if len(failed) < len(notices):
        log.info("notifications_queued", count=len(notices) - len(failed))
    if not failed:
        return {"batchItemFailures": []}
    first = failed[0][1]
    log.error("notifications_not_queued", count=len(failed), error_code=first.code, reason=first.message)
    items = [notice.item for notice, _ in failed]
    if not all(items):
        raise first
    return {"batchItemFailures": [{"itemIdentifier": item} for item in items]}


def notices_of(event: object) -> list[Notice]:
    """The notifications in an event. Lambda has parsed it: what was no text in it is written as JSON anew."""
    if isinstance(event, list) and event:
        return [_notice(one) for one in event]
    if isinstance(event, dict) and isinstance(records := event.get("Records"), list) and _are_messages(records):
        return [_notice(record) for record in records]
    return [Notice(_json(event))]


def _are_messages(records: Sequence[object]) -> bool:
    """Messages of SQS or SNS. Records of S3 are left together, as S3 would send them to a queue."""
    return bool(records) and all(
        isinstance(record, dict) and ("body" in record or "Sns" in record) for record in records
    )


def _notice(one: object) -> Notice:
    if not isinstance(one, dict):
        return Notice(_json(one))
    if "body" in one:
        item = one.get("messageId")
        return Notice(_text(one["body"]), item if isinstance(item, str) else None)
    if isinstance(sns := one.get("Sns"), Mapping) and "Message" in sns:
        return Notice(_text(sns["Message"]))
    return Notice(_json(one))


def _text(value: object) -> str:
    return value if isinstance(value, str) else _json(value)


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def _patience(context: Any) -> Callable[[], bool]:
    """Whether the function's time is nearly over."""
    remaining = getattr(context, "get_remaining_time_in_millis", None)
    until = time.monotonic() + (remaining() / 1000 - _TO_ANSWER_S if callable(remaining) else float("inf"))
    return lambda: time.monotonic() >= until


@cache
def _publisher() -> ConfirmedProducer:
    """One for all invocations of this process, which AWS keeps for the next ones."""
    settings = load_settings()
    configure_logs("json", settings.worker.log_level)
    return ConfirmedProducer(settings.kafka, UPLOADS_TOPIC)
