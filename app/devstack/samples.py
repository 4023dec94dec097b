"""Sample listings and files of the project's own: for the demo, the tests and the benchmarks.

Everything is made up and the same at every run; about 900 bytes a listing, like real ones.
"""

from __future__ import annotations

import csv
import gzip
import io
import random
from dataclasses import dataclass
from typing import Any

import orjson

_MODELS = (
    ("Volkswagen", "Golf", "hatchback", "petrol"),
    ("Volkswagen", "Passat", "wagon", "diesel"),
    ("Toyota", "Corolla", "sedan", "hybrid"),
    ("Toyota", "RAV4", "suv", "plugin_hybrid"),
    ("Škoda", "Octavia", "wagon", "diesel"),
    ("Tesla", "Model 3", "sedan", "electric"),
    ("Ford", "Focus", "hatchback", "petrol"),
    ("Ford", "Transit", "van", "diesel"),
    ("BMW", "320d", "sedan", "diesel"),
    ("Renault", "Mégane", "hatchback", "petrol"),
    ("Fiat", "500", "hatchback", "electric"),
    ("Mazda", "CX-5", "suv", "petrol"),
)
_PLACES = (
    ("DE", "Berlin", "10115", 52.53, 13.38, "EUR"),
    ("DE", "München", "80331", 48.14, 11.57, "EUR"),
    ("FR", "Lyon", "69001", 45.77, 4.83, "EUR"),
    ("NL", "Utrecht", "3511", 52.09, 5.12, "EUR"),
    ("GB", "Leeds", "LS1 4AP", 53.80, -1.55, "GBP"),
    ("PL", "Kraków", "30-001", 50.07, 19.94, "PLN"),
)
_COLORS = ("black", "white", "silver", "blue", "red", "grey")
_TRIMS = ("Comfort", "Sport", "Business", "Edition", "Life", "Premium")
_FEATURES = ("air conditioning", "navigation", "parking sensors", "heated seats", "cruise control", "tow bar")


def listing(number: int, *, source: str | None = None, prefix: str = "car") -> dict[str, Any]:
    """One listing in our own field names; the same number always gives the same listing."""
    drawn = random.Random(f"{prefix}/{number}")  # noqa: S311  (sample data, nothing secret)
    make, model, body, fuel = drawn.choice(_MODELS)
    country, city, postcode, lat, lon, currency = drawn.choice(_PLACES)
    trim, color = drawn.choice(_TRIMS), drawn.choice(_COLORS)
    year = drawn.randint(2008, 2025)
    value: dict[str, Any] = {
        "source_listing_id": f"{prefix}-{number:06d}",
        "source_url": f"https://cars.example/{prefix}/{number:06d}",
        "make": make,
        "model": model,
        "trim": trim,
        "title": f"{make} {model} {trim} {year}",
        "description": (
            f"{make} {model} {trim} from {year} in {color}, one owner, serviced by the book, winter tyres on a second "
            f"set of rims. Viewing in {city} by appointment; trade-in and financing are possible. Reference {number}."
        ),
        "year": year,
        "condition": "used",
        "status": "available",
        "vehicle_type": "van" if body == "van" else "car",
        "body_type": body,
        "fuel_type": fuel,
        "transmission": drawn.choice(("manual", "automatic")),
        "drivetrain": drawn.choice(("fwd", "rwd", "awd")),
        "mileage_km": drawn.randint(5, 220) * 1000,
        "price_amount": drawn.randint(30, 600) * 100 - 10,
        "price_currency": currency,
        "power_kw": drawn.randint(55, 220),
        "doors": drawn.choice((3, 5)),
        "seats": 5,
        "color_exterior": color,
        "features": drawn.sample(_FEATURES, 3),
        "image_urls": [f"https://img.cars.example/{prefix}/{number:06d}/{n}.jpg" for n in (1, 2)],
        "seller_type": "dealer",
        "country": country,
        "city": city,
        "postal_code": postcode,
        "location": {"lat": lat, "lon": lon},
    }
    return value if source is None else {"source": source, **value}


def listings(count: int, *, source: str | None = None, prefix: str = "car", start: int = 1) -> list[dict[str, Any]]:
    """`count` different listings, numbered from `start`."""
    return [listing(number, source=source, prefix=prefix) for number in range(start, start + count)]


def as_json(records: list[dict[str, Any]]) -> bytes:
    """A JSON array."""
    return orjson.dumps(records)


def as_ndjson(records: list[dict[str, Any]]) -> bytes:
    """One JSON object a line."""
    return b"".join(orjson.dumps(record) + b"\n" for record in records)


def as_csv(records: list[dict[str, Any]]) -> bytes:
    """Comma separated with a header row; lists joined by `|`, the location in two columns."""
    rows = [_flat(record) for record in records]
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def _flat(record: dict[str, Any]) -> dict[str, Any]:
    flat = {name: "|".join(value) if isinstance(value, list) else value for name, value in record.items()}
    place: dict[str, float] | None = record.get("location")
    return flat if place is None else {**flat, "location": f"{place['lat']},{place['lon']}"}


@dataclass(frozen=True, slots=True)
class SampleFile:
    key: str
    content: bytes
    note: str


def demo_files() -> list[SampleFile]:
    """What the demo uploads: every format, plain and compressed, with some bad listings and one broken file."""
    bad = listings(25, prefix="tail")
    del bad[3]["make"]
    bad[11]["year"] = "soon"
    bad[11]["price_currency"] = "EURO"
    lines = as_ndjson(listings(40, prefix="hill")).splitlines(keepends=True)
    lines[19] = b'{"source_listing_id": "hill-000020", "make": "Ford", "model": \n'
    broken = as_json(listings(30, prefix="void"))
    return [
        SampleFile("autohaus-mitte/stock.json", as_json(listings(100, prefix="mitte")), "a JSON array"),
        SampleFile(
            "autohaus-mitte/stock.json.gz", gzip.compress(as_json(listings(60, prefix="mitte-z"))), "the same, gzip"
        ),
        SampleFile("hill-motors/cars.ndjson", b"".join(lines), "one JSON object a line, line 20 cut off"),
        SampleFile("hill-motors/cars.ndjson.gz", gzip.compress(as_ndjson(listings(50, prefix="hill-z"))), "gzip"),
        SampleFile("garage-lyon/voitures.csv", as_csv(listings(80, prefix="lyon")), "CSV"),
        SampleFile("garage-lyon/voitures.csv.gz", gzip.compress(as_csv(listings(70, prefix="lyon-z"))), "CSV, gzip"),
        SampleFile("tail-cars/export.json", as_json(bad), "two bad listings among 25"),
        SampleFile("void-autos/export.json", broken[: len(broken) * 2 // 3], "broken: the upload was cut off"),
    ]
