from __future__ import annotations

import asyncio
import io
import time
from collections.abc import Callable
from typing import Any

import pytest
from fastavro import parse_schema, schemaless_writer
from hypothesis import given
from hypothesis import strategies as st

from app.adapters import schema_lookup
from app.adapters.avro import AvroCodec
from app.errors import Dependency, FailureCode, NotTried, Outage, Rejected, Transient
from tests.support.agents import eventually
from tests.support.memory import FakeClock
from tests.support.memory_registry import MemoryRegistry

SUBJECT = "orders-value"
ID = {"name": "id", "type": "string"}
NOTE = {"name": "note", "type": ["null", "string"], "default": None}
OLD = {"type": "record", "name": "Order", "namespace": "com.shop.v1", "fields": [ID]}
OURS = {**OLD, "fields": [ID, NOTE]}
NEWER = {**OLD, "fields": [ID, NOTE, {"name": "count", "type": "int", "default": 0}]}
RECORD = {"id": "7", "note": "fragile"}


def registry_with(*schemas: Any) -> MemoryRegistry:
    registry = MemoryRegistry()
    for schema in schemas:
        asyncio.run(registry.register(SUBJECT, schema))
    return registry


def codec(registry: MemoryRegistry, monotonic: Callable[[], float] = time.monotonic) -> AvroCodec:
    """Never at rest between two questions."""
    return AvroCodec(registry, {SUBJECT: OURS}, monotonic, rest=_at_once)


async def _at_once(_: float) -> None:
    pass


def written(schema_id: int, schema: Any, value: dict[str, Any]) -> bytes:
    body = io.BytesIO()
    schemaless_writer(body, parse_schema(schema), value)
    return b"\0" + schema_id.to_bytes(4, "big") + body.getvalue()


async def test_a_record_comes_back_as_it_went_and_asks_the_registry_once() -> None:
    registry = MemoryRegistry()
    await registry.register(SUBJECT, OURS)
    both = codec(registry)
    asked = registry.questions
    for _ in range(3):
        payload = await both.encode(SUBJECT, RECORD)
        assert await both.decode(payload) == RECORD
    assert payload[:5] == b"\0\0\0\0\1"
    assert registry.questions == asked + 1


async def test_once_prepared_nothing_has_to_be_awaited() -> None:
    registry = MemoryRegistry()
    await registry.register(SUBJECT, OURS)
    both = codec(registry)
    await both.prepare()
    assert both.decode_known(both.encode_known(SUBJECT, RECORD)) == RECORD


async def test_many_at_once_ask_for_a_schema_once() -> None:
    registry = MemoryRegistry()
    await registry.register(SUBJECT, OURS)
    both = codec(registry)
    asked = registry.questions
    payload = written(1, OURS, RECORD)
    await asyncio.gather(*(both.decode(payload) for _ in range(50)))
    assert registry.questions == asked + 1


@pytest.mark.parametrize(
    ("schema", "sent", "read"),
    [
        (OLD, {"id": "7"}, {"id": "7", "note": None}),
        (NEWER, {"id": "7", "note": None, "count": 3}, {"id": "7", "note": None}),
    ],
)
async def test_older_and_newer_records_are_read_as_ours(
    schema: Any, sent: dict[str, Any], read: dict[str, Any]
) -> None:
    registry = MemoryRegistry()
    await registry.register(SUBJECT, OURS)
    schema_id = await registry.register(SUBJECT, schema)
    payload = written(schema_id, schema, sent)
    reader = codec(registry)
    assert reader.decode_known(payload) is None
    assert await reader.decode(payload) == read
    assert reader.decode_known(payload) == read


@pytest.mark.parametrize("payload", [b"", b"\0\0\0", b"\1\0\0\0\1x", b'{"id": "7"}'])
async def test_other_framing_is_refused_without_a_question(payload: bytes) -> None:
    registry = MemoryRegistry()
    with pytest.raises(Rejected) as caught:
        await codec(registry).decode(payload)
    assert caught.value.code is FailureCode.RECORD_NOT_DECODABLE
    assert registry.questions == 0


async def test_a_broken_body_is_refused() -> None:
    registry = MemoryRegistry()
    await registry.register(SUBJECT, OURS)
    good = written(1, OURS, RECORD)
    for payload in (good[:-1], good + b"x", good[:5], good[:5] + b"\xff" * 20):
        with pytest.raises(Rejected) as caught:
            await codec(registry).decode(payload)
        assert caught.value.code is FailureCode.RECORD_NOT_DECODABLE


