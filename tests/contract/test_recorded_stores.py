"""What real stores sent, one file a store: every record in its order, and what is understood of it.

Recorded from MinIO (February 2026) over Kafka, SeaweedFS 4.48 over Kafka and by its web hook, Ceph 16.2 by HTTP:
uploads, copies, multipart uploads, folders, tags, removals one by one and together, the same in a versioned bucket (an
older version that is current again, delete markers and their removal), and in SeaweedFS renamed and removed folders.
"""

from __future__ import annotations

from base64 import b64decode
from collections import Counter
from pathlib import Path

import orjson
import pytest

from app.pipeline.missed import objects_named
from app.pipeline.notification import parse_notification

RECORDED = Path(__file__).parent / "recorded"
SEAWEEDFS = [
    "+ listings-uploads/dealer-7/stock.json",
    "+ listings-uploads/dealer-7/a b+c é 100%.json",
    "+ listings-uploads/dealer-7/double.json",
    "+ listings-uploads/dealer-7/stock.json",
    "+ listings-uploads/dealer-7/bigger.ndjson",
    "+ listings-uploads/dealer-7/copy.json",
    "+ listings-uploads/dealer-7/large.ndjson",
    "+ listings-uploads/dealer-7/stock.json",
    "- listings-uploads/dealer-7/copy.json",
    "- listings-uploads/dealer-7/a b+c é 100%.json",
    "- listings-uploads/dealer-7/large.ndjson",
    "- listings-uploads/dealer-7/bigger.ndjson",
    "+ listings-versions/dealer-7/stock.json",
    "+ listings-versions/dealer-7/stock.json",
    "- listings-versions/dealer-7/stock.json",
    "- listings-versions/dealer-7/stock.json",
    "- listings-versions/dealer-7/stock.json",
    "- listings-versions/dealer-7/stock.json",
    "+ listings-versions/top.json",
    "+ listings-versions/dealer-7/copy.json",
    "+ listings-versions/dealer-7/large.ndjson",
    "+ listings-uploads/old/a.json",
    "+ listings-uploads/old/b.json",
    "+ listings-uploads/r.json",
    "- listings-uploads/r.json",
    "+ listings-uploads/renamed.json",
    "- listings-uploads/old/a.json",
    "+ listings-uploads/new/a.json",
    "- listings-uploads/old/b.json",
    "+ listings-uploads/new/b.json",
    "- listings-uploads/new/a.json",
    "- listings-uploads/new/b.json",
    "+ listings-versions/susp.json",
    "+ listings-versions/top.json",
    "- listings-versions/top.json",
    "- listings-versions/top.json",
    "- listings-versions/susp.json",
    "- listings-versions/susp.json",
    "+ listings-versions/plain.versions/v_0123.json",
    "- listings-versions/plain.versions/v_0123.json",
    "- listings-versions/plain.versions/v_0123.json",
]
MINIO = [
    "+ listings-uploads/dealer-7/stock.json",
    "+ listings-uploads/dealer-7/a b+c é 100%.json",
    "+ listings-uploads/dealer-7/stock.json",
    "+ listings-uploads/dealer-7/bigger.ndjson",
    "+ listings-uploads/dealer-7/copy.json",
    "+ listings-uploads/dealer-7/large.ndjson",
    "- listings-uploads/dealer-7/copy.json",
    "- listings-uploads/dealer-7/a b+c é 100%.json",
    "- listings-uploads/dealer-7/large.ndjson",
    "- listings-uploads/dealer-7/bigger.ndjson",
    "+ listings-versions/dealer-7/stock.json",
    "+ listings-versions/dealer-7/stock.json",
    "- listings-versions/dealer-7/stock.json",
    "- listings-versions/dealer-7/stock.json",
    "- listings-versions/dealer-7/stock.json",
    "- listings-versions/dealer-7/stock.json",
    "+ listings-versions/top.json",
    "+ listings-versions/dealer-7/copy.json",
    "+ listings-versions/dealer-7/large.ndjson",
]
CEPH = [
    "+ listings-uploads/dealer-7/stock.json",
    "+ listings-uploads/dealer-7/a b+c é 100%.json",
    "+ listings-uploads/dealer-7//double.json",
    "+ listings-uploads/dealer-7/stock.json",
    "+ listings-uploads/dealer-7/bigger.ndjson",
    "+ listings-uploads/dealer-7/copy.json",
    "+ listings-uploads/dealer-7/large.ndjson",
    "- listings-uploads/dealer-7/copy.json",
    "- listings-uploads/dealer-7/a b+c é 100%.json",
    "- listings-uploads/dealer-7/never.json",
    "+ listings-versions/dealer-7/stock.json",
    "+ listings-versions/dealer-7/stock.json",
    "- listings-versions/dealer-7/stock.json",
    "- listings-versions/dealer-7/stock.json",
    "- listings-versions/dealer-7/stock.json",
    "- listings-versions/dealer-7/stock.json",
    "+ listings-versions/top.json",
    "+ listings-versions/dealer-7/copy.json",
    "+ listings-versions/dealer-7/large.ndjson",
]
EXPECTED = {"ceph-http": CEPH, "seaweedfs-kafka": SEAWEEDFS, "seaweedfs-webhook": SEAWEEDFS, "minio-kafka": MINIO}
IN_ANY_ORDER = {"seaweedfs-webhook"}
"""It calls from several workers at once."""


def records(name: str) -> list[tuple[bytes, bytes | None]]:
    """Value and key of each record, in their order."""
    rows = map(orjson.loads, (RECORDED / f"{name}.jsonl").read_bytes().splitlines())
    return [
        (
            b64decode(row["base64"]) if "base64" in row else row["value"].encode(),
            row["key"].encode() if "key" in row else None,
        )
        for row in rows
    ]


def understood(name: str) -> list[str]:
    found = [parse_notification(value, key) for value, key in records(name)]
    assert not any(notification.rejected for notification in found)
    return [
        f"{'+' if event.kind == 'created' else '-'} {event.bucket}/{event.key}"
        for notification in found
        for event in notification.events
    ]


def test_every_recording_has_its_expectation() -> None:
    assert {path.stem for path in RECORDED.iterdir()} == set(EXPECTED)


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_what_a_store_sent_is_understood(name: str) -> None:
    if name in IN_ANY_ORDER:
        assert Counter(understood(name)) == Counter(EXPECTED[name])
    else:
        assert understood(name) == EXPECTED[name]


def test_what_waits_is_known_by_the_key_of_its_record() -> None:
    """Or the comparison of buckets would queue a removal that waits already."""
    named = {name for value, key in records("seaweedfs-kafka") for name in objects_named(value, key)}
    assert "listings-uploads/dealer-7/copy.json" in named
    assert not any(".versions/v_6" in name or ".uploads/" in name for name in named)
