"""Listing a bucket with requests signed here, because obstore can not list every bucket.

ListObjectsV2 with Signature Version 4 (Amazon S3 API reference, "Authenticating requests: Authorization header").
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import UTC, datetime
from urllib.parse import quote, unquote_plus, urlsplit
from xml.etree import ElementTree

import aiohttp
from yarl import URL

from app.adapters.s3_errors import Answer, Doubt, interpret
from app.errors import Dependency, FailureCode, OperatorError, Outage
from app.model.file import ObjectInfo
from app.settings import S3Settings

_EMPTY = hashlib.sha256(b"").hexdigest()


def sign(
    method: str,
    url: str,
    headers: Mapping[str, str],
    *,
    access_key: str,
    secret_key: str,
    region: str,
    at: datetime,
) -> dict[str, str]:
    """The headers of a request without a body, with those of its signature; `url` is encoded as it will be sent."""
    parts = urlsplit(url)
    signed = {
        **{name.lower(): value for name, value in headers.items()},
        "host": parts.netloc,
        "x-amz-content-sha256": _EMPTY,
        "x-amz-date": at.strftime("%Y%m%dT%H%M%SZ"),
    }
    names = ";".join(sorted(signed))
    query = "&".join(sorted(item if "=" in item else f"{item}=" for item in parts.query.split("&") if item))
    lines = [
        method,
        parts.path or "/",
        query,
        *(f"{name}:{signed[name]}" for name in sorted(signed)),
        "",
        names,
        _EMPTY,
    ]
    scope = f"{at:%Y%m%d}/{region}/s3/aws4_request"
    signature = _signature("\n".join(lines), scope, signed["x-amz-date"], secret_key)
    authorization = f"AWS4-HMAC-SHA256 Credential={access_key}/{scope},SignedHeaders={names},Signature={signature}"
    return {**signed, "authorization": authorization}


def _signature(request: str, scope: str, date: str, secret_key: str) -> str:
    key = f"AWS4{secret_key}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    digest = hashlib.sha256(request.encode()).hexdigest()
    return hmac.new(key, f"AWS4-HMAC-SHA256\n{date}\n{scope}\n{digest}".encode(), "sha256").hexdigest()


class Listing:
    """One bucket's keys, page by page."""

    def __init__(self, settings: S3Settings, bucket: str) -> None:
        if settings.access_key_id is None or settings.secret_access_key is None:
            raise OperatorError(
                FailureCode.SETTING_INVALID,
                "listing a bucket needs LISTINGS_S3__ACCESS_KEY_ID and LISTINGS_S3__SECRET_ACCESS_KEY",
            )
        self._access_key = settings.access_key_id
        self._secret_key = settings.secret_access_key.get_secret_value()
        self._settings = settings
        self._bucket = bucket
        self._base = f"{settings.endpoint_url.rstrip('/')}/{quote(bucket, safe='')}"

    async def objects(self, prefix: str, start_after: str) -> AsyncIterator[ObjectInfo]:
        """Raises `Outage`, or `OperatorError(COMMAND_FAILED)` when the store answers with something else."""
        timeout = aiohttp.ClientTimeout(
            sock_connect=self._settings.connect_timeout_s, sock_read=self._settings.read_timeout_s
        )
        query = {"encoding-type": "url", "list-type": "2", "prefix": prefix}
        if start_after:
            query["start-after"] = start_after
        async with aiohttp.ClientSession(timeout=timeout) as session:
            while True:
                page = await self._page(session, query)
                for info in self._infos(page):
                    yield info
                token = page.findtext("{*}NextContinuationToken")
                if page.findtext("{*}IsTruncated") != "true" or not token:
                    return
                query["continuation-token"] = token

    async def _page(self, session: aiohttp.ClientSession, query: Mapping[str, str]) -> ElementTree.Element:
        encoded = "&".join(f"{name}={quote(value, safe='-_.~')}" for name, value in sorted(query.items()) if value)
        url = f"{self._base}?{encoded}"
        headers = sign(
            "GET",
            url,
            {},
            access_key=self._access_key,
            secret_key=self._secret_key,
            region=self._settings.region,
            at=datetime.now(UTC),
        )
        try:
            async with session.get(URL(url, encoded=True), headers=headers) as response:
                body = await response.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Outage(
                FailureCode.UNREACHABLE, Dependency.OBJECT_STORE, f"cannot list bucket {self._bucket}: {error!r}"
            ) from error
        return self._parsed(response.status, body)

    def _parsed(self, status: int, body: bytes) -> ElementTree.Element:
        page = _xml(body)
        if status == 200 and page is not None:
            return page
        if status == 200:
            raise OperatorError(FailureCode.COMMAND_FAILED, f"cannot list bucket {self._bucket}: the answer is no XML")
        code = None if page is None else page.findtext("{*}Code") or page.findtext("Code")
        refusal = interpret(Answer(status, code), self._bucket, "")
        raise refusal.everybody if isinstance(refusal, Doubt) else refusal

    def _infos(self, page: ElementTree.Element) -> Iterator[ObjectInfo]:
        is_encoded = page.findtext("{*}EncodingType") == "url"
        for item in page.iterfind("{*}Contents"):
            key = item.findtext("{*}Key") or ""
            yield ObjectInfo(
                bucket=self._bucket,
                key=unquote_plus(key) if is_encoded else key,
                size=int(item.findtext("{*}Size") or 0),
                etag=(item.findtext("{*}ETag") or "").strip('"'),
                uploaded_at=datetime.fromisoformat(item.findtext("{*}LastModified") or "").astimezone(UTC),
            )


def _xml(body: bytes) -> ElementTree.Element | None:
    try:
        return ElementTree.fromstring(body)  # noqa: S314 - the store's own answer; expat limits entities
    except ElementTree.ParseError:
        return None
