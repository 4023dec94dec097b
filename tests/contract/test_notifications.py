"""Notifications as stores send them (recorded from Versity 1.8.0, the others after their documentation).

A file is named STORE-WHAT.json; what SeaweedFS puts on Kafka is no JSON, and ends in .protobuf. The key of its record,
where there is one, is in STORE-WHAT.key.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from app.errors import FailureCode
from app.model.upload import Notification, ObjectEvent, ObjectEventKind
from app.pipeline.notification import parse_notification

RECORDED = Path(__file__).parent / "notifications"
BUCKET = "listings-uploads"
ODD_KEY = "dealer-7/a b+c%20ä.json"
ETAG = "d751713988987e9331980363e24189ce"


def _event(
    kind: ObjectEventKind = ObjectEventKind.CREATED,
    key: str = ODD_KEY,
    size: int | None = 2,
    etag: str | None = ETAG,
    time: str | None = "2026-03-01T10:03:07.123Z",
) -> Notification:
    return Notification((ObjectEvent(kind, BUCKET, key, size, etag, time),))


def _gone(
    time: str | None = "2026-03-01T10:03:07.123Z", size: int | None = None, etag: str | None = None
) -> Notification:
    return _event(_REMOVED, "dealer-7/old.json", size, etag, time)


def _of_version(kind: ObjectEventKind) -> Notification:
    return Notification((ObjectEvent(kind, "listings-versions", "dealer-7/stock.json"),))


_REMOVED = ObjectEventKind.REMOVED
_SECOND = "2026-03-01T10:03:07Z"
_CEPH_TIME = "2026-03-01T10:03:07.123724Z"
_B2_TIME = "2026-03-01T10:03:07.123+00:00"
_NOTHING_NEW = Notification((), (FailureCode.EVENT_NOT_HANDLED,))
EXPECTED = {
    "versity-test": Notification((), (FailureCode.TEST_EVENT,)),
    "versity-put": _event(time=_SECOND),
    "versity-copy": _event(key="dealer-7/copy of it.json", size=0, time=_SECOND),
    "versity-multipart": _event(
        key="dealer-7/large.ndjson", size=0, etag="0cb357b0db92c947c9af44b4bd7b9953-2", time=_SECOND
    ),
    "versity-delete": _event(_REMOVED, "dealer-7/old.json", 0, None, _SECOND),
    "versity-delete-objects": _event(_REMOVED, ODD_KEY, 0, None, _SECOND),
    "aws-test": Notification((), (FailureCode.TEST_EVENT,)),
    "aws-put": _event(),
    "aws-removed-and-put": Notification((*_event(_REMOVED, "dealer-7/old.json", None, None).events, *_event().events)),
    "aws-folder": Notification((), (FailureCode.FOLDER_MARKER,)),
    "aws-tagging": Notification((), (FailureCode.EVENT_NOT_HANDLED,)),
    "aws-sns": _event(),
    "aws-sns-test": Notification((), (FailureCode.TEST_EVENT,)),
    "aws-sqs-batch": _event(etag=f"{ETAG}-1"),
    "aws-eventbridge": _event(time=_SECOND),
    "aws-eventbridge-stripped": _event(time=None),
    "aws-eventbridge-deleted": _event(_REMOVED, "dealer-7/old.json", None, None, _SECOND),
    "minio-put": _event(),
    "minio-put-retention": Notification((), (FailureCode.EVENT_NOT_HANDLED,)),
    "minio-accessed": Notification((), (FailureCode.EVENT_NOT_HANDLED,)),
    "ceph-put": _event(time="2026-03-01T10:03:07.123724Z"),
    "aws-bare": _event(),
    "aws-delete-marker": _gone(etag="d41d8cd98f00b204e9800998ecf8427e"),
    "aws-lifecycle-expired": _gone(),
    "aws-sns-sqs": _event(),
    "aws-sns-sqs-sns": _event(),
    "aws-sns-lambda": _event(),
    "aws-sns-confirmation": _NOTHING_NEW,
    "aws-sqs-received": _event(),
    "aws-sqs-test": Notification((), (FailureCode.TEST_EVENT,)),
    "aws-eventbridge-sqs": _event(time=_SECOND),
    "aws-eventbridge-sns": _event(time=_SECOND),
    "aws-eventbridge-detail": _event(time=None),
    "aws-eventbridge-pipe": _event(time=_SECOND),
    "aws-eventbridge-tagged": _NOTHING_NEW,
    "aws-eventbridge-expired": _gone(_SECOND),
    "aws-eventbridge-cloudtrail": _event(size=None, etag=None, time=_SECOND),
    "aws-kafka-connect": _event(),
    "minio-removed": _gone(),
    "minio-removed-nothing": _NOTHING_NEW,
    "minio-summary": _event(size=None, etag=None, time=None),
    "versity-list": _event(time=_SECOND),
    "ceph-bare": _event(time=_CEPH_TIME),
    "ceph-removed": _gone(_CEPH_TIME, 0),
    "ceph-delete-marker": _gone(_CEPH_TIME, 0),
    "ceph-expired": _gone(_CEPH_TIME, 2),
    "ceph-expired-old-version": _NOTHING_NEW,
    "ceph-synced": _event(time=_CEPH_TIME),
    "r2-put": _event(),
    "r2-copy": _event(),
    "r2-removed": _gone(),
    "r2-expired": _gone(),
    "b2-uploaded": _event(etag=None, time=_B2_TIME),
    "b2-hidden": _gone(_B2_TIME, 0),
    "b2-removed": _gone(_B2_TIME),
    "gcs-push": _event(size=None, etag=None),
    "gcs-push-no-payload": _event(size=None, etag=None),
    "gcs-push-no-attributes": _event(etag="CPjs"),
    "gcs-removed": _gone(),
    "gcs-archived": _gone(),
    "gcs-overwritten": _NOTHING_NEW,
    "gcs-metadata": _NOTHING_NEW,
    "gcs-kafka-connect": _event(size=None, etag=None),
    "gcs-object": _event(etag="CPjs"),
    "gcs-eventarc": _event(etag="CPjs"),
    "seaweedfs-webhook": _event(size=None, etag=None, time=None),
    "seaweedfs-webhook-removed": _gone(None),
    "seaweedfs-webhook-renamed": Notification((*_gone(None).events, *_event(size=None, etag=None, time=None).events)),
    "seaweedfs-webhook-part": _NOTHING_NEW,
    "seaweedfs-webhook-folder": _NOTHING_NEW,
    "seaweedfs-kafka": _event(size=None, etag=None, time=None),
    "seaweedfs-kafka-removed": _gone(None),
    "seaweedfs-kafka-unnamed": _NOTHING_NEW,
    "seaweedfs-kafka-version": _of_version(ObjectEventKind.CREATED),
    "seaweedfs-kafka-marker": _of_version(_REMOVED),
}
FILES = {path.stem: path for path in RECORDED.iterdir() if path.suffix != ".key"}


def test_every_recording_has_its_expectation() -> None:
    assert set(FILES) == set(EXPECTED)
    assert {path.suffix for path in FILES.values()} == {".json", ".protobuf"}


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_recorded_notification_is_read(name: str) -> None:
    key = FILES[name].with_suffix(".key")
    record_key = key.read_bytes() if key.exists() else None
    assert parse_notification(FILES[name].read_bytes(), record_key) == EXPECTED[name]
