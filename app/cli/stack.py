"""`listings stack up|down|status|env`: the real servers on this machine, without Docker."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from app.cli.output import console_err, output_option, print_fields, print_json, print_table
from app.devstack.report import ServerStatus
from app.devstack.stack import KINDS, Stack
from app.errors import FailureCode, OperatorError

_MIB = 1024 * 1024
_ROOT = Path(__file__).resolve().parents[2]


@click.group("stack")
def command() -> None:
    """The real servers on this machine, without Docker: Kafka, OpenSearch, an S3 gateway, a schema registry.

    They listen on this machine only and keep their data below .stack/NAME.
    """


def stack_option(function: Callable[..., None]) -> Callable[..., None]:
    """Add `--name`; the command receives `name: str`."""
    return click.option("--name", default="default", show_default=True, help="Which stack.")(function)


def open_stack(name: str) -> Stack:
    """The stack of this project with that name."""
    return Stack(_ROOT, name)


@command.command()
@stack_option
@output_option
def up(name: str, output: str) -> None:
    """Start what does not run yet; return when every server answers.

    The first time, programs are fetched and built, which takes a few minutes.
    """
    stack = open_stack(name)
    with show_progress() as progress:
        stack.up(progress)
    _print_status(stack.status(), output)
    if output == "table":
        which = "" if name == "default" else f" --name {name}"
        console_err().print(
            f'Use it from a shell: eval "$(listings stack env{which})". Stop it: listings stack down{which}'
        )


@command.command()
@stack_option
@output_option
def down(name: str, output: str) -> None:
    """Stop what runs, first the processes that belong to it. Data and logs stay."""
    stack = open_stack(name)
    stopped = [line.name for line in stack.status() if line.state != "stopped"]
    stack.down()
    if output == "json":
        print_json({"stack": name, "stopped": stopped})
    else:
        print_fields({"stopped": ", ".join(stopped) or "nothing ran"})


@command.command()
@stack_option
@output_option
def status(name: str, output: str) -> None:
    """Ask every server whether it works; exit 1 unless all do."""
    lines = open_stack(name).status()
    _print_status(lines, output)
    if advice := _advice(lines, "" if name == "default" else f" --name {name}"):
        raise OperatorError(FailureCode.COMMAND_FAILED, advice)


@command.command()
@stack_option
@output_option
def env(name: str, output: str) -> None:
    """Print the settings that use this stack, as shell commands: eval "$(listings stack env)"."""
    stack = open_stack(name)
    variables = stack.env()
    if not any(server.pid for server in stack.servers):
        raise OperatorError(FailureCode.COMMAND_FAILED, f"stack {name!r} is stopped; start it with `listings stack up`")
    if output == "json":
        print_json(variables)
        return
    for variable, value in variables.items():
        click.echo(f"export {variable}={shlex.quote(value)}")


@contextmanager
def show_progress() -> Iterator[Callable[[str], None]]:
    """Yield a `Progress` for `Stack.up`: a live line for each server on a terminal, plain lines elsewhere."""
    console = console_err()
    if not console.is_terminal:
        yield lambda line: None if _is_count(line) else console.print(line, markup=False)
        return
    columns = (SpinnerColumn(), TextColumn("{task.fields[server]:<10}"), TextColumn("{task.description}"))
    with Progress(*columns, TimeElapsedColumn(), console=console) as bars:
        tasks = {kind.name: bars.add_task("waiting", total=1, server=kind.name) for kind in KINDS}

        def show(line: str) -> None:
            server, _, what = line.partition(": ")
            bars.update(tasks[server], description=what, completed=int(what.startswith("ready")))

        yield show


def _is_count(line: str) -> bool:
    """One of the many "fetched 7/45", which only a live display wants."""
    return "/" in line and ": fetched " in line


def _print_status(lines: list[ServerStatus], output: str) -> None:
    if output == "json":
        print_json([_as_json(line) for line in lines])
        return
    print_table(
        ("server", "state", "address", "pid", "memory MiB", "log"),
        [
            (
                line.name,
                line.state,
                line.address,
                None if line.pid is None else str(line.pid),
                None if line.memory_bytes is None else line.memory_bytes // _MIB,
                None if line.log is None else _short(line.log),
            )
            for line in lines
        ],
        right=("pid", "memory MiB"),
    )


def _advice(lines: list[ServerStatus], which: str) -> str:
    """What does not run, and the command that starts it; "" when all runs."""
    servers = {kind.name for kind in KINDS}
    stopped = [line.name for line in lines if line.state == "stopped" and line.name in servers]
    silent = [line for line in lines if line.state == "not answering"]
    others = [line.name for line in lines if line.state == "stopped" and line.name not in servers]
    told: list[str] = []
    if stopped:
        told.append(f"not running: {', '.join(stopped)}; `listings stack up{which}` starts what is missing")
    told += [f"{line.name} runs and does not answer; its log is {line.log}" for line in silent]
    if others:
        start = f'`eval "$(listings stack env{which})"`, then `listings worker`'
        told.append(f"not running: {', '.join(others)}; start it with {start}")
    return ". ".join(told)


def _short(path: Path) -> Path:
    """Relative to where the command was called, if it is below."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def _as_json(line: ServerStatus) -> dict[str, object]:
    return {
        "server": line.name,
        "state": line.state,
        "address": line.address,
        "pid": line.pid,
        "memory_bytes": line.memory_bytes,
        "log": None if line.log is None else str(line.log),
    }
