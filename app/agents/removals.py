"""Marks listings removed: those of an object that is gone, and those that a full feed no longer holds."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from contextlib import aclosing
from dataclasses import dataclass
from typing import TypeVar

from app.agents.outages import Outages
from app.errors import Dependency, FileRejected
from app.model.removal import Supply
from app.pipeline.profile import Delivery
from app.pipeline.removal import FullFeed, removed_document, source_of, why_held
from app.pipeline.sources import Sources, Speaker
from app.ports import Clock, ListingIndex, StandingListings

T = TypeVar("T")


@dataclass(slots=True)
class _Tally:
    """Listings marked so far, over outages: what was marked before one is not found again after it."""

    marked: int = 0


class Removals:
    """An outage of the index is waited out; what was marked before it is not asked for again."""

    def __init__(
        self,
        index: ListingIndex,
        standing: StandingListings,
        outages: Outages,
        clock: Clock,
        sources: Sources | None = None,
    ) -> None:
        """`sources`: who may speak for which, and so remove its listings; everybody unless said otherwise."""
        self._sources = sources or Sources()
        self._index = index
        self._standing = standing
        self._outages = outages
        self._clock = clock

    async def of_object(self, bucket: str, key: str) -> int:
        """Mark what the object supplied, unless a newer file has supplied it since; returns how many.

        The version is the next one after that of the content which is gone: any newer content of a listing wins, in any
        order, and that content itself can not come back, as by a write that was long on its way. What the place may not
        speak for, it has supplied before that was declared: it stays.
        """
        supply, tally, speaker = Supply(bucket=bucket, key=key), _Tally(), self._sources.at(bucket, key)
        await self._waiting(f"{bucket}/{key}", lambda: self._mark(supply, None, (), tally, speaker))
        return tally.marked

    async def after(self, feed: FullFeed, delivery: Delivery, subject: str) -> int | FileRejected:
        """Mark what the feed no longer holds and return how many; or why it is held instead."""
        tally = _Tally()
        held = await self._waiting(subject, lambda: self._conclude(feed, delivery, tally))
        return held or tally.marked

    async def _conclude(self, feed: FullFeed, delivery: Delivery, tally: _Tally) -> FileRejected | None:
        await self._standing.refresh()
        missing = await self._standing.count(feed.missing) - len(feed.kept)
        held = why_held(delivery, feed, await self._standing.count(feed.scope), missing)
        if held is None:
            await self._mark(feed.missing, feed.version, feed.kept, tally)
        return held

    async def _mark(
        self,
        supply: Supply,
        version: int | None,
        kept: Collection[str],
        tally: _Tally,
        speaker: Speaker | None = None,
    ) -> None:
        await self._standing.refresh()
        async with aclosing(self._standing.pages(supply)) as pages:
            async for page in pages:
                now = self._clock.now()
                gone = [
                    removed_document(stored, stored.version + 1 if version is None else version, now)
                    for stored in page
                    if stored.id not in kept and (speaker is None or speaker.may(source_of(stored)))
                ]
                tally.marked += (await self._index.write(gone)).indexed

    async def _waiting(self, subject: str, attempt: Callable[[], Awaitable[T]]) -> T:
        return await self._outages.ride_out(Dependency.SEARCH_INDEX, subject, attempt)
