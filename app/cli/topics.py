"""`listings topics diff|apply`: the cluster's topics against `topics/*.yaml`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict

import click

from app.adapters.kafka_admin import KafkaTopicAdmin
from app.cli.output import F, Output, console, output_option, print_json, print_table
from app.model.topic import TopicState
from app.ops.topics import Action, Change, apply_topics, find_changes, load_topics
from app.settings import Settings, load_settings

_DRIFT = 3


@click.group("topics")
def command() -> None:
    """The declared topics, one YAML file each: what differs, and making it so."""


def _replicas_option(function: F) -> F:
    decorate: Callable[[F], F] = click.option(
        "--replicas",
        type=click.IntRange(min=1),
        help="Copies of each partition instead of the declared ones; all but one have to confirm a write. "
        "Production wants 3.",
    )
    return decorate(function)


@command.command("diff")
@_replicas_option
@output_option
def diff(replicas: int | None, output: str) -> None:
    """Show what differs from the declarations; exit code 3 when something does."""
    settings = load_settings()
    declared = _declared(settings, replicas)
    admin = KafkaTopicAdmin(settings.kafka)
    changes = find_changes(declared, admin.describe([topic.name for topic in declared]))
    _show(changes, output, f"{len(declared)} topics are as declared")
    if changes:
        sys.exit(_DRIFT)


@command.command("apply")
@_replicas_option
@click.option("--dry-run", is_flag=True, help="Show what would be done, and do nothing.")
@output_option
def apply(replicas: int | None, dry_run: bool, output: str) -> None:
    """Create topics, add partitions and change settings as declared.

    Nothing is deleted, and no partition taken away; what is refused is shown, with exit code 3.
    """
    settings = load_settings()
    declared = _declared(settings, replicas)
    changes = apply_topics(declared, KafkaTopicAdmin(settings.kafka), dry_run=dry_run)
    _show(changes, output, f"nothing to change, {len(declared)} topics are as declared")
    if any(change.action is Action.REFUSED for change in changes):
        sys.exit(_DRIFT)


def _declared(settings: Settings, replicas: int | None) -> list[TopicState]:
    return [topic.state(replicas) for topic in load_topics(settings.paths.topics)]


def _show(changes: Sequence[Change], output: str, nothing: str) -> None:
    if output == Output.JSON:
        print_json([asdict(change) for change in changes])
    elif not changes:
        console().print(nothing)
    else:
        columns = ("topic", "setting", "declared", "actual", "apply", "note")
        print_table(columns, [(c.topic, c.setting, c.declared, c.actual, c.action, c.note) for c in changes])
