"""Events of SeaweedFS' filer: JSON of its webhook, protobuf of its Kafka queue.

Source: the project's own definitions (`weed/pb/filer.proto`: EventNotification, Entry; `weed/notification`), and what
4.48 sent here. Both tell which entry of a folder was there before and which is there now; buckets are folders under
`/buckets`. The path that an event is about is the webhook's `key`, and the key of the queue's record: the queue's
message itself does not name the folder of an entry that is gone.

In a versioned bucket the object `X` is a folder `X.versions` with a file `v_ID` for each version and delete marker. A
new version is an upload of `X`, a delete marker and a version that is gone are removals; whether `X` is still there,
in an older version, is asked when the removal's turn comes. The folder's own events say the same again.
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from app.errors import FailureCode
from app.model.upload import ObjectEvent, ObjectEventKind
from app.pipeline.notification.event import make_event, mapping, text, unknown_shape
from app.pipeline.varint import TooLong, read_varint

_ROOT = "/buckets/"
_PARTS = ".uploads/"
"""Where a multipart upload is kept until it is complete."""
_VERSIONS = ".versions"
_VERSION_ID, _DELETE_MARKER = "Seaweed-X-Amz-Version-Id", "Seaweed-X-Amz-Delete-Marker"
_TOLD = (_VERSION_ID.encode(), _DELETE_MARKER.encode())
_OLD_ENTRY, _NEW_ENTRY, _NEW_PARENT = 1, 2, 4
_NAME, _IS_DIRECTORY, _EXTENDED = 1, 2, 5
_FIELDS_MAX = 10_000
"""A chunk is a field; SeaweedFS puts chunks into lists of their own long before there are so many."""
_VARINT, _EIGHT_BYTES, _LENGTH, _FOUR_BYTES = 0, 1, 2, 5

_Seen = ObjectEvent | FailureCode


@dataclass(frozen=True, slots=True)
class _Entry:
    """A file or folder as the filer has it."""

    name: str
    is_directory: bool
    version_id: str | None
    """Of a file that is a version of an object; a suspended bucket writes `null`."""
    is_delete_marker: bool


def is_webhook(document: Mapping[str, object]) -> bool:
    """Whether this is the body of a call of the filer's webhook."""
    return isinstance(document.get("event_type"), str) and isinstance(document.get("message"), dict)


def from_webhook(document: Mapping[str, object]) -> Iterator[_Seen]:
    """`key` is the full path; a renamed entry is gone there and new under `new_parent_path`."""
    message = document["message"]
    assert isinstance(message, dict)
    old, new = _json_entry(message, "old_entry"), _json_entry(message, "new_entry")
    path = text(document.get("key"), "`key`, a path")
    target = None
    if new is not None:
        target = f"{text(message.get('new_parent_path'), '`new_parent_path`')}/{new.name}"
    return _events(old, path, new, target)


def _json_entry(message: Mapping[str, object], name: str) -> _Entry | None:
    if message.get(name) is None:
        return None
    entry = mapping(message[name], name)
    extended = entry.get("extended")
    told = extended if isinstance(extended, dict) else {}
    return _Entry(
        text(entry.get("name"), "a name"),
        entry.get("is_directory") is True,
        _from_base64(told.get(_VERSION_ID)),
        _from_base64(told.get(_DELETE_MARKER)) == "true",
    )


def _from_base64(value: object) -> str | None:
    try:
        return b64decode(value, validate=True).decode() if isinstance(value, str) else None
    except (binascii.Error, ValueError):
        return None


def is_queued(value: bytes) -> bool:
    """Whether these bytes may be an EventNotification: it starts with one of the two entries, a JSON text does not."""
    return len(value) > 2 and value[0] in (_OLD_ENTRY << 3 | _LENGTH, _NEW_ENTRY << 3 | _LENGTH)


