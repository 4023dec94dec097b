"""How commands print: a table for people, JSON for scripts, colours only on a terminal.

What is printed was sent by others: keys, reasons and headers may hold anything. No control character of theirs
reaches the terminal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from typing import TypeVar

import click
import orjson
from rich.cells import cell_len
from rich.console import Console, JustifyMethod
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from app.observability.terminal import CONTROL, plain

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
_GAP = 2  # between two columns
_SHORT = 20  # a time, a code, a place, a number: never folded


def console(widest: int = 0) -> Console:
    """Standard output; made anew each time so that tests and pipes see the stream of the moment.

    `widest` is the number of columns that what is printed takes: a pipe always has them.
    """
    found = Console(highlight=False)
    return found if found.is_terminal else Console(highlight=False, width=max(_PIPE_WIDTH, widest))


def console_err() -> Console:
    """Standard error: progress and complaints, so that output stays clean for pipes."""
    found = Console(stderr=True, highlight=False)
    return found if found.is_terminal else Console(stderr=True, highlight=False, width=_PIPE_WIDTH)


@contextmanager
def counting(begun: str) -> Iterator[Callable[[str], None]]:
    """Long work whose end is not known, shown on standard error while it lasts: call with what is done so far."""
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        TimeElapsedColumn(),
        console=console_err(),
        transient=True,
    ) as progress:
        task = progress.add_task(begun, total=None)
        yield lambda told: progress.update(task, description=told)


def print_json(value: object) -> None:
    """One JSON document, indented, keys in the order given, a newline at the end."""
    text = orjson.dumps(value, default=str, option=orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z).decode()
    # Line breaks are the indentation's own; the others can only be part of a JSON text, which may spell them so.
    click.echo(CONTROL.sub(lambda found: found[0] if found[0] == "\n" else f"\\u{ord(found[0]):04x}", text))


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]], *, right: Sequence[str] = ()) -> None:
    """A table; the columns named in `right` are aligned right. Cells are literal text, never markup.

    Nothing is ever cut off. On a terminal that is too narrow, long columns are folded; where even that leaves them
    no room, each row is printed as a block of lines.
    """
    cells = [[_cell(cell) for cell in row] for row in rows]
    widths = [max(map(cell_len, column)) for column in zip(columns, *cells, strict=True)]
    out = console(sum(widths) + _GAP * (len(widths) - 1))
    long = [width > _SHORT for width in widths]
    room = out.width - _GAP * (len(widths) - 1) - sum(w for w, is_long in zip(widths, long, strict=True) if not is_long)
    if room < sum(min(width, _SHORT) for width in widths if width > _SHORT):
        _print_blocks(out, [dict(zip(columns, row, strict=True)) for row in cells])
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column, is_long in zip(columns, long, strict=True):
        justify: JustifyMethod = "right" if column in right else "left"
        table.add_column(column, justify=justify, overflow="fold", no_wrap=not is_long)
    for row in cells:
        table.add_row(*map(Text, row))
    _print(out, table)


def _print_blocks(out: Console, rows: Sequence[Mapping[str, str]]) -> None:
    for number, row in enumerate(rows):
        if number:
            out.print()
        _print(out, _fields(row))


def _print(out: Console, table: Table) -> None:
    """In a pipe without the blanks that fill the last column up."""
    if out.is_terminal:
        out.print(table)
        return
    with out.capture() as captured:
        out.print(table)
    click.echo("\n".join(line.rstrip(" ") for line in captured.get().removesuffix("\n").split("\n")))


def _cell(value: object) -> str:
    if value is None:
        return "–"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else plain(str(value))


def brief(text: object, most: int = 160) -> str | None:
    """A text for a cell of a list: its beginning, up to `most` characters; the whole of it is in `show` and in JSON."""
    if text is None:
        return None
    told = str(text)
    return told if len(told) <= most else told[: most - 1].rstrip() + "…"


def to_the_second(at: object) -> str:
    """A time of a list, RFC 3339 in UTC without fractions; `at` is RFC 3339 or a `datetime` with its zone."""
    when = at if isinstance(at, datetime) else datetime.fromisoformat(str(at))
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def print_fields(fields: Mapping[str, object]) -> None:
    """Name and value, a line each; a value too long for the terminal is folded."""
    cells = {plain(name): _cell(value) for name, value in fields.items()}
    longest = max(map(cell_len, cells.values()), default=0)
    _print(console(max(map(cell_len, cells), default=0) + _GAP + longest), _fields(cells))


def _fields(cells: Mapping[str, str]) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in cells.items():
        table.add_row(Text(name), Text(value))
    return table
