"""How years, months and moments are written in a column, as the options of a rule; what could be two things is left."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from app.ops.feeds_guess.records import Records

Options = dict[str, object]

_MOST = 0.9
_ENOUGH = 0.5
_DATE = re.compile(r"\d{4}[-/.]\d\d?(?:[-/.]\d\d?)?(?:[T ].*)?|\d\d?[./-](?:\d\d?[./-])?\d{4}(?: .*)?")
_YEAR = re.compile(r"(?:19[0-9]|20[0-4])\d(?:\.0+)?")
_ONE_YEAR = re.compile(r"(?:.*\D)?(?:19[0-9]|20[0-4])\d(?:\D.*)?", re.DOTALL)
_PAIR = re.compile(r"(\d{4})\s*[/-]\s*(\d{4})")
_SHORT_PAIR = re.compile(r"(\d{4})\s*[/-]\s*(\d\d)")
_PACKED = re.compile(r"(?:19|20)\d\d(?:0[1-9]|1[0-2])[0-3]\d")
"""20140306."""
_SLASHED = re.compile(r"(\d\d?)([/.-])(\d\d?)\2(\d{4})(?:[ T,].*)?")
_TWELVE = 12
_FORMATS = ("%m/%d/%Y", "%m/%d/%Y %H:%M", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %I:%M:%S %p", "%m/%d/%Y %I:%M %p")
_TWO_YEARS = "doubtful: two years in one text, taken for the year of manufacture / the model year"


def are_years(texts: Sequence[str]) -> bool:
    """True for a column of nothing but years, whatever it is called."""
    return bool(texts) and sum(bool(_YEAR.fullmatch(text)) for text in texts) >= _MOST * len(texts)


def year_options(records: Records, target: str, path: str) -> tuple[Options, list[str]] | None:
    """Options and doubts for a column of years; None where its texts do not hold any, or hold ranges."""
    texts = records.values[path]
    if records.share(path, _YEAR) >= _ENOUGH:
        return {}, []
    if (kind := _pairs(texts)) is not None:
        if target == "build_year":
            return {"extract": r"^(\d{4})\s*[/-]"}, [_TWO_YEARS]
        if kind is _PAIR:
            return {"extract": r"^(?:\d{4}\s*[/-]\s*)?(\d{4})$"}, [_TWO_YEARS]
        return {"extract": r"^(\d{4})"}, ["doubtful: two years in one text; this is the first, the model year is later"]
    if any(_PAIR.fullmatch(text) for text in texts):
        return None
    if records.share(path, _DATE) >= _ENOUGH:
        return {"extract": r"\b(\d{4})\b"}, []
    if records.share(path, _ONE_YEAR) >= _MOST:
        return {"extract": r"(?:^|\D)((?:19|20)\d\d)(?:\D|$)"}, []
    return {}, []


def holds_pairs(texts: Sequence[str]) -> bool:
    """True for `2014/2015`: the year of manufacture and the model year in one text."""
    return _pairs(texts) is not None


def _pairs(texts: Sequence[str]) -> re.Pattern[str] | None:
    for pattern, modulus in ((_PAIR, 10_000), (_SHORT_PAIR, 100)):
        found = [(int(m[1]), int(m[2])) for text in texts if (m := pattern.fullmatch(text))]
        close = sum((second - first) % modulus in (0, 1) for first, second in found)
        if found and len(found) >= _ENOUGH * len(texts) and close == len(found):
            # 2011/12 could be a month; more than twelve of them there are not.
            months = pattern is _SHORT_PAIR and all(0 < second <= _TWELVE for _, second in found)
            return None if months else pattern
    return None


def order_of(records: Records) -> str | None:
    """`day` or `month`: what comes first in the dates of this sender, when one of them can only be read so."""
    found = set()
    for texts in records.values.values():
        for text in texts:
            if (match := _SLASHED.fullmatch(text)) is not None:
                first, second = int(match[1]), int(match[3])
                if first > _TWELVE >= second:
                    found.add("day")
                elif second > _TWELVE >= first:
                    found.add("month")
    return found.pop() if len(found) == 1 else None


def moment_options(records: Records, path: str, order: str | None, local: bool) -> Iterator[tuple[Options, list[str]]]:
    """Options to try in turn; `local`: the names are in a language of countries where the day comes first."""
    texts = records.values[path]
    yield {}, []
    if all(re.fullmatch(r"\d{10}", text) for text in texts):
        yield {"epoch_s": True}, []
    if all(map(_PACKED.fullmatch, texts)):
        yield {"formats": ["%Y%m%d"]}, []
    if not any(_SLASHED.fullmatch(text) for text in texts):
        return
    dotted = all(match[2] == "." for text in texts if (match := _SLASHED.fullmatch(text)))
    if order == "day" or (dotted and order is None):
        yield {"day_first": True}, []
    elif order == "month":
        yield {"formats": list(_FORMATS)}, []
    elif local:
        yield {"day_first": True}, ["doubtful: day or month first? Taken as the day, by the language of the names"]


def month_options(records: Records, path: str, order: str | None, local: bool) -> Iterator[tuple[Options, list[str]]]:
    """As `moment_options`, for months of registration, which have no formats of their own."""
    if all(map(_PACKED.fullmatch, records.values[path])):
        yield {"extract": r"^(\d{6})\d\d$"}, []
    for options, doubts in moment_options(records, path, order, local):
        if not options.keys() & {"formats", "epoch_s"}:
            yield options, doubts
