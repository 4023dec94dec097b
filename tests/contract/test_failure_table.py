"""The rows of the failure table that a server has to be scripted for, and what the table as a whole has to be."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import orjson
import pytest
from aiohttp import web

from app.adapters.opensearch.client import SearchClient
from app.adapters.s3 import S3Store
from app.adapters.schema_registry import SchemaRegistry
from app.errors import Dependency, FailureCode, ListingsError, Outage, Skipped
from app.model.document import Document
from app.settings import OpenSearchSettings, S3Settings, SchemaRegistrySettings
from tests.support.failure_seen import seen_reading, seen_writing
from tests.support.failure_table import MEANING, ROWS, Answer, By, Row, Seen, rows, seen
from tests.support.scripted_http import Request, scripted_http
from tests.support.scripted_s3 import FACTS, Asked, Reply, listing, refusal, scripted_s3

BUCKET = "listings-uploads"
Provoker = Callable[[], Awaitable[Seen]]
PROVOKERS: dict[str, Provoker] = {}

NO_LIST = listing()
DENIED = refusal(403, "AccessDenied")
INTERNAL = refusal(500, "InternalError")


def provokes(name: str) -> Callable[[Provoker], Provoker]:
    def note(provoker: Provoker) -> Provoker:
        PROVOKERS[name] = provoker
        return provoker

    return note


# -- the object store ------------------------------------------------------------------------------------------------


async def reading(objects: Callable[[Asked], Reply], lists: Reply = NO_LIST) -> Seen:
    async with scripted_s3(lambda asked: objects(asked) if asked.key else lists) as server:
        settings = S3Settings(
            endpoint_url=server.url,
            access_key_id="key",
            secret_access_key="secret",
            buckets=(BUCKET,),
            read_timeout_s=0.3,
        )
        return await seen_reading(S3Store(settings), BUCKET, "in/a.json")


def store(name: str, reply: Reply, lists: Reply = NO_LIST) -> None:
    PROVOKERS[name] = lambda: reading(lambda _: reply, lists)


store("s3_denied_one", DENIED)
store("s3_denied_all", DENIED, lists=DENIED)
store("s3_archived", refusal(403, "InvalidObjectState"))
store("s3_slow_down", refusal(503, "SlowDown"))
store("s3_5xx_one", INTERNAL)
store("s3_5xx_all", INTERNAL, lists=INTERNAL)
store("s3_timeout_one", Reply(then="stall"))
store("s3_stall_mid_body", Reply(200, b"[1,", FACTS, length=9, then="stall after"))
store("s3_short", Reply(200, b"[1,", FACTS, length=9, then="close"))


@provokes("s3_replaced")
async def replaced() -> Seen:
    def objects(asked: Asked) -> Reply:
        if asked.method == "HEAD":
            return Reply(200, b"[9,9,9,9]", {**FACTS, "ETag": '"new"'})
        return Reply(200, b"[1,", FACTS, length=9, then="close")

    return await reading(objects)


# -- OpenSearch ------------------------------------------------------------------------------------------------------


def error(kind: str) -> dict[str, str]:
    return {"type": kind, "reason": "no"}


def ids_of(request: Request) -> list[str]:
    return [orjson.loads(line)["index"]["_id"] for line in request.body.splitlines()[::2]]


async def writing(script: Callable[[list[str]], web.Response]) -> Seen:
    async with scripted_http(lambda request: script(ids_of(request))) as url:
        settings = OpenSearchSettings(url=url, bulk_linger_s=0.0, outage_probe_max_s=0.1, request_timeout_s=5)
        return await seen_writing(settings, [Document("one", 1, b"{}", 1), Document("two", 1, b"{}", 2)])


def items(name: str, status: int, kind: str, times: int) -> None:
    """One of two documents is answered so, so often; then all is well."""
    left = times

    def script(ids: list[str]) -> web.Response:
        nonlocal left
        left -= 1
        found: list[dict[str, object]] = []
        for id_ in ids:
            fails = left >= 0 and (id_ == "one" or times > 10)
            found.append({"index": {"status": status, "error": error(kind)} if fails else {"status": 201}})
        return web.json_response({"errors": left >= 0, "items": found})

    PROVOKERS[name] = lambda: writing(script)


items("os_item_413", 413, "too_large", times=1)
items("os_item_429", 429, "rejected_execution_exception", times=1)
items("os_item_5xx", 503, "unavailable_shards_exception", times=1)
items("os_items_429", 429, "rejected_execution_exception", times=1000)


def requests(name: str, status: int, kind: str) -> None:
    PROVOKERS[name] = lambda: writing(lambda _: web.json_response({"error": error(kind)}, status=status))


requests("os_401", 401, "security_exception")
requests("os_403", 403, "security_exception")
requests("os_413_one", 413, "too_large")
requests("os_429", 429, "circuit_breaking_exception")
requests("os_5xx", 500, "exception")


@provokes("os_413")
async def too_large_together() -> Seen:
    def script(ids: list[str]) -> web.Response:
        if len(ids) > 1:
            return web.Response(status=413)
        return web.json_response({"errors": False, "items": [{"index": {"status": 201}}]})

    return await writing(script)


@provokes("os_no_json")
async def somebody_else() -> Seen:
    return await writing(lambda _: web.Response(text="<html>welcome</html>", content_type="text/html"))


# -- the registry ----------------------------------------------------------------------------------------------------


async def asking(response: Callable[[], web.Response]) -> Seen:
    async with (
        scripted_http(lambda _: response()) as url,
        SchemaRegistry(SchemaRegistrySettings(url=url, timeout_s=2)) as registry,
    ):
        try:
            await registry.schema(7)
        except ListingsError as caught:
            return seen(caught)
    return Seen(Answer.DONE)


PROVOKERS["sr_401"] = lambda: asking(lambda: web.json_response({"message": "no"}, status=401))
PROVOKERS["sr_503"] = lambda: asking(lambda: web.json_response({"message": "busy"}, status=503))
PROVOKERS["sr_500"] = lambda: asking(lambda: web.json_response({"message": "oh"}, status=500))
PROVOKERS["sr_other"] = lambda: asking(lambda: web.Response(text="<html>", content_type="text/html"))

# -- our own ---------------------------------------------------------------------------------------------------------


async def _seen(caught: BaseException) -> Seen:
    return seen(caught)


PROVOKERS["own_bug"] = lambda: _seen(KeyError("what nobody thought of"))
PROVOKERS["own_timeout"] = lambda: _seen(TimeoutError())
PROVOKERS["own_skip"] = lambda: _seen(Skipped(FailureCode.TEST_EVENT, "the store tests its notifications"))


@pytest.mark.parametrize("row", rows(By.SCRIPT), ids=lambda row: row.name)
async def test_a_fault_gets_the_answer_of_the_table(row: Row) -> None:
    assert await PROVOKERS[row.name]() == row.seen


def test_every_scripted_row_is_provoked() -> None:
    assert PROVOKERS.keys() == {row.name for row in rows(By.SCRIPT)}


def test_every_row_is_there_once_and_every_answer_is_explained() -> None:
    assert len({row.name for row in ROWS}) == len(ROWS)
    assert len({(row.server, row.fault) for row in ROWS}) == len(ROWS)
    assert MEANING.keys() == set(Answer)


def test_every_code_of_a_failure_of_servers_is_in_the_table() -> None:
    transient_and_outage = {
        FailureCode.FETCH_FAILED,
        FailureCode.FETCH_TIMED_OUT,
        FailureCode.CONTENT_CHANGED,
        FailureCode.HANDLING_TIMED_OUT,
        FailureCode.UNEXPECTED,
        FailureCode.UNREACHABLE,
        FailureCode.ACCESS_REFUSED,
        FailureCode.OVERLOADED,
        FailureCode.INDEX_UNAVAILABLE,
    }
    assert transient_and_outage <= {row.seen.code for row in ROWS}
    of_the_worker = {
        Dependency.OBJECT_STORE,
        Dependency.SEARCH_INDEX,
        Dependency.SCHEMA_REGISTRY,
        Dependency.BROKER,
    }
    assert {row.seen.dependency for row in ROWS} == {None, *of_the_worker}


# -- when to ask again -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("value", "seconds"), [("3", 3.0), (None, None), ("soon", None)])
@pytest.mark.parametrize("status", [429, 503])
async def test_an_index_that_is_overloaded_says_when_to_ask_again(
    status: int, value: str | None, seconds: float | None
) -> None:
    headers = {} if value is None else {"Retry-After": value}
    async with scripted_http(lambda _: web.json_response({"error": "busy"}, status=status, headers=headers)) as url:
        client = SearchClient(OpenSearchSettings(url=url))
        try:
            for ask in (client.bulk(b"{}\n"), client.ping()):
                with pytest.raises(Outage) as caught:
                    await ask
                assert caught.value.retry_after_s == seconds
        finally:
            await client.aclose()


@pytest.mark.parametrize(("value", "seconds"), [("3", 3.0), (None, None)])
async def test_a_registry_that_is_overloaded_says_when_to_ask_again(value: str | None, seconds: float | None) -> None:
    headers = {} if value is None else {"Retry-After": value}
    async with (
        scripted_http(lambda _: web.json_response({}, status=503, headers=headers)) as url,
        SchemaRegistry(SchemaRegistrySettings(url=url)) as registry,
    ):
        with pytest.raises(Outage) as caught:
            await registry.ping()
    assert caught.value.retry_after_s == seconds
