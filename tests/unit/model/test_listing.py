"""The canonical listing is declared once and without contradictions."""

from __future__ import annotations

from app.model.listing import ALIASES, BY_NAME, FIELDS, SENT, Kind


def test_names_are_unique_and_documented() -> None:
    assert len(BY_NAME) == len(FIELDS)
    assert all(len(field.doc) > 5 for field in FIELDS)


def test_aliases_are_short_names_of_fields_that_may_be_sent() -> None:
    sent = {field.name for field in SENT}
    assert set(ALIASES.values()) <= sent
    assert not ALIASES.keys() & sent


def test_enumerated_and_bounded_fields_say_what_they_take() -> None:
    for field in FIELDS:
        if field.kind is Kind.ENUM:
            assert field.values
        if field.kind in (Kind.INTEGER, Kind.MONEY, Kind.NUMBER):
            assert field.low < field.high