async def test_an_unknown_id_comes_again_since_a_registry_may_learn_it_late() -> None:
    registry, clock = MemoryRegistry(), FakeClock()
    await registry.register(SUBJECT, OURS)
    reader = codec(registry, clock.monotonic)
    newer = written(2, NEWER, {**RECORD, "count": 1})
    with pytest.raises(Transient) as caught:
        await reader.decode(newer)
    assert caught.value.code is FailureCode.SCHEMA_UNKNOWN
    assert "2" in caught.value.message
    await registry.register(SUBJECT, NEWER)
    clock.advance(caught.value.retry_after_s or 0)
    assert await reader.decode(newer) == RECORD


async def test_an_unknown_id_is_asked_for_once_in_a_while_and_our_own_schemas_once_for_many() -> None:
    registry, clock = MemoryRegistry(), FakeClock()
    await registry.register(SUBJECT, OURS)
    reader = codec(registry, clock.monotonic)
    for _ in range(3):
        for unknown in range(100, 120):
            with pytest.raises(Transient):
                await reader.decode(written(unknown, OURS, RECORD))
    assert registry.asked_for == list(range(100, 120))
    assert registry.questions == 1 + 20 + 1
    clock.advance(60)
    with pytest.raises(Transient):
        await reader.decode(written(100, OURS, RECORD))
    assert registry.asked_for[20:] == [100]


async def test_thousands_of_unknown_ids_are_asked_for_side_by_side_and_hold_up_nobody() -> None:
    registry = MemoryRegistry()
    registry.slow = asyncio.Event()
    await registry.register(SUBJECT, OURS)
    reader = codec(registry)
    await reader.prepare()
    flood = [asyncio.create_task(reader.decode(written(1000 + n, OURS, RECORD))) for n in range(3000)]
    assert await asyncio.wait_for(reader.decode(written(1, OURS, RECORD)), 5) == RECORD
    await eventually("as many questions at once as may be", lambda: registry.at_once == 4)
    await eventually("most to be sent on", lambda: sum(task.done() for task in flood) >= 2900)
    registry.slow.set()
    errors = await asyncio.wait_for(asyncio.gather(*flood, return_exceptions=True), 20)
    waits = [error.retry_after_s or 0 for error in errors if isinstance(error, NotTried)]
    assert len(waits) >= 2900
    assert waits == sorted(waits), "each comes again when its own turn is over"
    assert 140 < waits[-1] < 150
    await eventually("an answer for each", lambda: len(registry.asked_for) == 3000)
    assert registry.most_at_once == 4
    assert registry.asked_for[4:] == sorted(registry.asked_for[4:]), "a lower id is likelier to be about to be known"
    await reader.aclose()


async def test_questions_that_end_without_a_schema_are_few_and_those_that_end_with_one_are_not_held_up() -> None:
    registry, rests, over = MemoryRegistry(), list[float](), asyncio.Event()

    async def rest(seconds: float) -> None:
        rests.append(seconds)
        await over.wait()

    for schema in (OURS, NEWER):
        await registry.register(SUBJECT, schema)
    reader = AvroCodec(registry, {SUBJECT: OURS}, rest=rest)
    unknown = [asyncio.create_task(reader.decode(written(n, OURS, RECORD))) for n in (100, 101, 102)]
    await eventually("each lane but one to rest", lambda: rests == [0.2] * 3)
    assert await reader.decode(written(1, OURS, RECORD)) == RECORD
    assert await reader.decode(written(2, NEWER, {**RECORD, "count": 1})) == RECORD
    assert len(rests) == 3
    unknown += [asyncio.create_task(reader.decode(written(n, OURS, RECORD))) for n in (103, 104)]
    await eventually("all of them to rest", lambda: rests == [0.2] * 4)
    assert registry.asked_for == [100, 101, 102, 1, 2, 103]
    over.set()
    assert {type(error) for error in await asyncio.gather(*unknown, return_exceptions=True)} == {Transient}


async def test_records_of_an_id_whose_turn_is_far_away_do_not_wait_for_it() -> None:
    registry = MemoryRegistry()
    registry.slow = asyncio.Event()
    reader = codec(registry)
    flood = [asyncio.create_task(reader.decode(written(1000 - n, OURS, RECORD))) for n in range(100)]
    await eventually("the questions", lambda: registry.at_once == 4)
    for _ in range(10):
        with pytest.raises(NotTried) as caught:
            await reader.decode(written(990, OURS, RECORD))
    assert caught.value.retry_after_s == pytest.approx(89 / 20)
    await reader.aclose()
    await asyncio.gather(*flood, return_exceptions=True)


