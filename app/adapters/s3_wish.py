"""How long an overloaded object store wants to be left alone."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from urllib.parse import quote

import aiohttp
from yarl import URL

from app.adapters.s3_listing import sign
from app.adapters.s3_opinion import ABSENT
from app.failures.retry_after import read_retry_after
from app.settings import S3Settings

_OLD_AFTER_S = 1.0
_WISHING = (429, 503)


class Wishes:
    """Asked about a bucket once a second at most, however many requests to it are refused at once."""

    def __init__(self, settings: S3Settings) -> None:
        self._settings = settings
        self._wishes: dict[str, tuple[float, float | None]] = {}
        self._asking: dict[str, asyncio.Lock] = {}

    async def seconds(self, bucket: str) -> float | None:
        """For how many seconds an overloaded store wants to be left alone (`Retry-After`), if it says so.

        obstore shows no headers, so a small request is sent by hand.
        """
        async with self._asking.setdefault(bucket, asyncio.Lock()):
            asked_at, seconds = self._wishes.get(bucket, (-_OLD_AFTER_S, None))
            if _now() - asked_at >= _OLD_AFTER_S:
                seconds = await self._ask_for_wish(bucket)
                self._wishes[bucket] = (_now(), seconds)
            return seconds

    async def _ask_for_wish(self, bucket: str) -> float | None:
        settings = self._settings
        url = f"{settings.endpoint_url.rstrip('/')}/{quote(bucket, safe='')}?list-type=2&max-keys=1&prefix={ABSENT}"
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


def _now() -> float:
    return asyncio.get_running_loop().time()
