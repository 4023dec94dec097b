from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote_plus, unquote_plus

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
    [
        b"",
        b"not json",
        b'{"a": "\xff"}',
        b'{"Records": NaN}',
        b'{"Records": [{}], "size": 1e400}',
        b'{"k": "\\ud800"}',
        b"[" * 100_000,
    ],
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
    assert parse({"Records": [record("%C3%A4" * 512)]}).events[0].key == "ä" * 512
    assert refusal(orjson.dumps({"Records": [record("%41" * 1025)]})).code is FailureCode.KEY_NOT_DECODABLE
    assert refusal(orjson.dumps({"Records": [record("ä" * 513)]})).code is FailureCode.KEY_NOT_DECODABLE


_WRAPS: list[Callable[[object], object]] = [
    lambda inner: {"Type": "Notification", "Message": orjson.dumps(inner).decode()},
    lambda inner: {"Records": [{"messageId": "1", "body": orjson.dumps(inner).decode(), "eventSource": "aws:sqs"}]},
    lambda inner: {"Records": [{"EventSource": "aws:sns", "Sns": {"Message": orjson.dumps(inner).decode()}}]},
    lambda inner: {"Messages": [{"Body": orjson.dumps(inner).decode()}]},
    lambda inner: {"schema": None, "payload": inner},
    lambda inner: [{"body": inner}],
    lambda inner: orjson.dumps(inner).decode(),
]


@pytest.mark.parametrize("wrap", _WRAPS)
@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"Records": [record("a.json")]}, "a.json"),
        (record("a.json"), "a.json"),
        ({"Service": "Amazon S3", "Event": "s3:TestEvent"}, FailureCode.TEST_EVENT),
        ({"source": "aws.s3", "detail": {"bucket": {"name": "b"}, "object": {"key": "a.json"}}}, "a.json"),
    ],
)
def test_an_envelope_is_opened_to_any_sensible_depth(
    wrap: Callable[[object], object], document: object, expected: object
) -> None:
    for depth in range(1, 9):
        document = wrap(document)
        parsed = parse(document)
        assert (parsed.events[0].key if parsed.events else parsed.skipped[0]) == expected, depth
    assert refusal(orjson.dumps(wrap(document))).code is FailureCode.NOTIFICATION_UNKNOWN_SHAPE


def test_records_in_records_end_as_well() -> None:
    value = b'{"Records":[' * 300 + b"]}" * 300
    assert "at most 8 envelopes" in refusal(value).message


def test_a_message_of_several_holds_several() -> None:
    body = orjson.dumps({"Records": [record("a.json"), record("old.json", name="ObjectRemoved:Delete")]}).decode()
    parsed = parse(
        {"Records": [{"body": body}, {"body": "no JSON"}, {"body": orjson.dumps([record("b.json")]).decode()}]}
    )
    assert [(event.kind, event.key) for event in parsed.events] == [
        (ObjectEventKind.CREATED, "a.json"),
        (ObjectEventKind.REMOVED, "old.json"),
        (ObjectEventKind.CREATED, "b.json"),
    ]
    (rejected,) = parsed.rejected
    assert (rejected.code, rejected.message[:9]) == (FailureCode.NOTIFICATION_NOT_JSON, "record 2:")


@pytest.mark.parametrize("version", ["2.0", "2.1", "2.2", "2.3", "2.6", "3.1", None, 7])
def test_any_version_of_the_event_is_read(version: object) -> None:
    assert parse({"Records": [{**record(), "eventVersion": version}]}).events[0].key == "a.json"


@pytest.mark.parametrize(
    "key", ["/a.json", "//a.json", "a//b.json", "a/../b.json", "a b+c%20ä🚗.json", "%", "a?b#c&d=e"]
)
def test_an_odd_key_is_kept_as_it_is(key: str) -> None:
    assert parse({"Records": [record(quote_plus(key))]}).events[0].key == key


def test_facts_for_order_are_kept_and_make_no_other_event() -> None:
    sent = [
        record("a.json", sequencer=sequencer, versionId=version)
        for sequencer, version in (("9", "x"), ("1A", None), (7, None), ("F" * 300, None))
    ]
    events = parse({"Records": sent}).events
    assert len(set(events)) == 1
    assert [event.sequencer for event in events] == ["9", "1A", None, None]


def test_a_name_that_is_there_twice_counts_as_it_was_written_last() -> None:
    value = orjson.dumps({"Records": [record("a.json")]})
    assert parse_notification(value.replace(b'"key":', b'"key":"first.json","key":')).events[0].key == "a.json"


