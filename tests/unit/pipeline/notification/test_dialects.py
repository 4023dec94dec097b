"""What every dialect has to stand: keys of any characters, fields nobody knows, values nobody expected."""

from __future__ import annotations

import copy
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import FailureCode, Rejected
from app.model.upload import ObjectEventKind
from app.pipeline.notification import parse_notification

RECORDED = Path(__file__).resolve().parents[3] / "contract" / "notifications"
FILES = sorted(RECORDED.glob("*.json"))
DOCUMENTS = {path.stem: orjson.loads(path.read_bytes()) for path in FILES}
BUCKET = "listings-uploads"
KEYS = st.text(min_size=1, max_size=200).filter(lambda key: not key.endswith(("/", "_$folder$")))
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def varint(number: int) -> bytes:
    return bytes([number]) if number < 0x80 else bytes([number & 0x7F | 0x80]) + varint(number >> 7)


def field(number: int, content: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(content)) + content


def queued(key: str) -> bytes:
    """What SeaweedFS puts on Kafka for a new file."""
    folder, _, name = f"/buckets/{BUCKET}/{key}".rpartition("/")
    return field(2, field(1, name.encode()) + field(4, b"\x08\x02")) + b"\x18\x00" + field(4, folder.encode())


def _object(key: str) -> dict[str, object]:
    return {"kind": "storage#object", "bucket": BUCKET, "name": key}


def _attributes(key: str) -> dict[str, object]:
    return {"eventType": "OBJECT_FINALIZE", "bucketId": BUCKET, "objectId": key}


def _filer(key: str) -> dict[str, object]:
    folder, _, name = f"/buckets/{BUCKET}/{key}".rpartition("/")
    message = {"new_entry": {"name": name}, "new_parent_path": folder}
    return {"key": f"/buckets/{BUCKET}/{key}", "event_type": "create", "message": message}


PLAIN: dict[str, Callable[[str], object]] = {
    "eventbridge": lambda key: {"detail": {"bucket": {"name": BUCKET}, "object": {"key": key}}},
    "eventbridge-detail": lambda key: {"bucket": {"name": BUCKET}, "object": {"key": key}},
    "cloudtrail": lambda key: {
        "detail": {
            "eventSource": "s3.amazonaws.com",
            "eventName": "PutObject",
            "requestParameters": {"bucketName": BUCKET, "key": key},
        }
    },
    "minio-summary": lambda key: {"EventName": "s3:ObjectCreated:Put", "Key": f"{BUCKET}/{key}"},
    "r2": lambda key: {"account": "a", "action": "PutObject", "bucket": BUCKET, "object": {"key": key}},
    "b2": lambda key: {"events": [{"eventType": "b2:ObjectCreated:Upload", "bucketName": BUCKET, "objectName": key}]},
    "gcs-push": lambda key: {"message": {"attributes": _attributes(key)}},
    "gcs-data": lambda key: {"message": {"data": b64encode(orjson.dumps(_object(key))).decode()}},
    "gcs-object": _object,
    "gcs-eventarc": lambda key: {"type": "google.cloud.storage.object.v1.finalized", "data": _object(key)},
    "seaweedfs": _filer,
}


@pytest.mark.parametrize("dialect", PLAIN)
@given(key=KEYS)
def test_a_key_comes_back_as_the_store_knows_it(dialect: str, key: str) -> None:
    (event,) = parse_notification(orjson.dumps(PLAIN[dialect](key))).events
    assert (event.kind, event.bucket, event.key) == (ObjectEventKind.CREATED, BUCKET, key)


@given(key=KEYS)
def test_a_key_of_the_filers_queue_comes_back(key: str) -> None:
    (event,) = parse_notification(queued(key)).events
    assert (event.kind, event.bucket, event.key) == (ObjectEventKind.CREATED, BUCKET, key)


