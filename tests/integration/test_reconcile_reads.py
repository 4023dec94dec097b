"""What the comparison of the buckets reads and keeps, on the real OpenSearch and the real broker."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from confluent_kafka import Consumer, TopicPartition

from app.adapters.kafka_backlog import TOPICS, KafkaBacklog
from app.adapters.kafka_reader import KafkaReader, client_config
from app.adapters.opensearch.client import SearchClient
from app.adapters.opensearch.outcomes import OutcomeReader
from app.adapters.opensearch.progress import ProgressKeeper
from app.adapters.opensearch.standing_listings import OpenSearchListings
from app.agents.outcomes import outcome_document
from app.errors import FailureCode, Outage, Rejected
from app.failures.classify import classify
from app.model.document import version_of
from app.model.file import ObjectInfo
from app.model.listed import KnownVersion, Progress, StandingKey
from app.model.outcome import FileStatus
from app.pipeline.missed import created_notification
from app.pipeline.outcome import unread_outcome
from app.settings import OpenSearchSettings
from tests.support.system import System

pytestmark = pytest.mark.integration
AT = datetime(2026, 11, 24, 10, 3, tzinfo=UTC)
KEYS = ["a-b.csv", "a.csv", "a/b.csv", "a/ü.csv", "aa.csv", "z😀.csv", "zﬀ.csv"]
"""In the order of their bytes."""


@pytest.fixture
async def client(system: System) -> AsyncIterator[SearchClient]:
    client = SearchClient(system.settings.opensearch)
    yield client
    await client.aclose()


@pytest.fixture
def reader(system: System, client: SearchClient) -> OutcomeReader:
    return OutcomeReader(client, system.settings.opensearch.outcomes_index)


def info(bucket: str, key: str, number: int = 0) -> ObjectInfo:
    return ObjectInfo(bucket, key, 10, f"etag-{number}", AT + timedelta(minutes=number))


async def tell(
    client: SearchClient,
    settings: OpenSearchSettings,
    about: ObjectInfo,
    status: FileStatus = FileStatus.REJECTED,
    error: Exception | None = None,
) -> None:
    outcome = replace(unread_outcome(about, classify(error or ValueError("x")), 1, AT), status=status)
    document = outcome_document(outcome)
    path = f"/{settings.outcomes_index}/_doc/{document.id}"
    params = {"refresh": "true", "version_type": "external_gte", "version": str(document.version)}
    await client.call("PUT", path, params=params, body=document.body)


async def test_the_versions_of_outcomes_are_asked_by_object(
    system: System, client: SearchClient, reader: OutcomeReader
) -> None:
    bucket = f"bucket-{secrets.token_hex(4)}"
    first, second, third = (info(bucket, key, number) for number, key in enumerate(("a.csv", "ä b.csv", "c.csv")))
    await tell(client, system.settings.opensearch, first)
    await tell(client, system.settings.opensearch, third, FileStatus.REMOVED)
    gone, read = (
        KnownVersion(about.etag, about.uploaded_at, status, "unexpected", 0, version_of(about.uploaded_at), AT)
        for about, status in ((third, FileStatus.REMOVED), (first, FileStatus.REJECTED))
    )
    assert await reader.known_versions([third, second, first]) == [gone, None, read]
    assert await reader.known_versions([]) == []
    many = [info(bucket, f"{number}.csv") for number in range(999)]
    assert await reader.known_versions([*many, first]) == [None] * 999 + [read]
    latest = [await reader.latest(about.bucket, about.key) for about in (third, second, first)]
    assert latest == [gone, None, read]
    lost = OutcomeReader(client, f"{system.settings.opensearch.outcomes_index}-that-was-lost")
    assert await lost.latest(first.bucket, first.key) is None


async def test_keys_come_in_the_order_of_their_bytes_and_without_what_was_removed(
    system: System, client: SearchClient, reader: OutcomeReader
) -> None:
    bucket = f"bucket-{secrets.token_hex(4)}"
    assert sorted(KEYS, key=str.encode) != sorted(KEYS, key=lambda key: key.split("/"))
    in_order = sorted(KEYS, key=str.encode)
    for number, key in enumerate(KEYS):
        await tell(client, system.settings.opensearch, info(bucket, key, number))
    await tell(client, system.settings.opensearch, info(bucket, "b.csv"), FileStatus.REMOVED)

    async def keys(after: str, upto: str | None, prefix: str = "", limit: int = 100) -> list[str]:
        return [found.key for found in await reader.standing_keys(bucket, prefix, after, upto, limit)]

    assert await keys("", None) == in_order
    assert await keys(in_order[1], in_order[4]) == in_order[2:5]
    assert await keys("", None, prefix="a/") == ["a/b.csv", "a/ü.csv"]
    assert await keys("", None, limit=2) == in_order[:2]
    latest = await reader.latest_keys(bucket, "", AT + timedelta(minutes=4), 2)
    assert latest == [
        StandingKey(KEYS[6], AT + timedelta(minutes=6)),
        StandingKey(KEYS[5], AT + timedelta(minutes=5)),
    ]


async def test_outcomes_of_objects_that_never_were_are_told_from_those_of_objects(
    system: System, client: SearchClient, reader: OutcomeReader
) -> None:
    bucket, settings = f"bucket-{secrets.token_hex(4)}", system.settings.opensearch
    never = Rejected(FailureCode.OBJECT_MISSING, "there is no such object")
    for number, key in enumerate(("a.csv", "b.csv", "c.csv")):
        await tell(client, settings, info(bucket, key, number), error=never)
    await tell(client, settings, info(bucket, "object.csv"))
    await tell(client, settings, info(bucket, "removed.csv"), FileStatus.REMOVED, never)
    assert [found.key for found in await reader.standing_keys(bucket, "", "", None, 10)] == ["object.csv"]
    assert [found.key for found in await reader.latest_keys(bucket, "", AT, 10)] == ["object.csv"]
    later = AT + timedelta(seconds=1)
    assert [found.key for found in await reader.gone_keys(bucket, "", "", later, 10)] == ["a.csv", "b.csv", "c.csv"]
    assert [found.key for found in await reader.gone_keys(bucket, "", "a.csv", later, 1)] == ["b.csv"]
    lately = [found.key for found in await reader.gone_keys(bucket, "", "b.csv", AT, 10)]
    assert lately == ["c.csv", "removed.csv"]

    listings = OpenSearchListings(client, settings.alias)
    for key, status in (("b.csv", "available"), ("c.csv", "removed")):
        document = {"listing_id": f"{bucket}-{key}", "status": status, "origin": {"bucket": bucket, "key": key}}
        await client.call("PUT", f"/{settings.alias}/_doc/{bucket}-{key}", params={"refresh": "true"}, body=document)
    many = [f"none/{number}.csv" for number in range(997)]
    assert await listings.objects_with_listings(bucket, ["a.csv", "b.csv", "c.csv", *many]) == {"b.csv"}
    assert await listings.objects_with_listings("other", ["b.csv"]) == set()
    assert await listings.objects_with_listings(bucket, []) == set()


async def test_an_index_that_is_not_there_is_an_outage(client: SearchClient) -> None:
    reader = OutcomeReader(client, "there-is-no-such-index")
    for question in (
        reader.known_versions([info("b", "k")]),
        reader.standing_keys("b", "", "", None, 1),
        reader.latest_keys("b", "", AT, 1),
    ):
        with pytest.raises(Outage):
            await question


async def test_progress_is_kept_and_read_back(client: SearchClient) -> None:
    keeper = ProgressKeeper(client, f"test-{secrets.token_hex(4)}")
    assert await keeper.load() is None
    first = Progress(AT, "cars", "stock/ü.csv", 5000, 3)
    await keeper.save(first)
    assert await keeper.load() == first
    second = Progress(AT, "vans", completed_at=AT + timedelta(seconds=12), took_s=12.25)
    await keeper.save(second)
    assert await keeper.load() == second


async def test_progress_of_another_version_is_no_progress(client: SearchClient) -> None:
    alias = f"test-{secrets.token_hex(4)}"
    await client.call("PUT", f"/{alias}-reconcile/_doc/progress", body={"somewhere": "else"})
    assert await ProgressKeeper(client, alias).load() is None


async def test_what_waits_for_a_group_is_counted_and_named(system: System) -> None:
    group = f"test-{secrets.token_hex(4)}"
    kafka = system.settings.kafka.model_copy(update={"group": group})
    backlog = KafkaBacklog(kafka)
    name = f"{secrets.token_hex(4)} ü+.csv"
    system.publish("listing-uploads", created_notification(info("cars", name)), key=b"")
    system.publish("listing-files", b"\x00avro", key=f"cars/queued-{name}".encode())
    system.publish("listing-uploads", b"not json")
    waiting = await backlog.waiting(1_000_000)
    assert waiting.object_ids is not None
    assert waiting.object_ids >= {f"cars/{name}", f"cars/queued-{name}"}
    assert waiting.records >= 3
    assert (await backlog.waiting(2)).object_ids is None
    await asyncio.to_thread(_commit_everything, system, group)
    assert await backlog.waiting(0) == type(waiting)(0, frozenset())
    system.publish("listing-files", b"\x00avro", key=b"cars/later.csv")
    assert await backlog.waiting(5) == type(waiting)(1, frozenset({"cars/later.csv"}))


def _commit_everything(system: System, group: str) -> None:
    with KafkaReader(system.settings.kafka) as reader:
        ends = [
            TopicPartition(topic, partition, high)
            for topic in TOPICS
            for partition, (_, high) in reader.watermarks(topic).items()
        ]
    consumer = Consumer(client_config(system.settings.kafka) | {"group.id": group})
    consumer.commit(offsets=ends, asynchronous=False)
    consumer.close()


async def test_a_broker_that_is_away_is_an_outage(system: System) -> None:
    away = system.settings.kafka.model_copy(update={"bootstrap_servers": "127.0.0.1:1"})
    with pytest.raises(Outage):
        await KafkaBacklog(away).waiting(1)
