"""`listings schemas check|register`: the schema registry against `schemas/avro/*.avsc`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict

import click

from app.adapters.schema_registry import SchemaRegistry
from app.cli.output import Output, console, output_option, print_json, print_table
from app.ops.schemas import LEVEL, Standing, SubjectReport, check_schemas, load_schemas, register_schemas
from app.settings import load_settings

_DRIFT = 3


@click.group("schemas")
def command() -> None:
    """The Avro schemas, one file a subject: may they be registered, and registering them."""


@command.command("check")
@output_option
def check(output: str) -> None:
    """Show whether each schema fits all its published versions, in both directions; exit code 1 when one does not.

    Exit code 3 when the latest version of a subject lacks what ours has: producers that write by the latest lose it.
    """
    settings = load_settings()
    declared = load_schemas(settings.paths.schemas / "avro")
    _show(_with_registry(lambda registry: check_schemas(declared, registry)), output)


@command.command("register")
@click.option("--dry-run", is_flag=True, help="Show what would be done, and do nothing.")
@output_option
def register(dry_run: bool, output: str) -> None:
    """Register the schemas and give every subject the rule FULL_TRANSITIVE.

    When one does not fit its published versions, none is registered; exit code 1.
    """
    settings = load_settings()
    declared = load_schemas(settings.paths.schemas / "avro")
    reports = _with_registry(lambda registry: register_schemas(declared, registry, dry_run=dry_run))
    if output == Output.TABLE and not any(report.changed for report in reports if not report.problems):
        console().print(f"nothing to change, {len(reports)} schemas")
    _show(reports, output)


def _with_registry(ask: Callable[[SchemaRegistry], Awaitable[list[SubjectReport]]]) -> list[SubjectReport]:
    async def run() -> list[SubjectReport]:
        async with SchemaRegistry(load_settings().schema_registry) as registry:
            return await ask(registry)

    return asyncio.run(run())


def _show(reports: Sequence[SubjectReport], output: str) -> None:
    if output == Output.JSON:
        print_json([asdict(report) for report in reports])
    else:
        columns = ("subject", "standing", "id", "versions", "rule")
        print_table(columns, [(r.subject, r.standing, r.schema_id, r.versions, _rule(r.level)) for r in reports])
        for report in reports:
            for problem in report.problems:
                console().print(f"{report.subject}: {problem}", markup=False)
    if any(report.standing is Standing.INCOMPATIBLE for report in reports):
        sys.exit(1)
    if any(report.standing is Standing.SUPERSEDED for report in reports):
        sys.exit(_DRIFT)


def _rule(level: str | None) -> str:
    return LEVEL if level == LEVEL else f"{level or 'none'} (register sets {LEVEL})"