def _with_unknown_fields(value: object) -> object:
    if isinstance(value, dict):
        known = {name: _with_unknown_fields(inner) for name, inner in value.items()}
        return {"awsGeneratedTags": {}, **known, "has-object-annotation": False, "новое": [None, {"a": 1}]}
    if isinstance(value, list):
        return [_with_unknown_fields(inner) for inner in value]
    if isinstance(value, str) and value.startswith(("{", "[")):
        return orjson.dumps(_with_unknown_fields(orjson.loads(value))).decode()
    return value


@pytest.mark.parametrize("name", DOCUMENTS)
def test_unknown_fields_are_ignored_at_every_level(name: str) -> None:
    document = DOCUMENTS[name]
    changed = orjson.dumps(_with_unknown_fields(document))
    assert changed != orjson.dumps(document)
    assert parse_notification(changed) == parse_notification(orjson.dumps(document))


def _places(value: object, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    if isinstance(value, dict | list):
        for name, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _places(inner, (*path, name))


@given(data=st.data())
def test_no_value_in_a_known_shape_makes_it_raise_anything_else(data: st.DataObject) -> None:
    document = copy.deepcopy(data.draw(st.sampled_from(list(DOCUMENTS.values()))))
    path = data.draw(st.sampled_from([place for place in _places(document) if place]))
    inner = document
    for name in path[:-1]:
        inner = inner[name]
    if data.draw(st.booleans()) and isinstance(inner, dict):
        del inner[path[-1]]
    else:
        inner[path[-1]] = data.draw(_JSON)
    read_or_refuse(orjson.dumps(document))


@given(value=st.sampled_from([path.read_bytes() for path in RECORDED.iterdir()]), data=st.data())
def test_no_damage_to_known_bytes_makes_it_raise_anything_else(value: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(value)))
    damage = data.draw(st.binary(max_size=4))
    read_or_refuse(value[:at] + damage + value[at + data.draw(st.integers(0, 4)) :])


@given(rest=st.binary(max_size=60), first=st.sampled_from([b"\x0a", b"\x12"]))
def test_no_bytes_of_a_filers_queue_make_it_raise_anything_else(first: bytes, rest: bytes) -> None:
    read_or_refuse(first + rest)


def read_or_refuse(value: bytes) -> None:
    try:
        parsed = parse_notification(value)
    except Rejected as error:
        assert error.code in (
            FailureCode.NOTIFICATION_NOT_JSON,
            FailureCode.NOTIFICATION_UNKNOWN_SHAPE,
            FailureCode.KEY_NOT_DECODABLE,
        )
        assert len(error.message) < 300
    else:
        assert parsed.events or parsed.skipped
        assert all(event.bucket and event.key for event in parsed.events)


@pytest.mark.parametrize(
    "document",
    [
        {"action": "ListObjects", "bucket": "b", "object": {"key": "a.json"}},
        {"eventType": "b2:MultipartUploadCreated:LiveRead", "bucketName": "b", "objectName": "a.json"},
        {"events": []},
        {"detail": {"eventSource": "s3.amazonaws.com", "eventName": "DeleteObjects"}},
        {"detail": {"eventSource": "s3.amazonaws.com", "eventName": ["PutObject"]}},
        {
            "detail": {
                "eventSource": "s3.amazonaws.com",
                "eventName": "PutObject",
                "errorCode": "AccessDenied",
                "requestParameters": {"bucketName": "b", "key": "a.json"},
            }
        },
        {"type": "google.cloud.storage.object.v1.metadataUpdated", "data": {"bucket": "b", "name": "a.json"}},
        {"eventType": "OBJECT_ANYTHING", "bucketId": "b", "objectId": "a.json"},
        {"event_type": "update", "key": "/buckets/b/a.json", "message": {}},
        {"event_type": "create", "key": "/topics/x", "message": {"new_entry": {"name": "x"}, "new_parent_path": "/t"}},
    ],
)
def test_what_needs_no_work_is_skipped(document: object) -> None:
    assert parse_notification(orjson.dumps(document)).skipped == (FailureCode.EVENT_NOT_HANDLED,)


