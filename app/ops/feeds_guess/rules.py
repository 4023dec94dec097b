"""Which column is which field: by its name first, then by trying out whether its values can be read as one.

A column is used for one field, but for few pairs of which both are told in one text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from app.model.listing import BY_NAME, Kind
from app.ops.feeds_guess.dates import holds_pairs, year_options
from app.ops.feeds_guess.enums import certified_options, says_certified
from app.ops.feeds_guess.fold import folded
from app.ops.feeds_guess.names import languages, score, spellings
from app.ops.feeds_guess.options import Sender, doubts, is_believed, typical, ways
from app.ops.feeds_guess.parents import may_be_image, may_be_page
from app.ops.feeds_guess.records import Guess, Records, Trial, trial
from app.ops.feeds_guess.words.makes import MAKES
from app.pipeline.profile import TARGETS

_ENOUGH = 0.5
_ENOUGH_WORDS = 0.3
"""Of the enumerated fields: the other words are told, and can be added."""
_ALMOST_ALL = 0.8
_WORDS_MAX = 30
"""A column with more different texts is none of words."""
_BY_VALUES = ("fuel_type", "transmission", "condition", "body_type", "drivetrain")
_ELSEWHERE = ("source_listing_id", "price_currency", "mileage_unit", "latitude", "longitude")
_FIRST = ("make", "model", "year", "price_amount")
"""They choose before the others, who could do without."""
_SEVERAL = {"image_urls": 25, "price_amount": 2}
"""Fields for which the next best columns count too, and how many of them."""
_SHARED = (
    frozenset({"engine_cc", "cylinders", "power_kw", "fuel_type"}),
    frozenset({"vehicle_type", "body_type"}),
)
"""Fields that one text may tell of."""
_IMAGE = re.compile(r"https?://\S+\.(?:jpe?g|png|webp|avif|gif)(?:[?#]\S*)?(?:[|,; ].*)?", re.IGNORECASE | re.DOTALL)
_PAGE = re.compile(r"https?://\S+")
_VIN = re.compile(r"[A-HJ-NPR-Z0-9]{17}")
_MONEY = re.compile(r"(?:[$€£₹₦₽¥]|R\$|\b(?:EUR|USD|GBP|CAD|AED)\b).*\d|\d.*(?:[$€£₹₦₽¥]|\b(?:EUR|USD|GBP|CAD|AED)\b)")
_DISTANCE = re.compile(r"[\d.,\s\u00a0]+(?:km|mi|miles|км)\.?", re.IGNORECASE)
_NO_WORD = re.compile(r"^/|://|\d{4}")
_YEAR = re.compile(r"(?:19[5-9]|20[0-4])\d(?:\.0)?")
_SHAPES: dict[str, re.Pattern[str]] = {
    "vin": _VIN, "image_urls": _IMAGE, "source_url": _PAGE, "price_amount": _MONEY, "mileage": _DISTANCE, "year": _YEAR,
    "make": re.compile(rf"(?i)(?:{MAKES.replace('_', '[ -]')})"),
}  # fmt: skip
_SURELY = 60
"""The score from which a name says so."""
_OTHER_PRICES = {
    "list",
    "retail",
    "sale",
    "sales",
    "special",
    "original",
    "old",
    "net",
    "msrp",
    "new",
    "previous",
    "dealer",
}
_SHORT = 3
_SELLER = {"seller", "advertiser", "vendor", "vendeur", "venditore", "vendedor", "verkoper", "sprzedawcy", "prodejce",
           "predajcu", "prodavaca", "vanzator", "saljarens", "myyjan", "satici", "продавца"}  # fmt: skip
_BY_SHAPE = 20
"""The score of a column that nothing but its values speak for."""


@dataclass(frozen=True, slots=True)
class _Candidate:
    rating: float
    target: str
    path: str


def guess_fields(records: Records, sender: Sender) -> dict[str, Guess]:
    """A rule for every field for which there is a column; ids and headlines are looked at elsewhere."""
    found: dict[str, Guess] = {}
    taken: dict[str, set[str]] = {}
    targets = [*_FIRST, *(target for target in TARGETS if target not in (*_FIRST, *_ELSEWHERE))]
    rated = {target: _rated(records, target, sender) for target in targets}
    for named in (True, False):
        for target in _in_order(rated, named):
            guess = found.get(target) or _choose(records, target, rated[target], named, taken, sender)
            if guess is not None and target not in found:
                found[target] = guess
                for source in guess.sources:
                    taken.setdefault(source, set()).add(target)
    found |= _place(records)
    found |= _companions(records, found, sender)
    _add_certified(records, found)
    _add_build_year(records, found)
    _doubt_sellers(found)
    return found


def _in_order(rated: dict[str, list[_Candidate]], named: bool) -> Iterator[str]:
    """Fields by how sure their best column is; those that are required first."""
    best = {target: max((c.rating for c in found), default=0.0) for target, found in rated.items()}
    yield from (target for target in _FIRST if named or best[target])
    yield from sorted((target for target in rated if target not in _FIRST), key=lambda target: -best[target])


def _rated(records: Records, target: str, sender: Sender) -> list[_Candidate]:
    found = [
        _Candidate(rating, target, path)
        for path in records.values
        if (rating := _rating(records, target, path)) and (rating <= _BY_SHAPE or not _is_chance(path, sender))
    ]
    return sorted(found, key=lambda candidate: -candidate.rating)


def _is_chance(path: str, sender: Sender) -> bool:
    """A short name that only another language knows, as Danish `by` (town), in a file that is not in one."""
    name = min(filter(None, spellings(path)), key=len, default="")
    short = name.isascii() and len(name) <= _SHORT
    known = languages(path) if short and sender.language is None else set()
    return bool(known) and "english" not in known


def _choose(
    records: Records,
    target: str,
    candidates: Sequence[_Candidate],
    named: bool,
    taken: dict[str, set[str]],
    sender: Sender,
) -> Guess | None:
    free = [c for c in candidates if (c.rating > _BY_SHAPE) == named and _is_free(records, c, taken)]
    guess: Guess | None = None
    for candidate in free[: 40 if target == "image_urls" else 12]:
        if guess is not None and (target not in _SEVERAL or len(guess.sources) == _SEVERAL[target]):
            break
        tried = _tried(records, candidate, sender)
        if tried is None:
            continue
        if guess is None:
            guess = tried
        elif target == "image_urls" or _same_words(guess.sources[0], candidate.path):
            if candidate.rating > _BY_SHAPE and tried.options == guess.options:
                _add(records, guess, candidate.path)
        elif candidate.rating > _SURELY:
            guess.doubts.append(f"doubtful: {candidate.path} could be the price, too")
    return guess


def _add(records: Records, guess: Guess, path: str) -> None:
    """A further column; an amount that names its currency comes before one that does not."""
    says_more = (
        guess.target == "price_amount"
        and trial(records, guess.target, guess.options, guess.sources).currency_missing
        and not trial(records, guess.target, guess.options, [path]).currency_missing
    )
    guess.sources.insert(0 if says_more else len(guess.sources), path)


def _same_words(path: str, other: str) -> bool:
    """`price` and `price_numeric`: one amount, written twice."""
    words, others = (set(spellings(name)[-1].split()) for name in (path, other))
    every = {word for name in (path, other) for word in folded(name).split()}
    return (words <= others or others <= words) and not every & _OTHER_PRICES


def _is_free(records: Records, candidate: _Candidate, taken: dict[str, set[str]]) -> bool:
    users = taken.get(candidate.path, set())
    if not users or any(users | {candidate.target} <= group for group in _SHARED):
        return True
    pair = {"year", "build_year"}
    return users | {candidate.target} <= pair and holds_pairs(records.values[candidate.path])


def _tried(records: Records, candidate: _Candidate, sender: Sender) -> Guess | None:
    """The rule with the first options by which most of the column can be read."""
    target, path = candidate.target, candidate.path
    enough = _ENOUGH_WORDS if BY_NAME.get(target) and BY_NAME[target].kind is Kind.ENUM else _ENOUGH
    best: tuple[Trial, Guess] | None = None
    for options, told in ways(records, target, path, sender):
        tried = trial(records, target, options, [path], sender.country)
        if tried.read and tried.share >= enough and is_believed(target, tried):
            by_shape = ["doubtful: told by its values alone"] if candidate.rating <= _BY_SHAPE else []
            more = doubts(records, target, path, tried, options)
            if best is None or tried.read > best[0].read:
                best = tried, Guess(target, [path], options, [*by_shape, *told, *more])
    return None if best is None else best[1]


def _rating(records: Records, target: str, path: str) -> float:
    """By the name, and how many records say something; by the values where no name speaks."""
    texts = records.values[path]
    if not texts:
        return 0
    named = score(target, path)
    if target == "source_url" and records.share(path, _IMAGE) >= _ENOUGH:
        return 0
    if named:
        return named + 10 * records.filled(path)
    pattern = _SHAPES.get(target)
    if pattern is not None and records.share(path, pattern) >= _ENOUGH and records.filled(path) > _ENOUGH_WORDS:
        fits = _fits_shape(target, path, texts)
        return _BY_SHAPE * records.filled(path) * (1 - 0.5 / (1 + typical(texts))) if fits else 0
    if target in _BY_VALUES and len(set(texts)) <= _WORDS_MAX and records.filled(path) > _ENOUGH_WORDS:
        tried = trial(records, target, {}, [path])
        return _BY_SHAPE - 5 if tried.share >= _ALMOST_ALL and _are_words(texts) else 0
    return 0


def _fits_shape(target: str, path: str, texts: Sequence[str]) -> bool:
    """Pages are different for every vehicle; addresses of other things are not meant."""
    if target == "source_url":
        return may_be_page(path) and len(set(texts)) >= _ALMOST_ALL * len(texts)
    return target != "image_urls" or may_be_image(path)


def _are_words(texts: Sequence[str]) -> bool:
    """Words, and not the letters and answers that mean something in one column only."""
    return all(sum(letter.isalpha() for letter in text) > 2 for text in texts) and not any(
        text.casefold() in ("yes", "true", "false", "none") or _NO_WORD.search(text) for text in texts
    )


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


def _companions(records: Records, found: dict[str, Guess], sender: Sender) -> dict[str, Guess]:
    """The columns of currency and of the odometer's unit, where price and mileage are there."""
    companions = {}
    for target, main in (("price_currency", "price_amount"), ("mileage_unit", "mileage")):
        guess = _choose(records, target, _rated(records, target, sender), True, {}, sender) if main in found else None
        if guess is not None:
            companions[target] = guess
    return companions


def _add_certified(records: Records, found: dict[str, Guess]) -> None:
    """A column that says yes to "certified?" comes before the one of the condition."""
    for path, texts in records.values.items():
        options = certified_options(texts) if any(map(says_certified, spellings(path))) else None
        condition = found.get("condition")
        if options is not None and condition is not None and not condition.options and path not in condition.sources:
            condition.sources.insert(0, path)
            condition.options |= options
            return


def _add_build_year(records: Records, found: dict[str, Guess]) -> None:
    """The first of two years in one text, of which the second is the model year."""
    year = found.get("year")
    if year is not None and "build_year" not in found and holds_pairs(records.values[year.sources[0]]):
        options = year_options(records, "build_year", year.sources[0])
        if options is not None:
            found["build_year"] = Guess("build_year", year.sources[:1], *options)


def _doubt_sellers(found: dict[str, Guess]) -> None:
    """What is said of a seller may be said of a person, whose name and number are never stored."""
    for target in ("dealer_name", "dealer_id"):
        guess = found.get(target)
        if guess is not None and "seller_type" not in found and _SELLER & set(folded(guess.sources[0]).split()):
            guess.doubts.append("doubtful: sellers may be persons; if all are dealers say seller_type: {const: dealer}")
