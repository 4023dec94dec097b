"""A bucket, its outcomes and the queue, in memory; and a bucket of any size that is never held as a whole."""

from __future__ import annotations

import bisect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from app.errors import FailureCode, Rejected
from app.model.file import ObjectInfo
from app.model.listed import KnownVersion, ListedPage, Progress, StandingKey, Waiting
from app.model.outcome import FileStatus
from app.ops.missed_uploads import Finder, Pace, UploadQueue
from app.ops.reconcile import Plan, Reconciliation
from app.pipeline.notification import parse_notification
from tests.support.memory import START, FakeClock, MemoryPublisher

BUCKET = "cars"
LONG_AGO = START - timedelta(days=30)


@dataclass
class FakeBuckets:
    """Objects by bucket and key, listed in order of their keys as Amazon does; `errors` are raised, one a page."""

    page_size: int = 1000
    objects: dict[tuple[str, str], ObjectInfo] = field(default_factory=dict)
    errors: list[Exception] = field(default_factory=list)
    asked: list[tuple[str, str, str, str | None]] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)
    trouble: dict[str, Exception] = field(default_factory=dict)
    """What asking for the object itself raises, by key."""
    order: Callable[[str], object] = str.encode

    def put(self, key: str, uploaded_at: datetime = LONG_AGO, etag: str = "e1", bucket: str = BUCKET) -> ObjectInfo:
        info = self.objects[bucket, key] = ObjectInfo(bucket, key, 10, etag, uploaded_at)
        return info

    async def page(self, bucket: str, prefix: str, start_after: str = "", token: str | None = None) -> ListedPage:
        self.asked.append((bucket, prefix, start_after, token))
        if self.errors:
            raise self.errors.pop(0)
        keys = sorted((k for b, k in self.objects if b == bucket and k.startswith(prefix)), key=self.order)  # type: ignore[arg-type]
        if token is not None:
            keys = keys[int(token) :]
            first = int(token)
        else:
            first = len([k for k in keys if self.order(k) <= self.order(start_after)]) if start_after else 0  # type: ignore[operator]
            keys = keys[first:]
        shown = keys[: self.page_size]
        more = str(first + self.page_size) if len(keys) > self.page_size else None
        return ListedPage(tuple(self.objects[bucket, key] for key in shown), more)

    async def head(self, bucket: str, key: str) -> ObjectInfo:
        self.heads.append(key)
        if key in self.trouble:
            raise self.trouble[key]
        if (bucket, key) not in self.objects:
            raise Rejected(FailureCode.OBJECT_MISSING, "there is no such object")
        return self.objects[bucket, key]


@dataclass
class FakeOutcomes:
    """The outcome index; `errors` are raised, one a call."""

    known: dict[tuple[str, str], KnownVersion] = field(default_factory=dict)
    errors: list[Exception] = field(default_factory=list)
    asked: int = 0
    not_found: set[str] = field(default_factory=set)
    """Keys whose outcome says that there was no such object."""
    held: set[str] = field(default_factory=set)
    """Keys of which listings stand; asked for those in `not_found`, and what was removed lately."""

    def not_there(self, key: str) -> None:
        """Tell of an event about an object that is not there."""
        self.tell(ObjectInfo(BUCKET, key, 0, "", LONG_AGO), FileStatus.REJECTED)
        self.not_found.add(key)

    def tell(self, info: ObjectInfo, status: FileStatus = FileStatus.INDEXED) -> None:
        self.known[info.bucket, info.key] = KnownVersion(info.etag, info.uploaded_at, status)

    async def known_versions(self, objects: Sequence[ObjectInfo]) -> list[KnownVersion | None]:
        self.asked += 1
        if self.errors:
            raise self.errors.pop(0)
        return [self.known.get((info.bucket, info.key)) for info in objects]

    async def standing_keys(
        self, bucket: str, prefix: str, after: str, upto: str | None, limit: int
    ) -> list[StandingKey]:
        keys = sorted(self._standing(bucket, prefix), key=lambda item: item.key)
        return [item for item in keys if item.key > after and (upto is None or item.key <= upto)][:limit]

    async def gone_keys(self, bucket: str, prefix: str, after: str, since: datetime, limit: int) -> list[StandingKey]:
        gone = self._keys(bucket, prefix, lambda key: key in self.not_found)
        gone += [
            StandingKey(key, version.uploaded_at)
            for (b, key), version in self.known.items()
            if b == bucket and version.status is FileStatus.REMOVED and version.uploaded_at >= since
        ]
        return [item for item in sorted(gone, key=lambda item: item.key) if item.key > after][:limit]

    async def objects_with_listings(self, bucket: str, keys: Sequence[str]) -> set[str]:
        return self.held & set(keys)

    async def latest_keys(self, bucket: str, prefix: str, since: datetime, limit: int) -> list[StandingKey]:
        found = [item for item in self._standing(bucket, prefix) if item.uploaded_at >= since]
        return sorted(found, key=lambda item: item.uploaded_at, reverse=True)[:limit]

    def _standing(self, bucket: str, prefix: str) -> list[StandingKey]:
        return self._keys(bucket, prefix, lambda key: key not in self.not_found)

    def _keys(self, bucket: str, prefix: str, which: Callable[[str], bool]) -> list[StandingKey]:
        return [
            StandingKey(key, version.uploaded_at)
            for (b, key), version in self.known.items()
            if b == bucket and key.startswith(prefix) and version.status is not FileStatus.REMOVED and which(key)
        ]


