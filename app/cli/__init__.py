"""`listings NOUN VERB`: one module a noun, found by its name in this folder and imported only when called."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence

import click

from app.cli.output import console_err
from app.errors import ListingsError
from app.observability.terminal import plain_lines

NOUNS: dict[str, str] = {
    "demo": "Upload sample files on real servers and watch them become searchable.",
    "stack": "The real servers on this machine: up, down, status, env.",
    "worker": "Run a worker: gate, files, listings, retries, alerts.",
    "upload": "Upload files to the bucket.",
    "search": "Search the listings as the frontend does.",
    "status": "Lag, in flight, freshness, dead letters, outages.",
    "outcomes": "What became of each file.",
    "dlq": "Dead letters: list, show, redrive, purge.",
    "backfill": "Queue what lies in a bucket and was never processed.",
    "replay": "Handle again what came to a topic since a time.",
    "offsets": "Where the workers stand on each topic: show, reset.",
    "bridge": "Carry notifications to Kafka for a store that can not: sqs.",
    "feeds": "How senders' files map to our record: list, check, guess, apply.",
    "alerts": "Who is told when a person is needed: test.",
    "topics": "The declared topics: diff, apply.",
    "schemas": "The Avro schemas: check, register.",
    "index": "The search index: apply, status.",
    "settings": "What is set, and what can be.",
}


class _Nouns(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(NOUNS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in NOUNS:
            return None
        command = importlib.import_module(f"app.cli.{cmd_name}").command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The nouns with one line each, without importing any of them."""
        with formatter.section("Nouns"):
            formatter.write_dl(list(NOUNS.items()))


@click.group(cls=_Nouns, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="listings", message="listings %(version)s")
def cli() -> None:
    """Car-listing files uploaded to S3, searchable a second later.

    Settings come from LISTINGS_… variables; on a development machine `eval "$(listings stack env)"` sets them.
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; exit 0 done, 1 failed (one plain sentence), 2 usage, 3 drift found."""
    try:
        cli.main(args=list(arguments) if arguments is not None else None, prog_name="listings")
    except ListingsError as error:
        console_err().print(f"[bold red]{error.code}[/]: ", end="", highlight=False)
        console_err().print(plain_lines(error.message), markup=False, highlight=False, soft_wrap=True)
        sys.exit(1)
    except OSError as error:  # a file or folder of the caller's: never a traceback
        about = f"{error.filename}: " if error.filename else ""
        console_err().print(f"{about}{error.strerror or error}", markup=False, highlight=False, soft_wrap=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