async def test_nobody_waits_long_for_his_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema_lookup, "_WAITED_S", 0.0)
    registry = MemoryRegistry()
    registry.slow = asyncio.Event()
    for number in range(5):
        await registry.register(f"{SUBJECT}-{number}", {**OURS, "doc": str(number)})
    reader = codec(registry)
    asked = [asyncio.create_task(reader.decode(written(n, OURS, RECORD))) for n in range(1, 5)]
    await eventually("the questions", lambda: registry.at_once == 4)
    with pytest.raises(NotTried):
        await reader.decode(written(5, OURS, RECORD))
    registry.slow.set()
    await asyncio.gather(*asked, return_exceptions=True)
    await eventually("the answer", lambda: 5 in registry.asked_for)


async def test_a_registry_that_says_nothing_is_an_outage_however_long_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema_lookup, "_WAITED_S", 0.0)
    registry = MemoryRegistry()
    registry.slow = asyncio.Event()
    registry.failing = {1}
    reading = asyncio.create_task(codec(registry).decode(written(1, OURS, RECORD)))
    await eventually("the question", lambda: registry.at_once == 1)
    assert not reading.done()
    registry.slow.set()
    with pytest.raises(Outage):
        await reading


async def test_when_too_many_ids_wait_the_highest_are_not_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema_lookup, "_ASKED_FOR_MAX", 10)
    registry = MemoryRegistry()
    registry.slow = asyncio.Event()
    await registry.register(SUBJECT, OURS)
    reader = codec(registry)
    flood = [asyncio.create_task(reader.decode(written(100 + n, OURS, RECORD))) for n in range(15)]
    await eventually("the questions", lambda: registry.at_once == 4)
    low = asyncio.create_task(reader.decode(written(1, OURS, RECORD)))
    await eventually("the highest to go", flood[13].done)
    assert type(flood[13].exception()) is NotTried
    assert type(flood[14].exception()) is Transient, "it never had a turn, and a flood must come to its end"
    registry.slow.set()
    assert await asyncio.wait_for(low, 5) == RECORD
    await asyncio.gather(*flood, return_exceptions=True)
    assert sorted(registry.asked_for) == [1, *range(100, 113)]


async def test_of_many_unknown_ids_only_the_lowest_are_asked_for_again_soon() -> None:
    registry, clock = MemoryRegistry(), FakeClock()
    await registry.register(SUBJECT, OURS)
    reader = codec(registry, clock.monotonic)
    for seconds in (0, 3, 3):
        clock.advance(seconds)
        registry.asked_for.clear()
        for unknown in range(1000, 1500):
            with pytest.raises(Transient):
                await reader.decode(written(unknown, OURS, RECORD))
    assert registry.asked_for == list(range(1000, 1100))
    clock.advance(60)
    with pytest.raises(Transient):
        await reader.decode(written(1499, OURS, RECORD))
    assert registry.asked_for[-1] == 1499


async def test_who_gives_up_waiting_takes_the_answer_from_nobody() -> None:
    registry = MemoryRegistry()
    registry.slow = asyncio.Event()
    await registry.register(SUBJECT, OURS)
    reader = codec(registry)
    first, second = (asyncio.create_task(reader.decode(written(1, OURS, RECORD))) for _ in range(2))
    await eventually("the question", lambda: registry.at_once == 1)
    first.cancel()
    registry.slow.set()
    assert await asyncio.wait_for(second, 5) == RECORD


async def test_what_a_registry_says_of_ids_is_not_remembered_without_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema_lookup, "_REMEMBERED_MAX", 10)
    registry = MemoryRegistry()
    await registry.register(SUBJECT, OURS)
    reader = codec(registry)
    for unknown in range(100, 150):
        with pytest.raises(Transient):
            await reader.decode(written(unknown, OURS, RECORD))
    assert len(reader._lookup._refused) == 10


@pytest.mark.parametrize("schema_id", [0, 2**31, 2**32 - 1])
async def test_an_id_that_no_registry_gives_out_is_refused_without_a_question(schema_id: int) -> None:
    registry = MemoryRegistry()
    with pytest.raises(Rejected) as caught:
        await codec(registry).decode(written(schema_id, OURS, RECORD))
    assert (caught.value.code, registry.questions) == (FailureCode.SCHEMA_UNKNOWN, 0)


@pytest.mark.parametrize("kind", ["PROTOBUF", "JSON", "XSD"])
async def test_a_schema_of_another_kind_is_named_at_once_and_remembered(kind: str) -> None:
    registry = MemoryRegistry()
    schema_id = await registry.register("other-value", 'syntax = "proto3";')
    registry.kinds[schema_id] = kind
    reader = codec(registry)
    for _ in range(3):
        with pytest.raises(Rejected) as caught:
            await reader.decode(written(schema_id, OURS, RECORD))
        assert caught.value.code is FailureCode.RECORD_NOT_DECODABLE
        assert f"schema id {schema_id} is a schema of {kind}" in caught.value.message
    assert registry.asked_for == [schema_id]


