"""Listings that come twice in one file."""

from __future__ import annotations

import tracemalloc
from collections.abc import Mapping

import pytest

from app.model.listing import Quality
from app.pipeline.duplicates import Repeat, SeenIds, Twins
from app.pipeline.profile import Profile
from tests.support.mapping import LISTING, map_records


def test_the_same_content_again_is_no_doubt() -> None:
    documents = map_records([LISTING, LISTING]).documents
    assert [d["listing_id"] for d in documents] == [documents[0]["listing_id"]] * 2
    assert not [d for d in documents if "quality" in d]


def test_of_different_content_the_last_stands_and_is_flagged() -> None:
    first, second, other = map_records(
        [
            LISTING,
            {**LISTING, "price_amount": 15000, "description": "cheaper"},
            {**LISTING, "id": "B", "source_listing_id": "B"},
        ]
    ).documents
    assert "quality" not in first
    assert second["quality"] == [Quality.DUPLICATE_IN_FILE]
    assert (second["price_amount"], second["description"]) == (15000.0, "cheaper")
    assert "quality" not in other


def test_a_flag_of_its_own_stays() -> None:
    _, second = map_records([LISTING, {**LISTING, "vin": "1"}]).documents
    assert second["quality"] == [Quality.VIN_INVALID, Quality.DUPLICATE_IN_FILE]


@pytest.mark.parametrize(
    ("first", "second", "prices"),
    [
        ("2026-05-02T00:00:00Z", "2026-05-01T00:00:00Z", [17990.0]),
        ("2026-05-01T00:00:00Z", "2026-05-02T00:00:00Z", [17990.0, 15000.0]),
        ("2026-05-01T00:00:00.125Z", "2026-05-01T00:00:00Z", [17990.0]),
        ("2026-05-01T00:00:00Z", None, [17990.0, 15000.0]),
        (None, "2026-05-01T00:00:00Z", [17990.0, 15000.0]),
    ],
)
def test_the_sender_s_time_of_change_decides_before_the_place(
    first: str | None, second: str | None, prices: list[float]
) -> None:
    result = map_records([{**LISTING, "updated_at": first}, {**LISTING, "updated_at": second, "price_amount": 15000}])
    assert [d["price_amount"] for d in result.documents] == prices
    assert result.rejects == []


def test_an_older_record_is_counted() -> None:
    records: list[Mapping[str, object]] = [
        {**LISTING, "updated_at": f"2026-05-0{day}", "price_amount": 9000 + day} for day in (3, 1, 2)
    ]
    result = map_records(records)
    assert len(result.documents) == 1
    assert result.older == 2


def test_memory_is_bounded_and_near_duplicates_are_still_found() -> None:
    seen = SeenIds(window=1000)
    tracemalloc.start()
    for number in range(50_000):
        assert seen.repeat(f"id-{number}", number, "2026-05-01T00:00:00Z") is Repeat.NONE
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000
    assert seen.repeat("id-49500", 1, None) is Repeat.LATER
    assert seen.repeat("id-1", 2, None) is Repeat.NONE


def test_twins_are_numbered_in_their_order() -> None:
    twins = Twins()
    assert [twins.id_of("a", content) for content in (1, 2, 1, 3, 2)] == ["a", "a-2", "a", "a-3", "a-2"]
    assert twins.id_of("b", 1) == "b"


def test_numbers_of_twins_go_on_when_the_window_moves() -> None:
    twins = Twins(window=2)
    assert [twins.id_of("a", content) for content in range(5)] == ["a", "a-2", "a-3", "a-4", "a-5"]


def test_a_derived_id_depends_on_what_does_not_change_only() -> None:
    profile = Profile.model_validate(
        {
            "name": "acme", "description": "a test", "source": "acme", "match": [{"key": "*"}],
            "defaults": {"currency": "EUR"},
            "fields": {
                "source_listing_id": {"fingerprint": ["make", "model", "colour"]}, "make": "make", "model": "model",
                "year": "year", "price_amount": "price",
            },
        }
    )  # fmt: skip
    car = {"make": "Seat", "model": "Ibiza", "colour": "red", "year": "2019", "price": "9000 EUR"}
    (first,) = map_records([car], profile).documents
    (cheaper,) = map_records([{**car, "price": "8000 EUR"}], profile).documents
    (blue,) = map_records([{**car, "colour": "blue"}], profile).documents
    assert first["listing_id"] == cheaper["listing_id"] != blue["listing_id"]
    assert first["quality"] == [Quality.ID_DERIVED]
    both = map_records([car, {**car, "price": "8000 EUR"}, car], profile).documents
    assert [d["listing_id"] == first["listing_id"] for d in both] == [True, False, True]
