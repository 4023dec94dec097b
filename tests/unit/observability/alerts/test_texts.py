"""Text of others in a message is shown, and does nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.observability.alerts.texts import counted, harmless, lasting, reason
from tests.support.commands import DANGEROUS

ACTIVE = set("@<>[]`*~|#&\\\n")


@pytest.mark.parametrize(
    "text",
    [
        "@everyone look",
        "<!channel> and <@U024BE7LH>",
        "[click](https://evil.example/login)",
        "a.json\nLook closer:\n  curl evil | sh",
        "`code` **bold** ~~gone~~ ||spoiler|| # title",
        "@\u200beveryone",
        "\u202egnp.exe",
        "www.evil.example",
        "<script>alert(1)</script>&amp;",
        "\x1b[2J\x00",
    ],
)
def test_nothing_of_it_acts(text: str) -> None:
    shown = harmless(text, 200)
    assert not ACTIVE & set(shown.replace("\\", "") if "\\x" in shown or "\\u" in shown or "\\n" in shown else shown)
    assert not DANGEROUS & set(shown)
    assert "://" not in shown
    assert "www." not in shown
    assert "\u200b" not in shown


@given(st.text(max_size=400), st.integers(2, 200))
def test_whatever_the_text_it_is_one_short_harmless_line(text: str, limit: int) -> None:
    shown = harmless(text, limit)
    assert len(shown) <= limit
    assert len(shown.splitlines()) <= 1
    assert not ACTIVE & set(shown)
    assert not DANGEROUS & set(shown)
    assert "://" not in shown


def test_ordinary_names_stay_as_they_are() -> None:
    name = "cars/händler_7/2026-03-01 stock (new).json.gz"
    assert harmless(name, 200) == name
    assert harmless("x" * 300, 50) == "x" * 49 + "…"


def test_the_refused_value_stays_here() -> None:
    told = reason("price_amount: expected a number above 0, got 'secret of the sender'; vin: expected 17, got 'W'")
    assert told == "price_amount: expected a number above 0"
    assert reason("the object was not there any more") == "the object was not there any more"


def test_numbers_and_spans_for_people() -> None:
    assert (counted(1, "file"), counted(1234, "file")) == ("1 file", "1,234 files")
    assert (lasting(59.6), lasting(150), lasting(9000)) == ("60 s", "2 min", "2.5 h")
