"""`listings demo`: everything at once, on real servers, watched while it happens."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import aiohttp
import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from app.adapters.opensearch.client import SearchClient
from app.adapters.opensearch.outcomes import OutcomeReader
from app.adapters.opensearch.search import ListingSearch, SearchPage, SearchQuery
from app.adapters.s3 import S3Store
from app.cli.output import console, console_err, output_option, print_json, print_table
from app.cli.search import show_page
from app.cli.stack import open_stack, show_progress, stack_option
from app.devstack.processes import spawn
from app.devstack.samples import SampleFile, demo_files
from app.devstack.stack import Stack
from app.errors import FailureCode, OperatorError
from app.model.file import ObjectInfo
from app.provision import provision_index, provision_schemas, provision_topics
from app.settings import PREFIX, Settings, load_settings

_WORKER = "worker"
_WORKER_READY_S = 60.0
_FILE_S = 60.0
_POLL_S = 0.05
_SAMPLE_SEARCH = "škoda octavia"


@dataclass(frozen=True, slots=True)
class Watched:
    """One file of the demo, from its upload to its end."""

    file: SampleFile
    outcome: Mapping[str, Any] | None
    found_s: float | None
    """From the start of the upload until a search found its listings; None: there was nothing to find."""


@click.command("demo")
@stack_option
@output_option
def command(name: str, output: str) -> None:
    """Start the servers and a worker, upload sample files, and show each being found.

    Servers and worker are left running, for `listings upload` and all other commands; `make down` stops them.
    """
    stack = open_stack(name)
    with show_progress() as progress:
        stack.up(progress, on_kafka_ready=lambda servers: provision_topics(_settings_for_kafka(servers)))
    settings = load_settings(_environment(stack))
    watched, page = asyncio.run(_run(stack, settings))
    if output == "json":
        print_json([_as_json(item) for item in watched])
    else:
        _report(watched, page, name)
    if any(item.outcome is None for item in watched):
        raise OperatorError(
            FailureCode.COMMAND_FAILED,
            f"not every file was processed within {_FILE_S:.0f} s; the worker's log: {stack.folder / 'worker.log'}",
        )


def _settings_for_kafka(servers: str) -> Settings:
    return load_settings({f"{PREFIX}KAFKA__BOOTSTRAP_SERVERS": servers})


def _environment(stack: Stack) -> dict[str, str]:
    """The caller's own settings, with the addresses of the stack on top."""
    own = {name: value for name, value in os.environ.items() if name.startswith(PREFIX)}
    return {**own, **stack.env()}


async def _run(stack: Stack, settings: Settings) -> tuple[list[Watched], SearchPage]:
    await asyncio.gather(provision_schemas(settings), provision_index(settings))
    await _start_worker(stack, settings)
    client = SearchClient(settings.opensearch)
    try:
        watched = await _upload_and_watch(settings, client)
        search = ListingSearch(client, settings.opensearch.alias)
        return watched, await search.search(SearchQuery(text=_SAMPLE_SEARCH, limit=5, facets=True))
    finally:
        await client.aclose()


async def _start_worker(stack: Stack, settings: Settings) -> None:
    """Start the worker unless the stack has one already; it outlives this command."""
    if not any(line.name == _WORKER and line.state == "running" for line in stack.status()):
        environment = {**os.environ, **stack.env(), f"{PREFIX}WORKER__LOG_FORMAT": "json"}
        log = stack.folder / "worker.log"
        identity = spawn([sys.executable, "-m", "app.cli", "worker"], environment, stack.folder, log)
        stack.register_process(_WORKER, identity.pid)
    address = f"http://{settings.worker.http_host}:{settings.worker.http_port}/readyz"
    console_err().print("worker: starting")
    deadline = time.monotonic() + _WORKER_READY_S
    async with aiohttp.ClientSession() as session:
        while not await _is_ready(session, address):
            if time.monotonic() > deadline:
                raise OperatorError(
                    FailureCode.COMMAND_FAILED,
                    f"the worker is not ready after {_WORKER_READY_S:.0f} s; its log: {stack.folder / 'worker.log'}",
                )
            await asyncio.sleep(_POLL_S)
    console_err().print("worker: ready")


async def _is_ready(session: aiohttp.ClientSession, address: str) -> bool:
    try:
        async with session.get(address) as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False


