"""What speaks like S3: records of AWS, MinIO, Versity and Ceph, and events of AWS EventBridge.

Sources: Amazon S3 User Guide ("Event message structure", "Amazon S3 EventBridge events"), Amazon EventBridge User Guide
("AWS service events delivered via CloudTrail"), MinIO ("Bucket notifications", `EventName` and `Key` beside `Records`),
Ceph ("Bucket Notifications", "S3 Bucket Notifications Compatibility"), Versity 1.8.0 as recorded here.

Keys: AWS and MinIO form-encode them (`+` is a space, `%2B` a plus), AWS leaving slashes alone and MinIO not; Versity,
Ceph and EventBridge send them as they are. Versity claims to be `aws:s3`, but its bucket ARN starts with a slash
(`arn:aws:s3:::/bucket/key`), which no bucket name can.
"""

from __future__ import annotations

import re
from binascii import a2b_qp
from collections.abc import Mapping
from dataclasses import replace

from app.errors import FailureCode, Rejected
from app.model.upload import OWN_SOURCE, ObjectEvent, ObjectEventKind
from app.pipeline.notification.event import KEY_MAX_BYTES, key_too_long, make_event, mapping, text, unknown_shape

_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_ENCODED_MAX = 3 * KEY_MAX_BYTES  # an escape is three characters for one byte
_NO_CONTENT = frozenset({"DeleteTagging", "PutAcl", "PutLegalHold", "PutRetention", "PutTagging"})
"""Counted by MinIO under `ObjectCreated:`. An action that nobody knows yet is taken for an upload: none may be lost."""
_COPIED_HERE = frozenset({"Create", "*"})
_DELETED_HERE = frozenset({"Delete", "DeletionMarkerCreated", "DeleteMarkerCreated"})
_EVENTBRIDGE = {
    "Object Created": ObjectEventKind.CREATED,
    "Object Deleted": ObjectEventKind.REMOVED,
}
_API_CALLS = {
    "PutObject": ObjectEventKind.CREATED,
    "CopyObject": ObjectEventKind.CREATED,
    "CompleteMultipartUpload": ObjectEventKind.CREATED,
    "DeleteObject": ObjectEventKind.REMOVED,
}


def from_record(record: Mapping[str, object]) -> ObjectEvent | FailureCode:
    """A record as AWS defined it, of any of these stores; alone (Ceph, older Versity) or one of `Records`."""
    name = record.get("eventName")
    if not isinstance(name, str):
        raise unknown_shape("a text `eventName`")
    kind = _kind(name.removeprefix("s3:"))
    if isinstance(kind, FailureCode):
        return kind
    s3 = mapping(record.get("s3"), "s3")
    bucket = mapping(s3.get("bucket"), "s3.bucket")
    about = mapping(s3.get("object"), "s3.object")
    key = text(about.get("key"), "s3.object.key")
    if not _sends_plain_keys(record.get("eventSource"), bucket.get("arn")):
        key = _form_decoded(key)
    event = _event(kind, bucket, key, about, record.get("eventTime"))
    if isinstance(event, ObjectEvent) and record.get("eventSource") == OWN_SOURCE:
        return replace(event, is_told_again=True)
    return event


def from_minio_summary(name: str, path: str) -> ObjectEvent | FailureCode:
    """MinIO's `EventName` and `Key` (`bucket/key`, not encoded) where the records beside them were cut off."""
    kind = _kind(name.removeprefix("s3:"))
    if isinstance(kind, FailureCode):
        return kind
    bucket, _, key = path.partition("/")
    return make_event(kind, bucket, key, size=None, etag=None, time=None)


def from_eventbridge(document: Mapping[str, object], detail: Mapping[str, object]) -> ObjectEvent | FailureCode:
    """An EventBridge event; rules may strip it down to `detail`, where the reason tells what happened."""
    if detail.get("eventSource") == "s3.amazonaws.com":
        return _from_cloudtrail(detail)
    bucket = mapping(detail.get("bucket"), "detail.bucket")
    about = mapping(detail.get("object"), "detail.object")
    told = document.get("detail-type")
    kind: ObjectEventKind | None
    if isinstance(told, str):
        kind = _EVENTBRIDGE.get(told)
    else:
        removed = detail.get("reason") in ("DeleteObject", "Lifecycle Expiration") or "deletion-type" in detail
        kind = ObjectEventKind.REMOVED if removed else ObjectEventKind.CREATED
    if kind is None:
        return FailureCode.EVENT_NOT_HANDLED
    return _event(kind, bucket, text(about.get("key"), "detail.object.key"), about, document.get("time"))


