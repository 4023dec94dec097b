"""Comparing the buckets with the outcomes, round after round: the core of the reconciler.

A round lists every bucket once, a page of a thousand keys at a time and at most so many pages a second, from where it
last was. A bucket too large to be listed within `every_s` gets a hot pass as often as that: the places where new
objects are to be expected, within half of the pages. Memory holds one page, whatever the size of the bucket.

Removals are found beside each page where the store lists in the order of its keys, as Amazon does. Where it does not
(SeaweedFS lists `dealer/…` before `dealer-7/…`, as the folders of a disk), they are found when the bucket was listed as
a whole: what has an outcome and was on no page is asked for by name.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Protocol

import structlog

from app.errors import FailureCode, Rejected, Transient
from app.model.file import ObjectInfo
from app.model.listed import Progress, StandingKey
from app.observability import metrics
from app.ops.missed_uploads import Finder, Pace, Pages, UploadQueue, object_id
from app.ops.seen_keys import SeenKeys
from app.pipeline.hot_prefixes import HotPlace, hot_places
from app.ports import Clock

log = structlog.get_logger("listings.reconcile")
_SAVE_EVERY_S = 10.0
_LATEST = 2000
_LATEST_SPAN = timedelta(days=2)
_HOT_PLACES_MAX = 200
_REMOVALS_A_PAGE = 200
_STANDING_A_PAGE = 1000
_MISSING_A_PAGE = 1000
_LATELY = timedelta(hours=1)
"""For so long before a round a removal is looked at once more."""


class OutcomeKeys(Protocol):
    """The outcomes by key and by time (`app.adapters.opensearch.outcomes`)."""

    async def standing_keys(
        self, bucket: str, prefix: str, after: str, upto: str | None, limit: int
    ) -> list[StandingKey]: ...

    async def gone_keys(
        self, bucket: str, prefix: str, after: str, since: datetime, limit: int
    ) -> list[StandingKey]: ...

    async def latest_keys(self, bucket: str, prefix: str, since: datetime, limit: int) -> list[StandingKey]: ...


class Held(Protocol):
    """The listings by the object they came from (`app.adapters.opensearch.standing_listings`)."""

    async def objects_with_listings(self, bucket: str, keys: Sequence[str]) -> set[str]: ...


class Keeper(Protocol):
    """Where the progress is kept over restarts (`app.adapters.opensearch.progress`)."""

    async def load(self) -> Progress | None: ...

    async def save(self, progress: Progress) -> None: ...


class Head(Protocol):
    async def head(self, bucket: str, key: str) -> ObjectInfo: ...


@dataclass(frozen=True, slots=True)
class Plan:
    """What is compared, and how often."""

    buckets: tuple[str, ...]
    prefix: str
    every_s: float
    """From the start of a round to that of the next."""
    hot_pages: int
    """Pages of one hot pass at most."""


class Reconciliation:
    """One round after the other; `check` is called before each page and raises when another worker has taken over."""

    def __init__(
        self,
        plan: Plan,
        pages: Pages,
        store: Head,
        outcomes: OutcomeKeys,
        held: Held,
        keeper: Keeper,
        finder: Finder,
        queue: UploadQueue,
        pace: Pace,
        clock: Clock,
    ) -> None:
        self._plan = plan
        self._pages = pages
        self._store = store
        self._outcomes = outcomes
        self._held = held
        self._keeper = keeper
        self._finder = finder
        self._queue = queue
        self._pace = pace
        self._clock = clock
        self._progress: Progress | None = None
        self._saved = self._hot_at = -1e9
        self._unordered: set[str] = set()
        """Buckets that are not listed in the order of their keys."""

    @property
    def progress(self) -> Progress | None:
        """How far it is; None before the first round of this worker."""
        return self._progress

    @property
    def held_by(self) -> int | None:
        """Records that wait for the workers, while they are too many to add to them."""
        return self._queue.held_by

    def forget(self) -> None:
        """Another worker goes on; what it has kept is read when it is our turn again."""
        self._progress = None

    async def due_in_s(self) -> float:
        """Seconds until the next round, or the rest of an interrupted one, is due."""
        progress = await self._loaded()
        if progress.objects or progress.after or progress.completed_at is None:
            return 0.0
        began = progress.completed_at - timedelta(seconds=progress.took_s or 0.0)
        return max(0.0, self._plan.every_s - (self._clock.now() - began).total_seconds())

    async def round(self, check: Callable[[], None]) -> None:
        """Compare every bucket once, or what is left of an interrupted round.

        Raises `Outage` when a server is away: the next call goes on where this one ended.
        """
        progress = await self._loaded()
        if not progress.objects and not progress.after:
            self._progress = replace(progress, began_at=self._clock.now())
        first = self._plan.buckets.index(progress.bucket)
        for bucket in self._plan.buckets[first:]:
            await self._bucket(bucket, progress.after if bucket == progress.bucket else "", check)
        await self._complete()

    async def _loaded(self) -> Progress:
        if self._progress is None:
            kept = await self._keeper.load()
            fresh = Progress(self._clock.now(), self._plan.buckets[0])
            self._progress = kept if kept is not None and kept.bucket in self._plan.buckets else fresh
            if self._progress.completed_at is not None:
                metrics.RECONCILE_LAST_COMPLETE.set(self._progress.completed_at.timestamp())
        return self._progress

    async def _bucket(self, bucket: str, after: str, check: Callable[[], None]) -> None:
        assert self._progress is not None
        self._progress = replace(self._progress, bucket=bucket, after=after)
        token: str | None = None
        seen = None if after else SeenKeys()  # of an interrupted listing nobody knows what its first part has shown
        while True:
            await self._maybe_hot(check)
            await self._pace.turn()
            check()
            page = await self._pages.page(bucket, self._plan.prefix, after if token is None else "", token)
            self._look_at_order(bucket, after, page.objects)
            if seen is not None:
                seen.add(info.key for info in page.objects)
            queued = await self._compare(page.objects, check)
            upto = None if page.token is None else page.objects[-1].key if page.objects else after
            queued += await self._removed(bucket, after, upto, page.objects, check)
            after = upto or after
            self._note(len(page.objects), queued, after)
            await self._maybe_save()
            token = page.token
            if token is None:
                break
        if seen is not None and bucket in self._unordered:
            await self._removed_of_all(bucket, seen, check)
        await self._vanished(bucket, check)

    def _look_at_order(self, bucket: str, after: str, objects: Sequence[ObjectInfo]) -> None:
        """Code points are in the order of UTF-8 bytes, in which the outcomes are asked for."""
        keys = [after, *(info.key for info in objects)]
        if bucket not in self._unordered and (place := next((b for a, b in pairwise(keys) if a > b), None)) is not None:
            self._note_unordered(bucket, place)

    def _note_unordered(self, bucket: str, key: str) -> None:
        self._unordered.add(bucket)
        log.info("listing_out_of_order", bucket=bucket, key=key)

    async def _compare(self, objects: Sequence[ObjectInfo], check: Callable[[], None]) -> int:
        """Queue what was missed of a page; returns how many."""
        metrics.RECONCILED.inc(len(objects))
        missed = self._queue.not_lately(await self._finder.missed(objects))
        if not missed:
            return 0
        waiting = await self._queue.waiting_ids()
        missed = await self._finder.missed([info for info in missed if object_id(info) not in waiting])
        older = await self._finder.older(missed) if missed else {}
        listed = [info for info in missed if info.key in older]
        again = [older[info.key] for info in listed if await self._is_as_listed(info, older[info.key])]
        missed = [info for info in missed if info.key not in older]
        if again:
            check()
            await self._put_removals(objects[0].bucket, again)
        if missed:
            check()
            await self._queue.put(missed)
            metrics.RECONCILE_QUEUED.labels("missed").inc(len(missed))
            log.info("missed_uploads_queued", bucket=missed[0].bucket, count=len(missed), first=missed[0].key)
        return len(missed) + len(again)

    async def _put_removals(self, bucket: str, gone: Sequence[StandingKey]) -> None:
        await self._queue.put_removals(bucket, gone)
        metrics.RECONCILE_QUEUED.labels("removed").inc(len(gone))
        log.info("missed_removals_queued", bucket=bucket, count=len(gone), first=gone[0].key)

    async def _is_as_listed(self, listed: ObjectInfo, about: StandingKey) -> bool:
        """Whether the object is still what was listed, though its outcome is about something later."""
        if not self._queue.removals_not_lately(listed.bucket, [about]):
            return False
        try:
            found = await self._store.head(listed.bucket, listed.key)
        except (Rejected, Transient):  # gone, or one object's own trouble: the next round looks again
            return False
        return found.etag == listed.etag and not found.uploaded_at > listed.uploaded_at

    async def _removed(
        self, bucket: str, after: str, upto: str | None, objects: Sequence[ObjectInfo], check: Callable[[], None]
    ) -> int:
        """Queue the removal of objects that are gone from this part of the listing; returns how many.

        Only where the listing is in the order of its keys; a store that lists otherwise is found out by its pages, or
        by asking for the object itself.
        """
        if bucket in self._unordered:
            return 0
        listed = {info.key for info in objects}
        limit = len(listed) + _STANDING_A_PAGE
        standing = await self._outcomes.standing_keys(bucket, self._plan.prefix, after, upto, limit)
        gone = [item for item in standing if item.key not in listed and self._finder.is_settled(item.uploaded_at)]
        return await self._queue_removals(bucket, gone, self._is_gone, check)

    async def _removed_of_all(self, bucket: str, seen: SeenKeys, check: Callable[[], None]) -> None:
        """The same after a whole listing, in whatever order it came."""
        after = ""
        while True:
            await self._pace.turn()
            check()
            standing = await self._outcomes.standing_keys(bucket, self._plan.prefix, after, None, _STANDING_A_PAGE)
            gone = [item for item in standing if item.key not in seen and self._finder.is_settled(item.uploaded_at)]
            self._note(0, await self._queue_removals(bucket, gone, self._is_missing, check))
            if len(standing) < _STANDING_A_PAGE:
                return
            after = standing[-1].key

    async def _vanished(self, bucket: str, check: Callable[[], None]) -> None:
        """Queue the removal of objects whose last event found nothing, or that were removed lately, where listings of
        theirs stand: a write to the index that was long on its way may have come behind the removal.

        Apart from the others, since anybody who may send events makes such outcomes, of keys that never were: however
        many there are, without listings they are no objects, and no other removal waits for them.
        """
        assert self._progress is not None
        after, since = "", self._progress.began_at - _LATELY
        while True:
            check()
            found = await self._outcomes.gone_keys(bucket, self._plan.prefix, after, since, _MISSING_A_PAGE)
            held = await self._held.objects_with_listings(bucket, [item.key for item in found])
            gone = [item for item in found if item.key in held and self._finder.is_settled(item.uploaded_at)]
            self._note(0, await self._queue_removals(bucket, gone, self._is_missing, check))
            if len(found) < _MISSING_A_PAGE:
                return
            after = found[-1].key
            await self._pace.turn()

    async def _queue_removals(
        self,
        bucket: str,
        gone: list[StandingKey],
        is_gone: Callable[[str, StandingKey], Awaitable[bool]],
        check: Callable[[], None],
    ) -> int:
        """Queue the removal of those that are gone indeed and not queued yet; returns how many."""
        gone = self._queue.removals_not_lately(bucket, gone)[:_REMOVALS_A_PAGE]
        if not gone:
            return 0
        waiting = await self._queue.waiting_ids()
        gone = [item for item in gone if f"{bucket}/{item.key}" not in waiting and await is_gone(bucket, item)]
        if gone:
            check()
            await self._put_removals(bucket, gone)
        return len(gone)

    async def _is_gone(self, bucket: str, item: StandingKey) -> bool:
        if bucket in self._unordered:
            return False
        try:
            found = await self._store.head(bucket, item.key)
        except (Rejected, Transient) as error:  # one object's own trouble holds up nobody else
            return error.code is FailureCode.OBJECT_MISSING
        if found.uploaded_at <= item.uploaded_at:  # it was there all the time, and not where it should be listed
            self._note_unordered(bucket, item.key)
        return False

    async def _is_missing(self, bucket: str, item: StandingKey) -> bool:
        try:
            await self._store.head(bucket, item.key)
        except (Rejected, Transient) as error:
            return error.code is FailureCode.OBJECT_MISSING
        return False

    # -- the hot pass

    async def _maybe_hot(self, check: Callable[[], None]) -> None:
        """Look at the hot places when a round takes longer than the objects may wait."""
        assert self._progress is not None
        age = (self._clock.now() - self._progress.began_at).total_seconds()
        is_long = max(age, self._progress.took_s or 0.0) > self._plan.every_s
        if is_long and self._clock.monotonic() - self._hot_at >= self._plan.every_s:
            self._hot_at = self._clock.monotonic()
            await self._hot_pass(check)

    async def _hot_pass(self, check: Callable[[], None]) -> None:
        left = self._plan.hot_pages
        for number, bucket in enumerate(self._plan.buckets):
            left -= await self._hot_bucket(bucket, left // (len(self._plan.buckets) - number), check)
        metrics.RECONCILE_ROUNDS.labels("hot").inc()

    async def _hot_bucket(self, bucket: str, most: int, check: Callable[[], None]) -> int:
        """List the hot places of one bucket with at most so many pages, evenly shared; returns how many it took."""
        now = self._clock.now()
        latest = await self._outcomes.latest_keys(bucket, self._plan.prefix, now - _LATEST_SPAN, _LATEST)
        places = hot_places(latest, now.astimezone(UTC).date(), min(_HOT_PLACES_MAX, most))
        if bucket in self._unordered:  # what comes after a key is another matter there
            places = [HotPlace(place.prefix) for place in places]
        left = most
        for number, place in enumerate(places):
            left -= await self._hot_place(bucket, place, left // (len(places) - number), check)
        return most - left

    async def _hot_place(self, bucket: str, place: HotPlace, most: int, check: Callable[[], None]) -> int:
        token: str | None = None
        for number in range(1, most + 1):
            await self._pace.turn()
            check()
            page = await self._pages.page(bucket, place.prefix, place.start_after if token is None else "", token)
            self._note(0, await self._compare(page.objects, check))
            token = page.token
            if token is None:
                return number
        return most

    # -- where it is

    def _note(self, objects: int, queued: int, after: str | None = None) -> None:
        assert self._progress is not None
        self._progress = replace(
            self._progress,
            after=self._progress.after if after is None else after,
            objects=self._progress.objects + objects,
            queued=self._progress.queued + queued,
        )
        metrics.RECONCILE_ROUND_AGE.set((self._clock.now() - self._progress.began_at).total_seconds())

    async def _maybe_save(self) -> None:
        assert self._progress is not None
        if self._clock.monotonic() - self._saved >= _SAVE_EVERY_S:
            await self._keeper.save(self._progress)
            self._saved = self._clock.monotonic()

    async def _complete(self) -> None:
        progress, now = self._progress, self._clock.now()
        assert progress is not None
        took_s = (now - progress.began_at).total_seconds()
        metrics.RECONCILE_ROUNDS.labels("full").inc()
        metrics.RECONCILE_LAST_COMPLETE.set(now.timestamp())
        metrics.RECONCILE_ROUND_AGE.set(0)
        log.info(
            "reconcile_round_completed",
            objects=progress.objects,
            queued=progress.queued,
            took_s=round(took_s, 3),
        )
        self._progress = Progress(now, self._plan.buckets[0], completed_at=now, took_s=took_s)
        await self._keeper.save(self._progress)
        self._saved = self._clock.monotonic()
