"""Which objects were never notified, and the notification that is sent in place of the missed one.

An object is done when its latest outcome is about its present version. Stores tell the time of an upload in whole
seconds in one answer and in milliseconds in another, so whole seconds are compared; of two uploads within one second
the entity tag tells which it was. It also tells when the newest version was removed and an older one is there again.
"""

from __future__ import annotations

from datetime import datetime
from urllib.parse import quote_plus

import orjson

from app.errors import Rejected
from app.model.document import time_of
from app.model.file import ObjectInfo
from app.model.listed import KnownVersion
from app.model.upload import OWN_SOURCE
from app.pipeline.notification import is_folder_marker, parse_notification

SOURCE = OWN_SOURCE
"""The `eventSource` of our own notifications; their keys are form-encoded, as Amazon's are."""


def is_missed(info: ObjectInfo, known: KnownVersion | None) -> bool:
    """Whether the object has no outcome at its present version.

    A rejected file is done as well. One that is known to be gone, though it is listed, is missed whatever the times
    say: they may be those of several clocks.
    """
    if known is None or known.is_gone:
        return True
    if _second(info.uploaded_at) > _second(known.uploaded_at):
        return True
    return bool(info.etag and known.etag) and info.etag != known.etag


def is_older(info: ObjectInfo, known: KnownVersion | None) -> bool:
    """Whether an object that was missed is older than what its outcome is about: that is what was removed.

    Within one second what is known to be gone counts as the newer one.
    """
    if known is None:
        return False
    listed, told = _second(info.uploaded_at), _second(max(known.uploaded_at, time_of(known.version)))
    return listed < told or (known.is_gone and listed == told)


def is_file(info: ObjectInfo) -> bool:
    """Whether it is an object that a notification would be about, not the marker of a folder."""
    return bool(info.key) and not is_folder_marker(info.key)


def created_notification(info: ObjectInfo) -> bytes:
    """The notification of an upload, in the shape that Amazon has defined; the same bytes for the same version."""
    about = {"key": _encoded(info.key), "size": info.size, "eTag": info.etag}
    return _notification("ObjectCreated:Put", info.bucket, about, info.uploaded_at)


def removed_notification(bucket: str, key: str, uploaded_at: datetime) -> bytes:
    """The notification of a removal, of the object or of its newest version; `uploaded_at` is the time of that."""
    return _notification("ObjectRemoved:Delete", bucket, {"key": _encoded(key)}, uploaded_at)


def objects_named(value: bytes | None, key: bytes | None = None) -> frozenset[str]:
    """`bucket/key` of every object that a record of `listing-uploads` is about; none when it can not be read.

    `key` is the record's own.
    """
    try:
        notification = parse_notification(value or b"", key)
    except Rejected:
        return frozenset()
    return frozenset(f"{event.bucket}/{event.key}" for event in notification.events)


def _notification(name: str, bucket: str, about: dict[str, object], at: datetime) -> bytes:
    record = {
        "eventVersion": "2.1",
        "eventSource": SOURCE,
        "eventTime": at,
        "eventName": name,
        "s3": {"s3SchemaVersion": "1.0", "bucket": {"name": bucket}, "object": about},
    }
    return orjson.dumps({"Records": [record]}, option=orjson.OPT_UTC_Z)


def _encoded(key: str) -> str:
    return quote_plus(key, safe="/")


def _second(at: datetime) -> datetime:
    return at.replace(microsecond=0)
