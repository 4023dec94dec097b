"""What counts as missed, and the notification sent in its place."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from app.model.file import ObjectInfo
from app.model.listed import KnownVersion
from app.model.outcome import FileStatus
from app.model.upload import ObjectEvent, ObjectEventKind
from app.pipeline.missed import created_notification, is_file, is_missed, objects_named, removed_notification
from app.pipeline.notification import parse_notification

AT = datetime(2026, 11, 24, 10, 3, tzinfo=UTC)
INFO = ObjectInfo("cars", "dealer/a.csv", 120, "e1", AT)
KNOWN = KnownVersion("e1", AT, FileStatus.INDEXED)
HOSTILE_KEYS = [
    "a b+c.json",
    "100%.json",
    "a%2Fb%20c.json",
    "per%zzcent.json",
    "grün/straße é.json",
    "🚗.csv",
    "q?x=1&y#z.json",
    " leading and trailing ",
    'quo"te\\back.json',
    "<xml>&amp;.json",
    "a//b.json",
    "/starts.json",
    "../up.json",
    "new\nline\ttab.json",
    "ends.json/.",
    "k" * 1024,
]


@pytest.mark.parametrize(
    ("known", "missed"),
    [
        (None, True),
        (KNOWN, False),
        (replace(KNOWN, status=FileStatus.REJECTED), False),
        (replace(KNOWN, status=FileStatus.PARTLY_INDEXED), False),
        (replace(KNOWN, uploaded_at=AT - timedelta(seconds=1)), True),
        (replace(KNOWN, uploaded_at=AT + timedelta(seconds=1)), False),
        (replace(KNOWN, etag="e0"), True),
        (replace(KNOWN, etag="e0", uploaded_at=AT + timedelta(hours=1)), True),
        (replace(KNOWN, etag="", uploaded_at=AT + timedelta(hours=1)), False),
        (replace(KNOWN, etag=""), False),
        (replace(KNOWN, status=FileStatus.REMOVED, etag="", uploaded_at=AT - timedelta(seconds=1)), True),
        (replace(KNOWN, status=FileStatus.REMOVED, etag="", uploaded_at=AT), True),
        (replace(KNOWN, status=FileStatus.REMOVED, etag="", uploaded_at=AT + timedelta(seconds=1)), True),
        (replace(KNOWN, status=FileStatus.REMOVED, etag="", uploaded_at=AT + timedelta(days=9)), True),
        (replace(KNOWN, status=FileStatus.REJECTED, failure_code="object_missing"), True),
        (replace(KNOWN, status=FileStatus.REJECTED, failure_code="object_empty"), False),
    ],
)
def test_an_object_without_an_outcome_at_its_present_version_is_missed(
    known: KnownVersion | None, missed: bool
) -> None:
    assert is_missed(INFO, known) is missed


@pytest.mark.parametrize("milliseconds", [0, 1, 500, 999])
def test_a_listing_with_milliseconds_is_the_version_that_was_told_in_whole_seconds(milliseconds: int) -> None:
    listed = replace(INFO, uploaded_at=AT + timedelta(milliseconds=milliseconds))
    assert not is_missed(listed, KNOWN)
    assert is_missed(replace(listed, uploaded_at=AT + timedelta(seconds=1)), KNOWN)


def test_a_store_without_entity_tags_is_compared_by_time() -> None:
    assert not is_missed(replace(INFO, etag=""), KNOWN)
    assert is_missed(replace(INFO, etag="", uploaded_at=AT + timedelta(seconds=1)), KNOWN)


@pytest.mark.parametrize("key", HOSTILE_KEYS)
def test_our_notifications_are_read_back_as_they_were_meant(key: str) -> None:
    info = replace(INFO, key=key)
    created = ObjectEvent(ObjectEventKind.CREATED, "cars", key, 120, "e1", "2026-11-24T10:03:00Z")
    assert parse_notification(created_notification(info)).events == (created,)
    removed = ObjectEvent(ObjectEventKind.REMOVED, "cars", key, None, None, "2026-11-24T10:03:00Z")
    assert parse_notification(removed_notification("cars", key, AT)).events == (removed,)


def test_the_same_version_is_the_same_bytes() -> None:
    assert created_notification(INFO) == created_notification(replace(INFO, content_type="text/csv"))
    assert created_notification(INFO) != created_notification(replace(INFO, etag="e2"))


def test_the_objects_of_a_notification_are_named_whatever_it_is() -> None:
    assert objects_named(created_notification(INFO)) == {"cars/dealer/a.csv"}
    assert objects_named(removed_notification("cars", "a b.csv", AT)) == {"cars/a b.csv"}
    for value in (None, b"", b"\xff", b"[" * 5000, b'{"Event": "s3:TestEvent"}'):
        assert objects_named(value) == frozenset()


@pytest.mark.parametrize(("key", "expected"), [("a.csv", True), ("a/", False), ("", False), ("b_$folder$", False)])
def test_markers_of_folders_are_no_files(key: str, expected: bool) -> None:
    assert is_file(replace(INFO, key=key)) is expected
