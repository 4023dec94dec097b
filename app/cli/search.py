"""`listings search TEXT`: search the listings by the same stored template as the frontend."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import click

from app.adapters.opensearch.client import SearchClient
from app.adapters.opensearch.search import ListingSearch, Near, SearchPage, SearchQuery, Sort
from app.cli.output import F, Output, console, output_option, print_json, print_table
from app.model.listing import (
    BodyType,
    Condition,
    Drivetrain,
    FuelType,
    ListingStatus,
    SellerType,
    Transmission,
)
from app.settings import OpenSearchSettings, load_settings

_FACETS_SHOWN = ("make", "fuel", "body", "condition", "country")
_VALUES_SHOWN = 4
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def _many(name: str, values: type[StrEnum] | None, help_: str) -> Callable[[F], F]:
    """An option that may be given several times; the command receives a tuple."""
    kind = click.STRING if values is None else click.Choice([str(value) for value in values])
    return click.option(f"--{name}", multiple=True, type=kind, help=help_)


@click.command("search")
@click.argument("text", nargs=-1)
@_many("make", None, "As shown or as key; may be given several times, like all of these.")
@_many("model", None, "As shown or as key.")
@_many("fuel", FuelType, "What it runs on.")
@_many("body", BodyType, "Shape of the body.")
@_many("transmission", Transmission, "Gearbox.")
@_many("drivetrain", Drivetrain, "Driven wheels.")
@_many("condition", Condition, "New, used, …")
@_many("seller-type", SellerType, "Dealer or private.")
@_many("country", None, "ISO 3166-1 alpha-2, as DE.")
@_many("source", None, "Name of the sender.")
@_many("status", ListingStatus, "Without it: all but sold and removed. A listing without one counts as available.")
@click.option("--currency", help="ISO 4217, as EUR; price limits compare numbers, whatever the currency.")
@click.option("--year-min", type=int)
@click.option("--year-max", type=int)
@click.option("--price-min", type=float)
@click.option("--price-max", type=float)
@click.option("--mileage-min", type=int, help="Kilometres.")
@click.option("--mileage-max", type=int, help="Kilometres.")
@click.option("--near", nargs=3, type=float, metavar="LAT LON KM", help="In a circle of KM kilometres.")
@click.option("--sort", type=click.Choice([s.value for s in Sort]), help="Relevance with a text, else newest.")
@click.option("--from", "start", default=0, show_default=True, type=click.IntRange(0, 9_999), help="Skip so many.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 1_000))
@output_option
def command(
    text: tuple[str, ...], near: tuple[float, float, float] | None, sort: str | None, output: str, **filters: Any
) -> None:
    """Search for TEXT (make, model, trim, title, description) and show the listings with their facets."""
    query = SearchQuery(
        text=" ".join(text),
        near=Near(*near) if near else None,
        sort=Sort(sort) if sort else None,
        facets=True,
        **filters,
    )
    page = asyncio.run(_search(load_settings().opensearch, query))
    if output == Output.JSON:
        print_json(asdict(page))
    else:
        show_page(page, datetime.now(UTC))


async def _search(settings: OpenSearchSettings, query: SearchQuery) -> SearchPage:
    client = SearchClient(settings)
    try:
        return await ListingSearch(client, settings.alias).search(query)
    finally:
        await client.aclose()


def show_page(page: SearchPage, now: datetime) -> None:
    out = console()
    if page.listings:
        print_table(
            ("listing", "price", "mileage", "year", "place", "uploaded"),
            [_row(listing, now) for listing in page.listings],
            right=("price", "mileage", "year", "uploaded"),
        )
    out.print(f"{page.total:,} found in {page.took_ms:,} ms", markup=False)
    for line in facet_lines(page):
        out.print(line, markup=False)


def _row(listing: Mapping[str, Any], now: datetime) -> tuple[object, ...]:
    year = listing.get("year")
    return (
        listing.get("title") or " ".join(filter(None, (listing.get(n) for n in ("make", "model", "trim")))),
        _price(listing),
        f"{listing['mileage_km']:,} km" if "mileage_km" in listing else None,
        None if year is None else str(year),
        ", ".join(filter(None, (listing.get(name) for name in ("city", "region", "country")))) or None,
        _age(listing.get("origin", {}).get("uploaded_at"), now),
    )


def _price(listing: Mapping[str, Any]) -> str | None:
    amount = listing.get("price_amount")
    if amount is None:
        return {"on_request": "on request"}.get(listing.get("price_status", ""))
    digits = 0 if float(amount).is_integer() else 2
    return f"{amount:,.{digits}f} {listing.get('price_currency', '')}".strip()


def _age(uploaded_at: str | None, now: datetime) -> str | None:
    """How long ago, in the largest unit that fits."""
    if uploaded_at is None:
        return None
    seconds = max(0.0, (now - datetime.fromisoformat(uploaded_at)).total_seconds())
    size, unit = next(((size, unit) for size, unit in _UNITS if seconds >= size), _UNITS[-1])
    return f"{int(seconds // size)} {unit} ago"


def facet_lines(page: SearchPage) -> list[str]:
    """The most frequent values of the main facets, a line each, as `make: BMW 12, Audi 3, …`."""
    lines = []
    for name in _FACETS_SHOWN:
        values = page.facets.get(name, ())
        shown = [f"{value.label} {value.count:,}" for value in values[:_VALUES_SHOWN]]
        if shown:
            lines.append(f"{name}: {', '.join(shown)}{', …' if len(values) > _VALUES_SHOWN else ''}")
    return lines
