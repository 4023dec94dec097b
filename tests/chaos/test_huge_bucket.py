"""A bucket of ten million objects, listed page by page against a clock that is moved: what a round costs.

No server takes part: what is counted is what would be asked of one.
"""

from __future__ import annotations

import resource
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from app.model.file import ObjectInfo
from app.model.listed import KnownVersion, ListedPage, StandingKey
from app.model.outcome import FileStatus
from app.settings import ReconcileSettings
from tests.support.memory import START
from tests.support.reconciling import BUCKET, LONG_AGO, FakeOutcomes, HugeBucket, Reconciling

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(900)]
OBJECTS = 10_000_000
A_PAGE = 1000
NEW = "stock/2026-03-01/new.json"


class TenMillion(HugeBucket):
    """Between the first and the last of a page stand the same objects on every page: only the edges are read."""

    def __init__(self) -> None:
        super().__init__(OBJECTS)
        self._between = tuple(replace(self._template, key=f"between/{number}.json") for number in range(A_PAGE - 2))

    async def page(self, bucket: str, prefix: str, start_after: str = "", token: str | None = None) -> ListedPage:
        if prefix:
            return await super().page(bucket, prefix, start_after, token)
        self.pages += 1
        first = int(token or 0)
        edges = [replace(self._template, key=self.key(number)) for number in (first, first + A_PAGE - 1)]
        more = str(first + A_PAGE) if first + A_PAGE < OBJECTS else None
        return ListedPage((edges[0], *self._between, edges[1]), more)


class AllDone(FakeOutcomes):
    """Everything is done but the last object and the new one."""

    def __init__(self, missing: set[str]) -> None:
        super().__init__()
        self.missing = missing

    async def known_versions(self, objects: Sequence[ObjectInfo]) -> list[KnownVersion | None]:
        done = KnownVersion("e1", LONG_AGO, FileStatus.INDEXED)
        found: list[KnownVersion | None] = [done] * len(objects)
        for place in (0, -1) if objects else ():
            if objects[place].key in self.missing:
                found[place] = None
        return found

    async def standing_keys(self, *_: object) -> list[StandingKey]:
        return []

    async def latest_keys(self, *_: object) -> list[StandingKey]:
        return [StandingKey("stock/2026-02-28/morning.json", START - timedelta(hours=12))]


async def test_ten_million_objects_cost_ten_thousand_pages_and_no_memory() -> None:
    settings = ReconcileSettings()
    world = Reconciling(pages_per_s=settings.pages_per_s, every_s=settings.every_s, grace_s=settings.grace_s)
    bucket = TenMillion()
    world.store = bucket  # type: ignore[assignment]
    world.outcomes = AllDone({bucket.key(OBJECTS - 1), NEW})
    world.comparison = world.another()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    uploaded_at = world.clock.now() + timedelta(seconds=600)
    bucket.extra = [ObjectInfo(BUCKET, NEW, 10, "e9", uploaded_at)]
    found_after: list[float] = []

    def look() -> None:
        if not found_after and (NEW, "created") in world.sent():
            found_after.append((world.clock.now() - uploaded_at).total_seconds())

    world.on_sleep = look
    queued = await world.round()
    grown_mib = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    hot = bucket.pages - OBJECTS // A_PAGE
    print(  # noqa: T201  (the run's account, for the log)
        f"{OBJECTS:,} objects: {bucket.pages:,} pages, {hot} of them hot, {world.slept / 60:.0f} minutes at "
        f"{settings.pages_per_s:g} pages a second; a new object found {found_after[0]:.0f} s after its upload; "
        f"memory grew by {grown_mib:.1f} MiB"
    )
    assert queued == [NEW, bucket.key(OBJECTS - 1)]
    assert found_after[0] <= 300, "in a folder of today it is found within five minutes, however large the bucket"
    assert OBJECTS // A_PAGE <= bucket.pages <= 1.5 * OBJECTS / A_PAGE
    assert world.slept == pytest.approx(bucket.pages / settings.pages_per_s, rel=0.01)
    assert grown_mib < 20
