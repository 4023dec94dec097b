"""Finds the shape of a notification and opens the envelopes around it.

Envelopes: SNS (`Message`), SQS as Lambda (`body`) or its API (`Body`) give it, Lambda's record of SNS (`Sns`), Kafka
Connect's JSON converter (`schema`, `payload`), a JSON text as a JSON string; several events as `Records` (S3, Lambda),
`Messages` (SQS), `events` (Backblaze) or a bare list (EventBridge Pipes, older Versity). What is in them may be a JSON
text or the object itself. Sources: Amazon SNS ("Message and JSON formats"), AWS Lambda ("Using Lambda with Amazon SQS",
"… with Amazon SNS"), Amazon EventBridge ("Pipes batching and concurrency"), Kafka Connect
(`org.apache.kafka.connect.json.JsonConverter`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import islice

import orjson

from app.errors import FailureCode, Rejected
from app.model.upload import Notification, ObjectEvent
from app.pipeline.notification import seaweedfs
from app.pipeline.notification.clouds import from_cloud
from app.pipeline.notification.event import Seen, unknown_shape
from app.pipeline.notification.s3 import from_eventbridge, from_minio_summary, from_record

_ENVELOPES_MAX = 8
_EVENTS_MAX = 3_000
"""More than fit into a megabyte of what any store sends, and few enough to be read in one go."""
_ENVELOPES = ("Message", "body", "Body")
_CONNECT = (*_ENVELOPES, "payload")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_NO_EVENTS = ("SubscriptionConfirmation", "UnsubscribeConfirmation")


def parse_notification(value: bytes, key: bytes | None = None) -> Notification:
    """Read one record of `listing-uploads`; `key` is the record's, where the value alone does not name its object.

    Several events are each read for itself: what is left out on purpose is in `skipped`, what can not be read in
    `rejected`. When nothing in it can be read, or it holds over 3,000 events: `Rejected` with NOTIFICATION_NOT_JSON,
    NOTIFICATION_UNKNOWN_SHAPE or KEY_NOT_DECODABLE. Nothing else is ever raised, whatever the bytes.
    """
    seen = list(islice(_whole(value, key), _EVENTS_MAX + 1))
    if len(seen) > _EVENTS_MAX:
        raise unknown_shape(f"at most {_EVENTS_MAX:,} events in it: send them in several")
    events = tuple(item for item in seen if isinstance(item, ObjectEvent))
    skipped = tuple(item for item in seen if isinstance(item, FailureCode))
    rejected = tuple(item for item in seen if isinstance(item, Rejected))
    if rejected and not events and not skipped:
        raise rejected[0]
    if len(seen) == 1:
        events = tuple(replace(event, told=None) for event in events)
    return Notification(events, skipped, rejected)


def told_alone(event: ObjectEvent) -> bytes | None:
    """A notification of this one event out of several, readable by `parse_notification`; None: it came alone."""
    return None if event.told is None else orjson.dumps({"Records": [event.told]})


def _whole(value: bytes, key: bytes | None) -> Iterator[Seen]:
    """All of it; a refusal comes last, behind what was read before it."""
    try:
        yield from _read_bytes(value, key)
    except Rejected as error:
        yield error


def _read_bytes(value: bytes, key: bytes | None) -> Iterator[Seen]:
    try:
        document = _parse(value.removeprefix(_BYTE_ORDER_MARK))
    except Rejected:
        if not seaweedfs.is_queued(value):
            raise
        return seaweedfs.from_queue(value, key)
    return _read(document, 0)


def _parse(value: bytes | str) -> object:
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError as error:
        raise Rejected(
            FailureCode.NOTIFICATION_NOT_JSON,
            f"expected a notification in JSON (UTF-8), found something else: {error}",
        ) from error


def _read(document: object, envelopes: int) -> Iterator[Seen]:
    """What one document holds; raises, before its first event, when its shape is unknown."""
    if isinstance(document, str) and document.lstrip().startswith(("{", "[", '"')):
        return _open(document, envelopes)
    if isinstance(document, list) and document:
        return _each(document, envelopes)
    if not isinstance(document, dict):
        raise unknown_shape("a JSON object")
    for name in ("Records", "Messages", "events"):
        if isinstance(several := document.get(name), list):
            return _each(several, envelopes) if several else iter((FailureCode.EVENT_NOT_HANDLED,))
    return _read_object(document, envelopes)


def _read_object(document: Mapping[str, object], envelopes: int) -> Iterator[Seen]:
    """One event, or an envelope. The order matters: what is surest comes first."""
    if "eventName" in document or "s3" in document:
        return iter((from_record(document),))
    if document.get("Event") == "s3:TestEvent":
        return iter((FailureCode.TEST_EVENT,))
    if document.get("Type") in _NO_EVENTS:
        return iter((FailureCode.EVENT_NOT_HANDLED,))
    if (inner := _enveloped(document)) is not None:
        return _open(inner, envelopes)
    for read in _DIALECTS:
        if (found := read(document)) is not None:
            return iter(found)
    raise unknown_shape("`Records`, `detail`, `Event`, `Message` or another name that tells what it is")


def _each(several: Iterable[object], envelopes: int) -> Iterator[Seen]:
    for number, one in enumerate(several, 1):
        yield from _guarded(one, number, envelopes)


def _guarded(one: object, number: int, envelopes: int) -> Iterator[Seen]:
    """One of several: its trouble is its own."""
    try:
        if not isinstance(one, dict):
            raise unknown_shape("a JSON object")
        # A list in a list would count as no envelope, but is as deep.
        for seen in _read(one, envelopes) if not _is_several(one) else _open(one, envelopes):
            yield replace(seen, told=one) if isinstance(seen, ObjectEvent) and seen.told is None else seen
    except Rejected as error:
        yield Rejected(error.code, f"record {number}: {error.message}")


def _is_several(one: Mapping[str, object]) -> bool:
    return any(isinstance(one.get(name), list) for name in ("Records", "Messages", "events"))


def _enveloped(document: Mapping[str, object]) -> object:
    """What is inside the envelope: a text, an object or a list; None when this is none."""
    carrier: object = document.get("Sns", document)
    if isinstance(carrier, dict):
        for name in _CONNECT if "schema" in document else _ENVELOPES:
            if isinstance(inner := carrier.get(name), str | dict | list):
                return inner
    return None


def _open(inner: object, envelopes: int) -> Iterator[Seen]:
    if envelopes >= _ENVELOPES_MAX:
        raise unknown_shape(f"at most {_ENVELOPES_MAX} envelopes around it")
    return _read(_parse(inner) if isinstance(inner, str) else inner, envelopes + 1)


def _eventbridge(document: Mapping[str, object]) -> Iterable[Seen] | None:
    """The event, or its `detail` alone (a rule's input path `$.detail`)."""
    if isinstance(detail := document.get("detail"), dict):
        return (from_eventbridge(document, detail),)
    if isinstance(document.get("bucket"), dict) and isinstance(document.get("object"), dict):
        return (from_eventbridge({}, document),)
    return None


def _minio(document: Mapping[str, object]) -> Iterable[Seen] | None:
    name, path = document.get("EventName"), document.get("Key")
    if isinstance(name, str) and isinstance(path, str):
        return (from_minio_summary(name, path),)
    return None


def _seaweedfs(document: Mapping[str, object]) -> Iterable[Seen] | None:
    return seaweedfs.from_webhook(document) if seaweedfs.is_webhook(document) else None


_DIALECTS: tuple[Callable[[Mapping[str, object]], Iterable[Seen] | None], ...] = (
    _eventbridge,
    _minio,
    _seaweedfs,
    from_cloud,
)
