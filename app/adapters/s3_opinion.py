"""A second question to the object store: does it answer for something else, and when does it want to be asked again?"""

from __future__ import annotations

import asyncio
from collections import deque
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import aiohttp
from obstore.exceptions import BaseError
from obstore.store import S3Store as Bucket
from yarl import URL

from app.adapters.s3_errors import Answer, read_answer
from app.adapters.s3_listing import sign
from app.failures.retry_after import read_retry_after
from app.settings import S3Settings

ERRORS = (BaseError, OSError, ValueError)
"""All that obstore raises: its own tree, FileNotFoundError, and ValueError for a path that it can not express."""
_OLD_AFTER_S = 1.0
_VOUCHERS = 3
_ABSENT = "listings-second-question"
_SOME_CONTENT: Any = {"range": (0, 16 * 1024)}
"""So much that a connection which is cut off in mid-body shows."""
_HEAD: Any = {"head": True}
_WISHING = (429, 503)


class SecondOpinion:
    """Asked about a bucket once a second at most, however many requests to it fail at once."""

    def __init__(self, settings: S3Settings) -> None:
        self._settings = settings
        self._seen: dict[str, str] = {}
        self._read: dict[str, deque[str]] = {}
        self._opinions: dict[str, tuple[float, bool]] = {}
        self._wishes: dict[str, tuple[float, float | None]] = {}
        self._asking: dict[str, asyncio.Lock] = {}

    def saw(self, bucket: str, key: str) -> None:
        """The facts of an object could be had."""
        self._seen[bucket] = key

    def read(self, bucket: str, key: str) -> None:
        """The content of an object could be read to its end: such a one vouches for the store's content."""
        known = self._read.setdefault(bucket, deque(maxlen=_VOUCHERS))
        if key not in known:
            known.append(key)

    def may_have_read(self, bucket: str) -> bool:
        """Whether any object of the bucket could ever be seen."""
        return bucket in self._seen

    async def answers_otherwise(self, bucket: str, opened: Bucket) -> bool:
        """Whether the bucket answers a question about something else than what has just failed."""
        async with self._asking.setdefault(bucket, asyncio.Lock()):
            asked_at, opinion = self._opinions.get(bucket, (-_OLD_AFTER_S, False))
            if _now() - asked_at >= _OLD_AFTER_S:
                opinion = await self.ask(bucket, opened) is None
                self._opinions[bucket] = (_now(), opinion)
            return opinion

    async def ask(self, bucket: str, opened: Bucket) -> Answer | None:
        """None when the store answers: with content read before, else for an object seen before, or with a list."""
        try:
            async with asyncio.timeout(self._settings.connect_timeout_s + self._settings.read_timeout_s):
                refusal = None
                for key in tuple(self._read.get(bucket, ())):
                    refusal = await _try(opened, key, _SOME_CONTENT)
                    if refusal is None:
                        return None
                    if refusal.status in (403, 404, 416):  # removed, perhaps, or its own trouble: others decide
                        self._read[bucket].remove(key)
                if self._read.get(bucket):
                    return refusal
                return await self._list_answers(bucket, opened)
        except TimeoutError:
            return Answer(None, None, "Timeout")

    async def _list_answers(self, bucket: str, opened: Bucket) -> Answer | None:
        if seen := self._seen.get(bucket):
            refusal = await _try(opened, seen, _HEAD)
            if refusal is None:
                return None
            if refusal.status == 404:
                self._seen.pop(bucket, None)
        try:
            async for _ in opened.list(prefix=_ABSENT):
                break
        except ERRORS as error:
            return read_answer(error)
        return None

    async def wish(self, bucket: str) -> float | None:
        """For how many seconds an overloaded store wants to be left alone (`Retry-After`), if it says so.

        obstore shows no headers, so a small request is sent by hand.
        """
        async with self._asking.setdefault(f"{bucket}?", asyncio.Lock()):
            asked_at, seconds = self._wishes.get(bucket, (-_OLD_AFTER_S, None))
            if _now() - asked_at >= _OLD_AFTER_S:
                seconds = await self._ask_for_wish(bucket)
                self._wishes[bucket] = (_now(), seconds)
            return seconds

    async def _ask_for_wish(self, bucket: str) -> float | None:
        settings = self._settings
        url = f"{settings.endpoint_url.rstrip('/')}/{quote(bucket, safe='')}?list-type=2&max-keys=1&prefix={_ABSENT}"
        headers: dict[str, str] = {}
        if settings.access_key_id is not None and settings.secret_access_key is not None:
            headers = sign(
                "GET",
                url,
                {},
                access_key=settings.access_key_id,
                secret_key=settings.secret_access_key.get_secret_value(),
                region=settings.region,
                at=datetime.now(UTC),
            )
        patience = aiohttp.ClientTimeout(total=settings.connect_timeout_s)
        try:
            async with (
                aiohttp.ClientSession(timeout=patience) as session,
                session.get(URL(url, encoded=True), headers=headers) as response,
            ):
                if response.status in _WISHING:
                    return read_retry_after(response.headers.get("Retry-After"), datetime.now(UTC))
        except (aiohttp.ClientError, TimeoutError, OSError):
            pass
        return None


async def _try(opened: Bucket, key: str, options: Any) -> Answer | None:
    try:
        found = await opened.get_async(key, options=options)
        if options is _SOME_CONTENT:
            await found.bytes_async()
    except ERRORS as error:
        return read_answer(error)
    return None


def _now() -> float:
    return asyncio.get_running_loop().time()
