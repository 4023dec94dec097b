"""Listing a bucket with requests signed here, because obstore can not list every bucket.

ListObjectsV2 with Signature Version 4 (Amazon S3 API reference, "Authenticating requests: Authorization header").
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, unquote_plus, urlsplit
from xml.etree import ElementTree

import aiohttp
from yarl import URL

from app.adapters.s3_errors import Answer, Doubt, interpret
from app.errors import Dependency, FailureCode, ListingsError, OperatorError, Outage
from app.model.file import ObjectInfo
from app.model.listed import ListedPage
from app.settings import S3Settings

_EMPTY = hashlib.sha256(b"").hexdigest()
_PIECE_BYTES = 16 * 1024
_REFUSAL_MAX_BYTES = 64 * 1024


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
        token: str | None = None
        async with self._session() as session:
            while True:
                page = await self.page(session, prefix, start_after, token)
                for info in page.objects:
                    yield info
                token = page.token
                if token is None:
                    return

    async def page(
        self, session: aiohttp.ClientSession, prefix: str, start_after: str, token: str | None = None
    ) -> ListedPage:
        """One page, after the key `start_after`, or where the page that gave `token` ended. Errors as for `objects`.

        It is read in pieces: a thousand keys at once would hold the event loop for longer than 20 ms.
        """
        query = {"encoding-type": "url", "list-type": "2", "prefix": prefix, "start-after": start_after}
        if token is not None:
            query["continuation-token"] = token
        url, headers = self._request(query)
        try:
            async with session.get(URL(url, encoded=True), headers=headers) as response:
                if response.status != 200:
                    raise self._refusal(response.status, await response.content.read(_REFUSAL_MAX_BYTES))
                reading = _PageReader(self._bucket)
                async for piece in response.content.iter_chunked(_PIECE_BYTES):
                    reading.feed(piece)
                    await asyncio.sleep(0)
                return reading.page()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Outage(
                FailureCode.UNREACHABLE, Dependency.OBJECT_STORE, f"cannot list bucket {self._bucket}: {error!r}"
            ) from error
        except (ElementTree.ParseError, ValueError) as error:
            raise OperatorError(
                FailureCode.COMMAND_FAILED, f"cannot list bucket {self._bucket}: the answer is no XML of a listing"
            ) from error

    def _session(self) -> aiohttp.ClientSession:
        return listing_session(self._settings)

    def _request(self, query: Mapping[str, str]) -> tuple[str, dict[str, str]]:
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
        return url, headers

    def _refusal(self, status: int, body: bytes) -> ListingsError:
        page = _xml(body)
        code = None if page is None else page.findtext("{*}Code") or page.findtext("Code")
        refusal = interpret(Answer(status, code), self._bucket, "")
        error: ListingsError = refusal.everybody if isinstance(refusal, Doubt) else refusal
        if isinstance(error, Outage):
            told = f"cannot list bucket {self._bucket}: {error.message}"
            return Outage(error.code, error.dependency, told, error.retry_after_s)
        return error


class BucketPages:
    """Pages of the listings of all buckets, over connections of its own; `aclose` it."""

    def __init__(self, settings: S3Settings) -> None:
        self._settings = settings
        self._listings: dict[str, Listing] = {}
        self._session: aiohttp.ClientSession | None = None

    async def page(self, bucket: str, prefix: str, start_after: str = "", token: str | None = None) -> ListedPage:
        """As `Listing.page`; `OperatorError(SETTING_INVALID)` without keys to sign with."""
        if bucket not in self._listings:
            self._listings[bucket] = Listing(self._settings, bucket)
        if self._session is None:
            self._session = listing_session(self._settings)
        return await self._listings[bucket].page(self._session, prefix, start_after, token)

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None


def listing_session(settings: S3Settings) -> aiohttp.ClientSession:
    """Connections with the time-outs of the settings."""
    timeout = aiohttp.ClientTimeout(sock_connect=settings.connect_timeout_s, sock_read=settings.read_timeout_s)
    return aiohttp.ClientSession(timeout=timeout)


class _PageReader:
    """Reads one page as its bytes come; raises `ParseError` or ValueError when it is none."""

    def __init__(self, bucket: str) -> None:
        self._bucket = bucket
        self._parser: Any = ElementTree.XMLPullParser(("end",))  # which of its events come is not in its type
        self._objects: list[tuple[str, int, str, datetime]] = []
        self._told: dict[str, str] = {}
        self._root = ""

    def feed(self, piece: bytes) -> None:
        self._parser.feed(piece)
        self._take()

    def page(self) -> ListedPage:
        self._parser.close()
        self._take()
        if self._root != "ListBucketResult":
            raise ValueError("expected a ListBucketResult")
        is_encoded = self._told.get("EncodingType") == "url"
        is_truncated = self._told.get("IsTruncated") == "true"
        return ListedPage(
            tuple(
                ObjectInfo(self._bucket, unquote_plus(key) if is_encoded else key, size, etag, uploaded_at)
                for key, size, etag, uploaded_at in self._objects
            ),
            (self._told.get("NextContinuationToken") or None) if is_truncated else None,
        )

    def _take(self) -> None:
        for _, element in self._parser.read_events():
            self._root = name = element.tag.rpartition("}")[2]
            if name == "Contents":
                self._objects.append(_object(element))
                element.clear()
            elif name in _TOLD:
                self._told[name] = element.text or ""


_TOLD = frozenset({"EncodingType", "IsTruncated", "NextContinuationToken"})


def _object(item: ElementTree.Element) -> tuple[str, int, str, datetime]:
    """Key as written, size, entity tag without quotes, time of upload."""
    told = {field.tag.rpartition("}")[2]: field.text or "" for field in item}
    uploaded_at = datetime.fromisoformat(told.get("LastModified", "")).astimezone(UTC)
    return told.get("Key", ""), int(told.get("Size") or 0), told.get("ETag", "").strip('"'), uploaded_at


def _xml(body: bytes) -> ElementTree.Element | None:
    try:
        return ElementTree.fromstring(body)  # noqa: S314 - the store's own answer; expat limits entities
    except ElementTree.ParseError:
        return None
