"""Which objects waiting records are about, by their keys or by what they hold."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from app.adapters.kafka_backlog import _named, _start
from app.model.file import ObjectInfo
from app.pipeline.missed import created_notification

UPLOAD = created_notification(ObjectInfo("cars", "a b.csv", 1, "e", datetime(2026, 3, 1, tzinfo=UTC)))


@dataclass
class Record:
    topic: str
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


@pytest.mark.parametrize(
    ("record", "named"),
    [
        (Record("listing-files", b"cars/a b.csv", b"\x00avro"), {"cars/a b.csv"}),
        (Record("listing-uploads", b"", UPLOAD), {"cars/a b.csv"}),
        (Record("listing-uploads", b"whatever", UPLOAD), {"cars/a b.csv"}),
        (
            Record("listing-retry", b"cars/a.csv", b"\x00avro", (("failure-origin-topic", b"listing-files"),)),
            {"cars/a.csv"},
        ),
        (Record("listing-retry", b"k", UPLOAD, (("failure-origin-topic", b"listing-uploads"),)), {"cars/a b.csv"}),
        (Record("listing-retry", b"", UPLOAD, ()), {"cars/a b.csv"}),
        (Record("listing-uploads", None, b"not json"), set()),
        (Record("listing-uploads", None, None), set()),
        (Record("listing-files", b"\xff", b""), {"\ufffd"}),
        (Record("listing-files", None, b"\x00avro"), set()),
    ],
)
def test_a_record_names_its_objects(record: Record, named: set[str]) -> None:
    assert _named(record.topic, record) == named


@pytest.mark.parametrize(
    ("committed", "first", "end", "start"),
    [
        (5, 0, 9, 5),
        (-1, 3, 9, 3),  # never committed
        (2, 4, 9, 4),  # deleted meanwhile
        (12, 0, 9, 0),  # made anew
        (9, 0, 9, 9),
    ],
)
def test_the_group_goes_on_where_it_would(committed: int, first: int, end: int, start: int) -> None:
    assert _start(committed, first, end) == start
