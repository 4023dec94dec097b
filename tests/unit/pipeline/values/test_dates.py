"""Years, months, moments."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.pipeline.values.dates import parse_month, parse_timestamp, parse_year, rfc3339


@pytest.mark.parametrize(
    ("value", "year"),
    [
        ("2019", 2019),
        (2019, 2019),
        ("2025.0", 2025),
        (2025.0, 2025),
        ("'09", 2009),
        ("'85", 1985),
        ("09", None),
        ("1885", None),
        (1886, 1886),
        (2028, None),
        (5000, None),
        ("10th character not recognized", None),
        (True, None),
        (2019.5, None),
        ("2011.0", 2011),
        ("Juillet/2006", None),  # a month: first_registration reads it
        ("2019-07", None),
        (0, None),
        ("20190", None),
        ("２０１９", None),
    ],
)
def test_years(value: object, year: int | None) -> None:
    assert parse_year(value, latest=2027) == year


@pytest.mark.parametrize(
    ("value", "month"),
    [
        ("2004-03", "2004-03"),
        ("2004-3", "2004-03"),
        ("1997-09-12", "1997-09"),
        ("2017-02-23T13:37:00Z", "2017-02"),
        ("201107", "2011-07"),
        (201107, "2011-07"),
        ("04-2011", "2011-04"),
        ("EZ 07/2018", "2018-07"),
        ("23.02.2017", "2017-02"),
        ("Juillet/2006", "2006-07"),
        ("März 2019", "2019-03"),
        ("5 ноября 2021", "2021-11"),
        ("Sept. 2014", "2014-09"),
        (201107.0, "2011-07"),
        ("23/02/2017", "2017-02"),
        ("02/23/2017", None),
        ("03/04/2017", None),  # April or March
        ("5 ноября", None),
        ("Brumaire 1999", None),
        ("20114", None),
        ("04/11", None),
        ("2004-0", None),
        ("2004-13", None),
        ("2004", None),
        ("", None),
        (None, None),
    ],
)
def test_months(value: object, month: str | None) -> None:
    assert parse_month(value) == month


def test_moments() -> None:
    assert parse_timestamp("2016-03-26 17:47:46") == datetime(2016, 3, 26, 17, 47, 46, tzinfo=UTC)
    assert parse_timestamp("2018-02-21T10:00:00+02:00") == datetime(2018, 2, 21, 8, tzinfo=UTC)
    assert parse_timestamp("2026-03-23") == datetime(2026, 3, 23, tzinfo=UTC)
    assert parse_timestamp("23/02/2017 13:37", day_first=True) == datetime(2017, 2, 23, 13, 37, tzinfo=UTC)
    assert parse_timestamp("02/23/2017", formats=["%m/%d/%Y"]) == datetime(2017, 2, 23, tzinfo=UTC)
    assert parse_timestamp(1_490_000_000, epoch_s=True) == datetime(2017, 3, 20, 8, 53, 20, tzinfo=UTC)


@pytest.mark.parametrize("value", ["12/01/2026", "20160326", 1_490_000_000, "0001-01-01T00:00:00+05:00", "now", None])
def test_moments_are_not_guessed(value: object) -> None:
    assert parse_timestamp(value) is None


def test_written_as_rfc_3339_in_utc() -> None:
    zone = timezone(timedelta(hours=2))
    assert rfc3339(datetime(2026, 5, 1, 10, 30, tzinfo=zone)) == "2026-05-01T08:30:00Z"
    assert rfc3339(datetime(2026, 5, 1, 10, 30, 0, 125_999, tzinfo=zone)) == "2026-05-01T08:30:00.125Z"


@given(st.datetimes(timezones=st.timezones(), min_value=datetime(1970, 1, 2), max_value=datetime(2100, 1, 1)))  # noqa: DTZ001  hypothesis wants naive bounds
def test_what_is_formatted_is_read_back(moment: datetime) -> None:
    moment = moment.astimezone(UTC).replace(microsecond=0)
    assert parse_timestamp(rfc3339(moment)) == moment


@given(st.text(max_size=40) | st.integers() | st.floats() | st.none())
def test_never_raise(value: object) -> None:
    parse_month(value)
    parse_timestamp(value, formats=["%d.%m.%Y"], day_first=True, epoch_s=True)
    year = parse_year(value, 2027)
    assert year is None or 1886 <= year <= 2027