@pytest.mark.parametrize("size", [b"1e300", b"-1e300", b"9" * 300, b"1" * 25, b"0.1e-400"])
def test_a_size_beyond_all_bounds_is_left_out(size: bytes) -> None:
    value = orjson.dumps({"Records": [record("a.json", size=0)]}).replace(b'"size":0', b'"size":' + size)
    assert parse_notification(value).events[0].size is None


def test_a_byte_order_mark_is_no_hindrance() -> None:
    assert parse_notification(b"\xef\xbb\xbf" + orjson.dumps({"Records": [record()]})).events


def test_a_notification_of_a_megabyte_is_read() -> None:
    padded = {"Records": [record(f"{number}.json", padding="x" * 300) for number in range(2_000)]}
    assert len(orjson.dumps(padded)) > 800_000
    assert len(parse(padded).events) == 2_000
    assert parse({"Records": [record("a.json", padding="x" * 1_000_000)]}).events


@pytest.mark.parametrize("one", [record("a.json"), {}, 7, {"Event": "s3:TestEvent"}])
def test_more_events_than_a_store_sends_are_refused(one: object) -> None:
    assert "at most 3,000 events" in refusal(orjson.dumps({"Records": [one] * 3_001})).message


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("ObjectCreated", ObjectEventKind.CREATED),
        ("ObjectCreated:SomethingNew", ObjectEventKind.CREATED),
        ("s3:Replication:Create", ObjectEventKind.CREATED),
        ("Replication:Delete", ObjectEventKind.REMOVED),
        ("ObjectSynced:Delete", ObjectEventKind.REMOVED),
        ("s3:ObjectRemoved:DeleteObjects", ObjectEventKind.REMOVED),
        ("s3:ObjectRemoved:DeleteAllVersions", ObjectEventKind.REMOVED),
        ("LifecycleExpiration:DeleteMarkerCreated", ObjectEventKind.REMOVED),
        ("ObjectLifecycle:Expiration:DeleteMarker", ObjectEventKind.REMOVED),
    ],
)
def test_more_event_names_tell_what_happened(name: str, kind: ObjectEventKind) -> None:
    assert parse({"Records": [record(name=name)]}).events[0].kind is kind


@pytest.mark.parametrize(
    "name",
    [
        "ObjectCreated:PutTagging",
        "ObjectRemoved:NoOP",
        "Replication:OperationFailedReplication",
        "ObjectLifecycle:Expiration:Noncurrent",
        "ObjectLifecycle:Expiration:AbortMPU",
        "ObjectLifecycle:Transition:Current",
        "LifecycleTransition",
        "ObjectAcl:Put",
        "IntelligentTiering",
        "ReducedRedundancyLostObject",
    ],
)
def test_what_brings_no_content_and_takes_none_is_skipped(name: str) -> None:
    assert parse({"Records": [record(name=name)]}) == Notification((), (FailureCode.EVENT_NOT_HANDLED,))


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


@given(
    sent=st.lists(
        st.sampled_from(
            ["%41", "%c3%a4", "%0A", "%0d%0a", "%3D", "%5F", "%2B", "%25", "=", "=41", "_", "+", " ", "\t", "\r\n"]
        )
        | st.characters(exclude_characters="%", exclude_categories=["Cs"]),
        min_size=1,
        max_size=30,
    ).map("".join)
)
def test_decoding_is_that_of_forms(sent: str) -> None:
    expected = unquote_plus(sent)
    if expected.endswith(("/", "_$folder$")):
        return
    assert parse({"Records": [record(sent)]}).events[0].key == expected


_NAMES = (
    st.sampled_from(
        ["Records", "s3", "bucket", "object", "name", "key", "size", "eTag", "eventName", "eventSource", "arn"]
    )
    | st.sampled_from(
        ["detail", "detail-type", "reason", "Message", "Messages", "body", "Sns", "Event", "Type", "events"]
    )
    | st.sampled_from(
        ["action", "eventType", "EventName", "Key", "kind", "type", "data", "message", "attributes", "schema"]
    )
    | st.sampled_from(["payload", "bucketId", "objectId", "event_type", "new_entry", "old_entry", "new_parent_path"])
)
_TEXTS = (
    st.text(max_size=20)
    | st.sampled_from(
        [AWS, "s3:TestEvent", "ceph:s3", "arn:aws:s3:::/b", "%", "a%20b", "{}", "[[]]", "PutObject", "b2:"]
    )
    | st.sampled_from(
        [
            "b2:ObjectCreated:Upload",
            "OBJECT_FINALIZE",
            "storage#object",
            "google.cloud.storage.object.v1.finalized",
            "e30=",
        ]
    )
)
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
