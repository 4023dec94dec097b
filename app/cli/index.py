"""`listings index apply|status`: the search index against `schemas/opensearch/`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import asdict

import click

from app.adapters.opensearch.client import SearchClient
from app.adapters.opensearch.index_admin import OpenSearchIndexAdmin
from app.cli.output import Output, console, console_err, output_option, print_json, print_table
from app.model.index import IndexState
from app.ops.index import Change, apply_index, load_declared, refusal
from app.settings import Settings, load_settings

_DRIFT = 3


@click.group("index")
def command() -> None:
    """The search index, its alias and its stored searches, as declared in schemas/opensearch/."""


@command.command("apply")
@click.option("--dry-run", is_flag=True, help="Show what would be done, and do nothing.")
@output_option
def apply(dry_run: bool, output: str) -> None:
    """Create what is missing, and change what can be changed in place.

    What can not be (a field's type, say) is shown and refused, with exit code 3; then nothing is changed.
    """
    changes = asyncio.run(_apply(load_settings(), dry_run))
    if output == Output.JSON:
        print_json([asdict(change) for change in changes])
    elif not changes:
        console().print("nothing to change, the index is as declared")
    else:
        _show(changes)
    refused = refusal(changes)
    if refused is not None:
        console_err().print(refused.message, markup=False)
        sys.exit(_DRIFT)


@command.command("status")
@output_option
def status(output: str) -> None:
    """How the indices are doing: documents, size, health, refresh; exit code 1 when one is missing."""
    states = asyncio.run(_states(load_settings()))
    if output == Output.JSON:
        print_json([asdict(state) for state in states])
    else:
        columns = ("name", "index", "health", "documents", "bytes", "refresh", "shards", "replicas")
        rows = [
            (
                *(s.name, s.index or "missing: listings index apply", s.health, s.documents, s.size_bytes),
                *(s.refresh_interval, s.shards, s.replicas),
            )
            for s in states
        ]
        print_table(columns, rows, right=("documents", "bytes", "shards", "replicas"))
    sys.exit(0 if all(state.index for state in states) else 1)


async def _apply(settings: Settings, dry_run: bool) -> list[Change]:
    search = settings.opensearch
    declared = load_declared(settings.paths.schemas / "opensearch", search.alias, search.outcomes_index)
    client = SearchClient(search)
    try:
        return await apply_index(declared, OpenSearchIndexAdmin(client), dry_run=dry_run)
    finally:
        await client.aclose()


async def _states(settings: Settings) -> list[IndexState]:
    client = SearchClient(settings.opensearch)
    admin = OpenSearchIndexAdmin(client)
    try:
        return [
            await admin.state(settings.opensearch.alias, is_alias=True),
            await admin.state(settings.opensearch.outcomes_index, is_alias=False),
        ]
    finally:
        await client.aclose()


def _show(changes: Sequence[Change]) -> None:
    print_table(
        ("what", "item", "declared", "actual", "apply"),
        [(c.subject, c.item, c.declared, c.actual, c.action) for c in changes],
    )
