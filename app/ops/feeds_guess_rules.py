"""Which column is which field: by its name first, then by trying out whether its values can be read as one."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from app.errors import ListingRejected
from app.model.listing import BY_NAME, Kind, Quality
from app.ops.feeds_columns import paths
from app.ops.feeds_guess_names import header_currency, header_unit, score
from app.pipeline.columns import column
from app.pipeline.profile import TARGETS, Defaults, Profile
from app.pipeline.profile_reader import reader_for
from app.pipeline.values.text import is_null

_LOOKED_AT = 500
"""Characters of a text."""
_TRIED = 200
"""Records that a rule is tried on."""
_ENOUGH = 0.5
_ENOUGH_WORDS = 0.3
"""Of the enumerated fields: the other words are told, and can be added."""
_SURE = 0.9
_WORDS_MAX = 30
"""A column with more different texts is none of words."""
_GIVES = {"mileage": "mileage_value", "latitude": "location", "longitude": "location"}
_BY_VALUES = ("fuel_type", "transmission", "condition", "body_type", "drivetrain")
_SEVERAL = {"image_urls": 25, "price_amount": 2}
"""Fields for which the next best columns count too, and how many of them."""
_IMAGE = re.compile(r"https?://\S+\.(?:jpe?g|png|webp|avif)(?:[?#]\S*)?", re.IGNORECASE)
_PAGE = re.compile(r"https?://\S+")
_VIN = re.compile(r"[A-HJ-NPR-Z0-9]{17}")
_MONEY = re.compile(r"(?:[$€£₹₦₽¥]|R\$|\b(?:EUR|USD|GBP|CAD|AED)\b).*\d|\d.*(?:[$€£₹₦₽¥]|\b(?:EUR|USD|GBP|CAD|AED)\b)")
_DISTANCE = re.compile(r"[\d.,\s\u00a0]+(?:km|mi|miles|км)\.?", re.IGNORECASE)
_DATE = re.compile(r"\d{4}-\d\d?(?:-\d\d?)?(?:[T ].*)?|\d\d?[./]\d\d?[./]\d{4}")
_YEAR = re.compile(r"(?:19[5-9]|20[0-4])\d(?:\.0)?")
_SHAPES: dict[str, tuple[re.Pattern[str], ...]] = {
    "vin": (_VIN,), "image_urls": (_IMAGE,), "source_url": (_PAGE,), "price_amount": (_MONEY,), "mileage": (_DISTANCE,),
    "year": (_YEAR,),
}  # fmt: skip
_SMALL = 0.1
"""Of an amount in thousands."""
_BY_SHAPE = 20
"""The score of a column that nothing but its values speak for."""


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


def trial(records: Records, target: str, options: Mapping[str, object], sources: Sequence[str]) -> Trial:
    """Reads the sample by this one rule; an amount without a currency is taken as one of US dollars."""
    rule = {"from": list(sources), **options}
    profile = Profile.model_validate(
        {
            "name": "guess",
            "description": "guess",
            "source": "guess",
            "match": [{}],
            "defaults": Defaults(currency="USD"),
            "fields": {"source_listing_id": {"const": "1"}, target: rule},
        }
    )
    reader, gives = reader_for(profile), _GIVES.get(target, target)
    takers = [column(name) for name in sources]
    said = read = 0
    unread: Counter[str] = Counter()
    flagged: set[Quality] = set()
    for row in records.rows:
        sent = next((value for take in takers if not is_null(str(value := take(row))) and value is not None), None)
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
        else:
            unread[str(sent)[:80]] += 1
    return Trial(said, read, unread, Quality.CURRENCY_DEFAULTED in flagged, Quality.UNIT_DEFAULTED in flagged)


def guess_fields(records: Records) -> dict[str, Guess]:
    """A rule for every field for which there is a column; ids and headlines are looked at elsewhere."""
    found: dict[str, Guess] = {}
    for target in TARGETS:
        if target in ("source_listing_id", "price_currency", "mileage_unit", "latitude", "longitude"):
            continue
        guess = _best(records, target)
        if guess is not None:
            found[target] = guess
    found |= _place(records)
    found |= _companions(records, found)
    return found


def _best(records: Records, target: str) -> Guess | None:
    rated = [(rating, path) for path in records.values if (rating := _rating(records, target, path)) > 0]
    rated.sort(key=lambda entry: (-entry[0], list(records.values).index(entry[1])))
    chosen: list[str] = []
    guess: Guess | None = None
    for rating, path in rated[: 40 if target == "image_urls" else 8]:
        options = _options(target, path, records)
        tried = trial(records, target, options, [path])
        enough = _ENOUGH_WORDS if BY_NAME.get(target) and BY_NAME[target].kind is Kind.ENUM else _ENOUGH
        if not tried.read or tried.share < enough:
            continue
        if guess is None:
            guess = Guess(target, chosen, options, _doubts(records, target, path, rating, tried))
        elif options != guess.options or rating <= _BY_SHAPE:
            continue
        chosen.append(path)
        if len(chosen) == _SEVERAL.get(target, 1):
            break
    return guess


def _rating(records: Records, target: str, path: str) -> float:
    """By the name, and how many records say something; by the values where no name speaks."""
    texts = records.values[path]
    if not texts:
        return 0
    named = score(target, path)
    if named:
        return named + 10 * records.filled(path)
    for pattern in _SHAPES.get(target, ()):
        if records.share(path, pattern) >= _ENOUGH and records.filled(path) > _ENOUGH_WORDS:
            return _BY_SHAPE * records.filled(path) * (1 - 0.5 / (1 + _typical(texts)))
    if target in _BY_VALUES and len(set(texts)) <= _WORDS_MAX and records.filled(path) > _ENOUGH_WORDS:
        tried = trial(records, target, {}, [path])
        return _BY_SHAPE - 5 if tried.share >= _SURE - 0.1 and _are_words(texts) else 0
    return 0


def _are_words(texts: Sequence[str]) -> bool:
    return all(any(letter.isalpha() for letter in text) for text in texts)


def _typical(texts: Sequence[str]) -> float:
    """The middle one of the amounts, in thousands: a price is the largest of several amounts of a listing."""
    numbers = sorted(float("0" + re.sub(r"\D", "", re.sub(r"[.,]\d\d?$", "", text))[:12]) for text in texts)
    return numbers[len(numbers) // 2] / 1000


def _options(target: str, path: str, records: Records) -> dict[str, object]:
    unit, currency = header_unit(path), header_currency(path)
    if target == "mileage" and unit in ("km", "mi"):
        return {"unit": unit}
    if target == "power_kw" and unit in ("kw", "ps", "hp"):
        return {"unit": unit}
    if target in ("year", "build_year") and records.share(path, _DATE) >= _ENOUGH:
        return {"extract": r"\b(\d{4})\b"}
    if target in ("price_amount", "price_msrp") and currency is not None:
        return {"currency": currency}
    if target in ("features", "image_urls"):
        separator = _separator(records.values[path], target)
        return {} if separator is None else {"separator": separator}
    return {}


def _separator(texts: Sequence[str], target: str) -> str | None:
    for mark in ("|", ";", ","):
        if sum(mark in text for text in texts) > len(texts) / 2:
            return None if target == "image_urls" and not all(re.match("https?:", text) for text in texts) else mark
    return None


def _doubts(records: Records, target: str, path: str, rating: float, tried: Trial) -> list[str]:
    doubts = []
    if rating <= _BY_SHAPE:
        doubts.append("doubtful: told by its values alone")
    if target == "price_amount" and _typical(records.values[path]) < _SMALL:
        doubts.append("doubtful: the amounts are small; thousands, or lakh? Then say scale: 1000, or 100000")
    if tried.share < _SURE:
        doubts.append(f"doubtful: understood in {tried.read:,} of {tried.said:,} records that say something")
    if tried.unread:
        words = ", ".join(repr(word[:40]) for word, _ in tried.unread.most_common(5))
        doubts.append(f"not understood: {words}")
    return doubts


def _place(records: Records) -> dict[str, Guess]:
    """Both halves of a place, or none."""
    found = {}
    for target, most in (("latitude", 90.0), ("longitude", 180.0)):
        fitting = [path for path in records.values if score(target, path) and _are_degrees(records.values[path], most)]
        if fitting:
            found[target] = Guess(target, [max(fitting, key=lambda path: score(target, path))])
    return found if len(found) == 2 else {}


def _are_degrees(texts: Sequence[str], most: float) -> bool:
    return bool(texts) and all(
        re.fullmatch(r"-?\d{1,3}(?:\.\d+)?", text) and abs(float(text)) <= most for text in texts
    )


def _companions(records: Records, found: Mapping[str, Guess]) -> dict[str, Guess]:
    """The columns of currency and of the odometer's unit, where price and mileage are there."""
    companions = {}
    for target, main in (("price_currency", "price_amount"), ("mileage_unit", "mileage")):
        guess = _best(records, target) if main in found else None
        if guess is not None:
            companions[target] = guess
    return companions
