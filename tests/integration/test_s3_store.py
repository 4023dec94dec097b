"""The object store adapter on a real gateway, and the notifications that the gateway sends for it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from confluent_kafka import Consumer

from app.adapters.s3 import S3Store
from app.errors import FailureCode, Outage, Rejected
from app.model.upload import ObjectEvent, ObjectEventKind
from app.ops.upload import object_keys, upload_files
from app.pipeline.notification import parse_notification
from app.settings import S3Settings
from tests.support.stack import RunningStack, stack_settings
from tests.support.waiting import until

pytestmark = pytest.mark.integration

ODD_NAMES = ["a b+c.json", "100%.json", "a%2Fb%20c.json", "ä é.json", "🚗.csv", "q?x=1&y#z.json", " x .json", "...json"]


@pytest.fixture
def settings(stack: RunningStack) -> S3Settings:
    return stack_settings(stack).s3


@pytest.fixture
def store(settings: S3Settings) -> S3Store:
    return S3Store(settings)


@pytest.fixture
def bucket(settings: S3Settings) -> str:
    return settings.buckets[0]


@pytest.fixture
def folder() -> str:
    return f"test-{secrets.token_hex(4)}/"


@pytest.fixture
def notified(stack: RunningStack) -> Iterator[Callable[[str], list[ObjectEvent]]]:
    """What was notified so far of objects below a prefix."""
    consumer = Consumer(
        {
            "bootstrap.servers": stack_settings(stack).kafka.bootstrap_servers,
            "group.id": f"test-{secrets.token_hex(4)}",
            "auto.offset.reset": "earliest",
        }
    )
    consumer.subscribe(["listing-uploads"])
    events: list[ObjectEvent] = []

    def so_far(prefix: str) -> list[ObjectEvent]:
        for message in consumer.consume(100, timeout=0.2):
            value = message.value()
            if message.error() is None and value is not None:
                with suppress(Rejected):  # other tests of the session write what nobody can read
                    events.extend(parse_notification(value).events)
        return [event for event in events if event.key.startswith(prefix)]

    yield so_far
    consumer.close()


async def test_what_is_put_is_there_listed_and_notified_under_its_own_key(
    store: S3Store, bucket: str, folder: str, notified: Callable[[str], list[ObjectEvent]]
) -> None:
    put = {}
    for name in ODD_NAMES:
        key = folder + name
        put[key] = await store.put(bucket, key, name.encode(), content_type="text/csv")
        assert await store.head(bucket, key) == put[key]
        fetched = await store.fetch(bucket, key)
        assert b"".join([chunk async for chunk in fetched.chunks()]) == name.encode()
        assert fetched.info == put[key]
    assert {info.content_type for info in put.values()} == {"text/csv"}
    listed = [info async for info in store.list(bucket, folder)]
    assert {info.key: (info.size, info.etag, info.uploaded_at) for info in listed} == {
        key: (info.size, info.etag, info.uploaded_at) for key, info in put.items()
    }
    events = until("a notification for each", lambda: _all_of(notified(folder), len(put)))
    assert {event.key: (event.kind, event.bucket, event.etag) for event in events} == {
        key: (ObjectEventKind.CREATED, bucket, info.etag) for key, info in put.items()
    }


def _all_of(events: list[ObjectEvent], count: int) -> list[ObjectEvent] | None:
    return events if len({event.key for event in events}) == count else None


async def test_a_large_file_goes_up_in_parts_and_comes_down_in_pieces(
    store: S3Store, bucket: str, folder: str, tmp_path: Path
) -> None:
    content = secrets.token_bytes(1024) * 20_000
    path = tmp_path / "large.ndjson"
    path.write_bytes(content)
    sent: list[int] = []
    info = await store.put(bucket, f"{folder}large.ndjson", path, on_progress=sent.append)
    assert (info.size, sum(sent)) == (len(content), len(content))
    fetched = await store.fetch(bucket, info.key)
    chunks = [chunk async for chunk in fetched.chunks()]
    assert b"".join(chunks) == content
    assert max(map(len, chunks)) <= 256 * 1024


async def test_uploads_go_on_when_one_of_them_can_not(store: S3Store, bucket: str, folder: str, tmp_path: Path) -> None:
    for name in ("a.json", "b.csv"):
        (tmp_path / name).write_text("[]")
    paths = [tmp_path / name for name in ("a.json", "gone.json", "b.csv")]
    uploaded = await upload_files(store, bucket, object_keys(paths, folder), lambda _: None)
    assert [item.error is None for item in uploaded] == [True, False, True]
    assert uploaded[2].info is not None
    assert uploaded[2].info.content_type == "text/csv"


async def test_a_missing_object_is_a_reject(store: S3Store, bucket: str) -> None:
    for ask in (store.head, store.fetch):
        with pytest.raises(Rejected) as caught:
            await ask(bucket, "never/there.json")
        assert caught.value.code is FailureCode.OBJECT_MISSING


@pytest.mark.parametrize(
    "wrong", [{"access_key_id": "nobody"}, {"secret_access_key": "wrong"}], ids=["unknown key", "wrong secret"]
)
async def test_refused_credentials_are_an_outage_even_where_the_gateway_says_404(
    settings: S3Settings, bucket: str, wrong: dict[str, str]
) -> None:
    refused = S3Store(S3Settings.model_validate({**settings.model_dump(), **wrong}))
    for ask in (refused.head(bucket, "a.json"), refused.fetch(bucket, "a.json"), refused.ping()):
        with pytest.raises(Outage) as caught:
            await ask
        assert caught.value.code is FailureCode.ACCESS_REFUSED


async def test_a_bucket_that_does_not_exist_is_an_outage_that_names_it(settings: S3Settings) -> None:
    store = S3Store(settings.model_copy(update={"buckets": ("nowhere-at-all",)}))
    with pytest.raises(Outage) as caught:
        await store.head("nowhere-at-all", "a.json")
    assert "nowhere-at-all" in caught.value.message


async def test_the_store_answers(store: S3Store) -> None:
    await store.ping()
