"""The options that a column needs for a field, and what is doubtful about it then."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from app.model.listing import BY_NAME, Kind
from app.ops.feeds_guess.dates import Options, are_years, moment_options, month_options, order_of, year_options
from app.ops.feeds_guess.enums import word_options
from app.ops.feeds_guess.fold import folded
from app.ops.feeds_guess.language import Language, language_of
from app.ops.feeds_guess.names import score
from app.ops.feeds_guess.records import Records, Trial
from app.ops.feeds_guess.units import header_currency, header_scale, header_unit
from app.ops.feeds_guess.words.makes import MAKES
from app.pipeline.values.words import read_word

_SURE = 0.9
_FEW = 3
_SMALL = 0.1
"""Of an amount in thousands."""
_SMALL_MILEAGE = 1000
_MAKE = re.compile(rf"(?i)(?:{MAKES.replace('_', '[ -]')})\b.*")
_MAKES_BELIEVED = 0.5
_BARE_SMALL = re.compile(r"1?\d")
_BELIEVED: dict[str, tuple[float, float]] = {
    "engine_cc": (49, 9_500), "power_kw": (15, 1_500), "doors": (1, 7), "seats": (1, 90), "cylinders": (1, 16),
    "vat_rate": (1, 30), "price_amount": (1, 10**11),
}  # fmt: skip
"""What nearly all numbers of a column are within, or it is about something else."""
_MIL = {"mil", "miltal"}
_SEVERAL_ADDRESSES = re.compile(r"https?://[^|;,\s]+\s?([|;,])\s*https?://")
_PLACES = ("city", "region")


@dataclass(frozen=True, slots=True)
class Sender:
    """What the whole file says of who wrote it."""

    language: Language | None
    date_order: str | None

    @classmethod
    def of(cls, records: Records) -> Sender:
        return cls(language_of(records.values), order_of(records))

    @property
    def country(self) -> str | None:
        return None if self.language is None else self.language.country


def ways(records: Records, target: str, path: str, sender: Sender) -> Iterator[tuple[Options, list[str]]]:
    """Options to try in turn for a field from a column, and what is doubtful about each; none: it is another field."""
    texts = records.values[path]
    if target in ("year", "build_year"):
        found = year_options(records, target, path)
        if found is not None:
            yield found
    elif target in ("listed_at", "updated_at"):
        yield from moment_options(records, path, sender.date_order, sender.language is not None)
    elif target == "first_registration":
        yield from month_options(records, path, sender.date_order, sender.language is not None)
    elif target in BY_NAME and BY_NAME[target].kind is Kind.ENUM:
        yield word_options(target, texts, sender.language is None)
    elif target in ("features", "image_urls"):
        separator = None if records.is_list(path) else _separator(texts, target)
        if target == "image_urls" and len(texts) > _FEW and 2 * len(set(texts)) < len(texts):
            return  # a placeholder for what has no picture
        yield ({} if separator is None else {"separator": separator}), []
    elif not _is_other(target, path, texts):
        yield _measured(target, path, texts)


def _is_other(target: str, path: str, texts: Sequence[str]) -> bool:
    """True for a column whose values belie its name: years as a model, four as the engine's size, dealers as makes."""
    if target in ("model", "make", "price_amount"):
        weak = target == "make" and score("dealer_name", path) > 0
        makes = sum(bool(_MAKE.match(text)) for text in texts)
        return are_years(texts) or (weak and makes < _MAKES_BELIEVED * len(texts))
    if target == "region":
        conditions = sum(len(text) > 2 and read_word("condition", text, {}) is not None for text in texts)
        return 2 * conditions >= len(texts)
    if target == "engine_cc":
        return header_unit(path, target) is None and all(_BARE_SMALL.fullmatch(text) for text in texts)
    if target == "mileage":
        return header_scale(path) is not None or _counts_mil(path, texts)
    return False


def _counts_mil(path: str, texts: Sequence[str]) -> bool:
    """Plain numbers of Scandinavian mil, ten kilometres each, for which profiles have no unit."""
    return bool(_MIL & set(folded(path).split())) and 2 * sum(map(str.isalpha, (text[-1] for text in texts))) < len(
        texts
    )


def _measured(target: str, path: str, texts: Sequence[str]) -> tuple[Options, list[str]]:
    """Units, currency and scale by the column's name."""
    options: Options = {}
    unit, currency, scale = header_unit(path, target), header_currency(path), header_scale(path)
    if target in ("mileage", "power_kw") and unit is not None:
        options["unit"] = unit
    if target in ("price_amount", "price_msrp", "price_previous", "price_net"):
        if currency is not None:
            options["currency"] = currency
        if scale is not None:
            return {**options, "scale": scale}, [f"doubtful: in units of {scale:,} by its name"]
    return options, []


def _separator(texts: Sequence[str], target: str) -> str | None:
    if target == "image_urls":
        marks = (match[1] for text in texts if (match := _SEVERAL_ADDRESSES.match(text)))
        return next(marks, None)
    return next((mark for mark in ("|", ";", ",") if sum(mark in text for text in texts) > len(texts) / 2), None)


def is_believed(target: str, tried: Trial) -> bool:
    """False where what was read can not be what the field means."""
    if target not in _BELIEVED or not tried.numbers:
        return True
    low, high = _BELIEVED[target]
    return sum(low <= number <= high for number in tried.numbers) >= _SURE * len(tried.numbers)


def typical(texts: Sequence[str]) -> float:
    """The middle one of the amounts, in thousands: a price is the largest of several amounts of a listing."""
    numbers = sorted(float("0" + re.sub(r"\D", "", re.sub(r"[.,]\d\d?$", "", text))[:12]) for text in texts)
    return numbers[len(numbers) // 2] / 1000


def doubts(records: Records, target: str, path: str, tried: Trial, options: Options) -> list[str]:
    """What a person should look at in a rule that reads most of a column."""
    found = []
    if target == "price_amount" and "scale" not in options and typical(records.values[path]) < _SMALL:
        found.append("doubtful: the amounts are small; thousands, or lakh? Then say scale: 1000, or 100000")
    if target == "price_amount" and score("price_msrp", path):
        found.append("doubtful: a list price; is it what is asked, or the price when new (price_msrp)?")
    if target == "mileage" and 0 < _middle(tried.numbers) < _SMALL_MILEAGE:
        found.append("doubtful: the numbers are small; new vehicles, thousands, or something else?")
    if target in _PLACES and any("," in text or " - " in text for text in records.values[path]):
        found.append("doubtful: more than a name; take it apart with parts")
    if tried.share < _SURE:
        found.append(f"doubtful: understood in {tried.read:,} of {tried.said:,} records that say something")
    if tried.unread:
        words = ", ".join(repr(word[:40]) for word, _ in tried.unread.most_common(5))
        found.append(f"not understood: {words}")
    return found


def _middle(numbers: Sequence[float]) -> float:
    return sorted(numbers)[len(numbers) // 2] if numbers else 0.0
