"""The one way to OpenSearch; its library's exceptions become `app.errors` here and nowhere else."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Mapping
from time import perf_counter
from typing import Any

import orjson
from opensearchpy import AsyncOpenSearch
from opensearchpy.exceptions import ConnectionTimeout, OpenSearchException, SerializationError, TransportError
from opensearchpy.serializer import JSONSerializer

from app.adapters.opensearch.connection import Connection, wished_pause_s
from app.errors import Dependency, FailureCode, ListingsError, OperatorError, Outage, Rejected
from app.observability import metrics
from app.pipeline.index_answer import reason_of, refuses_everybody
from app.settings import OpenSearchSettings

_BULK_PARAMS = {
    "require_alias": "true",
    "filter_path": "errors,items.*.status,items.*.error,items.*.result,items.*._index",
}
_WITH_IDS = {**_BULK_PARAMS, "filter_path": f"{_BULK_PARAMS['filter_path']},items.*._id"}
_NDJSON = {"content-type": "application/x-ndjson"}
_IN_ONE_WRITE = 1024 * 1024  # aiohttp warns of larger bodies given as bytes: they hold the loop while being sent
_OTHER_CONNECTIONS = 2

# The library logs every failed request by itself, bodies too at its lowest level; who calls us knows and says it.
logging.getLogger("opensearch").setLevel(logging.ERROR)


class _Orjson(JSONSerializer):
    """Bytes go out as they are; the rest by orjson, which is also what reads answers."""

    def loads(self, s: str) -> Any:
        try:
            return orjson.loads(s)
        except orjson.JSONDecodeError as error:
            raise SerializationError("the answer is no JSON") from error

    def dumps(self, data: Any) -> Any:
        return data if isinstance(data, bytes | str | io.BytesIO) else orjson.dumps(data)


class SearchClient:
    """Requests to OpenSearch over pooled connections; no retries of its own."""

    def __init__(self, settings: OpenSearchSettings) -> None:
        self._settings = settings
        self.wants_ids: Callable[[], bool] = lambda: False
        """Whether bulk answers are to tell the id of each document, which only an ingest pipeline changes."""
        password = settings.password.get_secret_value() if settings.password else ""
        if settings.ca_file and not settings.ca_file.exists():
            raise OperatorError(
                FailureCode.SETTING_INVALID,
                f"expected a file of certificates, LISTINGS_OPENSEARCH__CA_FILE names none: {settings.ca_file}",
            )
        self._library = AsyncOpenSearch(
            hosts=[settings.url],
            http_auth=(settings.username, password) if settings.username else None,
            ca_certs=str(settings.ca_file) if settings.ca_file else None,
            timeout=settings.request_timeout_s,
            pool_maxsize=max(settings.bulk_in_flight, settings.bulk_in_flight_max) + _OTHER_CONNECTIONS,
            max_retries=0,
            http_compress=False,
            serializer=_Orjson(),
            connection_class=Connection,
        )

    async def bulk(self, body: bytes) -> Mapping[str, Any]:
        """One `_bulk` request to the alias: `errors`, and status, error, result and index of each item, in order.

        `Rejected(RECORD_TOO_BIG)` when the request as a whole is too large, `Rejected(INDEX_REFUSED)` when one of
        its documents makes the whole request invalid, `Outage` for everything else.
        """
        started = perf_counter()
        status = 0
        try:
            answer: Any = await self._library.transport.perform_request(
                "POST",
                f"/{self._settings.alias}/_bulk",
                params=dict(_WITH_IDS if self.wants_ids() else _BULK_PARAMS),
                body=body if len(body) <= _IN_ONE_WRITE else io.BytesIO(body),
                headers=_NDJSON,
            )
            status = 200
        except OpenSearchException as error:
            status = _status_of(error)
            raise self._bulk_error(error) from error
        finally:
            metrics.BULK_REQUESTS.labels(status).inc()
            metrics.BULK_DURATION.observe(perf_counter() - started)
        return answer if isinstance(answer, Mapping) else {}

    async def call(
        self, method: str, path: str, *, params: Mapping[str, str] | None = None, body: object = None
    ) -> Any:
        """Any other request; the decoded answer, None for 404.

        `Outage` when the server does not answer, refuses everybody or has only a part of what was asked for (a shard
        is lost), else `OperatorError(COMMAND_FAILED)`.
        """
        try:
            return self._whole(await self._request(method, path, params, body))
        except OpenSearchException as error:
            if _status_of(error) == 404:
                return None
            raise self._outage(error) or OperatorError(
                FailureCode.COMMAND_FAILED,
                f"OpenSearch refused {method} {path.partition('?')[0]}: {reason_of(_error_of(error))}",
            ) from error

    async def _request(self, method: str, path: str, params: Mapping[str, str] | None, body: object) -> Any:
        return await self._library.transport.perform_request(method, path, params=dict(params or {}), body=body)

    def _whole(self, answer: Any) -> Any:
        """The answer to a search, a count or a refresh, unless a part of the index or its time was missing."""
        if not isinstance(answer, Mapping) or not ("hits" in answer or "count" in answer or set(answer) == {"_shards"}):
            return answer
        shards = answer.get("_shards", {})
        if shards.get("failed"):
            what = f"answered for {shards['total'] - shards['failed']} of {shards['total']} shards only"
            raise self._down(FailureCode.INDEX_UNAVAILABLE, f"{what}; see `listings index status`")
        if answer.get("timed_out"):
            raise self._down(FailureCode.OVERLOADED, "answered in part only: its time was over")
        return answer

    async def ping(self) -> None:
        """Returns when the server answers and the alias is there; raises `Outage` otherwise."""
        if await self.call("GET", f"/_alias/{self._settings.alias}") is None:
            raise missing(f"index behind the alias {self._settings.alias}")

    async def aclose(self) -> None:
        await self._library.close()

    def _bulk_error(self, error: OpenSearchException) -> ListingsError:
        status = _status_of(error)
        if status == 413:
            return Rejected(
                FailureCode.RECORD_TOO_BIG, "larger than the index takes in one request (413 Content Too Large)"
            )
        if status == 400 and refuses_everybody(status, _error_of(error)) is None:
            return Rejected(FailureCode.INDEX_REFUSED, reason_of(_error_of(error)))
        return self._outage(error) or self._down(FailureCode.INDEX_UNAVAILABLE, f"answered {status}")

    def _outage(self, error: OpenSearchException) -> Outage | None:
        """The outage that an exception tells of; None: it is about this one request."""
        status = _status_of(error)
        if isinstance(error, ConnectionTimeout):
            return self._down(FailureCode.UNREACHABLE, f"did not answer within {self._settings.request_timeout_s:g} s")
        if isinstance(error, SerializationError):
            return self._down(FailureCode.UNREACHABLE, "answers something else than JSON; is this OpenSearch?")
        if status == 0:
            return self._down(FailureCode.UNREACHABLE, f"can not be reached: {_cause(error)}")
        code = refuses_everybody(status, _error_of(error))
        if code is not None or status == 404:
            return self._down(code or FailureCode.INDEX_UNAVAILABLE, reason_of(_error_of(error)))
        if status == 429:
            return self._down(FailureCode.OVERLOADED, reason_of(_error_of(error)))
        return self._down(FailureCode.UNREACHABLE, f"answered {status}") if status >= 500 else None

    def _down(self, code: FailureCode, what: str) -> Outage:
        place = _without_user(self._settings.url)
        return Outage(code, Dependency.SEARCH_INDEX, f"OpenSearch at {place} {what}", wished_pause_s())


def unread_part(found: Mapping[str, Any], what: str, *, may_be_missing: bool = False) -> None:
    """Raise `Outage` when one document of an answer could not be read: a shard is lost, or there is no index."""
    error = found.get("error")
    if not isinstance(error, Mapping):
        return
    if "index_not_found_exception" in (error.get("type"), *(one.get("type") for one in error.get("root_cause", ()))):
        if may_be_missing:
            return
        raise missing(what)
    raise Outage(
        FailureCode.INDEX_UNAVAILABLE,
        Dependency.SEARCH_INDEX,
        f"OpenSearch can not read the {what}: {reason_of(error)}",
    )


def missing(what: str) -> Outage:
    """The outage of something that was never created, or is gone."""
    return Outage(
        FailureCode.INDEX_UNAVAILABLE,
        Dependency.SEARCH_INDEX,
        f"OpenSearch has no {what}; `listings index apply` creates what is missing",
    )


def _status_of(error: OpenSearchException) -> int:
    """The HTTP status; 0: there was no answer."""
    status = error.status_code if isinstance(error, TransportError) else None
    return status if isinstance(status, int) else 0


def _error_of(error: OpenSearchException) -> Mapping[str, Any]:
    """The `error` object of the answer; the library hands the body over as text or decoded."""
    if not isinstance(error, TransportError):
        return {}
    body: Any = error.info if isinstance(error.info, Mapping) else error.error
    if isinstance(body, str):
        try:
            body = orjson.loads(body)
        except orjson.JSONDecodeError:
            return {"type": "answer", "reason": f"{error.status_code} without a JSON body"}
    found = body.get("error") if isinstance(body, Mapping) else None
    return found if isinstance(found, Mapping) else {"type": "answer", "reason": str(found or error.status_code)}


def _cause(error: OpenSearchException) -> str:
    """What the connection said, without its address (a URL may carry a password)."""
    cause = error.info if isinstance(error, TransportError) and len(error.args) > 2 else error
    reason = getattr(cause, "strerror", None) or getattr(getattr(cause, "os_error", None), "strerror", None)
    return f"{type(cause).__name__}" + (f", {reason}" if reason else "")


def _without_user(url: str) -> str:
    scheme, mark, rest = url.partition("://")
    return f"{scheme}{mark}{rest.rpartition('@')[2]}" if mark else url.rpartition("@")[2]
