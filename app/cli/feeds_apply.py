"""`listings feeds apply`: a person confirms what a held full feed says is gone."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import click

from app.adapters.avro import AvroCodec
from app.adapters.kafka_producer import KafkaPublisher
from app.adapters.opensearch.outcomes import outcome_lookup
from app.adapters.s3 import S3Store
from app.adapters.schema_registry import SchemaRegistry
from app.cli.output import Output, console, output_option, print_fields, print_json
from app.model.file import ListingFile
from app.model.outcome import FileOutcome
from app.model.topics import FILES_TOPIC
from app.ops.full_feeds import confirmation, held_feed
from app.ops.schemas import load_schemas
from app.pipeline.wire import file_to_wire
from app.settings import Settings, load_settings


@click.command("apply")
@click.argument("object_id", metavar="BUCKET/KEY")
@click.option("--dry-run", is_flag=True, help="Show what waits, and change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@output_option
def command(object_id: str, dry_run: bool, yes: bool, output: str) -> None:
    """Confirm that listings which a held full feed no longer holds are gone."""
    settings = load_settings()
    outcome = asyncio.run(_held(settings, object_id))
    if output == Output.TABLE:
        print_fields({"feed": object_id, "uploaded": outcome.uploaded_at, "held because": outcome.failure_message})
    if not dry_run:
        if not yes:
            click.confirm("Mark the listings that it lacks as removed?", abort=True, err=True)
        asyncio.run(_queue(settings, confirmation(outcome, datetime.now(UTC))))
    if output == Output.JSON:
        print_json({"feed": object_id, "held_because": outcome.failure_message, "queued": not dry_run})
    elif dry_run:
        console().print("\nNothing was changed.", style="dim")
    else:
        console().print(f"\nQueued. See what became of it: listings outcomes show {object_id}", style="dim")


async def _held(settings: Settings, object_id: str) -> FileOutcome:
    store = S3Store(settings.s3)
    async with outcome_lookup(settings.opensearch) as lookup:
        outcome = await held_feed(object_id, lookup, store.head)
    return replace(outcome, rejects=())


async def _queue(settings: Settings, file: ListingFile) -> None:
    registry = SchemaRegistry(settings.schema_registry)
    publisher = KafkaPublisher(settings.kafka)
    try:
        codec = AvroCodec(registry, load_schemas(settings.paths.schemas / "avro"))
        value = await codec.encode(f"{FILES_TOPIC}-value", file_to_wire(file))
        await publisher.start()
        await publisher.publish(FILES_TOPIC, key=file.object_id.encode(), value=value)
    finally:
        await publisher.stop()
        await registry.aclose()
