"""Floods that cost their sender little: unknown schema ids, and retries that are due in a year."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import orjson
import pytest
from confluent_kafka import Producer

from app.adapters.avro import AvroCodec
from app.adapters.kafka_reader import KafkaReader, client_config
from app.adapters.schema_registry import SchemaRegistry
from app.agents.retries import SENT_BACK_BYTES_PER_S
from app.errors import FailureCode, FailureKind
from app.failures.headers import Origin, Story, story_of
from app.model.topics import LISTINGS_TOPIC, RETRY_TOPIC
from app.ops.schemas import load_schemas
from app.pipeline.transform import listing_id_of
from tests.support.attacked import NEIGHBOUR_S, Attacked, under_attack
from tests.support.backlog import forget_the_backlog
from tests.support.system import System
from tests.support.waiting import until

pytestmark = [pytest.mark.attack, pytest.mark.timeout(300)]
UNKNOWN_IDS = (200, pytest.param(1_500, marks=pytest.mark.slow))
LARGE = (60, pytest.param(200, marks=pytest.mark.slow))
"""More than a worker holds (32 MiB)."""
LARGE_BYTES = 900_000


@pytest.fixture
def hoarded(system: System) -> Iterator[Attacked]:
    """The product under attack, and a retry topic that is empty afterwards."""
    try:
        with under_attack(system) as product:
            yield product
            product.stands()
    finally:
        forget_the_backlog(system)


@pytest.mark.parametrize("unknown_ids", UNKNOWN_IDS)
def test_many_unknown_schema_ids_hold_up_no_neighbour_and_a_late_schema_is_learnt(
    hoarded: Attacked, unknown_ids: int
) -> None:
    system = hoarded.system
    ours = load_schemas(system.settings.paths.schemas / "avro")["listings-value"]
    late = {**ours, "fields": [*ours["fields"], {"name": f"late{unknown_ids}", "type": "string", "default": ""}]}
    late_id = asyncio.run(next_id(system, ours))
    body = asyncio.run(encoded(system, late, f"late-{unknown_ids}"))
    send(system, LISTINGS_TOPIC, [b"\0" + late_id.to_bytes(4, "big") + body])
    send(system, LISTINGS_TOPIC, [b"\0" + (1_000_000 + n).to_bytes(4, "big") + b"x" for n in range(unknown_ids)])
    assert asyncio.run(registered(system, late)) == late_id
    beside = f"beside-{unknown_ids}"
    neighbour = {"source": beside, "source_listing_id": "1", "make": "Seat", "model": "Ibiza", "year": 2019}
    system.publish(LISTINGS_TOPIC, orjson.dumps(neighbour), listing_id_of(beside, "1").encode())
    began = time.monotonic()
    until("the neighbour's listing", lambda: found(system, beside), NEIGHBOUR_S)
    print(f"beside {unknown_ids} unknown ids: {time.monotonic() - began:.1f} s")  # noqa: T201
    until("the listing whose schema came late", lambda: found(system, f"late-{unknown_ids}"), 60)


@pytest.mark.parametrize("large", LARGE)
def test_large_retries_that_are_due_in_a_year_do_not_fill_the_network(hoarded: Attacked, large: int) -> None:
    system = hoarded.system
    now = datetime.now(UTC)
    story = Story(
        origin=Origin(LISTINGS_TOPIC, 0, 0, 0),
        stage="listings",
        kind=FailureKind.TRANSIENT,
        code=FailureCode.FETCH_FAILED,
        message="reset",
        exception=None,
        attempts=1,
        first_at=now,
        last_at=now,
        due_at=now + timedelta(days=365),
    )
    send(system, RETRY_TOPIC, [b"x" * LARGE_BYTES] * large, story)
    until("the first to be sent back", lambda: sent_back(hoarded) > 0, 30)
    before, began = sent_back(hoarded), time.monotonic()
    hoarded.neighbour_is_served()
    until("ten to be sent back", lambda: sent_back(hoarded) - before >= 10, 60)
    rate = (sent_back(hoarded) - before) * LARGE_BYTES / (time.monotonic() - began)
    assert rate < 1.5 * SENT_BACK_BYTES_PER_S + LARGE_BYTES
    longest = 2 * system.settings.retry.cap_s
    with KafkaReader(system.settings.kafka) as reader:
        newest = reader.newest(RETRY_TOPIC, 5, lambda record: (story_of(record).due_at, record.timestamp_ms))
    assert newest
    for due_at, _ in newest:
        assert due_at is not None
        assert due_at < now + timedelta(seconds=longest + 60)


def send(system: System, topic: str, values: list[bytes], story: Story | None = None) -> None:
    producer = Producer(client_config(system.settings.kafka) | {"queue.buffering.max.kbytes": 1_000_000})
    headers = [] if story is None else list(replace(story).to_headers().items())
    for number, value in enumerate(values):
        producer.produce(topic, key=b"%d" % number, value=value, headers=headers)
    assert producer.flush(60) == 0


def found(system: System, source: str) -> bool:
    system.refresh()
    return bool(system.listings_of(source))


def sent_back(product: Attacked) -> float:
    """Records that the worker has sent to the end of the retry topic."""
    return product.system.metric(product.worker, "listings_retries_postponed_total", topic=RETRY_TOPIC)


async def next_id(system: System, ours: dict[str, object]) -> int:
    """The id that the registry gives out next."""
    async with SchemaRegistry(system.settings.schema_registry) as registry:
        probe = {"type": "record", "name": f"Probe{time.time_ns()}", "fields": []}
        return await registry.register("attack-probe-value", probe) + 1


async def registered(system: System, schema: dict[str, object]) -> int:
    async with SchemaRegistry(system.settings.schema_registry) as registry:
        return await registry.register("attack-late-value", schema)


async def encoded(system: System, schema: dict[str, object], source: str) -> bytes:
    """The body of a listing of a source, without its framing."""
    async with SchemaRegistry(system.settings.schema_registry) as registry:
        codec = AvroCodec(registry, {"listings-value": schema})
        codec._writers["listings-value"] = (b"", codec._parsed["listings-value"])
        fields = {"source": source, "source_listing_id": "1", "make": "Seat", "model": "Ibiza", "year": 2019}
        return codec.encode_known("listings-value", fields)
