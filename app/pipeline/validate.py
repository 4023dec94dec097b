"""A record with our own field names, checked against the canonical listing.

The schema is built from `app.model.listing.FIELDS`. Text formats bring numbers as text ("2019"), so numbers are taken
in either form; what is not a number, a known code or in range is a problem, and all problems are told. Fields that
nobody declared are ignored. Names may differ in case, and have blanks or hyphens for underscores.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from pydantic_core import ValidationError

from app.errors import FailureCode, Problem
from app.model.listing import ALIASES, BY_NAME, SENT, Field, Kind
from app.pipeline.columns import own_key
from app.pipeline.own_texts import read_texts, read_word_of
from app.pipeline.schema import LAX, STRICT, expected
from app.pipeline.values.codes import COUNTRY_SYNONYMS
from app.pipeline.values.dates import parse_month, parse_timestamp, rfc3339
from app.pipeline.values.ids import LOST_DIGITS, NUMBERED, LostDigits, id_text, is_plain
from app.pipeline.values.text import clean, clean_lines, excerpt, http_urls, is_null

Listing = dict[str, Any]
"""A listing being made: our field names, JSON values."""

_GROUPED_FIELDS = tuple(
    name
    for name in (*BY_NAME, *ALIASES)
    if ALIASES.get(name, name).startswith(("price_", "mileage_")) and name not in ("price_currency", "price_status")
)
_GROUPED = re.compile(r"[1-9][0-9]{0,2}(?:\.[0-9]{3})+")
"""Points that group: no vehicle costs, or has run, so much to the thousandth."""
_LIST_SEPARATOR = "|"
_MOST_ENTRIES = 2_000
"""Of a list, so many are looked at; a hundred different ones are kept."""
_MOST_CHARACTERS = 100_000
"""Of a text; a description is longest, and what of it is kept is less."""
_LONG_NAME = 60
_MOST_NAMES = 4_000
"""Of a record, as of a CSV file's header, that are looked at one by one."""
OURS = frozenset(field.name for field in SENT) | ALIASES.keys()
_ZERO_IS_UNKNOWN = tuple(field.name for field in SENT if field.low == 1)


def own_names(names: Iterable[str]) -> dict[str, str]:
    """Names that are ours but for case, blanks and hyphens: as sent → as declared; exact ones are left out, and
    of two that mean the same the first counts. Of thousands of names only the first are looked at."""
    sent = list(names)
    taken = OURS.intersection(sent)
    found: dict[str, str] = {}
    for name in sent[:_MOST_NAMES]:
        if name not in taken and len(name) < _LONG_NAME:
            ours = own_key(name)
            if ours in OURS and ours not in taken:
                found.setdefault(ours, name)
    return {name: ours for ours, name in found.items()}


def validate(record: Mapping[str, object]) -> tuple[Listing, list[Problem]]:
    """Our fields of `record`, typed, and every problem with it; a field with a problem is left out.

    Nulls and empty texts count as absent, and so does 0 where there is no such thing (doors, power, …). Text is
    stripped but otherwise as sent. Presence of required fields, and what depends on the date or on other fields, is
    not looked at here.
    """
    if record.get("year").__class__ is not str:
        try:
            listing: Listing = STRICT.validate_python(record)
        except ValidationError:
            pass
        else:
            if _has_plain_ids(listing) and _dates(listing):
                return listing, []
    try:
        listing = LAX.validate_python(_mended(record))
    except ValidationError:
        return validate_tidied(record)
    return (listing, []) if _has_plain_ids(listing) and _dates(listing) else validate_tidied(record)


def validate_tidied(record: Mapping[str, object]) -> tuple[Listing, list[Problem]]:
    """As `validate`, after forgivable slips are mended: control characters, blanks, case of codes, text lists.

    Words for "not known" count as absent; common words of enumerated fields, and amounts, odometers and engine figures
    as people write them ("12.900 €", "73,556 miles"), are understood where they can mean one thing only.
    """
    given: Listing = {}
    problems: list[Problem] = []
    for name, value in record.items():
        field = BY_NAME.get(ALIASES.get(name, name))
        if field is not None and field.sent and (name not in ALIASES or field.name not in given):
            try:
                tidied = id_text(value) if field.name in NUMBERED else value
            except LostDigits:
                problems.append(Problem(FailureCode.FIELD_INVALID, field.name, LOST_DIGITS, excerpt(value)))
                continue
            tidied = _tidy(field, tidied)
            if tidied is not None and tidied != "" and not (tidied == 0 and field.low == 1):
                given[field.name] = tidied
    read_texts(given)
    try:
        listing: Listing = LAX.validate_python(given)
    except ValidationError as error:
        wrong = dict.fromkeys(str(line["loc"][0]) for line in error.errors(include_url=False))
        problems.extend(_problem(BY_NAME[name], given.pop(name)) for name in wrong)
        listing = LAX.validate_python(given)
    _dates(listing, problems)
    return listing, problems


