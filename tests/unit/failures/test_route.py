from __future__ import annotations

from datetime import timedelta

import pytest

from app.errors import (
    Dependency,
    FailureCode,
    FailureKind,
    FileRejected,
    NotTried,
    Outage,
    Rejected,
    Skipped,
    Transient,
)
from app.failures.backoff import Backoff
from app.failures.classify import NextStep, classify
from app.failures.headers import story_of
from app.failures.route import Handoff, RetryPolicy
from app.model.source_record import SourceRecord
from app.model.topics import DEAD_LETTER_TOPIC, RETRY_TOPIC
from tests.support.memory import START
from tests.support.records import source_record

POLICY = RetryPolicy(attempts=3, backoff=Backoff(base_s=5, cap_s=300))
RESET = Transient(FailureCode.FETCH_FAILED, "reset")


def route(record: SourceRecord, error: Exception, at_s: float = 0) -> Handoff:
    now = START + timedelta(seconds=at_s)
    return POLICY.route(record, classify(error), stage="files", now=now, draw=lambda: 0.5)


def test_a_transient_is_tried_three_times_in_all_and_then_dead() -> None:
    record = source_record(b"original")
    first = route(record, RESET)
    assert (first.topic, first.story.attempts) == (RETRY_TOPIC, 1)
    assert first.story.due_at == START + timedelta(seconds=2.5)

    record = source_record(b"original", offset=99, headers=first.headers)
    second = route(record, RESET, at_s=10)
    assert (second.topic, second.story.attempts) == (RETRY_TOPIC, 2)
    assert second.story.due_at == START + timedelta(seconds=15)

    record = source_record(b"original", offset=120, headers=second.headers)
    third = route(record, RESET, at_s=30)
    assert (third.topic, third.story.attempts) == (DEAD_LETTER_TOPIC, 3)
    assert third.story.due_at is None
    assert (third.story.origin.offset, third.story.first_at, third.story.last_at) == (
        41, START, START + timedelta(seconds=30),
    )  # fmt: skip


def test_what_was_not_tried_comes_again_and_uses_up_no_try() -> None:
    record = source_record(b"original")
    for _ in range(5):
        again = route(record, NotTried(FailureCode.SCHEMA_UNKNOWN, "busy", 20))
        assert (again.topic, again.story.attempts) == (RETRY_TOPIC, 0)
        assert again.story.due_at == START + timedelta(seconds=20 + 2.5)
        record = source_record(b"original", offset=99, headers=again.headers)
    assert route(record, RESET).story.attempts == 1


def test_a_reject_is_dead_at_once() -> None:
    handoff = route(source_record(), FileRejected(FailureCode.FILE_BROKEN, "expected a comma", "byte 7"))
    assert handoff.topic == DEAD_LETTER_TOPIC
    assert handoff.story.kind is FailureKind.REJECT
    assert handoff.story.message == "expected a comma (byte 7)"


def test_headers_do_not_grow_however_often_a_record_is_handed_on() -> None:
    record = source_record(headers={"traceparent": b"00-ab"})
    sizes = set()
    for _ in range(50):
        handoff = route(record, FileRejected(FailureCode.FILE_BROKEN, "expected a comma"))
        record = source_record(headers={**handoff.headers, "failure-attempts": b"0"})
        sizes.add(sum(len(k) + len(v) for k, v in handoff.headers.items()))
    assert len(sizes) == 1
    assert record.headers["traceparent"] == b"00-ab"


def test_unreadable_headers_do_not_stop_a_dead_letter() -> None:
    record = source_record(
        headers={"failure-attempts": b"x", "failure-origin-topic": b"\xff", "failure-first-at": b"?"}
    )
    handoff = route(record, Rejected(FailureCode.HEADER_INVALID, "header failure-attempts"))
    story = story_of(source_record(headers=handoff.headers))
    assert (story.origin.topic, story.origin.offset) == ("listing-files", 41)


@pytest.mark.parametrize(
    ("error", "step", "code"),
    [
        (Skipped(FailureCode.TEST_EVENT, "test event"), NextStep.SKIP, FailureCode.TEST_EVENT),
        (Rejected(FailureCode.FORMAT_UNKNOWN, "a picture"), NextStep.REJECT, FailureCode.FORMAT_UNKNOWN),
        (RESET, NextStep.RETRY, FailureCode.FETCH_FAILED),
        (Outage(FailureCode.UNREACHABLE, Dependency.BROKER, "down"), NextStep.PAUSE, FailureCode.UNREACHABLE),
        (TimeoutError(), NextStep.RETRY, FailureCode.HANDLING_TIMED_OUT),
        (ZeroDivisionError("secret 4711"), NextStep.RETRY, FailureCode.UNEXPECTED),
        (UnicodeEncodeError("utf-8", "\ud800", 0, 1, "no"), NextStep.RETRY, FailureCode.UNEXPECTED),
    ],
)
def test_every_failure_has_its_step(error: Exception, step: NextStep, code: FailureCode) -> None:
    verdict = classify(error)
    assert (verdict.step, verdict.code) == (step, code)
    assert "4711" not in verdict.message
