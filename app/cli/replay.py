"""`listings replay`: have the workers handle again what came to a topic since a time."""

from __future__ import annotations

from datetime import datetime

import click

from app.adapters.kafka_reader import KafkaReader
from app.cli.moment import MOMENT
from app.cli.offsets import TOPIC, move
from app.cli.output import output_option
from app.ops.offsets import plan_replay
from app.settings import load_settings


@click.command("replay")
@click.argument("topic", type=TOPIC)
@click.option("--since", type=MOMENT, required=True, help="The first record to read again (2026-11-24T10:00Z, 6h, 3d).")
@click.option(
    "--partition", "partitions", type=click.IntRange(0), multiple=True, help="Only this one; may be repeated."
)
@click.option("--dry-run", is_flag=True, help="Show how many records it would be, and do nothing.")
@output_option
def command(topic: str, since: datetime, partitions: tuple[int, ...], dry_run: bool, output: str) -> None:
    """Have the workers handle again what came to TOPIC since a time. All of them have to be stopped.

    When they start, they read from there on to the end. It does no harm: what is newer in the index stays, and nothing
    that waits is left out. Records older than the topic keeps are gone; for files there is `listings backfill --all`.
    """
    settings = load_settings()
    with KafkaReader(settings.kafka, settings.kafka.group) as reader:
        moves = plan_replay(reader, topic, since, partitions)
    move(settings, moves, dry_run, output)
