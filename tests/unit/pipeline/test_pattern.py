"""Patterns of profiles mean on RE2 what they mean in Python."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.pipeline.glob import glob
from app.pipeline.pattern import Pattern

_PIECES = [
    r"\b", r"\w", r"\d", r"\s", r"\W", r"\S", r"\D", ".", "a", "д", "_", "é", "[а-я]", "[^a-z]", r"[^\W\d_]", r"[\w-]",
    "(a|д)", r"(?P<n>\w+)", "^", "x?", r"\s*", "(?i:é)", r"[^\S\n]", "(?i:s)", "(?i:k)", "(?i:i)", "(?:ab|a)", "(.*?)",
    "(?i:[a-z])",
]  # fmt: skip
_CHARACTERS = "aAдДé_1 -bxÉ٣ıİißſKk²"


@settings(deadline=None)  # sets of characters are looked up once
@given(st.lists(st.sampled_from(_PIECES), min_size=1, max_size=5), st.text(_CHARACTERS, max_size=8))
def test_a_pattern_means_what_it_means_in_python(pieces: list[str], text: str) -> None:
    written = "".join(pieces)
    if written.count("(?P<n>") > 1:
        return
    python, ours = re.compile(written), Pattern(written)
    found = python.search(text)
    assert ours.is_in(text) == (found is not None)
    assert ours.fits(text) == (python.fullmatch(text) is not None)
    assert ours.taken(text) == (None if found is None else found[1 if python.groups else 0] or "")
    assert ours.named(text) == (None if found is None else found.groupdict())


@pytest.mark.parametrize("text", ["был дизель, стал", "дизель", "_дизель", "дизеля", "a дизель_", "nedizel diesel"])
def test_words_end_where_python_says_in_any_script(text: str) -> None:
    for written in (r"\bдизель\b", r"\bdiesel\b", r"(\w+)\b", r"\b(\w)\b"):
        found = re.search(written, text)
        assert Pattern(written).taken(text) == (found and found[found.re.groups])


@pytest.mark.parametrize(
    ("pattern", "piece"), [(r"(a+)+$", "a"), (r"(\w+\s?)*:", "д "), (r"^(.*)(.*)(.*)x$", "д"), (r"\b(\w+\W*)+!", "é_")]
)
def test_a_pattern_that_would_take_for_ever_takes_milliseconds(pattern: str, piece: str) -> None:
    compiled, text = Pattern(pattern), (piece * 20_000)[:20_000] + "\x00"
    started = time.thread_time()
    compiled.is_in(text)
    assert time.thread_time() - started < 0.05


@given(st.text("ab*?", max_size=8), st.text("ab/", max_size=10))
def test_a_glob_means_what_it_says(written: str, text: str) -> None:
    parts = ({"*": ".*", "?": "."}.get(character, re.escape(character)) for character in written)
    assert glob(written)(text) == (re.compile("".join(parts), re.DOTALL).fullmatch(text) is not None)


def test_a_glob_of_many_stars_takes_no_time() -> None:
    started = time.thread_time()
    assert not glob("*a" * 40 + "*b")("a" * 1024)
    assert time.thread_time() - started < 0.05


def test_the_last_code_point_which_is_no_character_is_no_underscore() -> None:
    assert Pattern(r"_\b").taken("\U0010ffff ä") is None
    assert Pattern(r"\b(.)").taken("\U0010ffff ä") == "ä"
