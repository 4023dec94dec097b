"""`listings dlq redrive`: hand dead letters back to where they came from."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import islice

import click

from app.adapters.kafka_producer import KafkaPublisher
from app.adapters.kafka_reader import KafkaReader
from app.cli.moment import MOMENT
from app.cli.output import console, counting, output_option, print_fields, print_json
from app.cli.place import PLACE, file_option, ranges_of
from app.errors import FailureCode
from app.model.source_record import SourceRecord
from app.model.topics import DEAD_LETTER_TOPIC
from app.ops.missed_uploads import Pace
from app.ops.redrive import Choice, RedriveAccount, redrive
from app.settings import KafkaSettings, load_settings

_BATCH = 200

Ranges = Sequence[dict[int, tuple[int, int]]]


@click.command("redrive")
@click.argument("places", metavar="[PARTITION/OFFSET]...", nargs=-1, type=PLACE)
@click.option("--code", metavar="CODE", type=click.Choice(list(map(str, FailureCode))), help="Only this failure code.")
@file_option
@click.option("--since", type=MOMENT, help="Only those dead-lettered at this time or later (2026-11-24T10:00Z, 6h).")
@click.option("--all", "everything", is_flag=True, help="Every dead letter there is.")
@click.option("--limit", default=10_000, show_default=True, type=click.IntRange(min=1), help="Hand back at most N.")
@click.option("--rate", default=100.0, show_default=True, type=click.FloatRange(min=0.01), help="Records a second.")
@click.option("--dry-run", is_flag=True, help="Count, and hand back nothing.")
@output_option
def command(
    places: tuple[tuple[int, int], ...],
    code: str | None,
    file_prefix: str | None,
    since: datetime | None,
    everything: bool,
    limit: int,
    rate: float,
    dry_run: bool,
    output: str,
) -> None:
    """Hand dead letters back to the topic they came from, bytes unchanged; tries start anew.

    Chosen by place, or by code, file and time. Of a file, and of one record, only one is handed back, however many
    dead letters it left. They stay on the dead-letter topic; what fails again comes there once more.
    """
    narrowed = code is not None or file_prefix is not None or since is not None
    if sum((bool(places), narrowed, everything)) != 1:
        raise click.UsageError("choose by PARTITION/OFFSET, or by --code, --file and --since, or --all")
    kafka = load_settings().kafka
    choice = Choice(None if code is None else FailureCode(code), file_prefix, since)
    began = datetime.now(UTC)
    account = RedriveAccount()
    try:
        with KafkaReader(kafka) as reader:
            spans = _spans(reader, places, since)
            asyncio.run(_run(kafka, reader, spans, choice, limit, rate, dry_run, account))
            account.complete = True
    finally:
        if account.complete or account.read:
            _tell(output, account, dry_run, began)


def _spans(reader: KafkaReader, places: Sequence[tuple[int, int]], since: datetime | None) -> Ranges:
    """What is read: what is there now, so that what fails again is not read again."""
    marks = reader.watermarks(DEAD_LETTER_TOPIC)
    if places:
        return ranges_of(places, marks)
    starts = {} if since is None else reader.offsets_at(DEAD_LETTER_TOPIC, since)
    return [{p: (max(low, starts.get(p, low)), high) for p, (low, high) in marks.items()}]


async def _run(
    kafka: KafkaSettings,
    reader: KafkaReader,
    spans: Ranges,
    choice: Choice,
    limit: int,
    rate: float,
    dry_run: bool,
    account: RedriveAccount,
) -> None:
    publisher = None if dry_run else KafkaPublisher(kafka)
    if publisher is not None:
        await publisher.start()
    try:
        with counting("reading") as tell:
            pace = Pace(rate, time.monotonic, asyncio.sleep)
            await redrive(
                _batches(reader, spans), choice, publisher, pace, limit, account, lambda so_far: tell(_told(so_far))
            )
    finally:
        if publisher is not None:
            await publisher.stop()


async def _batches(reader: KafkaReader, spans: Ranges) -> AsyncIterator[list[SourceRecord]]:
    """Read in a thread, as reading waits, and the producer needs the loop meanwhile."""
    records: Iterator[SourceRecord] = (record for span in spans for record in reader.read(DEAD_LETTER_TOPIC, span))
    while batch := await asyncio.to_thread(lambda: list(islice(records, _BATCH))):
        yield batch


def _told(account: RedriveAccount) -> str:
    return f"read {account.read:,}, chosen {account.chosen:,}, handed back {account.redriven:,}"


def _tell(output: str, account: RedriveAccount, dry_run: bool, began: datetime) -> None:
    if output == "json":
        print_json({"dry_run": dry_run, **asdict(account)})
        return
    fields: dict[str, object] = {
        "dead letters read": account.read,
        "chosen": account.chosen,
        "would be handed back" if dry_run else "handed back": account.redriven,
        "of these to": ", ".join(f"{topic} {count:,}" for topic, count in sorted(account.topics.items())) or None,
        "same record or file": account.same,
        "not possible": account.refused,
        "why": "; ".join(account.problems) or None,
    }
    print_fields(fields)
    out = console()
    if not account.complete:
        out.print("\nBroken off: there is more to hand back. What was is told above; to do it twice harms nothing.")
    if account.more:
        out.print("\nThere are more than --limit; call it again with a narrower choice, or a higher limit.")
    if account.redriven and not dry_run:
        out.print(
            f"\nWatch: listings status, and what fails again: listings dlq list --since {began:%Y-%m-%dT%H:%M:%SZ}",
            style="dim",
        )
