"""`listings status`: lag, in flight, freshness, dead letters, outages, on one page."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import click

from app.adapters.kafka_reader import KafkaReader
from app.adapters.opensearch.client import SearchClient
from app.adapters.opensearch.outcomes import OutcomeReader
from app.cli.output import console, output_option, print_json, print_table
from app.errors import FailureCode, ListingsError, OperatorError
from app.observability.terminal import plain
from app.ops.overview import DeadLetters, Freshness, TopicLag, dead_letters, freshness, topic_lags
from app.settings import Settings, load_settings

_SPAN = timedelta(minutes=15)
_LATEST = 1000


@click.command("status")
@output_option
def command(output: str) -> None:
    """Lag per topic, what is in flight, how fresh the index is, dead letters, outages.

    What is in flight and what is down is told by the worker at LISTINGS_WORKER__HTTP_HOST:HTTP_PORT. A server that
    does not answer leaves its part unknown; the rest is told all the same, and the command fails.
    """
    settings = load_settings()
    page = _look(settings, datetime.now(UTC))
    if output == "json":
        print_json(asdict(page))
    else:
        _show(settings, page)
    if page.errors:
        raise OperatorError(FailureCode.COMMAND_FAILED, "not all could be asked: " + "; ".join(page.errors))


@dataclass(slots=True)
class _Page:
    """What could be learnt; None where a server did not answer."""

    topics: list[TopicLag] | None = None
    dead_letters: DeadLetters | None = None
    freshness: Freshness | None = None
    worker: dict[str, Any] | None = None
    errors: list[str] = field(default_factory=list)


def _look(settings: Settings, now: datetime) -> _Page:
    page = _Page()
    try:
        with KafkaReader(settings.kafka, group=settings.kafka.group) as reader:
            page.topics = topic_lags(reader)
            page.dead_letters = dead_letters(reader, now)
    except ListingsError as error:
        page.errors.append(error.message)
    asyncio.run(_ask(settings, now, page))
    return page


def _show(settings: Settings, page: _Page) -> None:
    in_flight = page.worker.get("in_flight", {}) if page.worker else {}
    if page.topics is not None:
        print_table(
            ("topic", "lag", "in flight", "records"),
            [(lag.topic, lag.lag, in_flight.get(lag.topic), lag.records) for lag in page.topics],
            right=("lag", "in flight", "records"),
        )
    out = console()
    out.print()
    out.print(_freshness_line(page.freshness))
    out.print(_dead_letters_line(page.dead_letters))
    out.print(_worker_line(settings, page.worker), markup=False)


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


def _worker_line(settings: Settings, worker: Mapping[str, Any] | None) -> str:
    where = f"{settings.worker.http_host}:{settings.worker.http_port}"
    if worker is None:
        return f"worker        none answers at {where}; start one: listings worker"
    if worker["ok"]:
        return f"worker        ready at {where}, nothing is down"
    return f"worker        at {where} is not ready: {plain('; '.join(map(str, worker.get('reasons', ()))))}"


async def _ask(settings: Settings, now: datetime, page: _Page) -> None:
    client = SearchClient(settings.opensearch)
    try:
        page.worker = await _ask_worker(settings)
        reader = OutcomeReader(client, settings.opensearch.outcomes_index)
        page.freshness = freshness(await reader.list_outcomes(limit=_LATEST), now, _SPAN)
    except ListingsError as error:
        page.errors.append(error.message)
    finally:
        await client.aclose()


async def _ask_worker(settings: Settings) -> dict[str, Any] | None:
    address = f"http://{settings.worker.http_host}:{settings.worker.http_port}/readyz"
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=3)) as session,
            session.get(address) as answer,
        ):
            page = await answer.json()
    except (aiohttp.ClientError, TimeoutError, ValueError):
        return None
    return page if isinstance(page, dict) and "ok" in page else None
