"""A profile: how one sender's files map to our record, as declared in `connectors/feeds/*.yaml`.

These are the declarations and their checks; `profile_reader` turns them into a reader of records. The format is
described in connectors/feeds/README.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    WithJsonSchema,
    field_validator,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from app.model.file import Compression, FileFormat
from app.model.listing import SENT, MileageUnit
from app.model.record import ReadHints
from app.pipeline.glob import glob
from app.pipeline.pattern import compiled
from app.pipeline.values.codes import COUNTRIES, CURRENCIES

VIRTUAL_TARGETS = ("mileage", "latitude", "longitude")
"""Targets that are no fields: an odometer with or without its unit, and the two halves of `location`."""
_NOT_TARGETS = {"source", "mileage_km", "mileage_value", "price_status", "location"}
TARGETS = tuple(field.name for field in SENT if field.name not in _NOT_TARGETS) + VIRTUAL_TARGETS


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _pattern(value: str) -> str:
    compiled(value)
    return value


def _pattern_without_case(value: str) -> str:
    compiled(value, ignore_case=True)
    return value


def _named_pattern(value: str) -> str:
    if not compiled(value).names:
        raise ValueError("expected a regular expression with named groups, as in (?P<city>…)")
    return value


def _known_currency(value: str | None) -> str | None:
    if value is not None and value not in CURRENCIES:
        raise ValueError("expected an ISO 4217 code such as EUR")
    return value


_TEXT_OR_TEXTS = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
Texts = Annotated[tuple[str, ...], BeforeValidator(_listed), WithJsonSchema(_TEXT_OR_TEXTS)]
Pattern = Annotated[
    str,
    Field(min_length=1, description="regular expression in Python's syntax, without lookaround and backreferences"),
    BeforeValidator(str),
]


class Declared(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Match(Declared):
    """Files that a profile is for. `*` stands for any run of characters (also `/`), `?` for one."""

    bucket: str = Field("*", min_length=1)
    key: str = Field("*", min_length=1)


class Format(Declared):
    """How to read the file; the content wins where it disagrees."""

    type: FileFormat | None = None
    encoding: str | None = Field(None, description="fallback when the file is not UTF-8, e.g. windows-1252")
    delimiter: str | None = Field(None, min_length=1, max_length=1, description="of CSV; absent: found by looking")
    header: tuple[str, ...] | None = Field(None, min_length=1, description="column names of CSV without a header row")
    records: str | None = Field(None, min_length=1, description="where the records are: vehicles[], cars.*")
    mend_ampersands: bool = Field(False, description="XML: a bare & is itself, HTML's entities are their characters")
    ignore_case: bool = Field(False, description="column names are compared without case and outer blanks")
    loose_names: bool = Field(False, description="ignore_case, and _ for blanks, and no g: in front")
    json_cells: Texts = Field((), description="columns whose texts may be JSON: then paths lead into them")

    @field_validator("encoding")
    @classmethod
    def _known(cls, value: str | None) -> str | None:
        try:
            "".encode(value or "utf-8")
        except LookupError:
            raise ValueError("expected a Python codec such as windows-1252") from None
        return value


class Defaults(Declared):
    """What the sender leaves unsaid. Taking currency or mileage unit from here is flagged on the listing."""

    currency: str | None = Field(None, description="ISO 4217; also what `$`, `kr`, `Rs` mean here")
    mileage_unit: MileageUnit | None = None
    country: str | None = Field(None, description="ISO 3166-1 alpha-2")
    years_ahead: int = Field(1, ge=0, le=3, description="latest model year: the current one plus this")

    _currency = field_validator("currency")(_known_currency)

    @field_validator("country")
    @classmethod
    def _country(cls, value: str | None) -> str | None:
        if value is not None and value not in COUNTRIES:
            raise ValueError("expected an ISO 3166-1 alpha-2 code such as DE")
        return value


class Delivery(Declared):
    """What a file of the sender stands for: some listings (increment), or all that it has (full).

    After a full feed, listings of its scope that are not in it are marked removed. When more than
    `shrink_free_count` and more than `shrink_max_share` of them would go, or all of them, it is held for a person.
    """

    kind: Literal["increment", "full"] = "increment"
    scope: Literal["sender", "folder", "key"] = Field(
        "sender", description="all listings of the source, or those from files of one folder, or from one key"
    )
    shrink_max_share: float = Field(0.3, ge=0, le=1, description="of the standing listings")
    shrink_free_count: int = Field(10, ge=0, description="so many may always go, unless they are all")

    @property
    def is_full(self) -> bool:
        return self.kind == "full"


class Part(Declared):
    """A column taken apart: its named groups can be used as `$part.group`."""

    source: Texts = Field(alias="from", min_length=1)
    match: Annotated[str, Field(min_length=1), BeforeValidator(str)]
    doubtful: bool = Field(False, description="a headline: what is taken from it is flagged read_from_text")

    _check = field_validator("match")(_named_pattern)


class Reject(Declared):
    """Rows that are no vehicles: refused with `not_a_vehicle`."""

    source: Texts = Field(alias="from", min_length=1)
    match: Pattern
    because: str = Field(min_length=1, description="what the row is, for the reject's message")

    _check = field_validator("match")(_pattern)


class WordPattern(Declared):
    """A value for texts in which `match` is found."""

    match: Pattern
    value: str

    _check = field_validator("match")(_pattern_without_case)


class Rule(Declared):
    """Where one field comes from and how it is read. The kind of value follows from the field."""

    source: Texts = Field((), alias="from", description="columns or paths; the first that says something wins")
    template: str | None = Field(None, description="several columns joined: {make} {model}; {trim?} may be missing")
    const: str | None = None
    fingerprint: Texts = Field((), description="an id made of columns that never change, for senders without ids")
    replace: dict[str, str] = Field({}, description="text → text, wherever it stands, before anything else")
    extract: Annotated[str | None, Field(description="the text that counts: first group, or the whole match")] = None
    accept: Annotated[str | None, Field(description="texts that do not match as a whole count as unknown")] = None
    ignore: Texts = Field((), description="texts that count as unknown, without case")
    values: dict[str, str] = Field({}, description="word → our value, without case; an empty value: unknown")
    patterns: tuple[WordPattern, ...] = Field((), description="tried in order when no word fits")
    common_words: bool = Field(True, description="also take the common words of the enumerated fields")
    corrections: dict[str, str] = Field({}, description="misspelling → spelling; flagged make_fuzzy")
    unshout: bool = Field(False, description="words in capitals are written as names: CIVIC → Civic")
    separator: str | None = Field(None, min_length=1, description="of lists in one text")
    currency: str | None = Field(None, description="ISO 4217, of amounts without one: the header says it (price_usd)")
    unit: Literal["km", "mi", "kw", "ps", "hp"] | None = Field(
        None, description="km, mi (mileage); kw, ps, hp (power_kw): of plain numbers"
    )
    scale: Decimal | None = Field(None, gt=0, description="of plain prices: 0.01 for cents, 100000 for lakh")
    decimal_mark: Literal[".", ","] | None = Field(None, description="of numbers; absent: told from the number")
    strip_point_zero: bool = Field(False, description="1234.0 → 1234, for ids that went through a float")
    formats: Texts = Field((), description="strptime formats of moments that are not ISO 8601")
    day_first: bool = False
    epoch_s: bool = Field(False, description="numbers are seconds since 1970")
    quiet: bool = Field(False, description="a hint only: no value_unread flag when nothing can be made of it")

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: object) -> object:
        return {"from": value} if isinstance(value, (str, list, tuple)) else value

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        declared = handler.resolve_ref_schema(handler(schema))
        short = {**_TEXT_OR_TEXTS, "description": "short form of `from`"}
        return {"anyOf": [*short["anyOf"], declared]}

    @field_validator("extract", "accept")
    @classmethod
    def _patterns(cls, value: str | None) -> str | None:
        return None if value is None else _pattern(value)

    @model_validator(mode="after")
    def _one_origin(self) -> Rule:
        given = (bool(self.source), self.template is not None, self.const is not None, bool(self.fingerprint))
        if sum(given) != 1:
            raise ValueError("expected exactly one of from, template, const, fingerprint")
        return self

    _currency = field_validator("currency")(_known_currency)


class Profile(Declared):
    """One sender's file shape."""

    name: str = Field(min_length=1)
    description: str = Field(min_length=1)
    source: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,99}$", description="part of every id: never change it")
    matches: tuple[Match, ...] = Field(alias="match", min_length=1)
    format: Format = Format()
    delivery: Delivery = Delivery()
    defaults: Defaults = Defaults()
    nulls: Texts = Field((), description="texts that mean unknown in every column, beside the common ones")
    parts: dict[str, Part] = {}
    reject: tuple[Reject, ...] = ()
    fields: dict[Literal[TARGETS], Rule] = Field(min_length=1)  # type: ignore[valid-type]

    # A profile is one thing, not a bundle of equal values: caches key on it.
    __hash__ = object.__hash__

    @field_validator("fields")
    @classmethod
    def _has_id(cls, value: dict[str, Rule]) -> dict[str, Rule]:
        if "source_listing_id" not in value:
            raise ValueError("expected a rule for source_listing_id: without an id no listing can be kept")
        return value

    def hints(self, named: ReadHints | None = None) -> ReadHints:
        """What the profile says of the file, over what its name promised."""
        base = named or ReadHints()
        form = self.format
        return replace(
            base,
            format=form.type or base.format,
            compression=base.compression or Compression.NONE,
            encoding=form.encoding or base.encoding,
            delimiter=form.delimiter or base.delimiter,
            header=form.header or base.header,
            records_path=form.records or base.records_path,
            mend_ampersands=form.mend_ampersands or base.mend_ampersands,
        )


def profile_schema() -> JsonSchemaValue:
    """JSON Schema of a profile's file, for editors; kept in connectors/feeds/profile.schema.json."""
    schema = Profile.model_json_schema(by_alias=True)
    del schema["properties"]["name"]  # the file's own name
    schema["required"].remove("name")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "Feed profile"}


class Profiles:
    """All declared profiles; finds the one for a file."""

    def __init__(self, profiles: Sequence[Profile] = ()) -> None:
        self.all = tuple(sorted(profiles, key=lambda profile: profile.name))
        self._globs = [
            (_weight(match), glob(match.bucket), glob(match.key), profile)
            for profile in self.all
            for match in profile.matches
        ]
        self._globs.sort(key=lambda entry: -entry[0])

    def match(self, bucket: str, key: str) -> Profile | None:
        """The profile whose pattern says most about this file (most literal characters); None: own field names."""
        for _, bucket_matches, key_matches, profile in self._globs:
            if bucket_matches(bucket) and key_matches(key):
                return profile
        return None


def _weight(match: Match) -> int:
    return sum(character not in "*?" for character in match.bucket + match.key)