def _from_cloudtrail(detail: Mapping[str, object]) -> ObjectEvent | FailureCode:
    """A rule on API calls; a call that failed changed nothing, and DeleteObjects does not tell its keys."""
    name = detail.get("eventName")
    kind = _API_CALLS.get(name) if isinstance(name, str) else None
    if kind is None or "errorCode" in detail:
        return FailureCode.EVENT_NOT_HANDLED
    asked = mapping(detail.get("requestParameters"), "detail.requestParameters")
    return make_event(
        kind, asked.get("bucketName"), asked.get("key"), size=None, etag=None, time=detail.get("eventTime")
    )


def _event(
    kind: ObjectEventKind, bucket: Mapping[str, object], key: str, about: Mapping[str, object], time: object
) -> ObjectEvent | FailureCode:
    etag = about.get("eTag", about.get("etag"))
    size, sequencer = about.get("size"), about.get("sequencer")
    return make_event(kind, bucket.get("name"), key, size=size, etag=etag, time=time, sequencer=sequencer)


def _kind(name: str) -> ObjectEventKind | FailureCode:
    """What an event name without `s3:` means."""
    group, _, action = name.partition(":")
    kind: ObjectEventKind | None = None
    if group == "ObjectCreated":
        kind = None if action in _NO_CONTENT else ObjectEventKind.CREATED
    elif group in ("ObjectSynced", "Replication"):  # Ceph: it arrived from another zone, or went there
        kind = _of_another_zone(action)
    elif group == "ObjectRemoved":
        kind = None if action == "NoOP" else ObjectEventKind.REMOVED  # MinIO: there was nothing to remove
    elif group == "LifecycleExpiration" or (group == "ObjectLifecycle" and _expires_current(action)):
        kind = ObjectEventKind.REMOVED
    elif group == "TestEvent":
        return FailureCode.TEST_EVENT
    return kind or FailureCode.EVENT_NOT_HANDLED


def _of_another_zone(action: str) -> ObjectEventKind | None:
    """AWS reports the progress of its own replication under other actions; they change nothing here."""
    if action in _COPIED_HERE:
        return ObjectEventKind.CREATED
    return ObjectEventKind.REMOVED if action in _DELETED_HERE else None


def _expires_current(action: str) -> bool:
    """Ceph: an old version or an unfinished upload that expires leaves the object as it is."""
    what, _, which = action.partition(":")
    return what == "Expiration" and not which.lower().startswith(("noncurrent", "abort"))


def _sends_plain_keys(source: object, arn: object) -> bool:
    return source == "ceph:s3" or (isinstance(arn, str) and arn.startswith("arn:aws:s3:::/"))


def _form_decoded(key: str) -> str:
    """Decode `application/x-www-form-urlencoded` once; a `%` that starts no escape was never encoded."""
    if len(key) > _ENCODED_MAX:
        raise key_too_long()  # before any work on it
    try:
        if _BAD_ESCAPE.search(key):
            raise ValueError("a % without two hexadecimal digits")
        return _unquoted(key).decode() if "%" in key else key.replace("+", " ")
    except ValueError as error:
        reason = "bytes that are no UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
        raise Rejected(
            FailureCode.KEY_NOT_DECODABLE, f"expected a form-encoded object key (s3.object.key), found {reason}"
        ) from error


def _unquoted(key: str) -> bytes:
    """As `urllib.parse.unquote_plus`, which would hold the event loop for 50 ms over a megabyte of escapes.

    The "Q" encoding of RFC 2047, which is decoded in C, only has other signs: `=` for `%`, and `_` for `+`.
    """
    encoded = key.encode().replace(b"=", b"=3D").replace(b"_", b"=5F").replace(b"+", b"_").replace(b"%", b"=")
    return a2b_qp(encoded, header=True)
