"""Our own event, made of what a dialect found; the checks that hold for every dialect."""

from __future__ import annotations

from collections.abc import Mapping

from app.errors import FailureCode, Rejected
from app.model.upload import ObjectEvent, ObjectEventKind

KEY_MAX_BYTES = 1024
_BUCKET_MAX = 255
_SIZE_MAX = 2**63 - 1

Seen = ObjectEvent | FailureCode | Rejected
"""An event, why one is left out on purpose, or why one can not be read."""


def make_event(
    kind: ObjectEventKind,
    bucket: object,
    key: object,
    *,
    size: object,
    etag: object,
    time: object,
    sequencer: object = None,
) -> ObjectEvent | FailureCode:
    """The event, or FOLDER_MARKER; facts of the wrong type are left out.

    `key` is decoded. `Rejected`: NOTIFICATION_UNKNOWN_SHAPE without a bucket or key, KEY_NOT_DECODABLE for a key that
    is longer than S3 allows (1,024 bytes).
    """
    name = text(bucket, "the bucket's name")
    if len(name) > _BUCKET_MAX:
        raise unknown_shape(f"a bucket name of at most {_BUCKET_MAX} characters")
    about = text(key, "the object's key")
    if len(about.encode()) > KEY_MAX_BYTES:
        raise key_too_long()
    if is_folder_marker(about):
        return FailureCode.FOLDER_MARKER
    return ObjectEvent(
        kind=kind,
        bucket=name,
        key=about,
        size=_size(size),
        etag=etag.strip('"') if isinstance(etag, str) and 0 < len(etag) <= _BUCKET_MAX else None,
        event_time=time if isinstance(time, str) and 0 < len(time) <= _BUCKET_MAX else None,
        sequencer=sequencer if isinstance(sequencer, str) and 0 < len(sequencer) <= _BUCKET_MAX else None,
    )


def is_folder_marker(key: str) -> bool:
    """Whether the key stands for a folder: consoles make `folder/`, Hadoop makes `folder_$folder$`."""
    return key.endswith(("/", "_$folder$"))


def mapping(value: object, name: str) -> Mapping[str, object]:
    """The JSON object `value`; otherwise the notification has no shape that we know."""
    if not isinstance(value, dict):
        raise unknown_shape(f"an object `{name}`")
    return value


def text(value: object, name: str) -> str:
    """The text `value`, not empty; otherwise the notification has no shape that we know."""
    if not isinstance(value, str) or not value:
        raise unknown_shape(f"a text, not empty, as {name}")
    return value


def key_too_long() -> Rejected:
    """The refusal of a key that S3 does not allow either."""
    return Rejected(FailureCode.KEY_NOT_DECODABLE, f"expected a key of at most {KEY_MAX_BYTES:,} bytes")


def unknown_shape(expected: str) -> Rejected:
    """The refusal of what is JSON, but no notification that we know."""
    return Rejected(
        FailureCode.NOTIFICATION_UNKNOWN_SHAPE,
        f"expected a notification in a shape of connectors/notifications/README.md, with {expected}",
    )


def _size(value: object) -> int | None:
    """Ceph and Google write the size as text."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= len(str(_SIZE_MAX)):
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _SIZE_MAX else None
