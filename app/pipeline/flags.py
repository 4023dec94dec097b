"""What a producer is told of the flags of a record: which, on which field, and what was left out for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from app.model.listing import Quality
from app.model.outcome import Flag
from app.pipeline.values.text import excerpt

_FIELD_OF: Final[Mapping[Quality, str]] = {
    Quality.VIN_INVALID: "vin",
    Quality.VIN_SUSPICIOUS: "vin",
    Quality.YEAR_IMPLAUSIBLE: "year",
    Quality.PRICE_IMPLAUSIBLE: "price_amount",
    Quality.PRICE_SUSPICIOUS: "price_amount",
    Quality.MSRP_BELOW_PRICE: "price_msrp",
    Quality.CURRENCY_DEFAULTED: "price_currency",
    Quality.CURRENCY_AMBIGUOUS: "price_currency",
    Quality.PRICE_WITHOUT_TAX: "price_amount",
    Quality.UNIT_DEFAULTED: "mileage_unit",
    Quality.MILEAGE_IMPLAUSIBLE: "mileage_value",
    Quality.MILEAGE_SUSPICIOUS: "mileage_value",
    Quality.MAKE_FUZZY: "make",
    Quality.TEXT_TRUNCATED: "description",
    Quality.ID_DERIVED: "source_listing_id",
    Quality.DUPLICATE_IN_FILE: "source_listing_id",
}
_MOST = 20
"""Flags told of one record; one with more is all wrong."""


def flags_told(flags: Sequence[Quality], unread: Mapping[str, object]) -> tuple[Flag, ...]:
    """Each flag once; `value_unread` once for each field of `unread` (field → what was sent)."""
    told: list[Flag] = []
    for quality in dict.fromkeys(flags):
        if quality is Quality.VALUE_UNREAD and unread:
            told += [
                Flag(quality.value, name, None if sent is None else excerpt(sent)) for name, sent in unread.items()
            ]
        else:
            told.append(Flag(quality.value, _FIELD_OF.get(quality)))
    return tuple(told[:_MOST])