def _has_plain_ids(listing: Listing) -> bool:
    """False when a number may have been written as an id; then what was sent has to be seen."""
    for name in NUMBERED:
        text = listing.get(name)
        if text is not None and not text.isdigit() and not is_plain(text):
            return False
    return True


def _mended(record: Mapping[str, object]) -> Listing:
    """Without what counts as absent, and with the lists that a text format wrote as one value taken apart."""
    given = {name: value for name, value in record.items() if value is not None and value != ""}
    for name in _ZERO_IS_UNKNOWN:
        if given.get(name) in (0, "0"):
            del given[name]
    for name in _GROUPED_FIELDS:
        value = given.get(name)
        if value.__class__ is str and str(value)[-4:-3] == "." and _GROUPED.fullmatch(str(value)):
            given[name] = str(value).replace(".", "")
    for name in ("features", "image_urls"):
        value = given.get(name)
        if value.__class__ is str:
            given[name] = _split(str(value))
    location = given.get("location")
    if location.__class__ is str:
        given["location"] = _point(str(location))
    return given


def _point(text: str) -> dict[str, str]:
    lat, _, lon = text.partition(",")
    return {"lat": lat.strip(), "lon": lon.strip()}


def _split(value: str) -> list[str]:
    parts = value.split(_LIST_SEPARATOR, _MOST_ENTRIES)[:_MOST_ENTRIES]
    return [part for part in (part.strip() for part in parts) if part]


def _tidy(field: Field, value: object) -> object:
    if isinstance(value, bool):
        return str(value).lower()  # so that no number is made of it
    if field.kind in (Kind.TEXTS, Kind.URLS):
        parts = _split(value) if isinstance(value, str) else value
        if not isinstance(parts, (list, tuple)):
            return parts
        looked_at = (clean(p[:_MOST_CHARACTERS]) if isinstance(p, str) else p for p in parts[:_MOST_ENTRIES])
        texts = [part for part in looked_at if part not in ("", None)]
        return http_urls(texts) if field.kind is Kind.URLS and all(isinstance(t, str) for t in texts) else texts
    if field.kind is Kind.POINT and isinstance(value, str):
        return _point(value) if value.strip() else None
    return _tidy_text(field, value) if isinstance(value, str) else value


def _tidy_text(field: Field, value: str) -> str:
    value = value[:_MOST_CHARACTERS]
    text = clean_lines(value) if field.name == "description" else clean(value)
    if is_null(text):
        return ""
    if field.kind is Kind.ENUM:
        return read_word_of(field, text)
    if field.kind in (Kind.COUNTRY, Kind.CURRENCY):
        text = text.upper()
        return COUNTRY_SYNONYMS.get(text, text) if field.kind is Kind.COUNTRY else text
    return "" if field.low == 1 and text == "0" else text


def _dates(listing: Listing, problems: list[Problem] | None = None) -> bool:
    """Bring dates into their one form; False when one is none (told in `problems`, and left out)."""
    fine = True
    if "listed_at" not in listing and "updated_at" not in listing and "first_registration" not in listing:
        return fine
    for name in ("listed_at", "updated_at"):
        value = listing.get(name)
        if value is None or (value.__class__ is str and _is_rfc3339(value)):
            continue
        moment = parse_timestamp(_midnight(value))
        if moment is None:
            fine = _refuse(listing, name, problems)
        else:
            listing[name] = rfc3339(moment)
    month = listing.get("first_registration")
    if month is not None:
        parsed = parse_month(month)
        if parsed is None:
            fine = _refuse(listing, "first_registration", problems)
        else:
            listing["first_registration"] = parsed
    return fine


def _is_rfc3339(text: str) -> bool:
    """True for the form we write ourselves, `2026-05-01T08:30:00Z`; others take the long way."""
    if len(text) != 20 or text[19] != "Z" or text[10] != "T" or text[4] != "-":
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _midnight(value: object) -> object:
    return value.isoformat() if isinstance(value, date) and not isinstance(value, datetime) else value


def _refuse(listing: Listing, name: str, problems: list[Problem] | None) -> bool:
    value = listing.pop(name)
    if problems is not None:
        problems.append(_problem(BY_NAME[name], value))
    return False


def _problem(field: Field, value: object) -> Problem:
    return Problem(FailureCode.FIELD_INVALID, field.name, expected(field), excerpt(value))
