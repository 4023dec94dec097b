"""Vehicle identification numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.pipeline.values.makers import MAKERS, fits_maker
from app.pipeline.values.vin import check_vin

NORTH_AMERICAN = "3GNAXMEV1NS423432"


@pytest.mark.parametrize(
    ("text", "year"),
    [
        (NORTH_AMERICAN, 2022),
        (NORTH_AMERICAN, None),
        (NORTH_AMERICAN, 2023),  # registered a year later
        ("1FUJGLDR69LAC9984", 2009),  # a heavy truck: the digit at place 7 does not tell the cycle
        ("WVGZZZ5NZEW069297", 2014),  # position 9 is no check digit in Europe
        ("WDD2470031J059461", 2021),
        ("JHMFB4F39CS117001", 2012),
    ],
)
def test_valid(text: str, year: int | None) -> None:
    assert check_vin(text, year) == (text, False)


def test_blanks_hyphens_and_case_do_not_count() -> None:
    assert check_vin("3gnaxm ev1-ns423432", 2022) == (NORTH_AMERICAN, False)
    assert check_vin("3GNAXMEV1\u2011NS4\u200b23432", 2022) == (NORTH_AMERICAN, False)


@pytest.mark.parametrize(
    ("text", "year"),
    [
        ("3GNAXMEV2NS423432", 2022),  # wrong check digit
        ("1SANITIZEDVIN0001", 2022),  # an I
        ("WVGZZZ5NZEW06929O", 2014),  # an O
        ("1" * 17, 2010),  # satisfies the check digit
        ("W" * 17, 2010),
        ("12345678901234567", 2010),
        ("WVGZZZ5NZEW0*****", 2014),
        ("WVGZZZ5NZEW06929", 2014),
        ("WVGZZZ5NZEWXXXXXX", 2014),  # masked
        ("ABCDEFGHJKLMNPRST", 2014),
        ("WVGZZZ5NZEW069297", 1979),  # a chassis number of that time is no VIN
        ("", None),
    ],
)
def test_invalid(text: str, year: int | None) -> None:
    assert check_vin(text, year) == (None, False)


def test_a_valid_vin_that_does_not_fit_is_suspicious() -> None:
    assert check_vin(NORTH_AMERICAN, 2012) == (NORTH_AMERICAN, True)
    assert check_vin("LSGGG54X4BH123456", 2011) == ("LSGGG54X4BH123456", True)
    assert check_vin("WVGZZZ5NZEW06929A", 2014) == ("WVGZZZ5NZEW06929A", True)  # ISO 3779: the last four are digits


@given(st.text(max_size=20), st.none() | st.integers(1886, 2030))
def test_never_raises(text: str, year: int | None) -> None:
    vin, _ = check_vin(text, year)
    assert vin is None or len(vin) == 17


@given(st.text(alphabet="ABCDEFGHJKLMNPRSTUVWXYZ0123456789", min_size=16, max_size=16))
def test_exactly_one_check_digit_fits(rest: str) -> None:
    """Digits alone are a filler; letters alone, or four equal ones at the end, are one too."""
    vins = [f"1{rest[:7]}{digit}{rest[7:11]}0042" for digit in "0123456789X"]
    fit = [vin for vin in vins if check_vin(vin, None)[0] is not None]
    assert len(fit) == 1 or rest[:11].isdigit()


@pytest.mark.parametrize(
    ("vin", "make", "fits"),
    [
        ("WVGZZZ5NZEW069297", "volkswagen", True),
        ("WVGZZZ5NZEW069297", "vw", True),
        ("WVGZZZ5NZEW069297", "ford", False),
        ("WDD2470031J059461", "mercedes-benz", True),
        ("WDD2470031J059461", "mercedes-amg", True),
        ("JF1ZNAA16E9700001", "toyota", True),  # one factory, several makes
        ("XX9ZNAA16E9700001", "ford", True),  # not known: nothing is concluded
    ],
)
def test_the_maker_is_compared_where_it_is_known(vin: str, make: str, fits: bool) -> None:
    assert fits_maker(vin, make) is fits


def test_makers_are_named_by_three_characters_without_a_nine_at_the_end() -> None:
    assert all(len(code) == 3 and not code.endswith("9") for code in MAKERS)
