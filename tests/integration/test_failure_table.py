"""The rows of the failure table that the real servers can be brought to, by themselves or behind a fault proxy."""

from __future__ import annotations

import asyncio
import gzip
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import obstore
import pytest
from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    NewTopic,
    ResourcePatternType,
    ResourceType,
)

from app.adapters.avro import AvroCodec
from app.adapters.kafka_producer import KafkaPublisher
from app.adapters.opensearch.client import SearchClient
from app.adapters.opensearch.index_admin import OpenSearchIndexAdmin
from app.adapters.s3 import S3Store
from app.adapters.schema_registry import SchemaRegistry
from app.errors import ListingsError
from app.model.document import Document
from app.model.record import ReadHints
from app.ops.index import apply_index, load_declared
from app.pipeline.parse import FileReader
from app.settings import KafkaSettings, OpenSearchSettings, PathsSettings, S3Settings, Settings
from tests.support.failure_seen import seen_reading, seen_writing
from tests.support.failure_table import Answer, By, Row, Seen, rows, seen
from tests.support.guarded_kafka import guarded_kafka, two_brokers
from tests.support.limits import limits
from tests.support.stack import RunningStack, stack_settings
from tests.support.toxiproxy import FaultProxies, fault_proxies, limit_data, reset_peer, timeout

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]
PATIENCE_S = 1.0
BIG = b"0123456789abcdef" * 250_000


@dataclass(frozen=True)
class Rig:
    """The servers, straight and through their proxies."""

    settings: Settings
    proxied: Settings
    proxies: FaultProxies
    folder: Path

    @property
    def bucket(self) -> str:
        return self.settings.s3.buckets[0]

    def store(self, **more: Any) -> S3Store:
        return S3Store(_changed(self.settings.s3, **more))

    def proxied_store(self) -> S3Store:
        return S3Store(_changed(self.proxied.s3, read_timeout_s=PATIENCE_S, connect_timeout_s=PATIENCE_S))

    def put(self, key: str, content: bytes) -> None:
        store = self.settings.s3
        secret = store.secret_access_key
        bucket = obstore.store.S3Store(
            self.bucket,
            endpoint=store.endpoint_url,
            access_key_id=store.access_key_id,
            secret_access_key=secret.get_secret_value() if secret else None,
            region=store.region,
            client_options={"allow_http": True},
        )
        obstore.put(bucket, key, content)


def _changed(settings: Any, **more: Any) -> Any:
    return type(settings).model_validate({**settings.model_dump(), **more})


