"""`listings outcomes`: what became of each file."""

from __future__ import annotations

import asyncio
from typing import Any

import click

from app.adapters.opensearch.client import SearchClient
from app.adapters.opensearch.outcomes import OutcomeReader
from app.cli.output import brief, console, output_option, print_fields, print_json, print_table, to_the_second
from app.cli.place import file_option
from app.errors import FailureCode, OperatorError
from app.model.outcome import FileStatus
from app.settings import Settings, load_settings

_COLUMNS = ("processed_at", "status", "read", "indexed", "stale", "rejected", "file", "why")
_ALIKE_SHOWN = 2
"""Records with the same trouble that are told one by one; all of them are in JSON."""
_NUMBERS = ("read", "indexed", "stale", "rejected")


@click.group("outcomes")
def command() -> None:
    """What became of each file: indexed, rejected, and why; the newest version of each object."""


@command.command("list")
@click.option("--status", type=click.Choice([status.value for status in FileStatus]), help="Only these.")
@file_option
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 10_000), help="The latest N.")
@output_option
def list_outcomes(status: str | None, file_prefix: str | None, limit: int, output: str) -> None:
    """The latest outcomes, newest first."""
    settings = load_settings()
    wanted = None if status is None else FileStatus(status)
    found = asyncio.run(_list(settings, wanted, file_prefix, limit))
    if output == "json":
        print_json(found)
        return
    if not found:
        console().print("No outcomes yet." if status is None and file_prefix is None else "No outcomes match.")
        return
    print_table(_COLUMNS, [_row(outcome) for outcome in found], right=_NUMBERS)
    if any(outcome["status"] != FileStatus.INDEXED for outcome in found):
        console().print("\nEvery reason of one file: listings outcomes show BUCKET/KEY", style="dim")


@command.command("show")
@click.argument("file", metavar="BUCKET/KEY")
@output_option
def show(file: str, output: str) -> None:
    """One file's outcome: the counts, and each reject with its record, line, field and what was expected."""
    bucket, _, key = file.partition("/")
    if not key:
        raise click.BadParameter("expected BUCKET/KEY, as `listings outcomes list` prints it")
    outcome = asyncio.run(_get(load_settings(), bucket, key))
    if outcome is None:
        raise OperatorError(
            FailureCode.COMMAND_FAILED,
            f"there is no outcome of {file}: not processed yet, or never notified; see `listings status`",
        )
    if output == "json":
        print_json(outcome)
        return
    rejects, flags = outcome.pop("rejects", []), outcome.pop("flags", [])
    counts: dict[str, int] = outcome.pop("flag_counts", {})
    print_fields({name: value for name, value in outcome.items() if value is not None})
    if rejects:
        console().print()
        print_table(
            ("record", "line", "listing", "field", "expected", "got"),
            _grouped([row for reject in rejects for row in _reject_rows(reject)]),
            right=("record", "line"),
        )
        if outcome["rejected"] > len(rejects):
            console().print(f"… and {outcome['rejected'] - len(rejects):,} more rejects", style="dim")
    if counts:
        _print_flags(outcome["flagged"], counts, flags)


def _print_flags(flagged: int, counts: dict[str, int], flags: list[dict[str, Any]]) -> None:
    """What is doubtful about listings that are in the index: how often, then record by record."""
    console().print()
    often = sorted(counts, key=lambda flag: -counts[flag])
    print_table(("flag", "listings"), [[flag, counts[flag]] for flag in often], right=("listings",))
    console().print()
    print_table(
        ("record", "line", "listing", "flag", "field", "got"),
        [
            [record["record"], record["line"], record["source_listing_id"], flag["flag"], flag["field"], flag["got"]]
            for record in flags
            for flag in record["flags"]
        ],
        right=("record", "line"),
    )
    if flagged > len(flags):
        console().print(f"… and {flagged - len(flags):,} more flagged listings", style="dim")


def _row(outcome: dict[str, Any]) -> list[object]:
    cells = {**outcome, "file": f"{outcome['bucket']}/{outcome['key']}", "why": brief(outcome.get("failure_message"))}
    cells["processed_at"] = to_the_second(outcome["processed_at"])
    return [cells[name] for name in _COLUMNS]


def _reject_rows(reject: dict[str, Any]) -> list[list[object]]:
    return [
        [reject["record"], reject["line"], reject["source_listing_id"], p["field"], p["expected"], p["got"]]
        for p in reject["problems"]
    ]


def _grouped(rows: list[list[object]]) -> list[list[object]]:
    """The same trouble of several records on one line, with the first of them and how many more there are."""
    groups: dict[tuple[object, ...], list[list[object]]] = {}
    for row in rows:
        groups.setdefault(tuple(row[3:]), []).append(row)
    found: list[list[object]] = []
    for same in groups.values():
        if len(same) <= _ALIKE_SHOWN:
            found += same
            continue
        record, line, listing, *trouble = same[0]
        more = f" and {len(same) - 1:,} more"
        found.append([f"{record}{more}", line, None if listing is None else f"{listing}{more}", *trouble])
    return found


async def _list(settings: Settings, status: FileStatus | None, prefix: str | None, limit: int) -> list[dict[str, Any]]:
    client = SearchClient(settings.opensearch)
    try:
        return await OutcomeReader(client, settings.opensearch.outcomes_index).list_outcomes(status, prefix, limit)
    finally:
        await client.aclose()


async def _get(settings: Settings, bucket: str, key: str) -> dict[str, Any] | None:
    client = SearchClient(settings.opensearch)
    try:
        return await OutcomeReader(client, settings.opensearch.outcomes_index).get_outcome(bucket, key)
    finally:
        await client.aclose()
