"""The broker is away while producers upload: the store says 200 and notifies nobody. All of it is found again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import obstore
import orjson
import pytest
from click.testing import CliRunner, Result

from app.cli import cli
from app.devstack.samples import as_json, listings
from app.errors import Outage
from app.pipeline.missed import SOURCE, objects_named
from tests.chaos.audit import audit, count_outcomes
from tests.support.stack import RunningStack
from tests.support.system import System, Worker
from tests.support.waiting import until

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(600)]
FILES = 200
PER_FILE = 3
QUICK = {"LISTINGS_RECONCILE__EVERY_S": "2", "LISTINGS_RECONCILE__GRACE_S": "2", "LISTINGS_RETRY__BASE_S": "0.5"}


@contextmanager
def broker_away(system: System, stack: RunningStack) -> Iterator[None]:
    """The broker is away; then the store dies with what it still has to tell, and both come back."""
    stack.server("kafka").kill()
    try:
        yield
        stack.server("s3").kill()
    finally:
        stack.server("kafka").start()
        stack.server("s3").start()
    until("the broker to serve all partitions", lambda: serves(system), 60)


def serves(system: System) -> bool:
    try:
        return system.lag("listing-uploads") >= 0 and bool(system.records("listing-uploads"))
    except Outage:
        return False


def upload(system: System, prefix: str, first: int, last: int) -> None:
    for number in range(first, last):
        content = as_json(listings(PER_FILE, prefix=prefix, start=number * PER_FILE + 1))
        system.upload(f"{prefix}/{number:05d}.json", content)


def notifications(system: System, prefix: str, *, ours: bool) -> Counter[str]:
    """How often each object below the prefix was notified: by us, or by the store."""
    start, mark = f"{system.bucket}/{prefix}", f'"{SOURCE}"'.encode()
    values = [record.value or b"" for record in system.records("listing-uploads")]
    named = [name for value in values if (mark in value) is ours for name in objects_named(value)]
    return Counter(name for name in named if name.startswith(start))


def is_removed(system: System, key: str) -> bool:
    outcome = system.outcome(key)
    return outcome is not None and outcome["status"] == "removed"


def test_what_was_uploaded_without_the_broker_is_found_by_one_of_two_workers(
    system: System, stack: RunningStack
) -> None:
    prefix = "missed"
    with system.worker(**QUICK) as one, system.worker(**QUICK) as two:
        upload(system, prefix, 0, 10)
        system.upload(f"{prefix}/z-gone.json", as_json(listings(PER_FILE, prefix="missed-gone")))
        until("the first files", lambda: count_outcomes(system, prefix) == 11)
        before = notifications(system, prefix, ours=False)
        with broker_away(system, stack):
            upload(system, prefix, 10, FILES)
            upload(system, prefix, 0, 5)  # newer versions of known objects
            obstore.delete(system.store, f"{prefix}/z-gone.json")
        until("all files", lambda: count_outcomes(system, prefix) == FILES + 1, 180, every=0.5)
        until("the removal", lambda: is_removed(system, f"{prefix}/z-gone.json"), 120, every=0.5)
        result = audit(system, prefix, FILES + 1, PER_FILE)
        print(result)  # noqa: T201  (the run's account, for the log of a chaos run)
        assert result.in_index == result.listings
        assert result.dead_letters == 0
        gone = {"query": {"term": {"origin.key": f"{prefix}/z-gone.json"}}}
        assert [hit["_source"]["status"] for hit in system.search(gone)["hits"]["hits"]] == ["removed"] * PER_FILE
        told = notifications(system, prefix, ours=False) - before
        found = notifications(system, prefix, ours=True)
        print(f"the store told of {len(told)} objects, {len(found)} were found")  # noqa: T201
        assert len(found) >= FILES / 2, "nothing was missed: this store tells it all later"
        assert set(found.values()) == {1}, "queued once, by one of the two"
        assert told.keys() | found.keys() >= {f"{system.bucket}/{prefix}/{n:05d}.json" for n in range(10, FILES)}
        assert one_compares(system, one, two)


def one_compares(system: System, *workers: Worker) -> bool:
    active = [system.metric(worker, "listings_reconcile_active") for worker in workers]
    return sum(active) == 1


def test_keys_in_an_odd_order_are_neither_missed_nor_removed(system: System) -> None:
    """`a-b` sorts before `a/b` by its bytes, and after it in a walk through folders."""
    prefix = "order"
    keys = [f"{prefix}/{name}.json" for name in ("a/b", "a-b", "a b+c", "a/ü", "aa", "a/b/c", "a.b", "100%")]
    with system.worker(**QUICK) as worker:
        for number, key in enumerate(keys):
            system.upload(key, as_json(listings(1, prefix=prefix, start=number + 1)))
        for key in keys:
            system.wait_outcome(key)
        rounds = system.metric(worker, "listings_reconcile_rounds_total", kind="full")
        until(
            "two more rounds, when all are old enough",
            lambda: system.metric(worker, "listings_reconcile_rounds_total", kind="full") >= rounds + 4,
            60,
        )
        assert notifications(system, prefix, ours=True) == Counter()
        assert {system.wait_outcome(key)["status"] for key in keys} == {"indexed"}


def test_a_bucket_is_taken_over_by_hand_after_a_look(system: System, stack: RunningStack) -> None:
    prefix = "taken"
    with system.worker(LISTINGS_RECONCILE__ENABLED="false") as worker:
        with broker_away(system, stack):
            upload(system, prefix, 0, 40)
        system.wait_no_lag("listing-uploads", "listing-files", seconds=120)
        env = system.env | {"LISTINGS_RECONCILE__GRACE_S": "0"}
        runner = CliRunner()

        def backfill(*arguments: str) -> Result:
            call = ["backfill", "--prefix", f"{prefix}/", *arguments, "--output", "json"]
            return runner.invoke(cli, call, env=env)

        told = len(notifications(system, prefix, ours=False))
        until("what was told after all", lambda: count_outcomes(system, prefix) == told)
        missed = 40 - told
        assert missed >= 20, "nothing was missed: this store tells it all later"
        look = backfill("--dry-run")
        assert look.exit_code == 0, look.output
        seen = orjson.loads(look.stdout)
        assert (seen["listed"], seen["wanted"], seen["queued"], seen["complete"]) == (40, missed, 0, True)
        assert count_outcomes(system, prefix) == told
        middle = seen["first"][9]
        part = orjson.loads(backfill("--start-after", middle, "--rate", "500").stdout)
        assert (part["wanted"], part["queued"], part["after"]) == (missed - 10, missed - 10, f"{prefix}/00039.json")
        until("those files", lambda: count_outcomes(system, prefix) == 30)
        whole = orjson.loads(backfill("--rate", "500").stdout)
        assert (whole["listed"], whole["wanted"], whole["queued"]) == (40, 10, 10)
        result = audit(system, prefix, 40, PER_FILE)
        assert (result.in_index, result.repeats, result.dead_letters) == (40 * PER_FILE, 0, 0)
        assert orjson.loads(backfill("--dry-run").stdout)["wanted"] == 0
        again = orjson.loads(backfill("--all", "--rate", "500").stdout)
        assert (again["wanted"], again["queued"]) == (40, 40)
        system.wait_no_lag("listing-uploads", "listing-files")
        assert audit(system, prefix, 40, PER_FILE).in_index == 40 * PER_FILE
        assert worker.process.poll() is None