@dataclass
class FakeBacklog:
    """What waits for the workers; `records` more than that nobody looks at."""

    object_ids: set[str] = field(default_factory=set)
    records: int = 0
    asked: int = 0

    async def waiting(self, most: int) -> Waiting:
        self.asked += 1
        records = self.records + len(self.object_ids)
        return Waiting(records, frozenset(self.object_ids) if records <= most else None)


@dataclass
class MemoryKeeper:
    kept: Progress | None = None
    saves: int = 0

    async def load(self) -> Progress | None:
        return self.kept

    async def save(self, progress: Progress) -> None:
        self.kept = progress
        self.saves += 1


class Reconciling:
    """Everything that a comparison is made of; sleeping moves the clock."""

    def __init__(
        self,
        *,
        buckets: tuple[str, ...] = (BUCKET,),
        prefix: str = "",
        pages_per_s: float = 5.0,
        every_s: float = 180.0,
        grace_s: float = 60.0,
        page_size: int = 1000,
    ) -> None:
        self.clock = FakeClock()
        self.store = FakeBuckets(page_size)
        self.outcomes = FakeOutcomes()
        self.backlog = FakeBacklog()
        self.publisher = MemoryPublisher()
        self.keeper = MemoryKeeper()
        self.slept = 0.0
        self.on_sleep: Callable[[], None] = lambda: None
        self.plan = Plan(buckets, prefix, every_s, max(1, int(pages_per_s * every_s / 2)))
        self.grace_s = grace_s
        self.pages_per_s = pages_per_s
        self.is_busy = False
        self.comparison = self.another()

    def another(self) -> Reconciliation:
        """As another worker, or the next process, has it."""
        finder = Finder(self.outcomes, self.clock, self.grace_s)
        queue = UploadQueue(self.backlog, self.publisher, self.clock, self.sleep, lag_max=5000)
        pace = Pace(self.pages_per_s, self.clock.monotonic, self.sleep, lambda: self.is_busy)
        return Reconciliation(
            self.plan,
            self.store,
            self.store,
            self.outcomes,
            self.outcomes,
            self.keeper,
            finder,
            queue,
            pace,
            self.clock,
        )

    async def sleep(self, seconds: float) -> None:
        self.slept += seconds
        self.clock.advance(seconds)
        self.on_sleep()

    async def round(self, check: Callable[[], None] = lambda: None) -> list[str]:
        """One round; the keys that it has queued."""
        before = len(self.publisher.sent)
        await self.comparison.round(check)
        return [key for key, _ in self.sent(before)]

    def sent(self, start: int = 0) -> list[tuple[str, str]]:
        """Key and kind of what was queued."""
        events = [
            event
            for sent in self.publisher.sent[start:]
            if sent.topic == "listing-uploads"
            for event in parse_notification(sent.value or b"").events
        ]
        return [(event.key, str(event.kind)) for event in events]


class HugeBucket:
    """`count` objects, `page_size` a page, made when they are asked for; every name is nine digits below `prefix`."""

    def __init__(self, count: int, prefix: str = "stock/", page_size: int = 1000) -> None:
        self.count = count
        self.prefix = prefix
        self.page_size = page_size
        self.pages = 0
        self.extra: list[ObjectInfo] = []
        """Objects beyond: of keys that sort after all others."""
        self._template = ObjectInfo(BUCKET, "", 10, "e1", LONG_AGO)

    def key(self, number: int) -> str:
        return f"{self.prefix}{number:09d}.json"

    async def page(self, bucket: str, prefix: str, start_after: str = "", token: str | None = None) -> ListedPage:
        self.pages += 1
        if prefix:
            found = tuple(info for info in self.extra if info.key.startswith(prefix) and info.key > start_after)
            return ListedPage(found[: self.page_size], None)
        first = int(token) if token is not None else self._after(start_after)
        last = min(first + self.page_size, self.count)
        objects = tuple(replace(self._template, key=self.key(number)) for number in range(first, last))
        if last < self.count:
            return ListedPage(objects, str(last))
        return ListedPage((*objects, *self.extra), None)

    def _after(self, key: str) -> int:
        if not key:
            return 0
        return bisect.bisect_right(range(self.count), key, key=self.key)

    async def head(self, bucket: str, key: str) -> ObjectInfo:
        raise Rejected(FailureCode.OBJECT_MISSING, "there is no such object")
