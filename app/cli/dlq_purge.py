"""`listings dlq purge`: delete dead letters that nobody needs any more."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

import click

from app.adapters.kafka_purge import delete_before
from app.adapters.kafka_reader import KafkaReader
from app.cli.moment import MOMENT
from app.cli.output import console, output_option, print_json, print_table
from app.cli.place import PLACE
from app.model.topics import DEAD_LETTER_TOPIC
from app.ops.purge import PurgePart, purge_all, purge_before, purge_upto
from app.settings import load_settings


@click.command("purge")
@click.argument("places", metavar="[PARTITION/OFFSET]...", nargs=-1, type=PLACE)
@click.option("--before", type=MOMENT, help="Those dead-lettered before this time (2026-11-24, 7d).")
@click.option("--all", "everything", is_flag=True, help="Every dead letter there is.")
@click.option("--yes", is_flag=True, help="Delete; without it nothing is.")
@click.option("--dry-run", is_flag=True, help="Show what would be deleted.")
@output_option
def command(
    places: tuple[tuple[int, int], ...],
    before: datetime | None,
    everything: bool,
    yes: bool,
    dry_run: bool,
    output: str,
) -> None:
    """Delete dead letters for good. Kafka deletes from the start of a partition: with a dead letter go all older ones.

    So a single one, or those of one code or file, can not be deleted by themselves. Chosen by PARTITION/OFFSET (that
    one and all before it on its partition), by time, or all. Deleted by age they are anyway, after 30 days.
    """
    if sum((bool(places), before is not None, everything)) != 1:
        raise click.UsageError("choose by PARTITION/OFFSET, by --before, or --all")
    kafka = load_settings().kafka
    with KafkaReader(kafka, group=kafka.group) as reader:
        if places:
            parts = purge_upto(reader, places)
        else:
            parts = purge_all(reader) if before is None else purge_before(reader, before)
    delete = yes and not dry_run
    if delete and parts:
        delete_before(kafka, DEAD_LETTER_TOPIC, {part.partition: part.upto for part in parts})
    _tell(output, parts, delete)
    sys.exit(0 if delete or dry_run or not parts else 1)


def _tell(output: str, parts: Sequence[PurgePart], deleted: bool) -> None:
    if output == "json":
        print_json({"deleted": deleted, "parts": [asdict(part) | {"count": part.count} for part in parts]})
        return
    out = console()
    if not parts:
        out.print("No dead letters to delete.")
        return
    rows = [(part.partition, f"{part.first} to {part.upto - 1}", part.count, part.unseen) for part in parts]
    print_table(("partition", "offsets", "count", "not told of yet"), rows, right=("count", "not told of yet"))
    total = sum(part.count for part in parts)
    if deleted:
        out.print(f"\nDeleted: {total:,} dead letters.")
    else:
        out.print(f"\nNothing was deleted. To delete these {total:,} dead letters for good, add --yes.")
