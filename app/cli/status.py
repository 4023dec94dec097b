"""`listings status`: lag, in flight, freshness, dead letters, outages, on one page."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import click

from app.adapters.kafka_reader import KafkaReader
from app.adapters.opensearch.client import SearchClient
from app.adapters.opensearch.outcomes import OutcomeReader
from app.cli.output import console, output_option, print_json, print_table
from app.ops.overview import Freshness, dead_letters, freshness, topic_lags
from app.settings import Settings, load_settings

_SPAN = timedelta(minutes=15)
_LATEST = 1000


@click.command("status")
@output_option
def command(output: str) -> None:
    """Lag per topic, what is in flight, how fresh the index is, dead letters, outages.

    What is in flight and what is down is told by the worker at LISTINGS_WORKER__HTTP_HOST:HTTP_PORT.
    """
    settings = load_settings()
    now = datetime.now(UTC)
    with KafkaReader(settings.kafka, group=settings.kafka.group) as reader:
        lags = topic_lags(reader)
        letters = dead_letters(reader, now)
    fresh, worker = asyncio.run(_ask(settings, now))
    if output == "json":
        page = {"topics": [asdict(lag) for lag in lags], "dead_letters": asdict(letters)}
        print_json(page | {"freshness": asdict(fresh), "worker": worker})
        return
    in_flight = worker.get("in_flight", {}) if worker else {}
    print_table(
        ("topic", "lag", "in flight", "records"),
        [(lag.topic, lag.lag, in_flight.get(lag.topic), lag.records) for lag in lags],
        right=("lag", "in flight", "records"),
    )
    out = console()
    out.print()
    out.print(_freshness_line(fresh))
    out.print(
        f"dead letters  {letters.total:,} in all, {letters.last_day:,} in the last day, "
        f"{letters.last_hour:,} in the last hour" + ("; look: listings dlq list" if letters.total else "")
    )
    out.print(_worker_line(settings, worker), markup=False)


def _freshness_line(fresh: Freshness) -> str:
    minutes = int(_SPAN.total_seconds() // 60)
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
    return f"worker        at {where} is not ready: {'; '.join(worker['reasons'])}"


async def _ask(settings: Settings, now: datetime) -> tuple[Freshness, dict[str, Any] | None]:
    client = SearchClient(settings.opensearch)
    try:
        reader = OutcomeReader(client, settings.opensearch.outcomes_index)
        outcomes, worker = await asyncio.gather(reader.list_outcomes(limit=_LATEST), _ask_worker(settings))
    finally:
        await client.aclose()
    return freshness(outcomes, now, _SPAN), worker


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
