"""A second question to the object store: does it answer for something else?

A refusal may concern one object or everybody: any answer about something else tells that it is the object's own. A read
that broke off, or stalled, says less: a store in trouble serves some and not others, so the next best object may come
while this one fails by chance. There all that are known to be good have to come, one of them about as far as this one
came, and none slowly (`compare`).
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from enum import Enum
from typing import Any

from obstore.exceptions import BaseError
from obstore.store import S3Store as Bucket

from app.adapters.s3_errors import Answer, read_answer
from app.settings import S3Settings

ERRORS = (BaseError, OSError, ValueError)
"""All that obstore raises: its own tree, FileNotFoundError, and ValueError for a path that it can not express."""
_OLD_AFTER_S = 1.0
_VOUCHERS = 5
_SEEN = 8
_ENOUGH = 3
"""So many different objects whose content does not come, and none whose does, are no trouble of their own."""
_DECENT_MIN_S = 1.0
_DECENT_SHARE = 0.25
"""A store that needs more of the read time-out for the start of a good object is itself why others time out."""
ABSENT = "listings-second-question"
_SOME_BYTES = 16 * 1024
"""So much that a connection which is cut off in mid-body shows."""
_FAR_BYTES = 256 * 1024
"""What broke off further on is compared with others up to here."""
_ABOUT = 0.5
"""Of what came: an object at least so long is of the same kind. The longest of a bucket has none that is longer."""
_HEAD: Any = {"head": True}
_OF_THE_OBJECT = (403, 404, 416)
"""Forbidden, removed, empty: says nothing about others."""


class Opinion(Enum):
    """What other objects of a bucket say about one whose content did not come."""

    WELL = "well"
    """They come, about as far: the object is alone with its trouble."""
    ILL = "ill"
    """None comes, or none at a decent rate."""
    MIXED = "mixed"
    """Some come and some do not."""
    UNKNOWN = "unknown"
    """There is nothing to compare it with."""


@dataclass(frozen=True, slots=True)
class _Compared:
    began_at: float
    came: int
    opinion: Opinion

    def tells(self, failed_at: float, came: int) -> bool:
        """Whether it holds for a failure too: trouble is believed for a while, health only if it was seen since."""
        if self.opinion is Opinion.WELL:
            return self.began_at >= failed_at and self.came >= came
        return _now() - self.began_at < _OLD_AFTER_S


class SecondOpinion:
    """Asked about a bucket once a second at most, however many requests to it fail at once."""

    def __init__(self, settings: S3Settings) -> None:
        self._settings = settings
        self._seen: dict[str, deque[str]] = {}
        self._read: dict[str, deque[str]] = {}
        self._opinions: dict[str, tuple[float, bool]] = {}
        self._compared: dict[str, _Compared] = {}
        self._decent_s = max(_DECENT_MIN_S, settings.read_timeout_s * _DECENT_SHARE)
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

    async def compare(self, bucket: str, opened: Bucket, key: str, came: int) -> Opinion:
        """Judge an object whose content broke off after `came` bytes by what becomes of others now.

        That the store is well has to be seen after the failure: what came before it says nothing.
        """
        failed_at = _now()
        async with self._asking.setdefault(bucket, asyncio.Lock()):
            last = self._compared.get(bucket)
            if last is None or not last.tells(failed_at, came):
                began_at = _now()
                try:
                    async with asyncio.timeout(self._settings.connect_timeout_s + self._settings.read_timeout_s):
                        opinion = await self._compare(bucket, opened, key, min(came, _FAR_BYTES))
                except TimeoutError:
                    opinion = Opinion.ILL
                last = self._compared[bucket] = _Compared(began_at, came, opinion)
            return last.opinion

    async def _compare(self, bucket: str, opened: Bucket, key: str, far: int) -> Opinion:
        known = [one for one in self._read.get(bucket, ()) if one != key]
        came, failed = await self._try_all(bucket, opened, known, far)
        refusal = None
        if not failed and max(came.values(), default=-1) < far * _ABOUT:
            others, refusal = await self._others(bucket, opened)
            more = await self._try_all(bucket, opened, [one for one in others if one not in {key, *came}], far)
            came, failed = came | more[0], more[1]
        if came and failed:  # those that came decide next time: an object may have broken since it was read
            for one in failed:
                _forget(self._read[bucket], one)
            return Opinion.MIXED
        if came:
            return Opinion.WELL if max(came.values()) >= far * _ABOUT else Opinion.UNKNOWN
        if failed and (known or len(failed) + 1 >= _ENOUGH):
            return Opinion.ILL
        no_facts = refusal is not None and await self._no_facts_come(bucket, opened)
        return Opinion.ILL if no_facts else Opinion.UNKNOWN

    async def _try_all(
        self, bucket: str, opened: Bucket, keys: list[str], far: int
    ) -> tuple[dict[str, int], list[str]]:
        """How far each came at a decent rate, and which did not; those refused for themselves are neither."""
        answers = await asyncio.gather(*(self._comes_in_time(bucket, opened, key, far) for key in keys))
        came, failed = dict[str, int](), list[str]()
        for key, answer in zip(keys, answers, strict=True):
            if isinstance(answer, int):
                came[key] = answer
            elif answer.status not in _OF_THE_OBJECT:
                failed.append(key)
            elif bucket in self._read:
                _forget(self._read[bucket], key)
        return came, failed

    async def _comes_in_time(self, bucket: str, opened: Bucket, key: str, far: int) -> int | Answer:
        try:
            async with asyncio.timeout(self._decent_s):
                return await self._comes(bucket, opened, key, far)
        except TimeoutError:
            return Answer(None, None, "Timeout")

    async def ask(self, bucket: str, opened: Bucket) -> Answer | None:
        """None when the store answers: with content read before, else with facts or a list, and with some content."""
        try:
            async with asyncio.timeout(self._settings.connect_timeout_s + self._settings.read_timeout_s):
                refusal = None
                for key in tuple(self._read.get(bucket, ())):
                    answer = await _content(opened, key)
                    if isinstance(answer, int):
                        return None
                    refusal = answer
                    if refusal.status in _OF_THE_OBJECT:  # others decide
                        _forget(self._read[bucket], key)
                known = len(self._read.get(bucket, ()))
                if known >= _ENOUGH:
                    return refusal
                if not known and (no_facts := await self._no_facts_come(bucket, opened)) is not None:
                    return no_facts
                return await self._no_content_comes(bucket, opened, refusal if known else None)
        except TimeoutError:
            return Answer(None, None, "Timeout")

    async def _no_facts_come(self, bucket: str, opened: Bucket) -> Answer | None:
        if seen := self._seen.get(bucket):
            key = seen[-1]
            refusal = await _facts(opened, key)
            if refusal is None:
                return None
            if refusal.status == 404:
                _forget(seen, key)
        try:
            async for _ in opened.list(prefix=ABSENT):
                break
        except ERRORS as error:
            return read_answer(error)
        return None

    async def _no_content_comes(self, bucket: str, opened: Bucket, known: Answer | None) -> Answer | None:
        """Return a refusal when no content comes, neither of what was seen nor of others that are listed.

        Facts and lists come from elsewhere than content. Without this, what a worker that starts in such an outage
        meets would look like each object's own trouble. `known` is what the few that were read before are refused
        with: they alone may be broken themselves.
        """
        if known is None and len(self._seen.get(bucket, ())) < _ENOUGH:
            return None
        keys, _ = await self._others(bucket, opened)
        refusals = []
        tries = [asyncio.create_task(self._comes(bucket, opened, key)) for key in keys]
        try:
            for tried in asyncio.as_completed(tries):
                refusal = await tried
                if isinstance(refusal, int):
                    return None
                if refusal.status not in _OF_THE_OBJECT:
                    refusals.append(refusal)
        finally:
            for left in tries:
                left.cancel()
        return refusals[-1] if len(refusals) >= _ENOUGH else known

    async def _others(self, bucket: str, opened: Bucket) -> tuple[list[str], Answer | None]:
        """Return keys that nothing is known of but that they are there, and why there is no list if so."""
        listed, refusal = await _listed(opened)
        return [*{*self._seen.get(bucket, ()), *listed}], refusal

    async def _comes(self, bucket: str, opened: Bucket, key: str, far: int = 0) -> int | Answer:
        came = await _content(opened, key, far)
        if isinstance(came, int):
            self.read(bucket, key)
        return came


def _note(keys: deque[str], key: str) -> None:
    if key not in keys:
        keys.append(key)


def _forget(keys: deque[str], key: str) -> None:
    if key in keys:  # another question may have been quicker
        keys.remove(key)


async def _listed(opened: Bucket) -> tuple[list[str], Answer | None]:
    """Return some keys of the bucket; none, and the refusal, where listing is forbidden or fails."""
    try:
        async for page in opened.list():
            return [meta["path"] for meta in page[:_SEEN]], None
    except ERRORS as error:
        return [], read_answer(error)
    return [], None


async def _content(opened: Bucket, key: str, far: int = 0) -> int | Answer:
    """Read the start of an object; return how many bytes came, up to `far` and a little more."""
    part: Any = {"range": (0, max(far, _SOME_BYTES))}
    try:
        found = await opened.get_async(key, options=part)
        return len(await found.bytes_async())
    except ERRORS as error:
        return read_answer(error)


async def _facts(opened: Bucket, key: str) -> Answer | None:
    try:
        await opened.get_async(key, options=_HEAD)
    except ERRORS as error:
        return read_answer(error)
    return None


def _now() -> float:
    return asyncio.get_running_loop().time()
