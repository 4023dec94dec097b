"""Notifications as stores send them (recorded from Versity 1.8.0, the others after their documentation)."""

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


_REMOVED = ObjectEventKind.REMOVED
_SECOND = "2026-03-01T10:03:07Z"
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
    "bare-record": _event(),
}


def test_every_recording_has_its_expectation() -> None:
    assert {path.stem for path in RECORDED.glob("*.json")} == set(EXPECTED)


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_recorded_notification_is_read(name: str) -> None:
    assert parse_notification((RECORDED / f"{name}.json").read_bytes()) == EXPECTED[name]
