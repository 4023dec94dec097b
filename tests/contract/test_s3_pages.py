"""Pages of a bucket's listing, over HTTP: what is asked, what is made of the answers, and how they are read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

from app.adapters.s3_listing import BucketPages
from app.errors import FailureCode, ListingsError, OperatorError, Outage
from app.settings import S3Settings
from tests.support.scripted_s3 import Reply, Script, ScriptedS3, listing, refusal, scripted_s3

BUCKET = "listings-uploads"


@asynccontextmanager
async def pages_of(script: Script, **more: object) -> AsyncIterator[tuple[BucketPages, ScriptedS3]]:
    async with scripted_s3(script) as server:
        given = {
            "endpoint_url": server.url,
            "access_key_id": "key",
            "secret_access_key": "secret",
            "read_timeout_s": 0.5,
            **more,
        }
        pages = BucketPages(S3Settings.model_validate(given))
        try:
            yield pages, server
        finally:
            await pages.aclose()


async def test_a_page_is_asked_for_after_a_key_and_the_next_one_with_its_token() -> None:
    answers = iter([listing("in/a+b%2Bc.json", "in/", after="t/1="), listing("in/z.json")])
    async with pages_of(lambda _: next(answers)) as (pages, server):
        first = await pages.page(BUCKET, "in/", "in/ä+")
        second = await pages.page(BUCKET, "in/", token=first.token)
    assert [info.key for info in first.objects] == ["in/a b+c.json", "in/"]
    assert first.objects[0].uploaded_at == datetime(2026, 3, 1, 10, 3, tzinfo=UTC)
    assert (first.objects[0].bucket, first.objects[0].size, first.objects[0].etag) == (BUCKET, 5, "abc")
    assert (first.token, second.token) == ("t/1=", None)
    asked = [{name: values[0] for name, values in request.query.items()} for request in server.asked]
    assert asked[0]["start-after"] == "in/ä+"
    assert "continuation-token" not in asked[0]
    assert asked[1]["continuation-token"] == "t/1="
    assert {request["prefix"] for request in asked} == {"in/"}


async def test_times_with_milliseconds_and_offsets_are_kept() -> None:
    page = listing("a.json")
    body = page.body.replace(b"2026-03-01T10:03:00.000Z", b"2026-03-01T12:03:00.250+02:00")
    async with pages_of(lambda _: Reply(200, body)) as (pages, _):
        (info,) = (await pages.page(BUCKET, "")).objects
    assert info.uploaded_at == datetime(2026, 3, 1, 10, 3, 0, 250_000, tzinfo=UTC)


async def test_an_empty_bucket_is_an_empty_page() -> None:
    async with pages_of(lambda _: listing()) as (pages, _):
        page = await pages.page(BUCKET, "")
    assert (page.objects, page.token) == ((), None)


async def test_a_page_of_a_thousand_keys_leaves_turns_to_others() -> None:
    """Read at once it would hold the event loop for longer than an upload may wait."""
    reply = listing(*(f"folder/{number:09d}-{'x' * 100}.json" for number in range(1000)))
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    async with pages_of(lambda _: reply) as (pages, _):
        task = asyncio.create_task(others())
        page = await pages.page(BUCKET, "")
        task.cancel()
    assert len(page.objects) == 1000
    assert turns >= len(reply.body) / 32_768


@pytest.mark.parametrize(
    ("reply", "kind", "code"),
    [
        (refusal(403, "AccessDenied"), Outage, FailureCode.ACCESS_REFUSED),
        (refusal(503, "SlowDown"), Outage, FailureCode.OVERLOADED),
        (Reply(500, b"<html>"), Outage, FailureCode.UNREACHABLE),
        (Reply(200, b"<html><body>login</body></html>"), OperatorError, FailureCode.COMMAND_FAILED),
        (Reply(200, b"not xml"), OperatorError, FailureCode.COMMAND_FAILED),
        (Reply(200, b""), OperatorError, FailureCode.COMMAND_FAILED),
        (Reply(200, listing("a").body[:-30]), OperatorError, FailureCode.COMMAND_FAILED),
        (Reply(200, listing("a").body.replace(b"2026-03-01", b"soon")), OperatorError, FailureCode.COMMAND_FAILED),
        (Reply(200, listing("a").body.replace(b">5<", b">five<")), OperatorError, FailureCode.COMMAND_FAILED),
        (Reply(200, listing("a").body, length=10_000, then="close"), Outage, FailureCode.UNREACHABLE),
        (Reply(200, listing("a").body, length=10_000, then="stall after"), Outage, FailureCode.UNREACHABLE),
        (Reply(then="no answer"), Outage, FailureCode.UNREACHABLE),
    ],
)
async def test_what_is_no_page_is_said(reply: Reply, kind: type[ListingsError], code: FailureCode) -> None:
    async with pages_of(lambda _: reply) as (pages, _):
        with pytest.raises(kind) as caught:
            await pages.page(BUCKET, "")
    assert caught.value.code is code
    assert "listings-uploads" in caught.value.message


async def test_entities_are_not_blown_up() -> None:
    bomb = b"".join(b'<!ENTITY e%d "%s">' % (n, b"&e%d;" % (n - 1) * 100) for n in range(1, 9))
    body = b'<!DOCTYPE x [<!ENTITY e0 "ha">' + bomb + b"]><ListBucketResult><Key>&e8;</Key></ListBucketResult>"
    async with pages_of(lambda _: Reply(200, body)) as (pages, _):
        with pytest.raises(OperatorError):
            await pages.page(BUCKET, "")


async def test_without_keys_nothing_is_asked() -> None:
    async with pages_of(lambda _: listing(), access_key_id=None) as (pages, server):
        with pytest.raises(OperatorError, match="LISTINGS_S3__ACCESS_KEY_ID"):
            await pages.page(BUCKET, "")
        assert server.asked == []
