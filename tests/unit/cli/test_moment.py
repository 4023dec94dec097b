"""Times on the command line."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import click
import pytest

from app.cli.moment import MOMENT


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-11-24", datetime(2026, 11, 24, tzinfo=UTC)),
        ("2026-11-24T10:03", datetime(2026, 11, 24, 10, 3, tzinfo=UTC)),
        ("2026-11-24T10:03:00Z", datetime(2026, 11, 24, 10, 3, tzinfo=UTC)),
        ("2026-11-24T12:03:00+02:00", datetime(2026, 11, 24, 10, 3, tzinfo=UTC)),
        (" 2026-11-24 10:03:00.5 ", datetime(2026, 11, 24, 10, 3, 0, 500_000, tzinfo=UTC)),
    ],
)
def test_a_moment_is_of_utc_unless_it_says_otherwise(text: str, at: datetime) -> None:
    assert MOMENT.convert(text, None, None) == at


@pytest.mark.parametrize(
    ("text", "ago"),
    [("90s", timedelta(seconds=90)), ("5m", timedelta(minutes=5)), ("6h", timedelta(hours=6)), ("3d", timedelta(3))],
)
def test_how_long_ago(text: str, ago: timedelta) -> None:
    before = datetime.now(UTC)
    found = MOMENT.convert(text, None, None)
    assert before - ago <= found <= datetime.now(UTC) - ago


@pytest.mark.parametrize("text", ["", "soon", "3w", "-3d", "2026-13-01", "9999999d", "0001-01-01T00:00+14:00", "3"])
def test_what_is_no_time_is_said_with_an_example(text: str) -> None:
    with pytest.raises(click.BadParameter, match="90m, 6h, 3d"):
        MOMENT.convert(text, None, None)
