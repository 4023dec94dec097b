"""`listings offsets`: where the workers stand on each topic, and setting it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

import click

from app.adapters.kafka_groups import KafkaGroup
from app.adapters.kafka_reader import KafkaReader
from app.cli.moment import MOMENT
from app.cli.output import Output, console, output_option, print_json, print_table
from app.model.topics import READ_TOPICS
from app.ops.offsets import End, Move, Target, apply_moves, plan_reset
from app.ops.standings import standings
from app.settings import Settings, load_settings


class _Place(click.ParamType):
    """`earliest`, `latest`, an offset, or a time."""

    name = "place"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Target:
        text = str(value).strip()
        if text in list(End):
            return End(text)
        if re.fullmatch(r"\d{1,18}", text):
            return int(text)
        moment: datetime = MOMENT.convert(value, param, ctx)
        return moment


TOPIC = click.Choice(READ_TOPICS)


@click.group("offsets")
def command() -> None:
    """How far the workers are on each topic, and having them begin at another place."""


@command.command("show")
@click.argument("topics", nargs=-1, type=TOPIC)
@output_option
def show(topics: tuple[str, ...], output: str) -> None:
    """Committed offset, records and lag of every partition of TOPICS, or of all that workers read."""
    settings = load_settings()
    with KafkaReader(settings.kafka, settings.kafka.group) as reader:
        found = standings(reader, topics or READ_TOPICS)
    if output == Output.JSON:
        print_json([{**asdict(one), "lag": one.lag} for one in found])
        return
    columns = ("topic", "partition", "first", "committed", "next", "lag")
    rows = [(one.topic, one.partition, one.low, one.committed, one.high, one.lag) for one in found]
    print_table(columns, rows, right=columns[1:])


@command.command("reset")
@click.argument("topic", type=TOPIC)
@click.option(
    "--to",
    "target",
    type=_Place(),
    required=True,
    metavar="PLACE",
    help="earliest, latest, an offset, or a time (2026-11-24T10:00Z, 6h).",
)
@click.option(
    "--partition", "partitions", type=click.IntRange(0), multiple=True, help="Only this one; may be repeated."
)
@click.option("--dry-run", is_flag=True, help="Show what would be done, and do nothing.")
@output_option
def reset(topic: str, target: Target, partitions: tuple[int, ...], dry_run: bool, output: str) -> None:
    """Have the workers begin at another place of TOPIC. All of them have to be stopped.

    What lies before a later place is left out for good; what lies behind an earlier one is handled again.
    """
    if isinstance(target, int) and len(partitions) != 1:
        raise click.UsageError("an offset is one of a partition: name it by --partition")
    settings = load_settings()
    with KafkaReader(settings.kafka, settings.kafka.group) as reader:
        moves = plan_reset(reader, topic, target, partitions)
    move(settings, moves, dry_run, output)


def move(settings: Settings, moves: Sequence[Move], dry_run: bool, output: str) -> None:
    """Carry the moves out unless it is only tried, and show them."""
    if moves and not dry_run:
        apply_moves(moves, KafkaGroup(settings.kafka))
    rows = [
        {
            "topic": one.standing.topic,
            "partition": one.standing.partition,
            "from": one.standing.committed,
            "to": one.target,
            "again": one.again,
            "left_out": one.left_out,
        }
        for one in moves
    ]
    if output == Output.JSON:
        print_json(rows)
    elif not rows:
        console().print("Nothing to change.")
    else:
        columns = tuple(rows[0])
        print_table(
            [column.replace("_", " ") for column in columns],
            [tuple(row.values()) for row in rows],
            right=["partition", "from", "to", "again", "left out"],
        )
        again, left_out = sum(one.again for one in moves), sum(one.left_out for one in moves)
        done = "would be" if dry_run else "will be, once workers run,"
        console().print(f"\n{again:,} records {done} handled again, {left_out:,} left out.", style="dim")