async def _upload_and_watch(settings: Settings, client: SearchClient) -> list[Watched]:
    files = demo_files()
    store = S3Store(settings.s3)
    columns = (TextColumn("{task.description:<22}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console_err()) as progress:
        uploaded = progress.add_task("uploaded", total=len(files))
        done = progress.add_task("processed and found", total=len(files))

        async def one(file: SampleFile) -> Watched:
            started = time.monotonic()
            info = await store.put(settings.s3.buckets[0], file.key, file.content)
            progress.advance(uploaded)
            watched = await _watch(settings, client, file, info, started)
            progress.advance(done)
            return watched

        return list(await asyncio.gather(*map(one, files)))


async def _watch(
    settings: Settings, client: SearchClient, file: SampleFile, info: ObjectInfo, started: float
) -> Watched:
    """Search for the file's listings until they are found, and ask for its outcome until it is there."""
    reader = OutcomeReader(client, settings.opensearch.outcomes_index)
    outcome: Mapping[str, Any] | None = None
    found_s: float | None = None
    seen = 0
    while time.monotonic() < started + _FILE_S:
        count = await _count(settings, client, info)
        if count > seen:
            seen, found_s = count, time.monotonic() - started
        outcome = await reader.get_outcome(info.bucket, info.key)
        is_ours = outcome is not None and outcome["etag"] == info.etag and _is_since(outcome, info)
        if outcome is not None and is_ours and seen >= outcome["indexed"]:
            return Watched(file, outcome, found_s if outcome["indexed"] else None)
        await asyncio.sleep(_POLL_S)
    return Watched(file, None, found_s)


def _is_since(outcome: Mapping[str, Any], info: ObjectInfo) -> bool:
    return str(outcome["uploaded_at"])[:19] >= info.uploaded_at.isoformat()[:19]


async def _count(settings: Settings, client: SearchClient, info: ObjectInfo) -> int:
    version = {"range": {"origin.uploaded_at": {"gte": info.uploaded_at.isoformat()}}}
    query = {"bool": {"filter": [{"term": {"origin.key": info.key}}, version]}}
    path = f"/{settings.opensearch.alias}/_count"
    answer = await client.call("POST", path, body={"query": query})
    return int(answer["count"]) if answer else 0


def _report(watched: Sequence[Watched], page: SearchPage, name: str) -> None:
    out = console()
    out.print()
    print_table(
        ("file", "what", "result", "read", "indexed", "rejected", "found after", "why"),
        [_row(item) for item in watched],
        right=("read", "indexed", "rejected", "found after"),
    )
    out.print(f"\n$ listings search {_SAMPLE_SEARCH} --limit 5", style="bold")
    show_page(page, datetime.now(UTC))
    out.print("\nWhat to try next", style="bold")
    stack = "" if name == "default" else f" --name {name}"
    for line, what in (
        (f'eval "$(.venv/bin/listings stack env{stack})"', "point all commands of this shell at these servers"),
        (".venv/bin/listings upload FILE… --wait", "upload a file of your own and see what becomes of it"),
        (".venv/bin/listings search golf --price-max 20000", "search as the frontend does"),
        (".venv/bin/listings status", "lag, freshness, dead letters"),
        (".venv/bin/listings outcomes list", "what became of each file"),
        (".venv/bin/listings dlq list", "what failed for good, and why"),
        ("make down" if not stack else f".venv/bin/listings stack down{stack}", "stop the worker and the servers"),
    ):
        out.print(f"  {line:<52} {what}", markup=False)


def _row(item: Watched) -> list[object]:
    outcome = item.outcome
    if outcome is None:
        return [item.file.key, item.file.note, "not processed in time", None, None, None, None, None]
    found = None if item.found_s is None else f"{item.found_s:.2f} s"
    counts = [outcome["read"], outcome["indexed"], outcome["rejected"]]
    return [item.file.key, item.file.note, outcome["status"], *counts, found, _why(outcome)]


def _why(outcome: Mapping[str, Any]) -> str | None:
    if outcome.get("failure_message"):
        return str(outcome["failure_message"])
    told = []
    for reject in outcome["rejects"]:
        problems = (f"{p['field'] or 'record'}: expected {p['expected']}" for p in reject["problems"])
        told.append(f"record {reject['record']}: {', '.join(problems)}")
    return "; ".join(told) or None  # a line break would be spelt out: cells are one line


def _as_json(item: Watched) -> dict[str, object]:
    return {"key": item.file.key, "note": item.file.note, "found_s": item.found_s, "outcome": item.outcome}