async def test_a_schema_that_refers_to_others_is_read() -> None:
    place = {
        "type": "record",
        "name": "Place",
        "namespace": "com.shop.v1",
        "fields": [{"name": "city", "type": "Town"}],
    }
    town = {
        "type": "record",
        "name": "Town",
        "namespace": "com.shop.v1",
        "fields": [{"name": "name", "type": "string"}],
    }
    theirs = {**OLD, "fields": [ID, NOTE, {"name": "place", "type": "com.shop.v1.Place"}]}
    registry = MemoryRegistry()
    await registry.register(SUBJECT, OURS)
    schema_id = await registry.register(SUBJECT, theirs)
    registry.needs[schema_id] = (town, place)
    body = io.BytesIO()
    for text in (b"\x027", b"\x02\x0efragile", b"\x0aBrest"):
        body.write(text)
    payload = b"\0" + schema_id.to_bytes(4, "big") + body.getvalue()
    assert await codec(registry).decode(payload) == RECORD
    registry.needs[schema_id] = ()
    with pytest.raises(Rejected) as caught:
        await codec(registry).decode(payload)
    assert "no Avro schema" in caught.value.message


@pytest.mark.parametrize(
    "hostile", [7, None, [], {"type": "record"}, {"type": "record", "name": "x", "fields": 3}, {"type": {"type": {}}}]
)
async def test_whatever_was_registered_as_a_schema_is_refused_as_one(hostile: Any) -> None:
    registry = MemoryRegistry()
    schema_id = await registry.register("other-value", hostile)
    with pytest.raises(Rejected) as caught:
        await codec(registry).decode(b"\0" + schema_id.to_bytes(4, "big") + b"\2a")
    assert caught.value.code is FailureCode.RECORD_NOT_DECODABLE


async def test_an_id_that_the_registry_fails_for_is_the_trouble_of_its_records_alone() -> None:
    registry = MemoryRegistry()
    await registry.register(SUBJECT, OURS)
    registry.failing = {7}
    with pytest.raises(Transient) as caught:
        await codec(registry).decode(written(7, OURS, RECORD))
    assert "500" in caught.value.message


async def test_a_registry_that_lost_everything_is_an_outage_and_no_reason_to_dead_letter() -> None:
    with pytest.raises(Outage) as caught:
        await codec(MemoryRegistry()).decode(written(1, OURS, RECORD))
    assert caught.value.dependency is Dependency.SCHEMA_REGISTRY
    assert "schemas register" in caught.value.message


async def test_a_schema_that_is_not_registered_yet_is_waited_for() -> None:
    registry = MemoryRegistry()
    writer = codec(registry)
    with pytest.raises(Outage):
        await writer.encode(SUBJECT, RECORD)
    await registry.register(SUBJECT, OURS)
    assert await writer.encode(SUBJECT, RECORD) == written(1, OURS, RECORD)


async def test_an_outage_of_the_registry_concerns_unknown_schemas_only() -> None:
    registry = MemoryRegistry()
    await registry.register(SUBJECT, OURS)
    await registry.register(SUBJECT, NEWER)
    both = codec(registry)
    await both.prepare()
    registry.down = True
    assert await both.decode(await both.encode(SUBJECT, RECORD)) == RECORD
    newer = written(2, NEWER, {**RECORD, "count": 1})
    with pytest.raises(Outage):
        await both.decode(newer)
    registry.down = False
    assert await both.decode(newer) == RECORD


@pytest.mark.parametrize("foreign", [{**OLD, "name": "Invoice"}, {**OLD, "namespace": "com.shop.v2"}, "string"])
async def test_a_record_of_another_name_is_not_ours(foreign: Any) -> None:
    registry = MemoryRegistry()
    schema_id = await registry.register("other-value", foreign)
    with pytest.raises(Rejected) as caught:
        await codec(registry).decode(b"\0" + schema_id.to_bytes(4, "big") + b"\2a")
    assert caught.value.code is FailureCode.RECORD_NOT_DECODABLE
    assert "com.shop.v1.Order" in caught.value.message


_READER = codec(registry_with(OURS))
asyncio.run(_READER.prepare())


@given(body=st.binary(max_size=60))
def test_no_body_makes_it_raise_anything_else(body: bytes) -> None:
    try:
        record = _READER.decode_known(b"\0\0\0\0\1" + body)
    except Rejected as error:
        assert error.code is FailureCode.RECORD_NOT_DECODABLE
    else:
        assert record is not None
        assert set(record) == {"id", "note"}
