"""A declared profile as a reader of records."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache

import orjson

from app.errors import FailureCode, ListingRejected, Problem
from app.model.listing import BY_NAME, Quality
from app.pipeline.columns import Column, Row, column, column_key, loose_key
from app.pipeline.pattern import compiled
from app.pipeline.profile import Format, Part, Profile, Reject
from app.pipeline.profile_rules import Unread, compile_rules
from app.pipeline.schema import expected
from app.pipeline.validate import Listing, validate
from app.pipeline.values.ids import LOST_DIGITS, NUMBERED, has_lost_digits
from app.pipeline.values.text import excerpt

_LONG = 1000
"""Longer column names are nobody's, and longer texts are not taken apart: both are remembered."""
_LOOKED_AT = 20_000
"""Characters of a text in which what makes a row no vehicle is looked for."""
_REQUIRED = ("source_listing_id", "make", "model", "year", "first_registration")


@lru_cache(maxsize=512)
def reader_for(profile: Profile) -> ProfileReader:
    """The reader of a profile, compiled on first use."""
    return ProfileReader(profile)


class ProfileReader:
    """Reads the records of one profile's files; keeps nothing of a record but repeated words."""

    def __init__(self, profile: Profile) -> None:
        self._key = name_key(profile.format)
        self._renames = None if self._key is None else lru_cache(maxsize=4096)(self._key)
        self._json_cells = tuple(map(self._key or str, profile.format.json_cells))
        self._country = profile.defaults.country
        self._parts = [self._part(name, part) for name, part in profile.parts.items()]
        self._rejects = [self._reject(reject) for reject in profile.reject]
        rules = compile_rules(profile, self._column)
        self._rules = [rule for _, rule in rules]
        self._id = dict(rules)["source_listing_id"]
        self.unread: Unread = {}
        """Of the record read last: what made no sense, by field."""
        self.derives_id = bool(profile.fields["source_listing_id"].fingerprint)
        """The sender names no ids: equal vehicles have equal ones, and somebody has to tell them apart."""

    def read(self, value: Mapping[str, object], flags: list[Quality]) -> tuple[Listing, list[Problem]]:
        """Our fields of a sender's record, typed, and the problems with required ones.

        Optional values that make no sense are left out and flagged. Raises `ListingRejected` for a row that the
        profile declares to be no vehicle.
        """
        row = self._row(value)
        for reject in self._rejects:
            reject(row)
        found: Listing = {}
        unread = self.unread = {}
        for rule in self._rules:
            rule(row, found, flags, unread)
        if self._country is not None and "country" not in found:
            found["country"] = self._country
        location = found.get("location")
        if location is not None and (len(location) < 2 or not any(location.values())):
            del found["location"]  # half a place is none, and 0,0 is what "unknown" becomes in a number
        return _conclude(found, flags, unread)

    def id_of(self, value: Mapping[str, object]) -> str | None:
        """The sender's id of a refused record, for the reject."""
        listing: Listing = {}
        self._id(self._row(value), listing, [], {})
        return listing.get("source_listing_id")

    def _row(self, value: Mapping[str, object]) -> Row:
        if self._renames is None and not self._parts and not self._json_cells:
            return value
        row = dict(value) if self._renames is None else self._renamed(value, self._renames)
        for name in self._json_cells:
            text = row.get(name)
            if isinstance(text, str) and text[:1] in ("{", "["):
                row[name] = _unpacked(text)
        for part in self._parts:
            row.update(part(row))
        return row

    def _renamed(self, value: Mapping[str, object], key: Callable[[str], str]) -> dict[str, object]:
        return {key(name): v for name, v in value.items() if len(name) < _LONG}

    def _column(self, name: str) -> Column:
        return column(name, self._key)

    def _part(self, name: str, part: Part) -> Callable[[Row], dict[str, object]]:
        """The groups of a column as columns of their own, named `$part.group`; repeated texts are remembered."""
        columns = [self._column(source) for source in part.source]
        pattern = compiled(part.match)

        @lru_cache(maxsize=1024)
        def groups(text: str) -> dict[str, object]:
            return {f"${name}.{group}": found for group, found in (pattern.named(text) or {}).items()}

        def read(row: Row) -> dict[str, object]:
            for take in columns:
                text = take(row)
                if isinstance(text, str) and len(text) < _LONG and (found := groups(text)):
                    return found
            return {}

        return read

    def _reject(self, reject: Reject) -> Callable[[Row], None]:
        columns = [(name, self._column(name)) for name in reject.source]
        pattern = compiled(reject.match)

        def check(row: Row) -> None:
            for name, take in columns:
                text = take(row)
                if isinstance(text, str) and pattern.is_in(text[:_LOOKED_AT]):
                    problem = Problem(
                        FailureCode.NOT_A_VEHICLE, name, f"a vehicle; this is {reject.because}", excerpt(text)
                    )
                    raise ListingRejected([problem])

        return check


def name_key(form: Format) -> Callable[[str], str] | None:
    """What brings column names into the form in which the format compares them; None: they count as they are."""
    if form.loose_names:
        return loose_key
    return column_key if form.ignore_case else None


def _unpacked(text: str) -> object:
    """What the JSON in a cell says; the text itself when it is none."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def _conclude(found: Listing, flags: list[Quality], unread: Unread) -> tuple[Listing, list[Problem]]:
    """Check the typed values; what is wrong with an optional field costs the field, not the listing."""
    listing, problems = validate(found)
    for problem in problems:
        unread.setdefault(str(problem.field), problem.got)
    if not unread:
        return listing, []
    flags.append(Quality.VALUE_UNREAD)
    lost = [name for name in NUMBERED if name in unread and has_lost_digits(unread[name])]
    dated = "year" in listing or "first_registration" in listing
    needed = [name for name in _REQUIRED if name in unread and name not in listing and name not in lost]
    refused = [name for name in needed if not (dated and name in ("year", "first_registration"))]
    return listing, [
        Problem(FailureCode.FIELD_INVALID, name, told, excerpt(unread[name]))
        for name, told in ((*((n, LOST_DIGITS) for n in lost), *((n, expected(BY_NAME[n])) for n in refused)))
    ]
