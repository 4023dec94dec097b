"""The records of a sample as columns, a rule for a field, and what comes of trying one on them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from app.errors import ListingRejected
from app.model.listing import Quality
from app.ops.feeds_columns import paths
from app.pipeline.columns import column
from app.pipeline.profile import Defaults, Profile
from app.pipeline.profile_reader import reader_for
from app.pipeline.values.text import is_null

_LOOKED_AT = 500
"""Characters of a text."""
_TRIED = 200
"""Records that a rule is tried on."""
_GIVES = {"mileage": "mileage_value", "latitude": "location", "longitude": "location"}


@dataclass(slots=True)
class Guess:
    """A rule for one field: columns, options, and what is doubtful about it."""

    target: str
    sources: list[str]
    options: dict[str, object] = field(default_factory=dict)
    doubts: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of trying a rule: records that say something there, and how many could be read."""

    said: int
    read: int
    unread: Counter[str]
    currency_missing: bool
    unit_missing: bool
    numbers: tuple[float, ...]
    """What was read, where it is numbers."""

    @property
    def share(self) -> float:
        return self.read / self.said if self.said else 0.0


class Records:
    """The records of a sample as columns: path → the texts of the records that say something."""

    def __init__(self, records: Sequence[Mapping[str, object]]) -> None:
        self.rows = list(records[:_TRIED])
        self.values: dict[str, list[str]] = {}
        for row in self.rows:
            for path, value in dict(paths(row)).items():
                texts = self.values.setdefault(path, [])
                text = "" if value is None else str(value)[:_LOOKED_AT].strip()
                if not is_null(text):
                    texts.append(text)
        # A name with `$` would be a part; one without letters or digits says nothing.
        self.values = {path: texts for path, texts in self.values.items() if path.strip() and not path.startswith("$")}

    def filled(self, path: str) -> float:
        return len(self.values[path]) / len(self.rows) if self.rows else 0.0

    def share(self, path: str, pattern: re.Pattern[str]) -> float:
        """The share of what is said there that has a form."""
        texts = self.values[path]
        return sum(bool(pattern.fullmatch(text)) for text in texts) / len(texts) if texts else 0.0

    def is_list(self, path: str) -> bool:
        """True where the records have lists already, and no text that lists something."""
        take = column(path)
        return any(isinstance(take(row), (list, tuple)) for row in self.rows)


def _says(value: object) -> bool:
    return value is not None and value not in ([], {}, ()) and not is_null(str(value))


def trial(
    records: Records,
    target: str,
    options: Mapping[str, object],
    sources: Sequence[str],
    country: str | None = None,
) -> Trial:
    """Reads the sample by this one rule; an amount without a currency is taken as one of US dollars."""
    rule = {"from": list(sources), **options}
    profile = Profile.model_validate(
        {
            "name": "guess",
            "description": "guess",
            "source": "guess",
            "match": [{}],
            "defaults": Defaults(currency="USD", country=country),
            "fields": {"source_listing_id": {"const": "1"}, target: rule},
        }
    )
    reader, gives = reader_for(profile), _GIVES.get(target, target)
    takers = [column(name) for name in sources]
    said = read = 0
    unread: Counter[str] = Counter()
    flagged: set[Quality] = set()
    numbers: list[float] = []
    for row in records.rows:
        sent = next((value for take in takers if _says(value := take(row))), None)
        if sent is None:
            continue
        said += 1
        flags: list[Quality] = []
        try:
            listing, _ = reader.read(row, flags)
        except ListingRejected:
            continue
        if gives in listing or (target == "price_amount" and "price_status" in listing):
            read += 1
            flagged |= set(flags)
            if isinstance(found := listing.get(gives), (int, float)):
                numbers.append(float(found))
        else:
            unread[str(sent)[:80]] += 1
    return Trial(
        said,
        read,
        unread,
        Quality.CURRENCY_DEFAULTED in flagged,
        Quality.UNIT_DEFAULTED in flagged,
        tuple(numbers),
    )
