"""Clouds whose buckets are read by S3's API, but whose notifications are their own. None encodes keys.

Sources: Cloudflare R2 ("Event notifications", message format), Backblaze B2 ("Event Notifications Reference Guide"),
Google Cloud Storage ("Pub/Sub notifications", attributes; JSON API, resource `storage#object`; Eventarc, CloudEvents of
type `google.cloud.storage.object.v1.…`), the Pub/Sub connector for Kafka (attributes beside `message`).
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

import orjson

from app.errors import FailureCode
from app.model.upload import ObjectEvent, ObjectEventKind
from app.pipeline.notification.event import make_event, mapping, unknown_shape

_CREATED, _REMOVED = ObjectEventKind.CREATED, ObjectEventKind.REMOVED
_R2 = {
    "PutObject": _CREATED,
    "CopyObject": _CREATED,
    "CompleteMultipartUpload": _CREATED,
    "DeleteObject": _REMOVED,
    "LifecycleDeletion": _REMOVED,
}
_GCS = {
    "OBJECT_FINALIZE": _CREATED,
    "OBJECT_DELETE": _REMOVED,
    "OBJECT_ARCHIVE": _REMOVED,  # the live version became an old one
    "OBJECT_METADATA_UPDATE": None,
}
_GCS_CLOUD_EVENT = "google.cloud.storage.object.v1."
_GCS_CLOUD_EVENTS = {"finalized": _CREATED, "deleted": _REMOVED, "archived": _REMOVED}
_B2_GROUPS = {"ObjectCreated": _CREATED, "ObjectDeleted": _REMOVED, "HideMarkerCreated": _REMOVED}


def from_cloud(document: Mapping[str, object]) -> Iterator[ObjectEvent | FailureCode] | None:
    """The events of one of these clouds; None when the document is of none of them."""
    if isinstance(document.get("action"), str) and isinstance(about := document.get("object"), dict):
        return iter((_from_r2(document, about),))
    if _is_b2(document):
        return iter((_from_b2(document),))
    found = _from_gcs(document)
    return None if found is None else iter((found,))


def _from_r2(document: Mapping[str, object], about: Mapping[str, object]) -> ObjectEvent | FailureCode:
    kind = _R2.get(str(document["action"]))
    if kind is None:
        return FailureCode.EVENT_NOT_HANDLED
    size, etag, time = about.get("size"), about.get("eTag"), document.get("eventTime")
    return make_event(kind, document.get("bucket"), about.get("key"), size=size, etag=etag, time=time)


def _is_b2(document: Mapping[str, object]) -> bool:
    told = document.get("eventType")
    return isinstance(told, str) and told.startswith("b2:")


def _from_b2(event: Mapping[str, object]) -> ObjectEvent | FailureCode:
    """One of `events`; its time is in milliseconds since 1970."""
    _, group, *_ = str(event["eventType"]).split(":")
    if group == "TestEvent":
        return FailureCode.TEST_EVENT
    kind = _B2_GROUPS.get(group)
    if kind is None:
        return FailureCode.EVENT_NOT_HANDLED
    time = _rfc3339(event.get("eventTimestamp"))
    return make_event(
        kind, event.get("bucketName"), event.get("objectName"), size=event.get("objectSize"), etag=None, time=time
    )


def _rfc3339(milliseconds: object) -> str | None:
    if not isinstance(milliseconds, int) or isinstance(milliseconds, bool):
        return None
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds")
    except (ValueError, OverflowError, OSError):
        return None


def _from_gcs(document: Mapping[str, object]) -> ObjectEvent | FailureCode | None:
    message = document.get("message")
    for carrier in (message.get("attributes") if isinstance(message, dict) else None, document.get("attributes")):
        if isinstance(carrier, dict) and _has_gcs_attributes(carrier):
            return _from_gcs_attributes(carrier)
    if _has_gcs_attributes(document):
        return _from_gcs_attributes(document)
    kind = document.get("type")
    if isinstance(kind, str) and kind.startswith(_GCS_CLOUD_EVENT):
        return _from_gcs_cloud_event(document, kind.removeprefix(_GCS_CLOUD_EVENT))
    if document.get("kind") == "storage#object":
        return _from_gcs_object(document, None, None)
    if isinstance(message, dict) and isinstance(data := message.get("data"), str):
        return _from_gcs_object(_decoded(data), None, None)
    return None


def _has_gcs_attributes(carrier: Mapping[str, object]) -> bool:
    return "bucketId" in carrier and "objectId" in carrier and isinstance(carrier.get("eventType"), str)


def _from_gcs_attributes(attributes: Mapping[str, object]) -> ObjectEvent | FailureCode:
    """What is replaced by a newer upload is told as deleted too; the upload has a notification of its own."""
    kind = _GCS.get(str(attributes["eventType"]))
    if kind is None or (kind is _REMOVED and "overwrittenByGeneration" in attributes):
        return FailureCode.EVENT_NOT_HANDLED
    bucket, key, time = attributes["bucketId"], attributes["objectId"], attributes.get("eventTime")
    return make_event(kind, bucket, key, size=None, etag=None, time=time)


def _from_gcs_cloud_event(document: Mapping[str, object], name: str) -> ObjectEvent | FailureCode:
    kind = _GCS_CLOUD_EVENTS.get(name)
    if kind is None:
        return FailureCode.EVENT_NOT_HANDLED
    return _from_gcs_object(mapping(document.get("data"), "data"), kind, document.get("time"))


def _from_gcs_object(
    about: Mapping[str, object], kind: ObjectEventKind | None, time: object
) -> ObjectEvent | FailureCode:
    """The object as Google describes it; alone it only tells by `timeDeleted` that it is gone."""
    gone = about.get("timeDeleted")
    kind = kind or (_CREATED if gone is None else _REMOVED)
    when = time or gone or about.get("updated") or about.get("timeCreated")
    size, etag = about.get("size"), about.get("etag")
    return make_event(kind, about.get("bucket"), about.get("name"), size=size, etag=etag, time=when)


def _decoded(data: str) -> Mapping[str, object]:
    """The payload of a Pub/Sub message whose attributes were lost on the way."""
    try:
        return mapping(orjson.loads(b64decode(data, validate=True)), "message.data")
    except (binascii.Error, ValueError) as error:
        raise unknown_shape("`message.attributes`, or JSON in base64 as `message.data`") from error
