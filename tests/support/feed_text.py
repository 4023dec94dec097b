"""Listings as senders write them: JSON texts, and rows of a CSV file with a header."""

from __future__ import annotations

import orjson

_COLUMNS = ("source_listing_id", "make", "model", "year", "title")


def listing(number: int, **more: object) -> dict[str, object]:
    """A listing that is accepted, by our own field names."""
    return {"source_listing_id": f"car-{number}", "make": "Volkswagen", "model": "Golf", "year": 2019, **more}


def json_text(number: int, **more: object) -> bytes:
    return orjson.dumps(listing(number, **more))


def array(*elements: bytes) -> bytes:
    return b"[" + b",".join(elements) + b"]"


def lines(*records: bytes) -> bytes:
    return b"".join(record + b"\n" for record in records)


def row(number: int, title: str = "Golf", delimiter: str = ",") -> str:
    return delimiter.join((f"car-{number}", "Volkswagen", "Golf", "2019", title))


def table(*rows: str, end: str = "\n", delimiter: str = ",") -> bytes:
    return "".join(text + end for text in (delimiter.join(_COLUMNS), *rows)).encode()