@pytest.fixture(scope="module")
def rig(stack: RunningStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with fault_proxies(stack) as proxies:
        rig = Rig(
            stack_settings(stack), stack_settings(stack, proxies.env()), proxies, tmp_path_factory.mktemp("table")
        )
        rig.put("small.json", b"[1,2]")
        rig.put("big.json", BIG)
        yield rig
        proxies.heal()


Provoker = Callable[[Rig], Awaitable[Seen]]
PROVOKERS: dict[str, Provoker] = {}


def provokes(name: str) -> Callable[[Provoker], Provoker]:
    def note(provoker: Provoker) -> Provoker:
        PROVOKERS[name] = provoker
        return provoker

    return note


# -- the object store ------------------------------------------------------------------------------------------------


@provokes("s3_no_such_key")
async def no_such_key(rig: Rig) -> Seen:
    return await seen_reading(rig.store(), rig.bucket, "nothing.json")


@provokes("s3_unknown_key_id")
async def unknown_key_id(rig: Rig) -> Seen:
    return await seen_reading(rig.store(access_key_id="nobody"), rig.bucket, "small.json")


@provokes("s3_wrong_secret")
async def wrong_secret(rig: Rig) -> Seen:
    return await seen_reading(rig.store(secret_access_key="wrong"), rig.bucket, "small.json")


@provokes("s3_no_such_bucket")
async def no_such_bucket(rig: Rig) -> Seen:
    return await seen_reading(rig.store(buckets=("no-such-bucket",)), "no-such-bucket", "small.json")


@provokes("s3_checksum")
async def wrong_checksum(rig: Rig) -> Seen:
    packed = bytearray(gzip.compress(b'[{"a":1}]'))
    packed[-6] ^= 0xFF  # within the CRC-32 at the end
    rig.put("damaged.json.gz", bytes(packed))
    fetched = await rig.store().fetch(rig.bucket, "damaged.json.gz")
    reader = FileReader(ReadHints(), limits(), fetched.info.size)
    try:
        async for chunk in fetched.chunks():
            list(reader.feed(chunk))
        list(reader.finish())
    except ListingsError as error:
        return seen(error)
    return Seen(Answer.DONE)


def store_behind(name: str, fault: Callable[[Rig], Any], key: str) -> None:
    async def provoke(rig: Rig) -> Seen:
        with fault(rig):
            return await seen_reading(rig.proxied_store(), rig.bucket, key)

    PROVOKERS[name] = provoke


store_behind("s3_refused", lambda rig: rig.proxies.store.down(), "small.json")
store_behind("s3_timeout_all", lambda rig: rig.proxies.store.having(timeout()), "small.json")
store_behind("s3_reset_all", lambda rig: rig.proxies.store.having(reset_peer()), "small.json")
store_behind("s3_reset_mid_body", lambda rig: rig.proxies.store.having(limit_data(100_000)), "big.json")

# -- OpenSearch ------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def index(rig: Rig) -> AsyncIterator[tuple[OpenSearchSettings, SearchClient]]:
    """An index of its own."""
    name = f"table-{secrets.token_hex(4)}"
    settings = _changed(rig.settings.opensearch, alias=name, outcomes_index=f"{name}-outcomes", outage_probe_max_s=0.2)
    client = SearchClient(settings)
    declared = load_declared(PathsSettings().schemas / "opensearch", name, f"{name}-outcomes")
    await apply_index(declared, OpenSearchIndexAdmin(client))
    try:
        yield settings, client
    finally:
        for path in (f"/{name}-v1-*,{name}-outcomes", f"/_index_template/{name}", f"/_index_template/{name}-outcomes"):
            await client.call("DELETE", path)
        for stored in ("search", "suggest"):
            await client.call("DELETE", f"/_scripts/{name}-{stored}")
        await client.aclose()


GOOD = b'{"listing_id":"a","source":"s","source_listing_id":"1","make":"VW","status":"available"}'


def document(id_: str = "a", version: int = 5, body: bytes = GOOD) -> Document:
    return Document(id_, version, body, 1)


@provokes("os_item_400")
async def mapping_refuses(rig: Rig) -> Seen:
    async with index(rig) as (settings, _):
        return await seen_writing(settings, [document(body=b'{"no_such_field":1}')])


@provokes("os_item_404")
async def no_index(rig: Rig) -> Seen:
    return await seen_writing(_changed(rig.settings.opensearch, alias="no-such-alias"), [document()])


@provokes("os_item_409")
async def newer_there(rig: Rig) -> Seen:
    async with index(rig) as (settings, _):
        assert await seen_writing(settings, [document()]) == Seen(Answer.DONE)
        return await seen_writing(settings, [document(version=4)])


@provokes("os_closed")
async def closed(rig: Rig) -> Seen:
    async with index(rig) as (settings, client):
        await client.call("POST", f"/{settings.alias}/_close")
        return await seen_writing(settings, [document()])


@provokes("os_full_disk")
async def full_disk(rig: Rig) -> Seen:
    """The block that OpenSearch sets itself at its flood stage."""
    async with index(rig) as (settings, client):
        block = {"index.blocks.read_only_allow_delete": True}
        await client.call("PUT", f"/{settings.alias}/_settings", body=block)
        try:
            return await seen_writing(settings, [document()])
        finally:
            await client.call("PUT", f"/{settings.alias}/_settings", body=dict.fromkeys(block))


@provokes("os_400")
async def request_refused(rig: Rig) -> Seen:
    async with index(rig) as (settings, _):
        return await seen_writing(settings, [document("i" * 600), document("fine")])


def index_behind(name: str, fault: Callable[[Rig], Any]) -> None:
    async def provoke(rig: Rig) -> Seen:
        settings = _changed(rig.proxied.opensearch, request_timeout_s=PATIENCE_S)
        with fault(rig):
            return await seen_writing(settings, [document()])

    PROVOKERS[name] = provoke


index_behind("os_refused", lambda rig: rig.proxies.index.down())
index_behind("os_timeout", lambda rig: rig.proxies.index.having(timeout()))
index_behind("os_reset", lambda rig: rig.proxies.index.having(limit_data(20)))

# -- Kafka -----------------------------------------------------------------------------------------------------------


async def publishing(settings: KafkaSettings, topic: str, value: bytes = b"v", fault: Any = None) -> Seen:
    publisher = KafkaPublisher(_changed(settings, publish_timeout_s=5.0))
    try:
        await publisher.start()
        with fault if fault is not None else _no_fault():
            await publisher.publish(topic, key=b"k", value=value)
    except ListingsError as error:
        return seen(error)
    finally:
        await publisher.stop()
    return Seen(Answer.DONE)


@contextmanager
def _no_fault() -> Iterator[None]:
    yield


def topic(servers: str, config: dict[str, str] | None = None, replicas: int = 1) -> str:
    name = f"table-{secrets.token_hex(4)}"
    admin = AdminClient({"bootstrap.servers": servers, "log_level": 0})
    admin.create_topics([NewTopic(name, 1, replicas, config=config or {})])[name].result(30)
    return name


@provokes("kafka_too_large")
async def too_large(rig: Rig) -> Seen:
    kafka = rig.settings.kafka
    name = await asyncio.to_thread(topic, kafka.bootstrap_servers, {"max.message.bytes": "2000"})
    assert await publishing(kafka, name) == Seen(Answer.DONE)
    return await publishing(kafka, name, b"x" * 10_000)


@provokes("kafka_replicas")
async def too_few_replicas(rig: Rig) -> Seen:
    """One of two brokers dies. (A topic of one replica is content with itself, whatever is asked for.)"""
    with two_brokers(rig.folder / "two") as (servers, second):
        name = await asyncio.to_thread(topic, servers, {"min.insync.replicas": "2"}, 2)
        settings = _changed(rig.settings.kafka, bootstrap_servers=servers)
        assert await publishing(settings, name) == Seen(Answer.DONE)
        second.kill()
        return await publishing(settings, name)


@provokes("kafka_no_topic")
async def no_topic(rig: Rig) -> Seen:
    return await publishing(rig.settings.kafka, "no-such-topic")


@provokes("kafka_denied")
async def denied(rig: Rig) -> Seen:
    with guarded_kafka(rig.folder / "guarded") as servers:
        name = await asyncio.to_thread(topic, servers)
        settings = _changed(rig.settings.kafka, bootstrap_servers=servers)
        assert await publishing(settings, name) == Seen(Answer.DONE)
        rules = [
            AclBinding(
                ResourceType.TOPIC, name, ResourcePatternType.LITERAL, "User:ANONYMOUS", "*", operation, permission
            )
            for operation, permission in (
                (AclOperation.WRITE, AclPermissionType.DENY),
                (AclOperation.DESCRIBE, AclPermissionType.ALLOW),
            )
        ]
        admin = AdminClient({"bootstrap.servers": servers, "log_level": 0})
        for done in admin.create_acls(rules).values():
            await asyncio.to_thread(done.result, 20)
        return await publishing(settings, name)


def broker_behind(name: str, fault: Callable[[Rig], Any]) -> None:
    async def provoke(rig: Rig) -> Seen:
        if rig.proxies.broker is None:
            pytest.skip("the broker in Docker has no listener for a proxy")
        target = await asyncio.to_thread(topic, rig.settings.kafka.bootstrap_servers)
        return await publishing(rig.proxied.kafka, target, fault=fault(rig))

    PROVOKERS[name] = provoke


broker_behind("kafka_timeout", lambda rig: rig.proxies.broker and rig.proxies.broker.having(timeout()))
broker_behind("kafka_refused", lambda rig: rig.proxies.broker and rig.proxies.broker.down())

# -- the registry ----------------------------------------------------------------------------------------------------

SCHEMA = {"type": "record", "name": "Table", "namespace": "com.listings.tests", "fields": []}


async def decoding(settings: Settings, subject: str, schema: object = SCHEMA) -> Seen:
    patient = _changed(settings.schema_registry, timeout_s=PATIENCE_S)
    async with SchemaRegistry(patient) as registry:
        try:
            await AvroCodec(registry, {subject: schema}).decode(b"\0\x7f\0\0\0a")
        except ListingsError as error:
            return seen(error)
    return Seen(Answer.DONE)


@provokes("sr_unknown_id")
async def unknown_id(rig: Rig) -> Seen:
    subject = f"table-{secrets.token_hex(4)}-value"
    async with SchemaRegistry(rig.settings.schema_registry) as registry:
        await registry.register(subject, SCHEMA)
    return await decoding(rig.settings, subject)


@provokes("sr_empty")
async def lacks_ours(rig: Rig) -> Seen:
    return await decoding(rig.settings, f"table-{secrets.token_hex(4)}-value")


@provokes("sr_refused")
async def registry_down(rig: Rig) -> Seen:
    with rig.proxies.registry.down():
        return await decoding(rig.proxied, "any-value")


@provokes("sr_timeout")
async def registry_silent(rig: Rig) -> Seen:
    with rig.proxies.registry.having(timeout()):
        return await decoding(rig.proxied, "any-value")


@pytest.mark.parametrize("row", rows(By.SERVER, By.PROXY), ids=lambda row: row.name)
async def test_a_fault_gets_the_answer_of_the_table(rig: Rig, row: Row) -> None:
    assert await PROVOKERS[row.name](rig) == row.seen


def test_every_row_is_provoked() -> None:
    assert PROVOKERS.keys() == {row.name for row in rows(By.SERVER, By.PROXY)}


def test_the_settings_of_a_store_are_whole(rig: Rig) -> None:
    """A store without credentials would make half of the rows true for the wrong reason."""
    assert isinstance(rig.settings.s3, S3Settings)
    assert rig.settings.s3.secret_access_key is not None
