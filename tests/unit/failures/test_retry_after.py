"""RFC 9110, 10.2.3 and 5.6.7."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.failures.retry_after import RETRY_AFTER_MAX_S, read_retry_after

NOW = datetime(1994, 11, 6, 8, 49, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        (" 7 ", 7.0),
        ("0", 0.0),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 30.0),
        ("Sunday, 06-Nov-94 08:49:37 GMT", 30.0),
        ("Sun Nov  6 08:49:37 1994", 30.0),
        ("Sun, 06 Nov 1994 08:48:37 GMT", 0.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", RETRY_AFTER_MAX_S),
        ("9" * 18, RETRY_AFTER_MAX_S),
    ],
)
def test_seconds_and_dates(value: str, seconds: float) -> None:
    assert read_retry_after(value, NOW) == seconds


@pytest.mark.parametrize(
    "value", [None, "", "soon", "-1", "1.5", "1e3", "9" * 400, "٣", "Sun, 99 Nov 1994 08:49:37 GMT", "Sun, 06 Nov"]
)
def test_what_nobody_can_read_is_no_wish(value: str | None) -> None:
    assert read_retry_after(value, NOW) is None


@given(st.text(max_size=100))
def test_whatever_a_server_sends(value: str) -> None:
    seconds = read_retry_after(value, NOW)
    assert seconds is None or 0 <= seconds <= RETRY_AFTER_MAX_S


@given(st.integers(0, 80_000))
def test_a_date_is_as_good_as_seconds(seconds: int) -> None:
    at = format_datetime(NOW + timedelta(seconds=seconds), usegmt=True)
    assert read_retry_after(at, NOW) == read_retry_after(str(seconds), NOW)
