"""How the library's answers and exceptions become ours; its connection is replaced, the rest of it is real."""

from __future__ import annotations

import asyncio
import io
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest
from opensearchpy import AIOHttpConnection
from opensearchpy.exceptions import ConnectionError as LibraryConnectionError
from opensearchpy.exceptions import ConnectionTimeout, SSLError, TransportError

from app.adapters.opensearch.client import SearchClient, unread_part
from app.errors import FailureCode, OperatorError, Outage, Rejected
from app.observability import metrics
from app.settings import OpenSearchSettings

SETTINGS = OpenSearchSettings(url="http://user:hunter2@127.0.0.1:9200", request_timeout_s=7)
JSON = {"content-type": "application/json; charset=UTF-8"}


class Connection:
    """What the wire would say: an answer or an exception; keeps what was sent."""

    def __init__(self, answer: tuple[int, Mapping[str, str], str] | Exception) -> None:
        self.answer = answer
        self.sent: dict[str, Any] = {}

    async def __call__(
        self, method: str, url: str, params: Any, body: Any, **more: Any
    ) -> tuple[int, Mapping[str, str], str]:
        self.sent = {"method": method, "url": url, "params": params, "body": body, **more}
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def refused(status: int, type_: str, reason: str) -> TransportError:
    """An HTTP error as the library raises it: the body as text."""
    return TransportError(status, orjson.dumps({"error": {"type": type_, "reason": reason}}).decode(), None)


def client_with(
    monkeypatch: pytest.MonkeyPatch, answer: tuple[int, Mapping[str, str], str] | Exception
) -> tuple[SearchClient, Connection]:
    connection = Connection(answer)
    monkeypatch.setattr(AIOHttpConnection, "perform_request", connection.__call__)
    return SearchClient(SETTINGS), connection


_OUTAGES = [
    (ConnectionTimeout("TIMEOUT", "timed out", TimeoutError()), FailureCode.UNREACHABLE, "within 7 s"),
    (
        LibraryConnectionError("N/A", "refused", ConnectionRefusedError(111, "Connection refused")),
        FailureCode.UNREACHABLE,
        "Connection refused",
    ),
    (SSLError("N/A", "bad certificate", ssl.SSLError("x")), FailureCode.UNREACHABLE, "SSLError"),
    (refused(401, "security_exception", "missing credentials"), FailureCode.ACCESS_REFUSED, "missing credentials"),
    (refused(403, "security_exception", "no permissions"), FailureCode.ACCESS_REFUSED, "no permissions"),
    (refused(403, "cluster_block_exception", "read-only"), FailureCode.INDEX_UNAVAILABLE, "read-only"),
    (refused(429, "circuit_breaking_exception", "too much"), FailureCode.OVERLOADED, "too much"),
    (refused(400, "index_closed_exception", "closed"), FailureCode.INDEX_UNAVAILABLE, "closed"),
    (TransportError(503, "<html>busy</html>", None), FailureCode.UNREACHABLE, "answered 503"),
    (TransportError(502, "", None), FailureCode.UNREACHABLE, "answered 502"),
]


