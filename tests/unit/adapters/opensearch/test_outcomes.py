"""An outcome comes out of the index as it went in."""

from __future__ import annotations

from datetime import UTC, datetime

import orjson

from app.adapters.opensearch.outcomes import outcome_of
from app.agents.outcomes import outcome_document
from app.errors import FailureCode, Problem
from app.model.outcome import FileOutcome, FileStatus, RecordReject

OUTCOME = FileOutcome(
    bucket="b",
    key="raw/ä.csv",
    etag="e",
    size=10,
    uploaded_at=datetime(2026, 11, 24, 10, 3, tzinfo=UTC),
    processed_at=datetime(2026, 11, 24, 10, 3, 1, 250_000, tzinfo=UTC),
    status=FileStatus.PARTLY_INDEXED,
    format="csv+gzip",
    profile=None,
    read=3,
    indexed=2,
    stale=0,
    rejected=1,
    blank=1,
    flagged=1,
    bytes_read=99,
    attempts=1,
    failure_code=None,
    failure_message=None,
    rejects=(RecordReject(2, 3, (Problem(FailureCode.FIELD_INVALID, "year", "a year", "0"),), "id-2"),),
)


def test_what_is_written_is_what_is_read() -> None:
    assert outcome_of(orjson.loads(outcome_document(OUTCOME).body)) == OUTCOME
