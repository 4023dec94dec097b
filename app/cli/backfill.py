"""`listings backfill`: queue what lies in a bucket and was never processed, or process it again."""

from __future__ import annotations

import asyncio
import shlex
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from typing import Any

import click

from app.adapters.kafka_backlog import KafkaBacklog
from app.adapters.kafka_producer import KafkaPublisher
from app.adapters.opensearch.client import SearchClient
from app.adapters.opensearch.outcomes import OutcomeReader
from app.adapters.s3_listing import BucketPages
from app.adapters.system_clock import SystemClock
from app.cli.moment import MOMENT
from app.cli.output import console, counting, output_option, print_fields, print_json
from app.errors import FailureCode, OperatorError
from app.observability.terminal import plain
from app.ops.backfill import Account, Backfill, Selection
from app.ops.missed_uploads import Finder, Pace, UploadQueue
from app.settings import Settings, load_settings


@click.command("backfill")
@click.option("--bucket", help="One of LISTINGS_S3__BUCKETS; the first by default.")
@click.option("--prefix", default=None, help="Only keys that start with this; LISTINGS_S3__PREFIX by default.")
@click.option("--since", type=MOMENT, help="Only what was uploaded at this time or later (2026-11-24T10:00Z, 6h, 3d).")
@click.option("--until", type=MOMENT, help="Only what was uploaded before this time.")
@click.option("--all", "everything", is_flag=True, help="Also what has an outcome: process it again.")
@click.option("--start-after", default="", metavar="KEY", help="Go on after this key, where a run was broken off.")
@click.option(
    "--rate", default=50.0, show_default=True, type=click.FloatRange(min=0.01), help="Files a second at most."
)
@click.option("--dry-run", is_flag=True, help="Count, and show the first names; queue nothing.")
@output_option
def command(output: str, rate: float, dry_run: bool, **chosen: Any) -> None:
    """Queue the files of a bucket that have no outcome at their present version, or all of them.

    The workers process them as if they had been uploaded now; what is newer in the index stays. It waits while more
    than LISTINGS_RECONCILE__LAG_MAX records wait for the workers. Ctrl-C, or a server that goes away, breaks it off:
    it says with which --start-after to go on.
    """
    settings = load_settings()
    selection = _selection(settings, **chosen)
    latest = _Latest()
    try:
        with counting("listing") as latest.show:
            asyncio.run(_run(settings, selection, rate, dry_run, latest))
    finally:
        if latest.account.complete or latest.account.listed:
            _tell(output, selection, latest.account, dry_run)


class _Latest:
    """The account as it was last told, and shown while it runs."""

    def __init__(self) -> None:
        self.account = Account()
        self.show: Callable[[str], None] = lambda _: None

    def __call__(self, account: Account) -> None:
        self.account = account
        self.show(_told(account))


def _selection(
    settings: Settings,
    bucket: str | None,
    prefix: str | None,
    since: datetime | None,
    until: datetime | None,
    everything: bool,
    start_after: str,
) -> Selection:
    """`OperatorError` for what the gate would skip."""
    named = bucket or settings.s3.buckets[0]
    if named not in settings.s3.buckets:
        raise OperatorError(
            FailureCode.COMMAND_FAILED,
            f"bucket {named} is not among LISTINGS_S3__BUCKETS ({', '.join(settings.s3.buckets)}): "
            "its files would be skipped",
        )
    start = settings.s3.prefix if prefix is None else prefix
    if not start.startswith(settings.s3.prefix):
        raise OperatorError(
            FailureCode.COMMAND_FAILED,
            f"keys that start with {start!r} are not watched (LISTINGS_S3__PREFIX is {settings.s3.prefix!r}): "
            "they would be skipped",
        )
    return Selection(named, start, start_after, since, until, everything)


async def _run(
    settings: Settings, selection: Selection, rate: float, dry_run: bool, on_progress: Callable[[Account], None]
) -> None:
    clock, reconcile = SystemClock(), settings.reconcile
    client, pages = SearchClient(settings.opensearch), BucketPages(settings.s3)
    publisher = KafkaPublisher(settings.kafka)
    finder = Finder(OutcomeReader(client, settings.opensearch.outcomes_index), clock, reconcile.grace_s)
    queue = UploadQueue(KafkaBacklog(settings.kafka), publisher, clock, asyncio.sleep, reconcile.lag_max)
    listing = Pace(reconcile.pages_per_s, time.monotonic, asyncio.sleep)
    backfill = Backfill(pages, finder, queue, listing, rate, time.monotonic, asyncio.sleep)
    try:
        if not dry_run:
            await publisher.start()
        await backfill.run(selection, dry_run=dry_run, on_progress=on_progress)
    finally:
        on_progress(backfill.account)
        await publisher.stop()
        await pages.aclose()
        await client.aclose()


def _told(account: Account) -> str:
    told = f"listed {account.listed:,}, wanted {account.wanted:,}, queued {account.queued:,}"
    return f"{told}  {plain(account.after)}"


def _tell(output: str, selection: Selection, account: Account, dry_run: bool) -> None:
    if output == "json":
        print_json({"bucket": selection.bucket, "prefix": selection.prefix, "dry_run": dry_run, **asdict(account)})
        return
    wanted = "to process again" if selection.everything else "without an outcome"
    fields: dict[str, object] = {
        "bucket": selection.bucket,
        "prefix": selection.prefix or None,
        "listed": account.listed,
        "selected": account.selected,
        wanted: account.wanted,
        "bytes": account.bytes,
        "queued already": None if dry_run else account.waiting,
        "queued": 0 if dry_run else account.queued,
        "first": ", ".join(account.first) or None,
    }
    print_fields(fields)
    out = console()
    if not account.complete:
        out.print("\nBroken off. Go on with: ", end="", style="dim")
        out.print(f"--start-after {shlex.quote(plain(account.after))}", markup=False)
    elif dry_run:
        out.print("\nNothing was queued (--dry-run).", style="dim")
    elif account.queued:
        out.print("\nWatch: listings status, listings outcomes list", style="dim")
