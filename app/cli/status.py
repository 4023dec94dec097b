"""`listings status`: lag, in flight, freshness, dead letters, outages, on one page."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import click

from app.adapters.kafka_groups import KafkaGroup
from app.adapters.kafka_reader import KafkaReader
from app.adapters.opensearch.client import SearchClient
from app.adapters.opensearch.outcomes import OutcomeReader
from app.adapters.opensearch.progress import ProgressKeeper
from app.cli.output import console, output_option, print_json, print_table
from app.errors import Dependency, FailureCode, ListingsError, OperatorError
from app.model.listed import Progress
from app.observability.terminal import plain
from app.ops.overview import (
    DeadLetters,
    Freshness,
    TopicLag,
    dead_letters,
    freshness,
    in_flight_of,
    outages_of,
    topic_lags,
)
from app.settings import Settings, load_settings

_SPAN = timedelta(minutes=15)
_LATEST = 1000
_MEMBERS = 8
_SERVERS = [name for name in Dependency if name not in (Dependency.UPLOAD_QUEUE, Dependency.WORKER)]


_ADDRESS = re.compile(r"(?:http://)?((?:\[[0-9a-fA-F:]+\]|[A-Za-z0-9._-]+):[0-9]{1,5})(?:/(?:readyz)?)?")


def _addresses(_: click.Context, __: click.Parameter, given: tuple[str, ...]) -> tuple[str, ...]:
    found = [_ADDRESS.fullmatch(address) for address in given]
    if not all(found):
        raise click.BadParameter("expected host:port, as in 10.0.0.7:6066")
    return tuple(match[1] for match in found if match)


@click.command("status")
@click.option(
    "--worker",
    "workers",
    multiple=True,
    metavar="HOST:PORT",
    callback=_addresses,
    help="Ask this worker; again for more. Without it, the one of LISTINGS_WORKER__HTTP_HOST and HTTP_PORT.",
)
@output_option
def command(workers: tuple[str, ...], output: str) -> None:
    """Lag per topic, what is in flight, how fresh the index is, dead letters, outages.

    Lag, dead letters and who is in the consumer group are asked of Kafka, freshness of OpenSearch. What is in flight
    and which servers are down is told by each worker that is asked. A server that does not answer leaves its part
    unknown; the rest is told all the same, and the command fails.
    """
    settings = load_settings()
    asked = workers or (f"{settings.worker.http_host}:{settings.worker.http_port}",)
    page, is_compared_known = _look(settings, datetime.now(UTC), asked)
    if output == "json":
        print_json(asdict(page))
    else:
        _show(settings, page, is_compared_known)
    if page.errors:
        raise OperatorError(FailureCode.COMMAND_FAILED, "not all could be asked: " + "; ".join(page.errors))


@dataclass(slots=True)
class _Page:
    """What could be learnt; None where a server did not answer."""

    topics: list[TopicLag] | None = None
    dead_letters: DeadLetters | None = None
    freshness: Freshness | None = None
    group: list[str] | None = None
    """The workers in the consumer group, by Kafka."""
    strangers: list[str] = field(default_factory=list)
    """Who is in the consumer group and no worker."""
    workers: dict[str, dict[str, Any] | None] = field(default_factory=dict)
    """What each worker that was asked says, by address."""
    reconcile: Progress | None = None
    """How far the comparison of the buckets with the outcomes is; None: never begun, or (see `errors`) not known."""
    errors: list[str] = field(default_factory=list)


def _look(settings: Settings, now: datetime, asked: Sequence[str]) -> tuple[_Page, bool]:
    """The page, and whether it is known how far the comparison of the buckets is."""
    page = _Page()
    try:
        with KafkaReader(settings.kafka, group=settings.kafka.group) as reader:
            page.topics = topic_lags(reader)
            page.dead_letters = dead_letters(reader, now)
        group = KafkaGroup(settings.kafka).describe()
        page.group = sorted(member.name for member in group.workers)
        page.strangers = sorted(member.name for member in group.strangers)
    except ListingsError as error:
        page.errors.append(error.message)
    return page, asyncio.run(_ask(settings, now, page, asked))


def _show(settings: Settings, page: _Page, is_compared_known: bool) -> None:
    in_flight = in_flight_of(page.workers.values())
    if page.topics is not None:
        print_table(
            ("topic", "lag", "in flight", "records"),
            [(lag.topic, lag.lag, in_flight.get(lag.topic), lag.records) for lag in page.topics],
            right=("lag", "in flight", "records"),
        )
    out = console()
    for line in _held_lines(page.topics or ()):
        out.print(line, markup=False)
    out.print()
    out.print(_freshness_line(page.freshness))
    out.print(_dead_letters_line(page.dead_letters))
    out.print(_group_line(settings, page.group), markup=False)
    if page.strangers:
        out.print(_strangers_line(page.strangers), markup=False)
    for address, worker in page.workers.items():
        out.print(_worker_line(address, worker), markup=False)
        for line in _outage_lines(worker):
            out.print(line, markup=False)
    out.print(_reconcile_line(page, is_compared_known), markup=False)


def _held_lines(lags: Sequence[TopicLag]) -> list[str]:
    """What waits for a producer, not for a worker."""
    return [
        f"{lag.topic}: {lag.held:,} more wait behind a transaction that its producer has neither committed nor "
        "aborted; no worker can read them before (docs/OPERATIONS.md, Transactions)"
        for lag in lags
        if lag.held
    ]


def _dead_letters_line(letters: DeadLetters | None) -> str:
    if letters is None:
        return "dead letters  unknown"
    return (
        f"dead letters  {letters.total:,} in all, {letters.last_day:,} in the last day, "
        f"{letters.last_hour:,} in the last hour" + ("; look: listings dlq list" if letters.total else "")
    )


def _freshness_line(fresh: Freshness | None) -> str:
    minutes = int(_SPAN.total_seconds() // 60)
    if fresh is None:
        return "freshness     unknown"
    if not fresh.files:
        return f"freshness     no file was indexed in the last {minutes} minutes"
    return (
        f"freshness     p50 {fresh.p50_s:.1f} s, p99 {fresh.p99_s:.1f} s from upload to indexed, "
        f"over {fresh.files:,} files of the last {minutes} minutes (the store's times have whole seconds)"
    )


def _group_line(settings: Settings, group: Sequence[str] | None) -> str:
    name = settings.kafka.group
    if group is None:
        return f"group         {name}: unknown"
    if not group:
        return f"group         {name} has no worker; start one: listings worker"
    more = "" if len(group) <= _MEMBERS else ", …"
    named = plain(", ".join(group[:_MEMBERS]))
    return f"group         {name} has {len(group)} worker{'s' * (len(group) > 1)}: {named}{more}"


def _strangers_line(strangers: Sequence[str]) -> str:
    named = plain(", ".join(strangers[:_MEMBERS]))
    return f"              another application is in it: {named}; give it a group of its own, no worker can join before"


def _worker_line(where: str, worker: Mapping[str, Any] | None) -> str:
    if worker is None:
        return f"worker        none answers at {where}; another one: listings status --worker HOST:PORT"
    if worker["ok"]:
        return f"worker        ready at {where}, nothing is down"
    return f"worker        at {where} is not ready: {plain('; '.join(map(str, worker.get('reasons', ()))))}"


def _outage_lines(worker: Mapping[str, Any] | None) -> list[str]:
    """Each server with the state of its breaker, as this worker sees it."""
    if worker is None:
        return []
    down = outages_of(worker)
    states = [f"{name} {'DOWN' if name in down else 'ok'}" for name in _SERVERS]
    lines = ["breakers      " + ", ".join(states)]
    return lines + [f"              {name} down since {plain(since)}" for name, since in down.items()]


def _reconcile_line(page: _Page, is_known: bool) -> str:
    """The part of the worker that is asked is told where it is the one that compares, and waits for something."""
    tales = [worker.get("reconcile") for worker in page.workers.values() if worker]
    waits = next((told.get("waits") for told in tales if isinstance(told, dict) and told.get("active")), None)
    because = f"; it waits: {plain(str(waits))}" if waits else ""
    progress = page.reconcile
    if not is_known:
        return f"missed        not known now how far the buckets are compared with the outcomes{because}"
    if progress is None:
        return f"missed        the buckets were never compared with the outcomes{because}"
    done = "no round is complete yet"
    if progress.completed_at is not None:
        done = f"last compared in full at {progress.completed_at:%Y-%m-%d %H:%M:%S}, in {progress.took_s or 0:,.0f} s"
    if progress.objects:
        done += f"; this round: {progress.objects:,} objects, {progress.queued:,} queued"
    return f"missed        {done}{because}"


async def _ask(settings: Settings, now: datetime, page: _Page, asked: Sequence[str]) -> bool:
    client = SearchClient(settings.opensearch)
    is_compared_known = False
    try:
        answers = await asyncio.gather(*map(_ask_worker, asked))
        page.workers = dict(zip(asked, answers, strict=True))
        reader = OutcomeReader(client, settings.opensearch.outcomes_index)
        page.reconcile = await ProgressKeeper(client, settings.opensearch.alias).load()
        is_compared_known = True
        page.freshness = freshness(await reader.list_outcomes(limit=_LATEST), now, _SPAN)
    except ListingsError as error:
        page.errors.append(error.message)
    finally:
        await client.aclose()
    return is_compared_known


async def _ask_worker(address: str) -> dict[str, Any] | None:
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=3)) as session,
            session.get(f"http://{address}/readyz") as answer,
        ):
            page = await answer.json()
    except (aiohttp.ClientError, TimeoutError, ValueError):
        return None
    return page if isinstance(page, dict) and "ok" in page else None
