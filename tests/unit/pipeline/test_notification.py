from __future__ import annotations

from urllib.parse import quote_plus

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import FailureCode, Rejected
from app.model.upload import Notification, ObjectEventKind
from app.pipeline.notification import parse_notification

AWS = "ObjectCreated:Put"


def record(key: object = "a.json", name: object = AWS, bucket: object = "b", **more: object) -> dict[str, object]:
    about = {"key": key, "size": 3, "eTag": "e", **more}
    return {"eventSource": "aws:s3", "eventName": name, "s3": {"bucket": {"name": bucket}, "object": about}}


def parse(document: object) -> Notification:
    return parse_notification(orjson.dumps(document))


def refusal(value: bytes) -> Rejected:
    with pytest.raises(Rejected) as caught:
        parse_notification(value)
    return caught.value


@pytest.mark.parametrize(
    ("sent", "key"),
    [
        ("2021-05-12T19%3A26%3A00%2B00%3A00/1.log", "2021-05-12T19:26:00+00:00/1.log"),
        ("red+flower.csv", "red flower.csv"),
        ("a%252Fb.csv", "a%2Fb.csv"),
        ("%F0%9F%9A%97.json", "🚗.json"),
        ("plain/é.json", "plain/é.json"),
        ("a%00b", "a\0b"),
    ],
)
def test_a_form_encoded_key_is_decoded_once(sent: str, key: str) -> None:
    assert parse({"Records": [record(sent)]}).events[0].key == key


@pytest.mark.parametrize("sent", ["100%.json", "a%zz", "%", "a%F", "%FF.json", "%C3"])
def test_a_key_that_can_not_be_decoded_is_refused(sent: str) -> None:
    error = refusal(orjson.dumps({"Records": [record(sent)]}))
    assert error.code is FailureCode.KEY_NOT_DECODABLE
    assert "s3.object.key" in error.message


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("ObjectCreated:Put", ObjectEventKind.CREATED),
        ("s3:ObjectCreated:CompleteMultipartUpload", ObjectEventKind.CREATED),
        ("ObjectSynced:Create", ObjectEventKind.CREATED),
        ("ObjectRemoved:DeleteMarkerCreated", ObjectEventKind.REMOVED),
        ("LifecycleExpiration:Delete", ObjectEventKind.REMOVED),
        ("ObjectLifecycle:Expiration:Current", ObjectEventKind.REMOVED),
    ],
)
def test_event_names_tell_what_happened(name: str, kind: ObjectEventKind) -> None:
    assert parse({"Records": [record(name=name)]}).events[0].kind is kind


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ({"Records": [record(name="s3:TestEvent")]}, FailureCode.TEST_EVENT),
        ({"Records": [record(name="ObjectRestore:Completed")]}, FailureCode.EVENT_NOT_HANDLED),
        ({"Records": [record(name="")]}, FailureCode.EVENT_NOT_HANDLED),
        ({"Records": []}, FailureCode.EVENT_NOT_HANDLED),
        ({"Type": "SubscriptionConfirmation", "Message": "You have chosen"}, FailureCode.EVENT_NOT_HANDLED),
        ({"Records": [record("folder/")]}, FailureCode.FOLDER_MARKER),
        ({"Records": [record("folder_%24folder%24")]}, FailureCode.FOLDER_MARKER),
    ],
)
def test_what_needs_no_work_is_skipped(document: object, code: FailureCode) -> None:
    assert parse(document) == Notification((), (code,))


def test_a_bad_record_does_not_take_its_neighbours_with_it() -> None:
    parsed = parse({"Records": [record("good.json"), record("%zz"), record("b/"), "text"]})
    assert [event.key for event in parsed.events] == ["good.json"]
    assert parsed.skipped == (FailureCode.FOLDER_MARKER,)
    assert [error.code for error in parsed.rejected] == [
        FailureCode.KEY_NOT_DECODABLE,
        FailureCode.NOTIFICATION_UNKNOWN_SHAPE,
    ]
    assert parsed.rejected[0].message.startswith("record 2:")


@pytest.mark.parametrize(
    ("size", "expected"),
    [("1024", 1024), (0, 0), (None, None), (-1, None), (True, None), (1.5, None), ("x", None), ("9" * 30, None)],
)
def test_the_size_is_taken_when_it_is_one(size: object, expected: int | None) -> None:
    assert parse({"Records": [record(size=size)]}).events[0].size == expected