class TestBulk:
    async def test_sends_the_body_as_it_is_and_asks_for_what_is_needed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        client, connection = client_with(monkeypatch, (200, JSON, '{"errors":false,"items":[]}'))
        assert await client.bulk(b'{"index":{}}\n{}\n') == {"errors": False, "items": []}
        sent = connection.sent
        assert (sent["method"], sent["url"], sent["body"]) == ("POST", "/listings/_bulk", b'{"index":{}}\n{}\n')
        assert sent["params"]["require_alias"] == "true"
        assert sent["headers"] == {"content-type": "application/x-ndjson"}

    async def test_a_large_body_goes_out_in_pieces(self, monkeypatch: pytest.MonkeyPatch) -> None:
        client, connection = client_with(monkeypatch, (200, JSON, '{"errors":false,"items":[]}'))
        await client.bulk(b"x" * (2 * 1024 * 1024))
        assert isinstance(connection.sent["body"], io.BytesIO)

    @pytest.mark.parametrize(("error", "code", "words"), _OUTAGES)
    async def test_trouble_of_everybody_is_an_outage(
        self, monkeypatch: pytest.MonkeyPatch, error: Exception, code: FailureCode, words: str
    ) -> None:
        client, _ = client_with(monkeypatch, error)
        with pytest.raises(Outage) as raised:
            await client.bulk(b"")
        assert raised.value.code is code
        assert words in raised.value.message
        assert "hunter2" not in raised.value.message

    @pytest.mark.parametrize("status", [404, 405, 418, 302])
    async def test_a_status_that_nobody_expects_rejects_no_document(
        self, monkeypatch: pytest.MonkeyPatch, status: int
    ) -> None:
        client, _ = client_with(monkeypatch, refused(status, "odd", "what"))
        with pytest.raises(Outage):
            await client.bulk(b"")

    async def test_an_answer_that_is_no_json_is_an_outage(self, monkeypatch: pytest.MonkeyPatch) -> None:
        client, _ = client_with(monkeypatch, (200, JSON, "<html>"))
        with pytest.raises(Outage) as raised:
            await client.bulk(b"")
        assert "is this OpenSearch?" in raised.value.message

    async def test_an_answer_of_another_kind_has_no_items(self, monkeypatch: pytest.MonkeyPatch) -> None:
        client, _ = client_with(monkeypatch, (200, {"content-type": "text/plain"}, "hello"))
        assert await client.bulk(b"") == {}

    @pytest.mark.parametrize(
        ("error", "code"),
        [
            (TransportError(413, "", None), FailureCode.RECORD_TOO_BIG),
            (refused(400, "action_request_validation_exception", "id is too long"), FailureCode.INDEX_REFUSED),
        ],
    )
    async def test_a_fault_of_the_request_is_a_reject(
        self, monkeypatch: pytest.MonkeyPatch, error: Exception, code: FailureCode
    ) -> None:
        client, _ = client_with(monkeypatch, error)
        with pytest.raises(Rejected) as raised:
            await client.bulk(b"")
        assert raised.value.code is code

    async def test_requests_are_counted_by_status(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def counted(status: str) -> float:
            name = "listings_index_bulk_requests_total"
            return metrics.REGISTRY.get_sample_value(name, {"status": status}) or 0

        before = counted("503"), counted("0")
        for error in (TransportError(503, "", None), ConnectionTimeout("TIMEOUT", "", TimeoutError())):
            client, _ = client_with(monkeypatch, error)
            with pytest.raises(Outage):
                await client.bulk(b"")
        assert (counted("503"), counted("0")) == (before[0] + 1, before[1] + 1)

    async def test_a_cancelled_request_stays_cancelled(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def never(*_: Any, **__: Any) -> None:
            await asyncio.Event().wait()

        monkeypatch.setattr(AIOHttpConnection, "perform_request", never)
        task = asyncio.create_task(SearchClient(SETTINGS).bulk(b""))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


class TestOtherCalls:
    async def test_what_is_not_there_is_none(self, monkeypatch: pytest.MonkeyPatch) -> None:
        client, _ = client_with(monkeypatch, refused(404, "resource_not_found_exception", "no template"))
        assert await client.call("GET", "/_index_template/x") is None

    async def test_what_is_refused_is_told_plainly(self, monkeypatch: pytest.MonkeyPatch) -> None:
        client, _ = client_with(monkeypatch, refused(400, "illegal_argument_exception", "can not change"))
        with pytest.raises(OperatorError) as raised:
            await client.call("PUT", "/x/_mapping", body={"a": 1})
        assert raised.value.message == (
            "OpenSearch refused PUT /x/_mapping: illegal_argument_exception: can not change"
        )

    @pytest.mark.parametrize(("error", "code", "words"), _OUTAGES)
    async def test_an_outage_is_one_here_too(
        self, monkeypatch: pytest.MonkeyPatch, error: Exception, code: FailureCode, words: str
    ) -> None:
        client, _ = client_with(monkeypatch, error)
        with pytest.raises(Outage) as raised:
            await client.call("GET", "/")
        assert raised.value.code is code

    async def test_bodies_are_json(self, monkeypatch: pytest.MonkeyPatch) -> None:
        client, connection = client_with(monkeypatch, (200, JSON, "{}"))
        await client.call("POST", "/x/_search", body={"query": {"match": {"title": "Citroën"}}})
        assert orjson.loads(connection.sent["body"]) == {"query": {"match": {"title": "Citroën"}}}


_PARTLY = {"total": 3, "successful": 2, "failed": 1}


@pytest.mark.parametrize(
    ("answer", "whole"),
    [
        ({"hits": {"hits": []}, "_shards": _PARTLY}, False),
        ({"count": 7, "_shards": _PARTLY}, False),
        ({"_shards": _PARTLY}, False),
        ({"hits": {"hits": []}, "timed_out": True, "_shards": {"total": 1, "failed": 0}}, False),
        ({"hits": {"hits": []}, "timed_out": False, "_shards": {"total": 1, "failed": 0}}, True),
        ({"result": "created", "_shards": _PARTLY}, True),
    ],
)
async def test_a_part_of_an_answer_is_none(
    monkeypatch: pytest.MonkeyPatch, answer: dict[str, object], whole: bool
) -> None:
    client, _ = client_with(monkeypatch, (200, JSON, orjson.dumps(answer).decode()))
    if whole:
        assert await client.call("POST", "/listings/_search") == answer
        return
    with pytest.raises(Outage) as caught:
        await client.call("POST", "/listings/_search")
    assert "only" in caught.value.message


_NO_INDEX = {"root_cause": [{"type": "index_not_found_exception", "reason": "no such index"}]}
_LOST = {"root_cause": [], "type": "no_shard_available_action_exception", "reason": "No shard available"}


def test_a_document_that_could_not_be_read_is_none_that_is_not_there() -> None:
    unread_part({"found": False}, "index x")
    unread_part({"error": _NO_INDEX}, "index x", may_be_missing=True)
    for error, words in ((_NO_INDEX, "`listings index apply`"), (_LOST, "can not read the index x")):
        with pytest.raises(Outage, match=words):
            unread_part({"error": error}, "index x")
    with pytest.raises(Outage, match="No shard available"):
        unread_part({"error": _LOST}, "index x", may_be_missing=True)


async def test_ping_wants_the_alias(monkeypatch: pytest.MonkeyPatch) -> None:
    client, _ = client_with(monkeypatch, refused(404, "aliases_not_found_exception", "missing"))
    with pytest.raises(Outage) as raised:
        await client.ping()
    assert "listings index apply" in raised.value.message


def test_a_file_of_certificates_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(OperatorError) as raised:
        SearchClient(OpenSearchSettings(url="https://127.0.0.1", ca_file=tmp_path / "none.pem"))
    assert "LISTINGS_OPENSEARCH__CA_FILE" in raised.value.message