def from_queue(value: bytes, key: bytes | None) -> Iterator[_Seen]:
    """The events of one message of the Kafka queue; raises `Rejected` when it is none.

    `key` is the record's, the path of the entry. Without it, or with one that is not about this entry, a removal has
    no place and is left out: it is found when the bucket is compared with what was processed.
    """
    message = dict(_fields(value))
    old, new = (_queued_entry(message.get(number)) for number in (_OLD_ENTRY, _NEW_ENTRY))
    path = _path_of(key)
    if path is not None and (first := old or new) is not None and path.rpartition("/")[2] != first.name:
        path = None
    target = None
    if new is not None:
        parent = message.get(_NEW_PARENT)
        target = path if parent is None and path is not None else f"{_text(parent)}/{new.name}"
    return _events(None if path is None else old, path or "", new, target)


def _path_of(key: bytes | None) -> str | None:
    try:
        return key.decode() if key is not None and key.startswith(b"/") else None
    except UnicodeDecodeError:
        return None


def _queued_entry(value: int | bytes | None) -> _Entry | None:
    if value is None:
        return None
    entry: dict[int, int | bytes] = {}
    told: dict[str, str] = {}
    for number, item in _fields(_bytes(value)):
        if number != _EXTENDED:
            entry[number] = item
        elif isinstance(item, bytes) and any(name in item for name in _TOLD):
            pair = dict(_fields(item))
            told[_text(pair.get(1))] = _text(pair.get(2))
    return _Entry(
        _text(entry.get(_NAME)),
        entry.get(_IS_DIRECTORY) == 1,
        told.get(_VERSION_ID),
        told.get(_DELETE_MARKER) == "true",
    )


def _events(old: _Entry | None, path: str, new: _Entry | None, target: str | None) -> Iterator[_Seen]:
    """What became of the entry that was at `path`, and of the one that is at `target` now."""
    if old is not None and target != path:
        yield _event(ObjectEventKind.REMOVED, path, old)
    if new is not None and target is not None:
        is_same_version = old is not None and target == path and _object_of(target, new) is not None
        if is_same_version and not new.is_delete_marker:
            yield FailureCode.EVENT_NOT_HANDLED  # versions do not change; it became an older one
        else:
            yield _event(ObjectEventKind.CREATED, target, new)
    if old is None and new is None:
        yield FailureCode.EVENT_NOT_HANDLED


def _event(kind: ObjectEventKind, path: str, entry: _Entry) -> _Seen:
    versioned = _object_of(path, entry)
    if versioned is not None and entry.is_delete_marker:
        kind = ObjectEventKind.REMOVED
    bucket, _, key = (versioned or path).removeprefix(_ROOT).partition("/")
    if entry.is_directory or not path.startswith(_ROOT) or not key or key.startswith(_PARTS):
        return FailureCode.EVENT_NOT_HANDLED
    return make_event(kind, bucket, key, size=None, etag=None, time=None)


def _object_of(path: str, entry: _Entry) -> str | None:
    """The path of the object that this entry is a version of; None when it is a file of its own.

    A file that somebody has called `a.versions/v_1` carries another version id than its name, or none.
    """
    folder, _, name = path.rpartition("/")
    if entry.version_id is None or name != f"v_{entry.version_id}" or not folder.endswith(_VERSIONS):
        return None
    return folder.removesuffix(_VERSIONS)


def _fields(value: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The fields of one protobuf message with their numbers, in their order; encoding: protobuf.dev, "Encoding"."""
    at = count = 0
    while at < len(value):
        count += 1
        if count > _FIELDS_MAX:
            raise unknown_shape(f"at most {_FIELDS_MAX:,} fields in an EventNotification of SeaweedFS")
        tag, at = _varint(value, at)
        kind = tag & 7
        if kind == _VARINT:
            number, at = _varint(value, at)
            yield tag >> 3, number
            continue
        length, at = _varint(value, at) if kind == _LENGTH else (_fixed(kind), at)
        if at + length > len(value):
            raise unknown_shape("a whole EventNotification of SeaweedFS")
        yield tag >> 3, value[at : at + length]
        at += length


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