def test_facts_of_the_wrong_type_are_left_out() -> None:
    event = parse({"Records": [{**record(eTag=7), "eventTime": ["now"]}]}).events[0]
    assert (event.etag, event.event_time) == (None, None)


@pytest.mark.parametrize(
    "value",
    [b"", b"not json", b'{"a": "\xff"}', b'{"Records": NaN}', b'{"k": "\\ud800"}', b"[" * 100_000],
)
def test_what_is_no_json_is_refused_as_such(value: bytes) -> None:
    error = refusal(value)
    assert error.code is FailureCode.NOTIFICATION_NOT_JSON
    assert len(error.message) < 300


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        7,
        "text",
        {},
        {"Records": "none"},
        {"Records": [None]},
        {"Records": [{}]},
        {"Records": [record(key=None)]},
        {"Records": [record(key="")]},
        {"Records": [record(key=["a"])]},
        {"Records": [record(bucket={"x": 1})]},
        {"Records": [record(bucket="b" * 300)]},
        {"Records": [record(name=3)]},
        {"Records": [{"eventName": AWS, "s3": {"bucket": [], "object": {}}}]},
        {"detail": {"bucket": {"name": "b"}}},
        {"Event": "s3:OtherEvent"},
    ],
)
def test_an_unknown_shape_is_refused_as_such(document: object) -> None:
    error = refusal(orjson.dumps(document))
    assert error.code is FailureCode.NOTIFICATION_UNKNOWN_SHAPE
    assert "expected a notification" in error.message


def test_a_key_longer_than_a_store_allows_is_refused() -> None:
    assert parse({"Records": [record("k" * 1024)]}).events
    assert refusal(orjson.dumps({"Records": [record("ä" * 513)]})).code is FailureCode.KEY_NOT_DECODABLE


def test_envelopes_are_opened_three_deep_and_no_deeper() -> None:
    document: object = {"Records": [record("a.json")]}
    for _ in range(3):
        document = {"Message": orjson.dumps(document).decode()}
    assert parse(document).events[0].key == "a.json"
    assert refusal(orjson.dumps({"Message": orjson.dumps(document).decode()})).code is (
        FailureCode.NOTIFICATION_UNKNOWN_SHAPE
    )


@given(key=st.text(min_size=1, max_size=200).filter(lambda key: not key.endswith(("/", "_$folder$"))))
def test_any_key_comes_back_as_the_store_knows_it(key: str) -> None:
    encoded = record(quote_plus(key))
    minio = {**encoded, "eventSource": "minio:s3"}
    plain = record(key)
    plain["eventSource"] = "ceph:s3"
    versity = record(key, name=f"s3:{AWS}")
    versity["s3"] = {"bucket": {"name": "b", "arn": f"arn:aws:s3:::/b/{key}"}, "object": {"key": key}}
    parsed = parse({"Records": [encoded, minio, plain, versity]})
    assert [event.key for event in parsed.events] == [key] * 4


_NAMES = st.sampled_from(
    ["Records", "s3", "bucket", "object", "name", "key", "size", "eTag", "eventName", "eventSource", "arn"]
) | st.sampled_from(["detail", "detail-type", "reason", "Message", "body", "Sns", "Event", "Type"])
_TEXTS = st.text(max_size=20) | st.sampled_from([AWS, "s3:TestEvent", "ceph:s3", "arn:aws:s3:::/b", "%", "a%20b", "{}"])
_LEAVES = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | _TEXTS
_JSON = st.recursive(
    _LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_NAMES, inner, max_size=6), max_leaves=40
)


@given(document=_JSON)
def test_no_json_makes_it_raise_anything_else(document: object) -> None:
    _read_or_refuse(orjson.dumps(document))


@given(value=st.binary(max_size=200))
def test_no_bytes_make_it_raise_anything_else(value: bytes) -> None:
    _read_or_refuse(value)


def _read_or_refuse(value: bytes) -> None:
    try:
        parsed = parse_notification(value)
    except Rejected as error:
        assert error.code in (
            FailureCode.NOTIFICATION_NOT_JSON,
            FailureCode.NOTIFICATION_UNKNOWN_SHAPE,
            FailureCode.KEY_NOT_DECODABLE,
        )
    else:
        assert parsed.events or parsed.skipped
        assert all(event.bucket and event.key for event in parsed.events)
