"""Mapping records in a test: one call from raw values to documents and rejects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from app.model.outcome import RecordReject
from app.model.record import RawRecord
from app.pipeline.profile import Profile
from app.pipeline.transform import Mapper, Origin

NOW = datetime(2026, 8, 22, 13, 1, 21, tzinfo=UTC)
UPLOADED = datetime(2026, 8, 22, 13, 1, 20, 250_000, tzinfo=UTC)

LISTING: dict[str, Any] = {
    "source_listing_id": "A-100234",
    "make": "Škoda",
    "model": "Octavia",
    "year": 2019,
    "price_amount": 17990.0,
    "price_currency": "EUR",
    "mileage_km": 73556,
}
"""The smallest listing that raises no doubt."""


@dataclass(frozen=True)
class Result:
    documents: list[dict[str, Any]]
    rejects: list[RecordReject]
    flagged: int
    older: int = 0

    @property
    def document(self) -> dict[str, Any]:
        """The only document."""
        assert not self.rejects, self.reasons
        (document,) = self.documents
        return document

    @property
    def reasons(self) -> list[str]:
        """All problems of the only reject, as told to people."""
        (reject,) = self.rejects
        return [f"{problem.code}: {problem}" for problem in reject.problems]


def map_records(
    values: list[Mapping[str, object]],
    profile: Profile | None = None,
    *,
    source: str = "autohaus",
    now: datetime = NOW,
) -> Result:
    origin = Origin("uploads", "autohaus/stock.json", "e1", UPLOADED)
    records = [RawRecord(number, number + 1, value) for number, value in enumerate(values, 1)]
    mapped = Mapper(profile, source, origin, now).map_all(records)
    return Result([orjson.loads(d.body) for d in mapped.documents], mapped.rejects, mapped.flagged, mapped.older)


def map_listing(**changes: object) -> Result:
    """The smallest listing with changes; `...` takes a field away."""
    values = {name: value for name, value in {**LISTING, **changes}.items() if value is not ...}
    return map_records([values])
