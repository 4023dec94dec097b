from __future__ import annotations

import asyncio

import pytest

from app.agents.guard import guarded
from app.agents.stopping import LeftForLater
from app.errors import Dependency, FailureCode, Outage
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
