"""Profiles as files: what is read, and how mistakes are told."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from app.adapters.profile_files import load_profile, load_profiles
from app.errors import FailureCode, OperatorError

GOOD = """\
description: a test
source: acme
match:
  - key: "acme/*"
defaults:
  country: NO
fields:
  source_listing_id: id
  make: {const: Ford}
  model: model
  year: year
"""


def write(folder: Path, text: str, name: str = "acme.yaml") -> Path:
    path = folder / name
    path.write_text(dedent(text), encoding="utf-8")
    return path


def mistakes(folder: Path, text: str) -> list[str]:
    path = write(folder, text)
    with pytest.raises(OperatorError) as caught:
        load_profile(path)
    assert caught.value.code is FailureCode.DECLARATION_INVALID
    return caught.value.message.replace(f"{path}:", "").splitlines()


def test_a_good_file_is_read_and_named_after_itself(tmp_path: Path) -> None:
    profile = load_profile(write(tmp_path, GOOD))
    assert profile.name == "acme"
    assert profile.defaults.country == "NO"
    assert profile.fields["source_listing_id"].source == ("id",)


def test_a_folder_is_read_whole(tmp_path: Path) -> None:
    write(tmp_path, GOOD)
    write(tmp_path, GOOD.replace("acme/", "other/"), "other.yaml")
    (tmp_path / "README.md").write_text("not a profile")
    profiles = load_profiles(tmp_path)
    assert [profile.name for profile in profiles.all] == ["acme", "other"]


def test_every_mistake_is_told_with_line_and_field(tmp_path: Path) -> None:
    text = GOOD.replace("country: NO", "country: Norway\n  years: 2").replace(
        "year: year", "year: {from: year, accept: '('}\n  colour: colour"
    )
    assert mistakes(tmp_path, text) == [
        "6: defaults.country: expected an ISO 3166-1 alpha-2 code such as DE",
        "7: defaults.years: Extra inputs are not permitted",
        "12: fields.year.accept: expected a regular expression: missing ), unterminated subpattern at position 0",
        *[line for line in mistakes(tmp_path, text) if line.startswith("13: fields.colour")],
    ]
    assert any(line.startswith("13: fields.colour: ") for line in mistakes(tmp_path, text))


@pytest.mark.parametrize(
    ("rule", "mistake"),
    [
        ("fuel_type: {from: f, values: {Gas: gas}}", "fields.fuel_type.values.Gas: expected one of petrol, diesel"),
        ("fuel_type: {from: f, patterns: [{match: g, value: gas}]}", "fields.fuel_type.patterns.0.value: expected one"),
        ("city: {from: c, patterns: [{match: g, value: x}]}", "fields.city.patterns: patterns are for enumerated"),
        ("city: $place.city", "fields.city: expected a declared part, got $place.city; declared: no parts"),
        ("power_kw: {from: p, unit: mi}", "fields.power_kw.unit: expected kw or ps or hp, got mi"),
        ("doors: {from: d, scale: 10}", "fields.doors.scale: scale is for prices"),
        ("city: {from: c, const: x}", "fields.city: expected exactly one of from, template, const"),
        ("city: {values: {a: b}}", "fields.city: expected exactly one of from, template, const"),
    ],
)
def test_what_can_not_be_meant(tmp_path: Path, rule: str, mistake: str) -> None:
    (told,) = mistakes(tmp_path, GOOD + f"  {rule}\n")
    assert told.startswith(f"12: {mistake}")


def test_an_id_is_asked_for(tmp_path: Path) -> None:
    (told,) = mistakes(tmp_path, GOOD.replace("  source_listing_id: id\n", ""))
    assert told.startswith("7: fields: expected a rule for source_listing_id")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: [1", "1: expected YAML: "),
        ("- a\n", "1: expected a mapping with source, match, fields, …"),
        (GOOD + "source: other\n", "12: source: stands twice"),
        (GOOD + "? [a, b]\n: c\n", "12: expected text as a key"),
        ("", "1: expected a mapping"),
    ],
)
def test_broken_files(tmp_path: Path, text: str, told: str) -> None:
    assert mistakes(tmp_path, text)[0].startswith(told)


def test_mistakes_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    write(tmp_path, "a: b", "one.yaml")
    (tmp_path / "two.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(OperatorError) as caught:
        load_profiles(tmp_path)
    assert "one.yaml:1: " in caught.value.message
    assert "two.yaml:1: " in caught.value.message


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(OperatorError) as caught:
        load_profiles(tmp_path / "none")
    assert caught.value.code is FailureCode.DECLARATION_INVALID
