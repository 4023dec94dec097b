from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from app.agents.guard import guarded
from app.agents.stopping import LeftForLater
from app.errors import Dependency, FailureCode, Outage, Rejected
from app.model.source_record import SourceRecord
from tests.support.agents import Parts, eventually
from tests.support.records import source_record

AWAY = Outage(FailureCode.INDEX_UNAVAILABLE, Dependency.SEARCH_INDEX, "closed before the index confirmed")


@pytest.fixture
async def parts() -> Parts:
    return Parts()


async def test_an_outage_that_a_handler_did_not_wait_out_burns_no_attempt(parts: Parts) -> None:
    tries = 0

    async def away_at_first(_: SourceRecord) -> None:
        nonlocal tries
        tries += 1
        if tries < 4:
            raise AWAY

    await guarded(away_at_first, parts.handoff, "files")(source_record())
    assert tries == 4
    assert parts.publisher.sent == []


async def test_a_stop_during_such_an_outage_leaves_the_record(parts: Parts) -> None:
    async def away(_: SourceRecord) -> None:
        raise AWAY

    async def handle() -> None:
        await guarded(away, parts.handoff, "files")(source_record())

    task = asyncio.create_task(handle())
    await eventually("the outage", lambda: parts.outages.open)
    parts.stop.set()
    with pytest.raises(LeftForLater):
        await task
    assert parts.publisher.sent == []
    await parts.outages.aclose()


async def test_a_record_given_up_is_no_failure(parts: Parts) -> None:
    async def leave(_: SourceRecord) -> None:
        raise LeftForLater

    with pytest.raises(LeftForLater):
        await guarded(leave, parts.handoff, "files")(source_record())
    assert parts.publisher.sent == []


async def test_a_record_that_can_not_be_read_is_a_dead_letter_with_its_place_and_no_handler_sees_it(
    parts: Parts,
) -> None:
    async def never(_: SourceRecord) -> None:
        raise AssertionError("it is no record")

    unread = replace(
        source_record(None, topic="listings", key=None, headers={}),
        trouble=Rejected(FailureCode.BATCH_TOO_BIG, "a batch of 64 bytes that unpacks to more than 7"),
    )
    await guarded(never, parts.handoff, "listings")(unread)
    (sent,) = parts.dead
    assert (sent.key, sent.value) == (None, None)
    assert sent.headers["failure-code"] == b"batch_too_big"
    assert (sent.headers["failure-origin-topic"], sent.headers["failure-origin-offset"]) == (b"listings", b"41")


async def test_a_record_in_trouble_is_not_handled_and_whoever_refuses_it_is_asked(parts: Parts) -> None:
    trouble = Rejected(FailureCode.KILLED_WORKER, "3 workers ended")
    handled: list[str] = []

    async def handle(record: SourceRecord) -> None:
        handled.append("handled")

    async def refuse(record: SourceRecord, why: Rejected) -> None:
        handled.append(why.code)

    record = replace(source_record(), trouble=trouble)
    await guarded(handle, parts.handoff, "files", refuse)(record)
    assert handled == ["killed_worker"]
    await guarded(handle, parts.handoff, "files")(record)
    assert handled == ["killed_worker"]
    (sent,) = parts.publisher.sent
    assert (sent.topic, sent.headers["failure-code"]) == ("listing-dlq", b"killed_worker")
