"""What a store says happened, in every dialect met so far, as our own events.

The shapes (told apart by content, never by a setting, and unknown fields are ignored everywhere):

- `{"Records": [{"eventName", "s3": {"bucket", "object"}}]}`: AWS, Versity, MinIO, Ceph; also one such record bare;
- `{"detail": {"bucket", "object"}}`: AWS EventBridge;
- `{"Event": "s3:TestEvent"}`: the test a store sends when notifications are switched on;
- one of these as a JSON text inside an SNS (`Message`) or SQS (`body`) envelope.

Keys: AWS and MinIO form-encode them (`+` is a space, `%2B` a plus), AWS leaving slashes alone and MinIO not; Versity,
Ceph and EventBridge send them as they are. Versity 1.8 claims to be `aws:s3`, but its bucket ARN starts with a slash
(`arn:aws:s3:::/bucket/key`), which no bucket name can.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from urllib.parse import unquote_plus

import orjson

from app.errors import FailureCode, Rejected
from app.model.upload import Notification, ObjectEvent, ObjectEventKind

_ENVELOPES_MAX = 3
_KEY_MAX_BYTES = 1024
_BUCKET_MAX = 255
_SIZE_MAX = 2**63 - 1
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_CREATED = frozenset({"Put", "Post", "Copy", "CompleteMultipartUpload", "*"})
"""Under `ObjectCreated:`; MinIO also counts tags, retention and legal holds there, which bring no content."""
_EVENTBRIDGE = {
    "Object Created": ObjectEventKind.CREATED,
    "Object Deleted": ObjectEventKind.REMOVED,
}

_Seen = ObjectEvent | FailureCode | Rejected


def parse_notification(value: bytes) -> Notification:
    """Read one record of `listing-uploads`.

    Several events are each read for itself: what is left out on purpose is in `skipped`, what can not be read in
    `rejected`. When nothing in it can be read: `Rejected` with NOTIFICATION_NOT_JSON, NOTIFICATION_UNKNOWN_SHAPE or
    KEY_NOT_DECODABLE. Nothing else is ever raised, whatever the bytes.
    """
    seen = list(_read(_parse(value), 0))
    events = tuple(item for item in seen if isinstance(item, ObjectEvent))
    skipped = tuple(item for item in seen if isinstance(item, FailureCode))
    rejected = tuple(item for item in seen if isinstance(item, Rejected))
    if rejected and not events and not skipped:
        raise rejected[0]
    return Notification(events, skipped, rejected)


def _parse(value: bytes | str) -> object:
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError as error:
        raise Rejected(
            FailureCode.NOTIFICATION_NOT_JSON,
            f"expected a notification in JSON (UTF-8), found something else: {error}",
        ) from error


def _read(document: object, envelopes: int) -> Iterator[_Seen]:
    """What one document holds; raises when its shape is unknown."""
    if not isinstance(document, dict):
        raise _unknown("a JSON object")
    if isinstance(records := document.get("Records"), list):
        for number, record in enumerate(records, 1):
            yield from _guarded(record, number, envelopes)
        if not records:
            yield FailureCode.EVENT_NOT_HANDLED
    elif document.get("Event") == "s3:TestEvent":
        yield FailureCode.TEST_EVENT
    elif document.get("Type") in ("SubscriptionConfirmation", "UnsubscribeConfirmation"):
        yield FailureCode.EVENT_NOT_HANDLED
    elif (inner := _enveloped(document)) is not None:
        yield from _open_envelope(inner, envelopes)
    elif isinstance(detail := document.get("detail"), dict):
        yield _from_eventbridge(document, detail)
    elif "eventName" in document or "s3" in document:
        yield _from_record(document)
    else:
        raise _unknown("`Records`, `detail`, `Event` or `Message` in it")


def _guarded(record: object, number: int, envelopes: int) -> Iterator[_Seen]:
    """One of several records: its trouble is its own."""
    try:
        if not isinstance(record, dict):
            raise _unknown("a JSON object")
        inner = _enveloped(record.get("Sns") if isinstance(record.get("Sns"), dict) else record)
        if inner is not None:
            yield from list(_open_envelope(inner, envelopes))
        else:
            yield _from_record(record)
    except Rejected as error:
        yield Rejected(error.code, f"record {number}: {error.message}")


def _enveloped(document: object) -> str | None:
    """The text inside an SNS or SQS envelope; None when this is none."""
    if isinstance(document, dict) and "s3" not in document:
        for name in ("Message", "body", "Body"):
            if isinstance(inner := document.get(name), str):
                return inner
    return None


def _open_envelope(inner: str, envelopes: int) -> Iterator[_Seen]:
    if envelopes >= _ENVELOPES_MAX:
        raise _unknown(f"at most {_ENVELOPES_MAX} envelopes around it")
    yield from _read(_parse(inner), envelopes + 1)


def _from_record(record: Mapping[str, object]) -> ObjectEvent | FailureCode:
    """A record as AWS defined it (Amazon S3 User Guide, "Event message structure")."""
    name = record.get("eventName")
    if not isinstance(name, str):
        raise _unknown("a text `eventName`")
    kind = _kind(name.removeprefix("s3:"))
    if isinstance(kind, FailureCode):
        return kind
    s3 = _object(record.get("s3"), "s3")
    bucket = _object(s3.get("bucket"), "s3.bucket")
    about = _object(s3.get("object"), "s3.object")
    key = _text(about.get("key"), "s3.object.key")
    if not _sends_plain_keys(record.get("eventSource"), bucket.get("arn")):
        key = _form_decoded(key)
    return _event(kind, bucket.get("name"), key, about, record.get("eventTime"))


def _kind(name: str) -> ObjectEventKind | FailureCode:
    """What an event name without `s3:` means; names of AWS, MinIO, Ceph and Versity."""
    group, _, action = name.partition(":")
    if group == "ObjectCreated" and (action in _CREATED or not action):
        return ObjectEventKind.CREATED
    if group == "ObjectSynced" and action in ("Create", "*"):
        return ObjectEventKind.CREATED  # Ceph: it arrived from another zone
    if group in ("ObjectRemoved", "LifecycleExpiration") or name.startswith("ObjectLifecycle:Expiration"):
        return ObjectEventKind.REMOVED
    return FailureCode.TEST_EVENT if group == "TestEvent" else FailureCode.EVENT_NOT_HANDLED


def _from_eventbridge(document: Mapping[str, object], detail: Mapping[str, object]) -> ObjectEvent | FailureCode:
    """An EventBridge event; rules may strip it down to `detail`, where the reason tells what happened."""
    bucket = _object(detail.get("bucket"), "detail.bucket")
    about = _object(detail.get("object"), "detail.object")
    told = document.get("detail-type")
    kind: ObjectEventKind | None
    if isinstance(told, str):
        kind = _EVENTBRIDGE.get(told)
    else:
        removed = detail.get("reason") in ("DeleteObject", "Lifecycle Expiration") or "deletion-type" in detail
        kind = ObjectEventKind.REMOVED if removed else ObjectEventKind.CREATED
    if kind is None:
        return FailureCode.EVENT_NOT_HANDLED
    key = _text(about.get("key"), "detail.object.key")
    return _event(kind, bucket.get("name"), key, about, document.get("time"))


def _event(
    kind: ObjectEventKind, bucket: object, key: str, about: Mapping[str, object], time: object
) -> ObjectEvent | FailureCode:
    name = _text(bucket, "the bucket's name")
    if len(name) > _BUCKET_MAX:
        raise _unknown(f"a bucket name of at most {_BUCKET_MAX} characters")
    if len(key.encode()) > _KEY_MAX_BYTES:
        raise Rejected(FailureCode.KEY_NOT_DECODABLE, f"expected a key of at most {_KEY_MAX_BYTES:,} bytes")
    if is_folder_marker(key):
        return FailureCode.FOLDER_MARKER
    etag = about.get("eTag", about.get("etag"))
    return ObjectEvent(
        kind=kind,
        bucket=name,
        key=key,
        size=_size(about.get("size")),
        etag=etag.strip('"') if isinstance(etag, str) and 0 < len(etag) <= _BUCKET_MAX else None,
        event_time=time if isinstance(time, str) and len(time) <= _BUCKET_MAX else None,
    )


def is_folder_marker(key: str) -> bool:
    """Whether the key stands for a folder: consoles make `folder/`, Hadoop makes `folder_$folder$`."""
    return key.endswith(("/", "_$folder$"))


def _sends_plain_keys(source: object, arn: object) -> bool:
    return source == "ceph:s3" or (isinstance(arn, str) and arn.startswith("arn:aws:s3:::/"))


def _form_decoded(key: str) -> str:
    """Decode `application/x-www-form-urlencoded` once; a `%` that starts no escape was never encoded."""
    try:
        if _BAD_ESCAPE.search(key):
            raise ValueError("a % without two hexadecimal digits")
        return unquote_plus(key, errors="strict")
    except ValueError as error:
        reason = "bytes that are no UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
        raise Rejected(
            FailureCode.KEY_NOT_DECODABLE, f"expected a form-encoded object key (s3.object.key), found {reason}"
        ) from error


def _object(value: object, name: str) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise _unknown(f"an object `{name}`")
    return value


def _text(value: object, name: str) -> str:
    if not isinstance(value, str) or not value:
        raise _unknown(f"a text, not empty, as {name}")
    return value


def _size(value: object) -> int | None:
    """Ceph writes the size as text."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= len(str(_SIZE_MAX)):
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _SIZE_MAX else None


def _unknown(expected: str) -> Rejected:
    return Rejected(
        FailureCode.NOTIFICATION_UNKNOWN_SHAPE,
        f"expected a notification of S3, MinIO, Ceph, Versity or EventBridge, with {expected}",
    )
