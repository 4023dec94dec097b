"""Taking over what lies in a bucket, or processing it again: by hand, for a prefix or a time span.

It does what the reconciler does, once and for what was asked for: list, compare, queue what has no outcome. Documents
never go backwards, so it may run beside live uploads, be broken off and be repeated.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from app.model.file import ObjectInfo
from app.model.listed import ListedPage
from app.ops.missed_uploads import Finder, Pace, Pages, Sleep, UploadQueue, object_id
from app.pipeline.missed import is_file

FIRST_NAMES = 10
_GROUPS_A_SECOND = 10


@dataclass(frozen=True, slots=True)
class Selection:
    """Which objects: those of a bucket whose key starts with `prefix` and comes after `start_after` in the listing."""

    bucket: str
    prefix: str = ""
    start_after: str = ""
    since: datetime | None = None
    """Uploaded at this time or later."""
    until: datetime | None = None
    """Uploaded before this time."""
    everything: bool = False
    """Also what has an outcome at its present version: process it again."""

    def holds(self, info: ObjectInfo) -> bool:
        """Whether it is a file of the time span."""
        if self.since is not None and info.uploaded_at < self.since:
            return False
        return is_file(info) and (self.until is None or info.uploaded_at < self.until)


@dataclass(slots=True)
class Account:
    """What was done so far."""

    listed: int = 0
    selected: int = 0
    """Files of the time span."""
    wanted: int = 0
    """Of these, those to be queued: without an outcome at their present version, or all."""
    bytes: int = 0
    """Their size."""
    waiting: int = 0
    """Wanted, and queued already by their own notification."""
    queued: int = 0
    first: list[str] = field(default_factory=list)
    """The first of the wanted."""
    after: str = ""
    """All up to this key is done: where to go on with `start_after`."""
    complete: bool = False


class Backfill:
    """One run; `account` can be looked at any time, also when the run was broken off."""

    def __init__(
        self,
        pages: Pages,
        finder: Finder,
        queue: UploadQueue,
        listing: Pace,
        files_per_s: float,
        monotonic: Callable[[], float],
        sleep: Sleep,
    ) -> None:
        self._pages = pages
        self._finder = finder
        self._queue = queue
        self._listing = listing
        self._group = max(1, int(files_per_s / _GROUPS_A_SECOND))
        self._groups = Pace(files_per_s / self._group, monotonic, sleep)
        self.account = Account()

    async def run(self, selection: Selection, *, dry_run: bool, on_progress: Callable[[Account], None]) -> Account:
        """List, compare and queue; under `dry_run` nothing is queued. Raises `Outage` when a server is away."""
        account = self.account
        account.after = selection.start_after
        async for page in self._listed(selection):
            selected = [info for info in page.objects if selection.holds(info)]
            wanted = selected if selection.everything else await self._finder.missed(selected)
            account.listed += len(page.objects)
            account.selected += len(selected)
            account.wanted += len(wanted)
            account.bytes += sum(info.size for info in wanted)
            account.first += [info.key for info in wanted[: FIRST_NAMES - len(account.first)]]
            if wanted and not dry_run:
                await self._put(wanted, selection.everything, on_progress)
            if page.objects:
                account.after = page.objects[-1].key
            on_progress(account)
        account.complete = True
        return account

    async def _listed(self, selection: Selection) -> AsyncIterator[ListedPage]:
        token: str | None = None
        while True:
            await self._listing.turn()
            page = await self._pages.page(selection.bucket, selection.prefix, selection.start_after, token)
            yield page
            token = page.token
            if token is None:
                return

    async def _put(
        self, wanted: Sequence[ObjectInfo], everything: bool, on_progress: Callable[[Account], None]
    ) -> None:
        waiting = await self._queue.waiting_ids()
        free = [info for info in wanted if object_id(info) not in waiting]
        self.account.waiting += len(wanted) - len(free)
        if not everything:
            free = await self._finder.missed(free)
        older = {} if everything or not free else await self._finder.older(free)
        for start in range(0, len(free), self._group):
            group = free[start : start + self._group]
            await self._groups.turn()
            await self._queue.put([info for info in group if info.key not in older])
            again = [older[info.key] for info in group if info.key in older]
            await self._queue.put_removals(group[0].bucket, again)
            self.account.queued += len(group)
            self.account.after = group[-1].key
            on_progress(self.account)