def test_a_test_of_backblaze_is_one() -> None:
    assert parse_notification(b'{"events":[{"eventType":"b2:TestEvent"}]}').skipped == (FailureCode.TEST_EVENT,)


@pytest.mark.parametrize("stamp", [10**30, -(10**18), True, "1772359387123", None, 1.5])
def test_a_time_that_is_none_is_left_out(stamp: object) -> None:
    event = {"eventType": "b2:ObjectDeleted:Delete", "bucketName": "b", "objectName": "a.json", "eventTimestamp": stamp}
    value = b'{"events":[' + repr_json(event) + b"]}"
    assert parse_notification(value).events[0].event_time is None


def repr_json(event: dict[str, object]) -> bytes:
    """JSON with numbers beyond 64 bits, which orjson reads and does not write."""
    import json

    return json.dumps(event).encode()


def test_an_object_of_google_that_is_gone_says_so() -> None:
    about = {**_object("a.json"), "timeDeleted": "2026-03-01T10:03:07Z", "updated": "2026-02-01T00:00:00Z"}
    (event,) = parse_notification(orjson.dumps(about)).events
    assert (event.kind, event.event_time) == (ObjectEventKind.REMOVED, "2026-03-01T10:03:07Z")


def test_a_file_moved_in_the_filer_is_gone_here_and_new_there() -> None:
    message = {"old_entry": {"name": "a"}, "new_entry": {"name": "b.json"}, "new_parent_path": "/buckets/other/x"}
    moved = {"event_type": "rename", "key": "/buckets/b/a", "message": message}
    events = parse_notification(orjson.dumps(moved)).events
    assert [(event.kind, event.bucket, event.key) for event in events] == [
        (ObjectEventKind.REMOVED, "b", "a"),
        (ObjectEventKind.CREATED, "other", "x/b.json"),
    ]


def test_a_file_written_again_in_the_filer_is_only_new() -> None:
    message = {"old_entry": {"name": "a.json"}, "new_entry": {"name": "a.json"}, "new_parent_path": "/buckets/b"}
    written = {"event_type": "update", "key": "/buckets/b/a.json", "message": message}
    (event,) = parse_notification(orjson.dumps(written)).events
    assert event.kind is ObjectEventKind.CREATED


@pytest.mark.parametrize("name", ["old_entry", "new_entry"])
@pytest.mark.parametrize("entry", [[], "a.json", 1, False])
def test_entries_of_the_filer_that_are_none_are_refused(name: str, entry: object) -> None:
    message = {"old_entry": {"name": "a"}, "new_entry": {"name": "b"}, "new_parent_path": "/buckets/b", name: entry}
    with pytest.raises(Rejected) as caught:
        parse_notification(orjson.dumps({"event_type": "rename", "key": "/buckets/b/a", "message": message}))
    assert caught.value.code is FailureCode.NOTIFICATION_UNKNOWN_SHAPE


@pytest.mark.parametrize(
    "value",
    [
        queued("a.json")[:-1],
        b"\x12\x03\x08\x01",
        b"\x12" + b"\xff" * 11,
        b"\x12\x02\x0b\x00",
        field(2, field(1, b"\xff\xfe")) + field(4, b"/buckets/b"),
        field(2, field(1, b"a.json")),
        b"\x12\x00" + b"\x10\x01",
        queued("a.json") + b"\x18\x01" * 10_001,
    ],
)
def test_damaged_messages_of_the_filers_queue_are_refused(value: bytes) -> None:
    with pytest.raises(Rejected) as caught:
        parse_notification(value)
    assert caught.value.code is FailureCode.NOTIFICATION_UNKNOWN_SHAPE


def test_a_message_of_the_filers_queue_may_have_fields_of_every_kind() -> None:
    more = b"\x39" + b"\0" * 8 + b"\x45" + b"\0" * 4 + b"\x48\xff\xff\xff\xff\xff\xff\xff\xff\x7f"
    assert parse_notification(queued("a.json") + more).events[0].key == "a.json"
