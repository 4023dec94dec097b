"""No regular expression of the program takes more than linear time, whatever a sender writes.

Each is one of three: run by RE2 (`app.pipeline.linear`, and all that profiles declare, `app.pipeline.pattern`); proved
by its automaton (`tests.support.ambiguity`); or named here with the proof, and tried on texts made to be its worst.
"""

from __future__ import annotations

import ast
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.adapters.profile_files import load_profiles, load_well_known
from app.errors import OperatorError
from app.pipeline.profile import Profile
from tests.support.ambiguity import is_linear
from tests.support.patterns import Found, all_patterns

_FOUND = list(all_patterns())
_UNBOUNDED = 64 * 1024

_POSSESSIVE = "every repeat is possessive and its parts begin with different characters: nothing is read twice"
_GUESS = "reads texts of a sample, which `Records` cuts, in a command of a person"
_PROVED: dict[str, tuple[int, str]] = {
    "app.adapters.notifier._BETWEEN_URLS": (512, "reads one setting of the operator"),
    "app.cli.settings._USER_INFO": (512, "reads one setting of the operator"),
    "app.ops.feeds_guess.dates._ONE_YEAR": (300, _GUESS),
    "app.ops.feeds_guess.names._NAMED": (300, _GUESS),
    "app.ops.feeds_guess.options._MAKE": (300, _GUESS),
    "app.ops.feeds_guess.parents._NUMBERED": (300, _GUESS),
    "app.ops.feeds_guess.rules._IMAGE": (300, _GUESS),
    "app.ops.feeds_guess.rules._MONEY": (300, _GUESS),
    "app.ops.feeds_guess.rules._DISTANCE": (300, _GUESS),
    "app.ops.feeds_guess.rules._SHAPES": (300, _GUESS),
    "app.pipeline.hot_prefixes._PARTITIONS": (1024, "reads keys of objects, which have 1,024 bytes at most"),
    "app.pipeline.parse.declared._HTML": (4096, "reads the first 4,096 bytes of a file"),
    "app.pipeline.parse.html_scripts._TAG": (16 * 1024, _POSSESSIVE),
    "app.pipeline.parse.json_scan._INSIDE": (_UNBOUNDED, _POSSESSIVE),
    "app.pipeline.parse.json_scan._WHOLE": (_UNBOUNDED, _POSSESSIVE),
    "app.pipeline.parse.json_scan._STRING_TOKEN": (0, "is only given texts in which every string has its end"),
    "app.pipeline.parse.xml_cutter._WHOLE": (_UNBOUNDED, _POSSESSIVE),
    "app.pipeline.parse.xml_cutter._SPECIAL": (0, "is only given whole tokens: each that begins has its end"),
    "app.pipeline.parse.xml_cutter._TOKEN": (0, "is only given whole tokens: each that begins has its end"),
    "app.pipeline.parse.xml_cutter._TAG_SO_FAR": (_UNBOUNDED, _POSSESSIVE),
    "app.pipeline.parse.xml_cutter._TYPE": (_UNBOUNDED, _POSSESSIVE),
    "app.pipeline.parse.xml_cutter._TYPE_SO_FAR": (_UNBOUNDED, _POSSESSIVE),
    "app.pipeline.parse.xml_cutter._WITHIN_TAG": (_UNBOUNDED, _POSSESSIVE),
    "app.pipeline.sniff_markup._PROLOG": (_UNBOUNDED, _POSSESSIVE),
    "app.pipeline.values.numbers.TOKEN": (_UNBOUNDED, "a blank that no group follows ends the match, which stands"),
    "app.pipeline.values.price._ON_REQUEST": (100, "reads prices of at most 100 characters"),
    "app.pipeline.values.price._NOT_A_PRICE": (100, "reads prices of at most 100 characters"),
    "app.pipeline.values.price._IN_BRACKETS": (100, "reads prices of at most 100 characters"),
}
"""Place → (characters of the longest text it meets, 0: not any text; why that takes linear time)."""
_SAME = {
    "app.pipeline.values.mileage.TOKEN": "app.pipeline.values.numbers.TOKEN",
    "app.pipeline.values.price.TOKEN": "app.pipeline.values.numbers.TOKEN",
}
_MADE = {
    "app.ops.feeds_guess.headline:guess_headline f'.*{_YEAR_BEHIND}.*'": _GUESS,
    "app.ops.feeds_guess.headline:_matches _HEADLINE": _GUESS,
    "app.ops.feeds_guess.ids:_in_address pattern": _GUESS,
    "app.ops.feeds_guess.place:guess_place form": _GUESS,
    "app.pipeline.code_points:_classes f'\\\\{name}+'": "one class repeated, over our own text",
    "app.pipeline.glob:_fixed": "no repeat at all",
    "app.pipeline.parse.csv_cells:__init__": "at each cell of a line, up to 4,000: a quoted cell ends before its "
    "delimiter or at the first quote that is not doubled; tried as a reader in test_adversarial",
    "app.pipeline.sniff:_spaced_quotes": "blanks after a delimiter, which is no blank, in the first line",
}
"""Patterns that are put together when they are used."""


