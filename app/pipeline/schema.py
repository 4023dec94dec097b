"""The canonical listing as validators, built once from `app.model.listing.FIELDS`; and what each field expects."""

from __future__ import annotations

from collections.abc import Callable

from pydantic_core import SchemaValidator, core_schema

from app.model.listing import ALIASES, DESCRIPTION_MAX, SENT, TEXT_MAX, TITLE_MAX, Field, Kind
from app.pipeline.values.codes import COUNTRIES, CURRENCIES

_HTTP_PATTERN = r"^(?i:https?)://[^\s/?#@\\]+[^\s]*$"
_CUT = {"title": TITLE_MAX, "description": DESCRIPTION_MAX}
"""Longer ones are shortened later instead of refused."""


def _text(longest: int | None, numbers: bool = False, pattern: str | None = None) -> core_schema.CoreSchema:
    return core_schema.str_schema(
        strip_whitespace=True, min_length=1, max_length=longest, coerce_numbers_to_str=numbers, pattern=pattern
    )


def _number(field: Field, strict: bool) -> core_schema.CoreSchema:
    return core_schema.float_schema(ge=field.low, le=field.high, allow_inf_nan=False, strict=strict)


def _point() -> core_schema.CoreSchema:
    def degrees(most: float) -> core_schema.TypedDictField:
        return core_schema.typed_dict_field(core_schema.float_schema(ge=-most, le=most, allow_inf_nan=False))

    return core_schema.typed_dict_schema({"lat": degrees(90), "lon": degrees(180)}, extra_behavior="ignore")


_SCHEMAS: dict[Kind, Callable[[Field, bool], core_schema.CoreSchema]] = {
    Kind.IDENTIFIER: lambda field, strict: _text(field.longest, numbers=True),
    Kind.TEXT: lambda field, strict: _text(None if field.name in _CUT else field.longest),
    Kind.MONTH: lambda field, strict: _text(field.longest),
    Kind.URL: lambda field, strict: _text(field.longest, pattern=_HTTP_PATTERN),
    Kind.ENUM: lambda field, strict: core_schema.literal_schema([str(value) for value in field.values or ()]),
    Kind.COUNTRY: lambda field, strict: core_schema.literal_schema(sorted(COUNTRIES)),
    Kind.CURRENCY: lambda field, strict: core_schema.literal_schema(sorted(CURRENCIES)),
    Kind.INTEGER: lambda field, strict: core_schema.int_schema(ge=int(field.low), le=int(field.high), strict=strict),
    Kind.MONEY: lambda field, strict: _number(field, strict),
    Kind.NUMBER: lambda field, strict: _number(field, strict),
    Kind.TIMESTAMP: lambda field, strict: _text(field.longest) if strict else core_schema.any_schema(),
    Kind.TEXTS: lambda field, strict: core_schema.list_schema(_text(TEXT_MAX), fail_fast=True),
    Kind.URLS: lambda field, strict: core_schema.list_schema(
        _text(field.longest, pattern=_HTTP_PATTERN), fail_fast=True
    ),
    Kind.POINT: lambda field, strict: _point(),
}
"""How each kind that may be sent is checked; `strict`: numbers have to be numbers."""


def _validator(strict: bool) -> SchemaValidator:
    aliases: dict[str, list[list[str | int]]] = {}
    for alias, name in ALIASES.items():
        aliases.setdefault(name, [[name]]).append([alias])
    return SchemaValidator(
        core_schema.typed_dict_schema(
            {
                field.name: core_schema.typed_dict_field(
                    _SCHEMAS[field.kind](field, strict), required=False, validation_alias=aliases.get(field.name)
                )
                for field in SENT
            },
            extra_behavior="ignore",
        )
    )


STRICT = _validator(strict=True)
"""Numbers are numbers, as in JSON: true is not 1. What it refuses may still be mended."""
LAX = _validator(strict=False)
"""Numbers may be text, as in CSV, or decimals, as in Avro."""

_EXPECTED: dict[Kind, Callable[[Field], str]] = {
    Kind.IDENTIFIER: lambda field: f"text of 1 to {field.longest} characters",
    Kind.TEXT: lambda field: f"text of 1 to {field.longest} characters",
    Kind.URL: lambda field: f"an http(s) address of at most {field.longest} characters",
    Kind.ENUM: lambda field: "one of " + ", ".join(field.values or ()),
    Kind.COUNTRY: lambda field: "an ISO 3166-1 alpha-2 code such as DE",
    Kind.CURRENCY: lambda field: "an ISO 4217 code such as EUR",
    Kind.INTEGER: lambda field: f"an integer from {field.low:.0f} to {field.high:.0f}",
    Kind.MONEY: lambda field: "an amount such as 12999.00, below a trillion",
    Kind.NUMBER: lambda field: f"a number from {field.low:.0f} to {field.high:.0f}",
    Kind.MONTH: lambda field: "a month such as 2019-07",
    Kind.TIMESTAMP: lambda field: "a moment such as 2026-05-01T08:30:00Z",
    Kind.TEXTS: lambda field: f"a list of texts of at most {TEXT_MAX} characters",
    Kind.URLS: lambda field: f"a list of http(s) addresses of at most {field.longest} characters",
    Kind.POINT: lambda field: "lat from -90 to 90 and lon from -180 to 180",
}


def expected(field: Field) -> str:
    """What a field takes, for a person."""
    return _EXPECTED[field.kind](field)
