"""One record that the workers are to walk past: what is kept of it, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from app.errors import FailureCode, OperatorError, Rejected
from app.failures.headers import story_of
from app.model.skip import Skip, skip_of
from app.model.source_record import SourceRecord
from app.ops.skip import carry_out, plan_skip
from tests.support.memory import MemoryPublisher
from tests.support.memory_offsets import MemoryOffsets
from tests.support.records import source_record

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)


def skip(offset: int, topic: str = "listings", partition: int = 0) -> Skip:
    return Skip(topic, partition, offset, "it kills the workers", "eve@ops", "2026-11-24T03:00:00+00:00")


class Records(MemoryOffsets):
    """Acknowledged up to 30, there up to 49; `found` is what lies at any offset, an error is raised."""

    def __init__(self, found: SourceRecord | Exception | None) -> None:
        self.found = found

    def record_at(self, topic: str, partition: int, offset: int) -> SourceRecord | None:
        if isinstance(self.found, Exception):
            raise self.found
        return self.found


RECORD = source_record(b"poison", topic="listings", key=b"k", headers={"traceparent": b"00-1"})


async def test_the_record_is_kept_with_its_bytes_before_the_workers_are_told() -> None:
    publisher = MemoryPublisher()
    plan = plan_skip(Records(RECORD), [], skip(35))
    await carry_out(plan, publisher, NOW)
    letter, told = publisher.sent
    assert (letter.topic, letter.key, letter.value) == ("listing-dlq", b"k", b"poison")
    assert letter.headers["traceparent"] == b"00-1"
    story = story_of(source_record(headers=letter.headers))
    assert (story.code, story.stage) == (FailureCode.SKIPPED_BY_OPERATOR, "skip")
    assert story.message == "eve@ops had the workers walk past it: it kills the workers"
    assert (told.topic, told.key) == ("listing-skips", b"listings/0/35")
    assert skip_of(orjson.loads(told.value or b"")) == skip(35)


async def test_one_whose_bytes_can_not_be_read_is_kept_by_its_place_and_the_reason() -> None:
    publisher = MemoryPublisher()
    plan = plan_skip(Records(UnicodeDecodeError("utf-8", b"\xff", 0, 1, "")), [], skip(35))
    assert not plan.readable
    await carry_out(plan, publisher, NOW)
    letter, _ = publisher.sent
    story = story_of(source_record(headers=letter.headers))
    assert (letter.key, letter.value) == (None, None)
    assert (story.origin.topic, story.origin.partition, story.origin.offset) == ("listings", 0, 35)
    assert "could not be read" in story.message


async def test_one_that_the_dead_letter_topic_does_not_take_is_kept_without_its_bytes() -> None:
    class Small(MemoryPublisher):
        async def publish(self, topic: str, **record: Any) -> None:
            if record["value"] == b"poison":
                raise Rejected(FailureCode.RECORD_TOO_BIG, "too big")
            await super().publish(topic, **record)

    publisher = Small()
    await carry_out(plan_skip(Records(RECORD), [], skip(35)), publisher, NOW)
    letter, told = publisher.sent
    assert (letter.value, told.topic) == (None, "listing-skips")
    assert "it kills the workers" in story_of(source_record(headers=letter.headers)).message


async def test_a_dead_letter_is_not_kept_twice() -> None:
    publisher = MemoryPublisher()
    await carry_out(plan_skip(Records(RECORD), [], skip(35, "listing-dlq")), publisher, NOW)
    assert [sent.topic for sent in publisher.sent] == ["listing-skips"]


def test_a_second_time_nothing_is_done() -> None:
    plan = plan_skip(Records(RECORD), [skip(34), skip(35)], skip(35))
    assert plan.already == skip(35)


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        (skip(50), "there is no record listings/0/50; the partition holds offsets 10 to 49"),
        (skip(9), "there is no record listings/0/9; the partition holds offsets 10 to 49"),
        (skip(7, partition=1), "the partition holds nothing"),
        (skip(7, partition=2), "topic listings has partitions 0 to 1, not 2"),
        (skip(29), "is acknowledged: the workers are past it, and go on at 30"),
    ],
)
def test_a_place_where_no_record_waits_is_refused_with_what_there_is(wanted: Skip, told: str) -> None:
    with pytest.raises(OperatorError, match=told) as caught:
        plan_skip(Records(RECORD), [], wanted)
    assert "nothing was changed" in caught.value.message


def test_the_end_of_a_transaction_is_no_record() -> None:
    with pytest.raises(OperatorError, match="at listings/0/35 is no record"):
        plan_skip(Records(None), [], skip(35))


def test_a_place_of_a_topic_that_was_made_anew_is_not_walked_past_already() -> None:
    before, now = replace(skip(35), topic_id="old"), replace(skip(35), topic_id="new")
    assert plan_skip(Records(RECORD), [before], now).already is None
    assert plan_skip(Records(RECORD), [before, now], now).already == now
