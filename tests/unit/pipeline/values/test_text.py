"""Text: cleaning, keys, HTML, contacts, addresses."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.pipeline.values.text import (
    clean,
    clean_lines,
    excerpt,
    fold,
    http_urls,
    is_http,
    shorten,
    to_text,
    unshouted,
    without_contacts,
)


def test_clean() -> None:
    assert clean("  a\u00a0\t b\x00\x1b\ufeff\x85\r\n c ") == "a b c"
    assert clean_lines("a \r\n\r\n  b\tc\rd\x07 ") == "a\nb c\nd"


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("Mercedes-Benz", "mercedes-benz"),
        ("MERCEDES BENZ", "mercedes-benz"),
        ("Škoda", "skoda"),
        ("Citroën", "citroen"),
        ("ID.3", "id-3"),
        ("5 серии", "5-серии"),
        ("Серый", "серый"),  # й is a letter of its own
        ("Ψηλός", "ψηλοσ"),
        ("グレー", "グレー"),
        ("???", "???"),
    ],
)
def test_fold(text: str, key: str) -> None:
    assert fold(text) == key


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>a &amp; b</p><p>c</p>", "a & b\nc"),
        ("a<br/>b<br>c", "a\nb\nc"),
        ("x<script>var a = '<p>'; </script>y", "x y"),
        ("x<STYLE media='a'>p {}</style >y<!-- no -->z", "x y z"),
        ("x<script>never closed", "x"),
        ("&lt;b&gt;bold&lt;/b&gt;", "bold"),
        ("&amp;lt;script&amp;gt;alert(1)&amp;lt;/script&amp;gt;x", "x"),
        ("price < 5000 & km > 3", "price < 5000 & km > 3"),
        ("Town &amp; Country", "Town & Country"),
        ("<scr<script></script>ipt>alert(1)", "alert(1)"),
    ],
)
def test_html_becomes_text(html: str, text: str) -> None:
    assert to_text(html) == text


@given(st.text(alphabet="<>/!-&;ltgamp#sript abc\n\"'\x00\x07", max_size=120))
def test_no_tag_survives(html: str) -> None:
    assert not re.search(r"<[a-zA-Z/!][^<>]*>", to_text(html))


@given(st.text(max_size=200))
def test_cleaned_text_stays_as_it_is(text: str) -> None:
    assert clean(clean(text)) == clean(text)
    assert clean_lines(clean_lines(text)) == clean_lines(text)


def test_unshouted() -> None:
    assert unshouted("HONDA CIVIC LX SEDAN 4D") == "Honda Civic LX Sedan 4D"
    assert unshouted("Honda CIVIC") == "Honda CIVIC"
    assert unshouted("MDX") == "MDX"


@given(st.text(alphabet="ab ", max_size=400), st.integers(1, 100))
def test_shorten_never_exceeds(text: str, longest: int) -> None:
    assert len(shorten(text, longest)) <= longest


def test_shorten_cuts_at_a_blank() -> None:
    assert shorten("one two three", 9) == "one two"
    assert shorten("x" * 90, 50) == "x" * 50


def test_excerpt() -> None:
    assert excerpt("a\n" + "b" * 200) == "a " + "b" * 77 + "…"
    assert excerpt(10**5000) == "an integer of more than 77 digits"
    assert excerpt("\ud800") == "?"
    assert excerpt({"a": 1}) == "{'a': 1}"


def test_contacts_are_taken_out_and_numbers_stay() -> None:
    rest = "120 000 km, 12.500 EUR, model 2019, 5TDXZ3DC1KS675446"
    text = f"Call +31 (0)10 - 5550100 or 555-010-0001, jo@example.com. {rest}"
    assert without_contacts(text) == f"Call … or …, …. {rest}"


@pytest.mark.parametrize(
    ("url", "good"),
    [
        ("https://a.example/x?y=1#z", True),
        ("HTTP://a.example", True),
        ("https://a.example/{store_code}", True),
        ("//a.example/x", False),
        ("/x", False),
        ("https://", False),
        ("https:///x", False),
        ("https://a.example/a b", False),
        ("https://user:word@a.example/", False),
        ("javascript:alert(1)", False),
    ],
)
def test_is_http(url: str, good: bool) -> None:
    assert is_http(url) is good


def test_http_urls_keep_order_and_drop_the_rest() -> None:
    assert http_urls(["https://b.example", "x", "https://a.example", "https://b.example"]) == [
        "https://b.example",
        "https://a.example",
    ]
    assert http_urls(["https://a.example/" + "x" * 2048]) == []
