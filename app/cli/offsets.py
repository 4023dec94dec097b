"""`listings offsets`: where the workers stand on each topic, and setting it."""

from __future__ import annotations

import asyncio
import getpass
import re
import socket
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime

import click

from app.adapters.kafka_cluster import KafkaCluster
from app.adapters.kafka_groups import KafkaGroup
from app.adapters.kafka_producer import KafkaPublisher
from app.adapters.kafka_reader import KafkaReader
from app.adapters.kafka_skips import KafkaSkips
from app.cli.moment import MOMENT
from app.cli.output import Output, console, output_option, print_json, print_table
from app.cli.place import PLACE
from app.model.skip import Skip
from app.model.topics import READ_TOPICS, SKIPS_TOPIC
from app.observability.terminal import plain
from app.ops.offsets import End, Move, Target, apply_moves, plan_reset
from app.ops.skip import SkipPlan, carry_out, plan_skip
from app.ops.standings import standings
from app.settings import KafkaSettings, Settings, load_settings


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


@command.command("skip")
@click.argument("topic", type=TOPIC)
@click.argument("place", type=PLACE, metavar="PARTITION/OFFSET")
@click.option("--reason", required=True, help="Why, for the dead letter, the log, and whoever asks later.")
@click.option("--dry-run", is_flag=True, help="Show what would be done, and do nothing.")
@output_option
def skip(topic: str, place: tuple[int, int], reason: str, dry_run: bool, output: str) -> None:
    """Have the workers walk past one record of TOPIC, also while they run or end at it again and again.

    It is kept as a dead letter first, with its bytes where they can be read. Nothing else is left out.
    """
    settings = load_settings()
    at = datetime.now(UTC).isoformat(timespec="seconds")
    topic_id = asyncio.run(KafkaCluster(settings.kafka).topic_id(topic))
    wanted = Skip(topic, *place, reason=reason, by=_who(), at=at, topic_id=topic_id)
    known = asyncio.run(_known(settings.kafka))
    with KafkaReader(settings.kafka, settings.kafka.group) as reader:
        reader.partitions(SKIPS_TOPIC)  # says so when it does not exist
        plan = plan_skip(reader, known, wanted)
    if plan.already is None and not dry_run:
        asyncio.run(_carry_out(settings.kafka, plan))
    _tell_skip(plan, dry_run, output)


async def _known(kafka: KafkaSettings) -> list[Skip]:
    source = KafkaSkips(kafka)
    try:
        return await source.new()
    finally:
        await source.aclose()


async def _carry_out(kafka: KafkaSettings, plan: SkipPlan) -> None:
    publisher = KafkaPublisher(kafka)
    await publisher.start()
    try:
        await carry_out(plan, publisher, datetime.now(UTC))
    finally:
        await publisher.stop()


def _who() -> str:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container may know no name of its user
        user = "somebody"
    return f"{user}@{socket.gethostname()}"


def _tell_skip(plan: SkipPlan, dry_run: bool, output: str) -> None:
    before = plan.already
    if output == Output.JSON:
        print_json(
            {
                **asdict(before or plan.skip),
                "dry_run": dry_run,
                "already": before is not None,
                "kept": plan.record is not None,
                "bytes_kept": plan.record is not None and plan.readable,
            }
        )
        return
    out = console()
    if before is not None:
        out.print(
            f"{before.place} is walked past already: {plain(before.by)} at {plain(before.at)}: {plain(before.reason)}",
            markup=False,
        )
        return
    would = "would walk" if dry_run else "walk"
    kept = "with its bytes" if plan.readable else "without its bytes, which can not be read"
    letter = f"kept as a dead letter, {kept}" if plan.record is not None else "on the dead-letter topic already"
    out.print(f"Workers {would} past {plan.skip.place} within seconds; it is {letter}.", markup=False)


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
