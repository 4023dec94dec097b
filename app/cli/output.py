"""How commands print: a table for people, JSON for scripts, colours only on a terminal."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import TypeVar

import click
import orjson
from rich.console import Console, JustifyMethod
from rich.table import Table
from rich.text import Text

F = TypeVar("F", bound=Callable[..., object])


class Output(StrEnum):
    TABLE = "table"
    JSON = "json"


def output_option(function: F) -> F:
    """Add `--output table|json`; the command receives `output: str`."""
    decorate = click.option(
        "--output",
        type=click.Choice([o.value for o in Output]),
        default=Output.TABLE.value,
        show_default=True,
        help="A table for people, JSON for scripts.",
    )
    return decorate(function)


_PIPE_WIDTH = 400  # nobody wants a log file or a pipe folded at 80 columns


def console() -> Console:
    """Standard output; made anew each time so that tests and pipes see the stream of the moment."""
    plain = Console(highlight=False)
    return plain if plain.is_terminal else Console(highlight=False, width=_PIPE_WIDTH)


def console_err() -> Console:
    """Standard error: progress and complaints, so that output stays clean for pipes."""
    return Console(stderr=True, highlight=False)


def print_json(value: object) -> None:
    """One JSON document, indented, keys in the order given, a newline at the end."""
    click.echo(orjson.dumps(value, default=str, option=orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z).decode())


def print_table(
    columns: Sequence[str],
    rows: Sequence[Sequence[object]],
    *,
    title: str | None = None,
    right: Sequence[str] = (),
) -> None:
    """A table; the columns named in `right` are aligned right. Cells are literal text, never markup.

    Only the last column is folded on a narrow terminal: the others are what a person copies.
    """
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for column in columns:
        is_last = column == columns[-1]
        justify: JustifyMethod = "right" if column in right else "left"
        table.add_column(column, justify=justify, overflow="fold", no_wrap=not is_last)
    for row in rows:
        table.add_row(*(Text("–" if cell is None else _cell(cell)) for cell in row))
    console().print(table)


def _cell(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def print_fields(fields: Mapping[str, object]) -> None:
    """Name and value, a line each."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in fields.items():
        table.add_row(name, Text("–" if value is None else _cell(value)))
    console().print(table)
