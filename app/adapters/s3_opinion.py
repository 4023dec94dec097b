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
_SEEN = 8
_ENOUGH = 3
"""So many different objects whose content does not come, and none whose does, are no trouble of their own."""
_ABSENT = "listings-second-question"
_SOME_CONTENT: Any = {"range": (0, 16 * 1024)}
"""So much that a connection which is cut off in mid-body shows."""
_HEAD: Any = {"head": True}
_WISHING = (429, 503)
_OF_THE_OBJECT = (403, 404, 416)
"""Forbidden, removed, empty: says nothing about others."""


class SecondOpinion:
    """Asked about a bucket once a second at most, however many requests to it fail at once."""

    def __init__(self, settings: S3Settings) -> None:
        self._settings = settings
        self._seen: dict[str, deque[str]] = {}
        self._read: dict[str, deque[str]] = {}
        self._opinions: dict[str, tuple[float, bool]] = {}
        self._wishes: dict[str, tuple[float, float | None]] = {}
        self._asking: dict[str, asyncio.Lock] = {}

    def saw(self, bucket: str, key: str) -> None:
        """The facts of an object could be had."""
        _note(self._seen.setdefault(bucket, deque(maxlen=_SEEN)), key)

    def read(self, bucket: str, key: str) -> None:
        """The content of an object could be read to its end: such a one vouches for the store's content."""
        _note(self._read.setdefault(bucket, deque(maxlen=_VOUCHERS)), key)

    def may_have_read(self, bucket: str) -> bool:
        """Whether any object of the bucket could ever be seen."""
        return bool(self._seen.get(bucket))

    async def answers_otherwise(self, bucket: str, opened: Bucket) -> bool:
        """Whether the bucket answers a question about something else than what has just failed."""
        async with self._asking.setdefault(bucket, asyncio.Lock()):
            asked_at, opinion = self._opinions.get(bucket, (-_OLD_AFTER_S, False))
            if _now() - asked_at >= _OLD_AFTER_S:
                opinion = await self.ask(bucket, opened) is None
                self._opinions[bucket] = (_now(), opinion)
            return opinion

    async def ask(self, bucket: str, opened: Bucket) -> Answer | None:
        """None when the store answers: with content read before, else with facts or a list, and with some content."""
        try:
            async with asyncio.timeout(self._settings.connect_timeout_s + self._settings.read_timeout_s):
                refusal = None
                for key in tuple(self._read.get(bucket, ())):
                    refusal = await _try(opened, key, _SOME_CONTENT)
                    if refusal is None:
                        return None
                    if refusal.status in _OF_THE_OBJECT:  # others decide
                        _forget(self._read[bucket], key)
                if self._read.get(bucket):
                    return refusal
                refusal = await self._list_answers(bucket, opened)
                return refusal or await self._no_content_comes(bucket, opened)
        except TimeoutError:
            return Answer(None, None, "Timeout")

    async def _list_answers(self, bucket: str, opened: Bucket) -> Answer | None:
        if seen := self._seen.get(bucket):
            key = seen[-1]
            refusal = await _try(opened, key, _HEAD)
            if refusal is None:
                return None
            if refusal.status == 404:
                _forget(seen, key)
        try:
            async for _ in opened.list(prefix=_ABSENT):
                break
        except ERRORS as error:
            return read_answer(error)
        return None

    async def _no_content_comes(self, bucket: str, opened: Bucket) -> Answer | None:
        """What the store says where nothing could be read yet, and nothing can be: neither what was seen, nor others.

        Facts and lists come from elsewhere than content. Without this, what a worker that starts in such an outage
        meets would look like each object's own trouble.
        """
        seen = self._seen.get(bucket, ())
        if len(seen) < _ENOUGH:
            return None
        refusals = []
        tries = [asyncio.create_task(self._comes(bucket, opened, key)) for key in {*seen, *await _listed(opened)}]
        try:
            for tried in asyncio.as_completed(tries):
                refusal = await tried
                if refusal is None:
                    return None
                if refusal.status not in _OF_THE_OBJECT:
                    refusals.append(refusal)
        finally:
            for left in tries:
                left.cancel()
        return refusals[-1] if len(refusals) >= _ENOUGH else None

    async def _comes(self, bucket: str, opened: Bucket, key: str) -> Answer | None:
        refusal = await _try(opened, key, _SOME_CONTENT)
        if refusal is None:
            self.read(bucket, key)
        return refusal

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


def _note(keys: deque[str], key: str) -> None:
    if key not in keys:
        keys.append(key)


def _forget(keys: deque[str], key: str) -> None:
    if key in keys:  # another question may have been quicker
        keys.remove(key)


async def _listed(opened: Bucket) -> list[str]:
    """Some keys of the bucket; none where listing is forbidden."""
    try:
        async for page in opened.list():
            return [meta["path"] for meta in page[:_SEEN]]
    except ERRORS:
        pass
    return []


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
