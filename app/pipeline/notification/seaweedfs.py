"""Events of SeaweedFS' filer: JSON of its webhook, protobuf of its Kafka queue.

Source: the project's own definitions (`weed/pb/filer.proto`: EventNotification, Entry; `weed/notification`). Both tell
which entry of a folder was there before and which is there now; buckets are folders under `/buckets`. The queue's
message does not name the folder of an entry that is gone (only the record's key does), so removals come by the webhook
alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from app.errors import FailureCode
from app.model.upload import ObjectEvent, ObjectEventKind
from app.pipeline.notification.event import make_event, mapping, text, unknown_shape
from app.pipeline.varint import TooLong, read_varint

_ROOT = "/buckets/"
_PARTS = ".uploads/"
"""Where a multipart upload is kept until it is complete."""
_OLD_ENTRY, _NEW_ENTRY, _NEW_PARENT = 1, 2, 4
_NAME, _IS_DIRECTORY = 1, 2
_FIELDS_MAX = 10_000
"""A chunk is a field; SeaweedFS puts chunks into lists of their own long before there are so many."""
_VARINT, _EIGHT_BYTES, _LENGTH, _FOUR_BYTES = 0, 1, 2, 5


def is_webhook(document: Mapping[str, object]) -> bool:
    """Whether this is the body of a call of the filer's webhook."""
    return isinstance(document.get("event_type"), str) and isinstance(document.get("message"), dict)


def from_webhook(document: Mapping[str, object]) -> Iterator[ObjectEvent | FailureCode]:
    """`key` is the full path; a renamed entry is gone there and new under `new_parent_path`."""
    message = document["message"]
    assert isinstance(message, dict)
    old, new = _entry(message, "old_entry"), _entry(message, "new_entry")
    path = text(document.get("key"), "`key`, a path")
    target = None
    if new is not None:
        target = f"{text(message.get('new_parent_path'), '`new_parent_path`')}/{text(new.get('name'), 'a name')}"
    if old is not None and target != path:
        yield _event(ObjectEventKind.REMOVED, path, old.get("is_directory") is True)
    if new is not None and target is not None:
        yield _event(ObjectEventKind.CREATED, target, new.get("is_directory") is True)
    if old is None and new is None:
        yield FailureCode.EVENT_NOT_HANDLED


def _entry(message: Mapping[str, object], name: str) -> Mapping[str, object] | None:
    return None if message.get(name) is None else mapping(message[name], name)


def is_queued(value: bytes) -> bool:
    """Whether these bytes may be an EventNotification: it starts with one of the two entries, a JSON text does not."""
    return len(value) > 2 and value[0] in (_OLD_ENTRY << 3 | _LENGTH, _NEW_ENTRY << 3 | _LENGTH)


def from_queue(value: bytes) -> ObjectEvent | FailureCode:
    """The event of one message of the Kafka queue; `Rejected` when it is none."""
    message = _fields(value)
    if _NEW_ENTRY not in message:
        return FailureCode.EVENT_NOT_HANDLED
    entry = _fields(_bytes(message[_NEW_ENTRY]))
    path = f"{_text(message.get(_NEW_PARENT))}/{_text(entry.get(_NAME))}"
    return _event(ObjectEventKind.CREATED, path, entry.get(_IS_DIRECTORY) == 1)


def _event(kind: ObjectEventKind, path: str, is_directory: bool) -> ObjectEvent | FailureCode:
    bucket, _, key = path.removeprefix(_ROOT).partition("/")
    if is_directory or not path.startswith(_ROOT) or not key or key.startswith(_PARTS):
        return FailureCode.EVENT_NOT_HANDLED
    return make_event(kind, bucket, key, size=None, etag=None, time=None)


def _fields(value: bytes) -> dict[int, int | bytes]:
    """The fields of one protobuf message by number, the last one of each; encoding: protobuf.dev, "Encoding"."""
    fields: dict[int, int | bytes] = {}
    at = count = 0
    while at < len(value):
        count += 1
        if count > _FIELDS_MAX:
            raise unknown_shape(f"at most {_FIELDS_MAX:,} fields in an EventNotification of SeaweedFS")
        tag, at = _varint(value, at)
        kind = tag & 7
        if kind == _VARINT:
            fields[tag >> 3], at = _varint(value, at)
            continue
        length, at = _varint(value, at) if kind == _LENGTH else (_fixed(kind), at)
        if at + length > len(value):
            raise unknown_shape("a whole EventNotification of SeaweedFS")
        fields[tag >> 3], at = value[at : at + length], at + length
    return fields


def _fixed(kind: int) -> int:
    if kind == _EIGHT_BYTES:
        return 8
    if kind == _FOUR_BYTES:
        return 4
    raise unknown_shape("fields of an EventNotification of SeaweedFS")


def _varint(value: bytes, at: int) -> tuple[int, int]:
    try:
        return read_varint(value, at)
    except (IndexError, TooLong) as error:
        raise unknown_shape("whole numbers of at most 64 bits in an EventNotification of SeaweedFS") from error


def _bytes(value: int | bytes | None) -> bytes:
    if not isinstance(value, bytes):
        raise unknown_shape("entries in an EventNotification of SeaweedFS")
    return value


def _text(value: int | bytes | None) -> str:
    try:
        return _bytes(value).decode()
    except UnicodeDecodeError as error:
        raise unknown_shape("names in UTF-8 in an EventNotification of SeaweedFS") from error
