"""Finding the objects of a listing that were never notified, and queueing them; for the reconciler and `backfill`.

An object is queued only when it has no outcome at its present version and nothing that is queued is about it. Asked in
this order, an object that is being processed is never queued a second time: first what waits, then the outcomes.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from app.model.document import time_of
from app.model.file import ObjectInfo
from app.model.listed import KnownVersion, ListedPage, StandingKey, Waiting
from app.model.topics import UPLOADS_TOPIC
from app.pipeline.missed import created_notification, is_file, is_missed, is_older, removed_notification
from app.ports import Clock, Publisher

_CONFIRMED_AT_ONCE = 100
_LOOK_AGAIN_S = 5.0
_REMEMBERED_MAX = 20_000
_REMEMBERED_S = 3600.0

_T = TypeVar("_T")
Sleep = Callable[[float], Awaitable[object]]


class Pages(Protocol):
    """The listings of buckets (`app.adapters.s3_listing`)."""

    async def page(self, bucket: str, prefix: str, start_after: str = "", token: str | None = None) -> ListedPage: ...


class KnownVersions(Protocol):
    """The outcomes of objects (`app.adapters.opensearch.outcomes`)."""

    async def known_versions(self, objects: Sequence[ObjectInfo]) -> list[KnownVersion | None]: ...


class Backlog(Protocol):
    """What is queued (`app.adapters.kafka_backlog`)."""

    async def waiting(self, most: int) -> Waiting: ...


class Pace:
    """At most so many turns a second, evenly; a tenth of that while `is_busy`."""

    def __init__(
        self, per_s: float, monotonic: Callable[[], float], sleep: Sleep, is_busy: Callable[[], bool] | None = None
    ) -> None:
        self._interval_s = 1 / per_s
        self._monotonic = monotonic
        self._sleep = sleep
        self._is_busy = is_busy
        self._next = 0.0

    async def turn(self) -> None:
        """Wait until it is our turn."""
        now = self._monotonic()
        slower = 10 if self._is_busy is not None and self._is_busy() else 1
        at = max(now, self._next)
        self._next = at + self._interval_s * slower
        if at > now:
            await self._sleep(at - now)


class Finder:
    """Which objects of a listing were missed.

    Younger than `grace_s` they may still be on their way; older than `not_before` nobody wants them.
    """

    def __init__(
        self, outcomes: KnownVersions, clock: Clock, grace_s: float, not_before: datetime | None = None
    ) -> None:
        self._outcomes = outcomes
        self._clock = clock
        self._grace = timedelta(seconds=grace_s)
        self._not_before = not_before

    def is_settled(self, uploaded_at: datetime) -> bool:
        """Whether what was uploaded then should have been notified, and processed, by now."""
        if self._not_before is not None and uploaded_at < self._not_before:
            return False
        return uploaded_at <= self._clock.now() - self._grace

    async def missed(self, objects: Sequence[ObjectInfo]) -> list[ObjectInfo]:
        """Those without an outcome at their present version; `Outage` when the index is away."""
        files = [info for info in objects if is_file(info) and self.is_settled(info.uploaded_at)]
        known = await self._outcomes.known_versions(files)
        return [info for info, version in zip(files, known, strict=True) if is_missed(info, version)]

    async def older(self, missed: Sequence[ObjectInfo]) -> dict[str, StandingKey]:
        """By key, what the outcome of each of these is about where that is newer: it is gone, they are what is left."""
        known = await self._outcomes.known_versions(missed)
        return {
            info.key: StandingKey(info.key, max(version.uploaded_at, time_of(version.version)))
            for info, version in zip(missed, known, strict=True)
            if version is not None and is_older(info, version)
        }


class UploadQueue:
    """Puts objects on `listing-uploads`, each confirmed; no more than the workers have room for.

    While more than `lag_max` records wait, it waits too: live uploads go first.
    """

    def __init__(self, backlog: Backlog, publisher: Publisher, clock: Clock, sleep: Sleep, lag_max: int) -> None:
        self._backlog = backlog
        self._publisher = publisher
        self._sleep = sleep
        self._lag_max = lag_max
        self._remembered = _Remembered(clock.monotonic)
        self.held_by: int | None = None
        """Records that wait, while they are too many to add to them."""

    async def waiting_ids(self) -> frozenset[str]:
        """`bucket/key` of the objects that wait, once there is room for more."""
        while True:
            waiting = await self._backlog.waiting(self._lag_max)
            if waiting.object_ids is not None:
                self.held_by = None
                return waiting.object_ids
            self.held_by = waiting.records
            await self._sleep(_LOOK_AGAIN_S)

    def not_lately(self, objects: Sequence[ObjectInfo]) -> list[ObjectInfo]:
        """Without those that were queued at this version within the last hour."""
        return [info for info in objects if not self._remembered.holds(object_id(info), version_of(info))]

    def removals_not_lately(self, bucket: str, keys: Sequence[StandingKey]) -> list[StandingKey]:
        """As `not_lately`, for removals."""
        return [item for item in keys if not self._remembered.holds(f"{bucket}/{item.key}", _removal(item))]

    async def put(self, objects: Sequence[ObjectInfo]) -> None:
        """Queue each; returns when the broker has confirmed all. `Outage(BROKER)` when it does not."""

        async def one(info: ObjectInfo) -> None:
            await self._publish(object_id(info), created_notification(info))
            self._remembered.add(object_id(info), version_of(info))

        await _in_groups(objects, one)

    async def put_removals(self, bucket: str, keys: Sequence[StandingKey]) -> None:
        """Queue the removal of each; as `put`."""

        async def one(item: StandingKey) -> None:
            name = f"{bucket}/{item.key}"
            await self._publish(name, removed_notification(bucket, item.key, item.uploaded_at))
            self._remembered.add(name, _removal(item))

        await _in_groups(keys, one)

    async def _publish(self, name: str, value: bytes) -> None:
        await self._publisher.publish(UPLOADS_TOPIC, key=name.encode(errors="replace"), value=value)


def object_id(info: ObjectInfo) -> str:
    """`bucket/key`, as the records of the topics name an object."""
    return f"{info.bucket}/{info.key}"


def version_of(info: ObjectInfo) -> str:
    """What tells two versions of an object apart."""
    return f"{info.uploaded_at.isoformat()} {info.etag}"


def _removal(item: StandingKey) -> str:
    return f"{item.uploaded_at.isoformat()} removed"


class _Remembered:
    """What was queued lately, bounded: an object whose outcome never comes must not be queued again and again."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._queued: OrderedDict[str, tuple[str, float]] = OrderedDict()

    def holds(self, name: str, version: str) -> bool:
        found = self._queued.get(name)
        return found is not None and found[0] == version and self._monotonic() - found[1] < _REMEMBERED_S

    def add(self, name: str, version: str) -> None:
        self._queued[name] = (version, self._monotonic())
        self._queued.move_to_end(name)
        if len(self._queued) > _REMEMBERED_MAX:
            self._queued.popitem(last=False)


async def _in_groups(items: Sequence[_T], one: Callable[[_T], Awaitable[None]]) -> None:
    for start in range(0, len(items), _CONFIRMED_AT_ONCE):
        await asyncio.gather(*(one(item) for item in items[start : start + _CONFIRMED_AT_ONCE]))
