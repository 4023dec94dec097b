"""Round after round over a bucket in memory: what is queued, what is not, and what it costs."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from app.errors import Dependency, FailureCode, Outage, Rejected, Transient
from app.model.document import time_of, version_of
from app.model.file import ObjectInfo
from app.model.listed import KnownVersion, ListedPage, Progress, StandingKey
from app.model.outcome import FileStatus
from app.ops.missed_uploads import Finder
from app.pipeline.notification import parse_notification
from tests.support.memory import START
from tests.support.reconciling import BUCKET, LONG_AGO, FakeOutcomes, HugeBucket, Reconciling

DOWN = Outage(FailureCode.UNREACHABLE, Dependency.OBJECT_STORE, "refused")


async def test_what_has_no_outcome_is_queued_once() -> None:
    world = Reconciling()
    world.outcomes.tell(world.store.put("a/done.csv"))
    world.outcomes.tell(world.store.put("a/refused.csv"), FileStatus.REJECTED)
    world.store.put("a/missed.csv")
    world.store.put("a/folder/")
    assert await world.round() == ["a/missed.csv"]
    assert world.publisher.sent[0].key == b"cars/a/missed.csv"
    assert await world.round() == []


async def test_a_newer_version_is_queued_though_an_older_one_is_done() -> None:
    world = Reconciling()
    world.outcomes.tell(world.store.put("a.csv"))
    world.store.put("a.csv", LONG_AGO + timedelta(seconds=5), "e2")
    assert await world.round() == ["a.csv"]


async def test_a_young_upload_is_left_alone_until_it_had_its_time() -> None:
    world = Reconciling()
    world.store.put("young.csv", START - timedelta(seconds=30))
    assert await world.round() == []
    world.clock.advance(30)
    assert await world.round() == ["young.csv"]


async def test_what_is_older_than_anybody_wants_is_left_alone() -> None:
    world = Reconciling()
    old = world.store.put("old.csv", LONG_AGO)
    new = world.store.put("new.csv", LONG_AGO + timedelta(days=1))
    finder = Finder(world.outcomes, world.clock, 60.0, not_before=LONG_AGO + timedelta(hours=1))
    assert await finder.missed([old, new]) == [new]


async def test_what_waits_already_is_not_queued_again() -> None:
    world = Reconciling()
    world.store.put("retried.csv")
    world.store.put("missed.csv")
    world.backlog.object_ids = {"cars/retried.csv"}
    assert await world.round() == ["missed.csv"]
    world.backlog.object_ids.clear()
    assert await world.round() == ["retried.csv"]


async def test_what_was_done_while_the_queue_was_asked_is_not_queued() -> None:
    world = Reconciling()
    info = world.store.put("slow.csv")
    world.backlog.records = 9000

    def worked_off() -> None:
        world.backlog.records = 0
        world.outcomes.tell(info)

    world.on_sleep = worked_off
    assert await world.round() == []
    assert world.backlog.asked == 2


async def test_live_uploads_go_first_while_too_many_wait() -> None:
    world = Reconciling()
    world.store.put("missed.csv")
    world.backlog.records = 5001
    held: list[int | None] = []

    def look() -> None:
        held.append(world.comparison.held_by)
        assert world.publisher.sent == []
        world.backlog.records = 5001 if len(held) < 4 else 0

    world.on_sleep = look
    assert await world.round() == ["missed.csv"]
    assert held[:3] == [5001, 5001, 5001]
    assert world.comparison.held_by is None


async def test_without_anything_missed_the_queue_is_never_asked() -> None:
    world = Reconciling()
    world.outcomes.tell(world.store.put("a.csv"))
    await world.round()
    assert world.backlog.asked == 0


async def test_an_object_whose_outcome_never_comes_is_queued_once_an_hour() -> None:
    world = Reconciling()
    world.store.put("odd.csv")
    found = []
    for _ in range(21):  # an hour
        found += await world.round()
        world.clock.advance(180)
    assert found == ["odd.csv", "odd.csv"]


async def test_only_the_prefix_and_the_buckets_are_listed() -> None:
    world = Reconciling(buckets=("cars", "vans"), prefix="in/")
    world.store.put("in/a.csv")
    world.store.put("out/b.csv")
    world.store.put("in/c.csv", bucket="vans")
    world.store.put("in/d.csv", bucket="others")
    assert await world.round() == ["in/a.csv", "in/c.csv"]
    assert {(bucket, prefix) for bucket, prefix, *_ in world.store.asked} == {("cars", "in/"), ("vans", "in/")}


async def test_pages_are_asked_no_faster_than_the_rate_and_ten_times_slower_while_busy() -> None:
    world = Reconciling(pages_per_s=5, page_size=10)
    for number in range(100):
        world.outcomes.tell(world.store.put(f"{number:03d}.csv"))
    await world.round()
    assert len(world.store.asked) == 10
    assert world.slept == pytest.approx(9 / 5)
    world.is_busy = True
    world.slept = 0
    await world.round()
    assert 9 * 2 <= world.slept <= 10 * 2


# -- interruptions


async def test_an_outage_is_resumed_where_it_came() -> None:
    world = Reconciling(page_size=2)
    for number in range(6):
        world.store.put(f"{number}.csv")
    world.store.errors = []
    check_calls = iter([None, None, DOWN])

    def check() -> None:
        error = next(check_calls, None)
        if error is not None:
            raise error

    with pytest.raises(Outage):
        await world.comparison.round(check)
    assert [key for key, _ in world.sent()] == ["0.csv", "1.csv"]
    world.store.asked.clear()
    assert await world.round() == ["2.csv", "3.csv", "4.csv", "5.csv"]
    assert world.store.asked[0] == (BUCKET, "", "1.csv", None)
    assert world.keeper.kept is not None
    assert world.keeper.kept.completed_at == world.clock.now()


@pytest.mark.parametrize("where", ["store", "outcomes"])
async def test_a_page_that_failed_is_compared_again(where: str) -> None:
    world = Reconciling()
    world.store.put("a.csv")
    getattr(world, where).errors.append(DOWN)
    with pytest.raises(Outage):
        await world.round()
    assert await world.round() == ["a.csv"]


async def test_the_broker_away_between_two_of_a_page_queues_the_rest_later() -> None:
    world = Reconciling()
    for number in range(3):
        world.store.put(f"{number}.csv")
    world.publisher.fail_next = [Outage(FailureCode.UNREACHABLE, Dependency.BROKER, "away")]
    with pytest.raises(Outage):
        await world.round()
    await world.round()
    assert sorted(set(world.sent())) == [("0.csv", "created"), ("1.csv", "created"), ("2.csv", "created")]


async def test_the_next_worker_goes_on_where_the_last_one_kept_its_place() -> None:
    world = Reconciling(pages_per_s=0.05, page_size=2)
    for number in range(6):
        world.outcomes.tell(world.store.put(f"{number}.csv"))
    pages = iter(range(2))

    def check() -> None:
        if next(pages, None) is None:
            raise DOWN

    with pytest.raises(Outage):
        await world.comparison.round(check)
    world.comparison = world.another()
    world.store.asked.clear()
    assert await world.comparison.due_in_s() == 0
    await world.round()
    assert world.store.asked[0] == (BUCKET, "", "3.csv", None)
    assert world.keeper.kept is not None
    assert world.keeper.kept.objects == 0
    assert world.keeper.kept.took_s is not None


async def test_a_round_is_due_every_so_often_from_start_to_start_also_after_a_restart() -> None:
    world = Reconciling()
    assert await world.comparison.due_in_s() == 0
    world.store.put("a.csv")
    await world.round()
    assert await world.comparison.due_in_s() == pytest.approx(180)
    world.clock.advance(100)
    assert await world.another().due_in_s() == pytest.approx(80)
    world.clock.advance(100)
    assert await world.another().due_in_s() == 0


async def test_a_place_in_a_bucket_that_is_no_longer_watched_is_forgotten() -> None:
    world = Reconciling()
    world.keeper.kept = Progress(START, "gone", "x", 5)
    world.store.put("a.csv")
    assert await world.round() == ["a.csv"]


async def test_two_that_compare_at_once_queue_no_more_than_twice_and_the_same_bytes() -> None:
    world = Reconciling()
    world.store.put("a.csv")
    other = world.another()
    await world.comparison.round(lambda: None)
    await other.round(lambda: None)
    first, second = world.publisher.sent
    assert (first.key, first.value) == (second.key, second.value)


# -- removals


async def test_an_object_that_is_gone_is_queued_as_removed() -> None:
    world = Reconciling(page_size=2)
    for key in ("a.csv", "b.csv", "c.csv", "d.csv", "e.csv"):
        world.outcomes.tell(world.store.put(key))
    for key in ("b.csv", "e.csv"):
        del world.store.objects[BUCKET, key]
    await world.round()
    assert world.sent() == [("b.csv", "removed"), ("e.csv", "removed")]
    assert world.store.heads == ["b.csv", "e.csv"]
    await world.round()
    assert len(world.sent()) == 2, "not again while its turn has not come"
    world.outcomes.known[BUCKET, "b.csv"] = KnownVersion("", world.clock.now(), FileStatus.REMOVED)
    world.clock.advance(4000)
    await world.round()
    assert world.sent()[2:] == [("e.csv", "removed")]


@pytest.mark.parametrize(
    "known",
    [
        KnownVersion("", LONG_AGO + timedelta(days=40), FileStatus.REMOVED),
        KnownVersion("", LONG_AGO + timedelta(milliseconds=950), FileStatus.REMOVED),
        KnownVersion("", LONG_AGO, FileStatus.REMOVED, version=version_of(LONG_AGO) + 60_000),
        KnownVersion("e1", LONG_AGO + timedelta(days=40), FileStatus.REJECTED, "object_missing"),
        KnownVersion("e2", LONG_AGO + timedelta(seconds=1), FileStatus.INDEXED),
    ],
)
async def test_an_object_that_is_listed_though_something_later_is_known_of_it_is_looked_at_again(
    known: KnownVersion,
) -> None:
    """It was removed and uploaded by other clocks, its removal was taken back, or its newest version was removed."""
    world = Reconciling()
    world.store.put("a.csv")
    world.outcomes.known[BUCKET, "a.csv"] = known
    await world.round()
    assert world.sent() == [("a.csv", "removed")]
    (event,) = parse_notification(world.publisher.sent[0].value or b"").events
    assert datetime.fromisoformat(event.event_time or "") == max(known.uploaded_at, time_of(known.version))
    await world.round()
    assert len(world.sent()) == 1, "not again while its turn has not come"


async def test_an_object_that_is_listed_though_it_was_never_seen_is_queued() -> None:
    world = Reconciling()
    world.store.put("a.csv")
    world.outcomes.known[BUCKET, "a.csv"] = KnownVersion(
        "", LONG_AGO - timedelta(seconds=5), FileStatus.REJECTED, "object_missing"
    )
    await world.round()
    assert world.sent() == [("a.csv", "created")]


async def test_an_object_that_was_uploaded_again_since_it_was_listed_is_let_alone() -> None:
    world = Reconciling()
    newer = LONG_AGO + timedelta(seconds=9)
    listed = world.store.put("a.csv")
    world.outcomes.known[BUCKET, "a.csv"] = KnownVersion("e2", newer, FileStatus.INDEXED)
    page = world.store.page

    async def late(*about: Any) -> ListedPage:
        world.store.objects[BUCKET, "a.csv"] = listed
        found = await page(*about)
        world.store.put("a.csv", newer, "e2")
        return found

    world.store.page = late  # type: ignore[assignment,method-assign]
    await world.round()
    assert (world.sent(), world.store.heads) == ([], ["a.csv"])


@pytest.mark.parametrize(
    "error",
    [
        Transient(FailureCode.FETCH_FAILED, "the store says 500 for this one"),
        Rejected(FailureCode.OBJECT_FORBIDDEN, "not for us"),
        Rejected(FailureCode.KEY_NOT_DECODABLE, "an empty segment"),
    ],
)
async def test_an_object_that_can_not_be_asked_for_holds_up_no_other(error: Exception) -> None:
    world = Reconciling()
    for key in ("a.csv", "b.csv"):
        world.outcomes.tell(world.store.put(key))
        del world.store.objects[BUCKET, key]
    world.store.trouble["a.csv"] = error
    world.store.put("c.csv")
    await world.round()
    assert world.sent() == [("c.csv", "created"), ("b.csv", "removed")]


async def test_a_bucket_that_was_emptied_is_noticed() -> None:
    world = Reconciling()
    world.outcomes.tell(world.store.put("a.csv"))
    world.store.objects.clear()
    await world.round()
    assert world.sent() == [("a.csv", "removed")]


async def test_events_about_objects_that_never_were_push_nothing_back() -> None:
    world = Reconciling()
    for number in range(3000):
        world.outcomes.not_there(f"a-forged/{number:04}.csv")
    for number in range(20):
        world.outcomes.tell(world.store.put(f"b-real/{number}.csv"))
    world.store.objects.clear()
    world.store.put("c.csv")
    await world.round()
    assert sorted(key for key, kind in world.sent() if kind == "removed") == sorted(
        f"b-real/{number}.csv" for number in range(20)
    )
    assert len(world.store.heads) == 20, "nor is the store asked for what never was"


async def test_an_object_that_vanished_before_its_event_was_read_is_removed_where_listings_of_it_stand() -> None:
    world = Reconciling()
    for number in range(3000):
        world.outcomes.not_there(f"forged/{number:04}.csv")
    for key in ("forged/1234x.csv", "z.csv", "there-again.csv"):
        world.outcomes.not_there(key)
        world.outcomes.held.add(key)
    world.outcomes.tell(world.store.put("there-again.csv"))
    await world.round()
    assert world.sent() == [("forged/1234x.csv", "removed"), ("z.csv", "removed")]


async def test_a_listing_that_came_behind_the_removal_of_its_object_is_removed_after_all() -> None:
    """A write to the index that timed out here reached it minutes later, when nothing of the object was there yet."""
    world = Reconciling()
    for key, age in (("a.csv", 30), ("b.csv", 2), ("c.csv", 2)):
        at = world.clock.now() - timedelta(minutes=age)
        world.outcomes.known[BUCKET, key] = KnownVersion("", at, FileStatus.REMOVED)
    world.outcomes.known[BUCKET, "long-ago.csv"] = KnownVersion("", LONG_AGO, FileStatus.REMOVED)
    world.outcomes.held |= {"a.csv", "c.csv", "long-ago.csv"}
    await world.round()
    assert world.sent() == [("a.csv", "removed"), ("c.csv", "removed")]


def as_folders(key: str) -> object:
    """As SeaweedFS lists: folder by folder, so `dealer/…` before `dealer-7/…`."""
    return key.split("/")


def backwards(key: str) -> object:
    return [-ord(char) for char in key]


@pytest.mark.parametrize("order", [as_folders, backwards, hash], ids=["folders", "backwards", "none at all"])
async def test_removals_are_found_in_whatever_order_the_store_lists(order: Callable[[str], object]) -> None:
    world = Reconciling(page_size=100)
    world.store.order = order
    keys = [f"{folder}/{number:04d}.csv" for folder in ("dealer", "dealer-7") for number in range(600)]
    for key in keys:
        world.outcomes.tell(world.store.put(key))
    assert await world.round() == [], "nothing is gone, whatever the order"
    gone = keys[3], keys[599], keys[600], keys[-1]
    for key in gone:
        del world.store.objects[BUCKET, key]
    world.store.heads.clear()
    await world.round()
    assert sorted(world.sent()) == sorted((key, "removed") for key in gone)
    assert len(world.store.heads) <= len(gone) + 200, "asked by name only where the listing has not shown it"


async def test_more_removals_than_one_look_takes_are_found_behind_each_other() -> None:
    world = Reconciling()
    world.store.order = as_folders
    keys = [f"{folder}/{number:04d}.csv" for folder in ("dealer", "dealer-7") for number in range(1500)]
    for key in keys:
        world.outcomes.tell(world.store.put(key))
    for key in keys[1400:]:
        del world.store.objects[BUCKET, key]
    found: list[str] = []
    for _ in range(8):
        found += await world.round()
        for key in found:
            world.outcomes.known[BUCKET, key] = KnownVersion("", world.clock.now(), FileStatus.REMOVED)
    assert sorted(found) == sorted(keys[1400:])


async def test_after_half_a_listing_nothing_is_taken_for_gone() -> None:
    world = Reconciling(page_size=100)
    world.store.order = backwards
    for number in range(500):
        world.outcomes.tell(world.store.put(f"{number:04d}.csv"))
    world.keeper.kept = Progress(START, BUCKET, "0250.csv", 250)
    await world.round()
    assert (world.sent(), len(world.store.heads)) == ([], 0)


async def test_the_hot_places_of_an_unordered_bucket_are_listed_from_their_start() -> None:
    world = Reconciling(page_size=100)
    world.store.order = backwards
    for number in range(300):
        at = world.clock.now() - timedelta(hours=1, seconds=300 - number)
        world.outcomes.tell(world.store.put(f"stock/{number:04d}.csv", at))
    await world.round()
    world.keeper.kept = Progress(START, BUCKET, completed_at=START - timedelta(hours=1), took_s=600.0)
    world.comparison.forget()
    world.store.asked.clear()
    world.clock.advance(1000)
    await world.round()
    assert {after for _, prefix, after, _ in world.store.asked if prefix == "stock/"} == {""}


# -- large buckets


class HugeOutcomes(FakeOutcomes):
    """Every object of the huge bucket is done, but for those in `missing`."""

    def __init__(self, missing: set[str], latest: list[StandingKey]) -> None:
        super().__init__()
        self._done = KnownVersion("e1", LONG_AGO, FileStatus.INDEXED)
        self._missing = missing
        self._latest = latest

    async def known_versions(self, objects: object) -> list[KnownVersion | None]:
        assert isinstance(objects, list)
        return [None if info.key in self._missing else self._done for info in objects]

    async def standing_keys(self, *_: object) -> list[StandingKey]:
        return []

    async def latest_keys(self, *_: object) -> list[StandingKey]:
        return self._latest


def huge(count: int, **settings: float) -> tuple[Reconciling, HugeBucket]:
    world = Reconciling(**settings)  # type: ignore[arg-type]
    bucket = HugeBucket(count)
    world.store = bucket  # type: ignore[assignment]
    yesterday = [StandingKey("zz/2026-02-28/morning.json", START - timedelta(hours=12))]
    world.outcomes = HugeOutcomes({bucket.key(7), bucket.key(count - 1), "zz/2026-03-01/new.json"}, yesterday)
    world.comparison = world.another()
    return world, bucket


async def test_a_bucket_that_fits_is_listed_within_the_promised_time() -> None:
    """300 s = grace 60 + interval 180 + slack; so 900 pages at the default rate: 900,000 objects."""
    world, bucket = huge(90_000, pages_per_s=0.5)  # a tenth of the objects at a tenth of the rate
    assert await world.round() == [bucket.key(7), bucket.key(89_999)]
    assert bucket.pages == 90
    assert world.slept == pytest.approx(89 / 0.5)
    assert world.grace_s + max(world.plan.every_s, world.slept) <= 300


async def test_a_bucket_too_large_for_that_has_its_hot_places_looked_at_meanwhile() -> None:
    world, bucket = huge(200_000, pages_per_s=0.5)
    world.keeper.kept = Progress(START, BUCKET, completed_at=START - timedelta(hours=1), took_s=600.0)
    bucket.extra = [ObjectInfo(BUCKET, "zz/2026-03-01/new.json", 10, "e9", world.clock.now() - timedelta(seconds=61))]
    began = world.clock.monotonic()
    found_at: list[float] = []

    def look() -> None:
        if not found_at and ("zz/2026-03-01/new.json", "created") in world.sent():
            found_at.append(world.clock.monotonic() - began)

    world.on_sleep = look
    await world.round()
    assert world.slept > 2 * world.plan.every_s, "a round alone would be too slow"
    assert found_at
    assert found_at[0] <= world.plan.every_s


async def test_memory_does_not_grow_with_the_bucket() -> None:
    peaks = []
    for count in (5_000, 50_000):
        world, _ = huge(count)
        tracemalloc.start()
        await world.round()
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0]


async def test_the_place_is_kept_every_ten_seconds_not_with_every_page() -> None:
    world, _ = huge(50_000, pages_per_s=1.25)
    await world.round()
    assert 4 <= world.keeper.saves <= 6  # 50 pages in 40 s


async def test_a_huge_bucket_is_resumed_in_the_middle() -> None:
    world, bucket = huge(100_000)
    world.keeper.kept = Progress(START, BUCKET, bucket.key(49_999), 50_000)
    assert await world.round() == [bucket.key(99_999)]
    assert bucket.pages == 50
