"""A dead letter is told, whatever it is, and never fails: there is no dead letter of a dead letter."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from app.agents.alerts import AlertsHandler
from app.agents.intake import to_record
from app.consumer.buffered import Buffered, Parcel
from app.errors import FailureCode, Rejected
from app.failures.headers import STORY_HEADERS
from app.observability.alerts.dead_letters import Letter
from tests.support.agents import Parts
from tests.support.records import source_record
from tests.unit.agents.test_intake import Message


async def tell(headers: Mapping[str, bytes | None]) -> tuple[list[Letter], list[str]]:
    """What people and the log are told of a dead letter with these headers, as Kafka gives them."""
    told: list[Letter] = []
    record = to_record(Message(7, topic="listing-dlq", partition=2, headers=dict(headers)))  # type: ignore[arg-type]
    with capture_logs() as logs:
        await AlertsHandler(told.append)(record)
    return told, [entry["event"] for entry in logs]


async def test_its_story_is_told() -> None:
    parts = Parts()
    await parts.handoff.failed(
        source_record(), Rejected(FailureCode.FILE_BROKEN, "cut off"), stage="files", listing_file="cars/a.json"
    )
    told, events = await tell(parts.dead[0].headers)
    assert told == [Letter("2/7", FailureCode.FILE_BROKEN, "cut off", "cars/a.json", None)]
    assert events == ["dead_letter"]


@pytest.mark.parametrize(
    "headers", [{}, {"failure-code": b"\xff"}, {"failure-code": None}, {"failure-kind": b"reject"}]
)
async def test_one_without_a_readable_story_is_told_as_such(headers: dict[str, bytes | None]) -> None:
    (letter,), events = await tell(headers)
    assert (letter.place, letter.code, letter.file) == ("2/7", FailureCode.HEADER_INVALID, None)
    assert events == ["dead_letter"]


@given(st.dictionaries(st.sampled_from(sorted(STORY_HEADERS)), st.none() | st.binary(max_size=40)))
async def test_whatever_the_headers_it_is_told_once(headers: dict[str, bytes | None]) -> None:
    told, events = await tell(headers)
    assert len(told) == 1
    assert events == ["dead_letter"]


async def test_a_fault_of_ours_fails_no_record() -> None:
    def broken(letter: Letter) -> None:
        told.append(letter)
        if len(told) == 1:
            raise ZeroDivisionError

    told: list[Letter] = []
    parts = Parts()
    await parts.handoff.failed(source_record(), Rejected(FailureCode.FILE_BROKEN, "cut off"), stage="files")
    await AlertsHandler(broken)(source_record(topic="listing-dlq", headers=parts.dead[0].headers))
    assert told[-1].code == FailureCode.UNEXPECTED


async def test_one_that_can_not_be_read_is_told_with_the_reason() -> None:
    trouble = Rejected(FailureCode.RECORD_UNREADABLE, "its checksum is wrong")
    message = Message(7, topic="listing-dlq", partition=2, value=None, checksum=Parcel(Buffered(), "t", 9, 7, trouble))
    told: list[Letter] = []
    await AlertsHandler(told.append)(to_record(message))
    assert told == [Letter("2/7", FailureCode.RECORD_UNREADABLE, "its checksum is wrong")]
