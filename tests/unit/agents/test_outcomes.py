"""Telling what became of a file."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.agents.outcomes import VALUE_MAX_BYTES, outcome_document
from app.agents.stopping import LeftForLater
from app.errors import FailureCode, Problem, Rejected
from app.model.document import Document
from app.model.outcome import FileOutcome, FileStatus, RecordReject, outcome_id
from app.observability import metrics
from tests.support.agents import Parts, eventually, others_running
from tests.support.memory import START

PROBLEM = Problem(FailureCode.FIELD_INVALID, "year", "a year", "soon")
OUTCOME = FileOutcome(
    bucket="cars",
    key="dealer/ä.csv",
    etag="e",
    size=10,
    uploaded_at=START,
    processed_at=START + timedelta(seconds=2),
    status=FileStatus.PARTLY_INDEXED,
    format="csv",
    profile=None,
    read=3,
    indexed=1,
    stale=1,
    rejected=1,
    blank=0,
    flagged=0,
    bytes_read=10,
    attempts=1,
    rejects=(RecordReject(2, 3, (PROBLEM,), "id-2"),),
)


@pytest.fixture
async def parts() -> Parts:
    return Parts()


async def test_an_outcome_is_published_under_the_files_name_and_kept(parts: Parts) -> None:
    await parts.outcomes.report(OUTCOME)
    (sent,) = parts.publisher.sent
    assert (sent.topic, sent.key) == ("listing-outcomes", "cars/dealer/ä.csv".encode())
    assert parts.codec.encoded == ["listing-outcomes-value"]
    (told,) = parts.told
    (kept,) = parts.index.outcomes.values()
    for field in ("bucket", "key", "status", "read", "indexed", "stale", "rejected", "rejects"):
        assert told[field] == kept[field]


@pytest.mark.parametrize(
    ("again", "counted"),
    [
        ({}, 1),
        ({"etag": "another"}, 2),
        ({"uploaded_at": START + timedelta(seconds=30)}, 2),
    ],
)
async def test_a_repeat_is_no_slow_upload(parts: Parts, again: dict[str, Any], counted: int) -> None:
    """A replay days later would otherwise say that uploads take days."""
    before = metrics.REGISTRY.get_sample_value("listings_freshness_seconds_count") or 0
    slow = replace(OUTCOME, processed_at=START + timedelta(minutes=5))
    await parts.outcomes.report(slow)
    await parts.outcomes.report(replace(slow, processed_at=START + timedelta(days=2), **again))
    assert metrics.REGISTRY.get_sample_value("listings_freshness_seconds_count") == before + counted


async def test_what_is_in_time_is_counted_without_a_question(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(parts.outcomes), "known", None)
    await parts.outcomes.report(OUTCOME)


async def test_it_is_not_done_before_the_broker_confirmed(parts: Parts) -> None:
    confirm = parts.publisher.held["listing-outcomes"] = asyncio.Event()
    task = asyncio.create_task(parts.outcomes.report(OUTCOME))
    await eventually("the outcome to be kept", lambda: parts.index.outcomes)
    assert not task.done()
    confirm.set()
    await task


async def test_a_refusal_by_the_index_is_raised_after_the_record_is_published(parts: Parts) -> None:
    async def refuse(document: Document) -> None:
        raise Rejected(FailureCode.INDEX_REFUSED, "the outcome is refused")

    parts.index.write_outcome = refuse  # type: ignore[method-assign]
    confirm = parts.publisher.held["listing-outcomes"] = asyncio.Event()
    task = asyncio.create_task(parts.outcomes.report(OUTCOME))
    for _ in range(20):
        await asyncio.sleep(0)
    assert not task.done()
    confirm.set()
    with pytest.raises(Rejected):
        await task
    assert len(parts.told) == 1
    assert others_running() == set()


async def test_a_stop_while_the_broker_is_away_leaves_the_record(parts: Parts) -> None:
    parts.publisher.down = True
    task = asyncio.create_task(parts.outcomes.report(OUTCOME))
    await eventually("a try", lambda: parts.publisher.refused)
    parts.stop.set()
    with pytest.raises(LeftForLater):
        await task
    await parts.outages.aclose()


async def test_details_are_left_out_until_the_record_fits_and_the_counts_are_not(parts: Parts) -> None:
    hostile = Problem(FailureCode.FIELD_INVALID, "year", "a year from 1900 to 2027", "\U0001f697" * 80)
    rejects = tuple(RecordReject(n, n, (hostile,) * 60, f"id-{n}") for n in range(1, 101))
    await parts.outcomes.report(replace(OUTCOME, read=102, rejected=100, rejects=rejects))
    (sent,) = parts.publisher.sent
    assert len(sent.value or b"") <= VALUE_MAX_BYTES
    (told,) = parts.told
    assert (told["read"], told["rejected"]) == (102, 100)
    kept = told["rejects"]
    assert isinstance(kept, list)
    assert 0 < len(kept) < 100
    assert [reject["record"] for reject in kept] == list(range(1, len(kept) + 1))


def test_a_newer_version_of_an_object_replaces_the_older_in_its_place() -> None:
    first = outcome_document(OUTCOME)
    second = outcome_document(replace(OUTCOME, uploaded_at=START + timedelta(milliseconds=1), rejects=()))
    assert (first.id, first.version + 1) == (second.id, second.version)
    assert outcome_document(replace(OUTCOME, key="dealer/a.csv")).id != first.id


@given(bucket=st.text(min_size=1, max_size=255), key=st.text(st.characters(), max_size=1024))
def test_any_object_has_an_id_that_the_index_takes(bucket: str, key: str) -> None:
    assert len(outcome_id(bucket, key).encode()) <= 512