def test_every_pattern_runs_in_linear_time() -> None:
    unknown = [found.place for found in _FOUND if not found.pattern and not found.place.startswith(tuple(_MADE))]
    assert not unknown, "put together when it is used: say in _MADE why it takes linear time"
    doubtful = [
        f"{found.place} {found.pattern!r}"
        for found in _FOUND
        if found.pattern
        and _SAME.get(found.place, found.place) not in _PROVED
        and is_linear(found.pattern, found.flags, search=found.search, whole=found.whole) is not True
    ]
    assert not doubtful, "not linear: mend it, run it on RE2 (app.pipeline.linear), or prove it in _PROVED"


def test_no_proof_is_without_its_pattern() -> None:
    places = {found.place for found in _FOUND}
    assert set(_PROVED) | set(_SAME) <= places
    assert all(any(place.startswith(made) for place in places) for made in _MADE)


@pytest.mark.parametrize(
    "found",
    [f for f in _FOUND if _PROVED.get(f.place, (0,))[0] > 0],
    ids=lambda found: found.place.removeprefix("app."),
)
def test_what_is_proved_by_a_sentence_is_quick_on_its_worst_texts(found: Found) -> None:
    pattern = re.compile(found.pattern, found.flags)
    run = pattern.search if found.search else pattern.fullmatch if found.whole else pattern.match
    longest = _PROVED[found.place][0]
    for text in _worst(found.pattern, longest):
        started = time.thread_time()
        run(text if isinstance(found.pattern, str) else text.encode())  # type: ignore[arg-type]
        assert time.thread_time() - started < 0.05, text[:40]


def _worst(pattern: str | bytes, longest: int) -> Iterator[str]:
    """Texts of one piece of the pattern again and again, after another."""
    source = pattern if isinstance(pattern, str) else pattern.decode("latin-1")
    marks = sorted(set(re.findall(r"""[-"'<>!?&;:=#@/.,()\[\]{} ]""", source)))
    pieces = [*marks, "a", "1", " ", "\n", '\\"', "\\", "<a ", "<!--", "]]", "1.", "a="]
    for start in ("", *marks, "<a", "<!--", "<![CDATA[", "<!DOCTYPE", '{"a":'):
        for piece in pieces:
            yield (start + piece * longest)[:longest]


def test_profiles_are_run_by_re2_alone() -> None:
    for name in ("profile", "profile_kinds", "profile_rules", "profile_reader", "profile_checks"):
        tree = ast.parse(Path(f"app/pipeline/{name}.py").read_text(encoding="utf-8"))
        imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        assert "re" not in imported


_REFUSED = {
    r"(?=a)": "lookaround",
    r"(?!a)b": "write what may stand there instead",
    r"(?<=a)b": "lookaround",
    r"(a)\1": "backreference",
    r"(?P<x>a)(?P=x)": "backreference",
    r"(a)?(?(1)b|c)": "two alternatives",
    r"a++": "possessive",
    r"(?>a)": "atomic",
    r"\Ba": "without \\B",
    r"(?:\w{1,500}){1,500}": "too big",
    r"(": "expected a regular expression",
}
_PROFILE = """
description: d
source: x
match: {{key: 'x/*'}}
parts: {{p: {{from: a, match: {named}}}}}
reject: [{{from: a, match: {plain}, because: none}}]
fields:
  source_listing_id: {{from: id, accept: {plain}, extract: {plain}}}
  fuel_type: {{from: f, patterns: [{{match: {plain}, value: diesel}}]}}
"""


@pytest.mark.parametrize("pattern", _REFUSED)
def test_a_pattern_that_re2_can_not_run_is_refused_with_what_to_write(pattern: str, tmp_path: Path) -> None:
    plain, named = (f"'{text}'" for text in (pattern, f"(?P<g>x){pattern}".replace("\\1", "\\2").replace("(1)", "(2)")))
    (tmp_path / "mine.yaml").write_text(_PROFILE.format(plain=plain, named=named), encoding="utf-8")
    with pytest.raises(OperatorError) as refused:
        load_profiles(tmp_path)
    told = str(refused.value).splitlines()
    for field in ("parts.p.match", "reject.0.match", "fields.source_listing_id.accept", "fields.fuel_type.patterns"):
        line = next(line for line in told if field in line)
        assert "mine.yaml:" in line
        assert _REFUSED[pattern] in line


def test_all_declared_profiles_can_be_run() -> None:
    loaded: tuple[Profile, ...] = load_profiles(Path("connectors/feeds")).all
    assert loaded
    load_well_known(Path("connectors/feeds/well-known"))
