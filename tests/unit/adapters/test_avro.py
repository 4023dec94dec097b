from __future__ import annotations

import asyncio
import io
from typing import Any

import pytest
from fastavro import parse_schema, schemaless_writer
from hypothesis import given
from hypothesis import strategies as st

from app.adapters.avro import AvroCodec
from app.errors import Dependency, FailureCode, Outage, Rejected
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


def codec(registry: MemoryRegistry) -> AvroCodec:
    return AvroCodec(registry, {SUBJECT: OURS})


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


async def test_an_unknown_id_is_refused_by_name() -> None:
    registry = MemoryRegistry()
    await registry.register(SUBJECT, OURS)
    with pytest.raises(Rejected) as caught:
        await codec(registry).decode(written(99, OURS, RECORD))
    assert caught.value.code is FailureCode.SCHEMA_UNKNOWN
    assert "99" in caught.value.message


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
