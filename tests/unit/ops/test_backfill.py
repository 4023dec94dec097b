"""Taking over a bucket by hand: what is chosen, how fast, and where a broken-off run goes on."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.errors import Dependency, FailureCode, Outage
from app.model.outcome import FileStatus
from app.ops.backfill import Account, Backfill, Selection
from app.ops.missed_uploads import Finder, Pace, UploadQueue
from tests.support.memory import START
from tests.support.reconciling import BUCKET, LONG_AGO, Reconciling

ALL = Selection(BUCKET)
AWAY = Outage(FailureCode.UNREACHABLE, Dependency.BROKER, "not confirmed in time")


def backfill(world: Reconciling, files_per_s: float = 50.0) -> Backfill:
    finder = Finder(world.outcomes, world.clock, world.grace_s)
    queue = UploadQueue(world.backlog, world.publisher, world.clock, world.sleep, lag_max=5000)
    pace = Pace(5.0, world.clock.monotonic, world.sleep)
    return Backfill(world.store, finder, queue, pace, files_per_s, world.clock.monotonic, world.sleep)


async def run(world: Reconciling, selection: Selection = ALL, *, dry_run: bool = False, rate: float = 50.0) -> Account:
    return await backfill(world, rate).run(selection, dry_run=dry_run, on_progress=lambda _: None)


def keys(world: Reconciling) -> list[str]:
    return [key for key, _ in world.sent()]


async def test_what_has_no_outcome_is_queued() -> None:
    world = Reconciling()
    world.store.put("missed.csv")
    world.store.put("folder/")
    world.outcomes.tell(world.store.put("done.csv"))
    world.outcomes.tell(world.store.put("refused.csv"), FileStatus.REJECTED)
    account = await run(world)
    assert keys(world) == ["missed.csv"]
    assert (account.listed, account.selected, account.wanted, account.queued) == (4, 3, 1, 1)
    assert (account.bytes, account.first, account.complete) == (10, ["missed.csv"], True)


async def test_a_dry_run_counts_and_asks_nothing_of_the_broker() -> None:
    world = Reconciling()
    for number in range(25):
        world.store.put(f"{number:02d}.csv")
    account = await run(world, dry_run=True)
    assert (account.wanted, account.queued, account.bytes) == (25, 0, 250)
    assert account.first == [f"{number:02d}.csv" for number in range(10)]
    assert (world.publisher.sent, world.backlog.asked) == ([], 0)


async def test_everything_is_processed_again_when_asked_for() -> None:
    world = Reconciling()
    world.outcomes.tell(world.store.put("done.csv"))
    world.store.put("missed.csv")
    await run(world, Selection(BUCKET, everything=True))
    assert keys(world) == ["done.csv", "missed.csv"]


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        (Selection(BUCKET, since=LONG_AGO + timedelta(hours=1)), ["b/2.csv", "b/3.csv"]),
        (Selection(BUCKET, until=LONG_AGO + timedelta(hours=1)), ["a/1.csv"]),
        (
            Selection(BUCKET, since=LONG_AGO + timedelta(hours=1), until=LONG_AGO + timedelta(hours=2)),
            ["b/2.csv"],
        ),
        (Selection(BUCKET, prefix="a/"), ["a/1.csv"]),
        (Selection(BUCKET, start_after="b/2.csv"), ["b/3.csv"]),
        (Selection("vans"), ["v.csv"]),
    ],
)
async def test_a_bucket_a_prefix_a_time_span(selection: Selection, expected: list[str]) -> None:
    world = Reconciling()
    world.store.put("a/1.csv", LONG_AGO)
    world.store.put("b/2.csv", LONG_AGO + timedelta(hours=1))
    world.store.put("b/3.csv", LONG_AGO + timedelta(hours=2))
    world.store.put("v.csv", bucket="vans")
    await run(world, selection)
    assert keys(world) == expected


async def test_what_is_on_its_way_is_not_queued_a_second_time() -> None:
    world = Reconciling()
    world.store.put("waits.csv")
    world.store.put("young.csv", START - timedelta(seconds=5))
    world.store.put("missed.csv")
    world.backlog.object_ids = {"cars/waits.csv"}
    account = await run(world)
    assert keys(world) == ["missed.csv"]
    assert (account.wanted, account.waiting, account.queued) == (2, 1, 1)


@pytest.mark.parametrize(("rate", "seconds"), [(50, 2.0), (10, 10.0), (0.5, 200.0), (1000, 0.1)])
async def test_no_more_files_a_second_than_asked_for(rate: float, seconds: float) -> None:
    world = Reconciling()
    for number in range(100):
        world.store.put(f"{number:03d}.csv")
    await run(world, rate=rate)
    assert len(world.publisher.sent) == 100
    assert world.slept <= seconds
    assert world.slept >= seconds - max(0.1, 1 / rate) - 1e-6


async def test_live_uploads_go_first() -> None:
    world = Reconciling()
    world.store.put("missed.csv")
    world.backlog.records = 6000

    def work_off() -> None:
        assert world.publisher.sent == []
        world.backlog.records -= 500

    world.on_sleep = work_off
    await run(world)
    assert keys(world) == ["missed.csv"]


async def test_a_run_that_was_broken_off_goes_on_where_it_was() -> None:
    world = Reconciling(page_size=10)
    for number in range(30):
        world.store.put(f"{number:02d}.csv")
    broken = backfill(world)

    def go_away(account: Account) -> None:
        if account.queued == 15:
            world.publisher.fail_next = [AWAY] * 5

    with pytest.raises(Outage):
        await broken.run(ALL, dry_run=False, on_progress=go_away)
    account = broken.account
    assert (account.queued, account.after, account.complete) == (15, "14.csv", False)
    await run(world, Selection(BUCKET, start_after=account.after))
    assert keys(world) == [f"{number:02d}.csv" for number in range(30)]
