"""Where new objects are expected, from where the latest ones came."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from app.model.listed import StandingKey
from app.pipeline.hot_prefixes import HotPlace, hot_places

NOW = datetime(2026, 11, 24, 0, 5, tzinfo=UTC)
TODAY = date(2026, 11, 24)


def latest(*keys: str, minutes: float = 1) -> list[StandingKey]:
    """Uploaded one after the other, the first one last."""
    return [StandingKey(key, NOW - timedelta(minutes=minutes * number)) for number, key in enumerate(keys)]


@pytest.mark.parametrize(
    ("key", "prefixes"),
    [
        ("dealer/2026/11/23/a.csv", ["dealer/2026/11/24/", "dealer/2026/11/23/"]),
        ("dealer/2026-11-23/part/a.csv", ["dealer/2026-11-24/part/", "dealer/2026-11-23/part/"]),
        ("dt=20261120/a.csv", ["dt=20261124/", "dt=20261123/"]),
        ("d/2026.11.22/a.csv", ["d/2026.11.24/", "d/2026.11.23/"]),
        ("d/2026/11/23/17/a.csv", ["d/2026/11/24/", "d/2026/11/23/"]),
        ("d/year=2026/month=11/day=23/hour=04/a.csv", ["d/year=2026/month=11/day=24/", "d/year=2026/month=11/day=23/"]),
        ("d/2026-11-23T10/a.csv", ["d/2026-11-24T10/", "d/2026-11-23T10/"]),
        ("dealer/a.csv", ["dealer/"]),
        ("a.csv", [""]),
        ("d/2026-13-45/a.csv", ["d/2026-13-45/"]),
        ("d/120261123/a.csv", ["d/120261123/"]),
        ("d/x.2026-11-23.csv", ["d/"]),
    ],
)
def test_a_date_in_a_folder_is_looked_for_as_of_today_and_yesterday(key: str, prefixes: list[str]) -> None:
    assert [place.prefix for place in hot_places(latest(key), TODAY, 10)] == prefixes


def test_folders_with_the_latest_uploads_come_first_and_each_once() -> None:
    keys = latest("b/1.csv", "a/1.csv", "b/2.csv", "c/1.csv")
    assert [place.prefix for place in hot_places(keys, TODAY, 10)] == ["b/", "a/", "c/"]
    assert [place.prefix for place in hot_places(keys, TODAY, 2)] == ["b/", "a/"]


def test_of_keys_that_grow_with_time_only_the_newest_are_listed() -> None:
    keys = latest(*(f"flat-{number:06d}.json" for number in range(900, 800, -1)))
    assert hot_places(keys, TODAY, 10) == [HotPlace("", "flat-000870.json")]


def test_of_keys_in_no_order_the_whole_folder_is_listed() -> None:
    keys = latest("d/9.json", "d/1.json", "d/7.json", "d/3.json", "d/8.json", "d/2.json")
    assert hot_places(keys, TODAY, 10) == [HotPlace("d/")]


def test_a_few_keys_prove_no_order() -> None:
    assert hot_places(latest("d/3.json", "d/2.json"), TODAY, 10) == [HotPlace("d/")]


def test_nothing_is_known_of_an_empty_bucket() -> None:
    assert hot_places([], TODAY, 10) == []
