"""Every cell of the tables in docs/FORMATS.md: this format with this quirk, or packed like this, is read as told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.pipeline.profile import TARGETS
from app.pipeline.sniff import hints_from_name
from tests.support.docs_formats import GROUPS
from tests.support.quirks import ENDINGS, FORMATS, PACKED, PLAIN, QUIRKS, Case
from tests.support.reading import read_file

CELLS = [(quirk.name, name, case) for quirk in QUIRKS for name, case in quirk.cases.items()]


def becomes(content: bytes, case: Case, name: str, chunk: int) -> None:
    promised = hints_from_name(f"stock.{ENDINGS[name]}")
    hints = replace(case.hints, format=promised.format)
    reading = read_file(content, hints, chunk=chunk)
    assert reading.code is case.failure
    assert (reading.values, reading.codes, reading.blank) == (case.rows, case.bad, case.blank)


@pytest.mark.parametrize("chunk", [3, 100_000])
@pytest.mark.parametrize(("name", "case"), [c[1:] for c in CELLS], ids=[f"{q}-{name}" for q, name, _ in CELLS])
def test_a_format_with_a_quirk(name: str, case: Case, chunk: int) -> None:
    becomes(case.content, case, name, chunk)


@pytest.mark.parametrize("packing", PACKED)
@pytest.mark.parametrize("name", FORMATS)
def test_a_format_packed(name: str, packing: str) -> None:
    case = PLAIN[name]
    becomes(PACKED[packing](case.content), case, name, 1_000)


def test_a_format_is_known_without_its_name() -> None:
    for name in FORMATS:
        case = PLAIN[name]
        reading = read_file(case.content)
        assert (reading.values, reading.code) == (case.rows, None), name


def test_the_table_of_senders_has_every_field_that_a_profile_can_map() -> None:
    named = [name for names in GROUPS.values() for name in names]
    assert sorted(named) == sorted(TARGETS)


def test_every_quirk_is_told_once_and_has_a_case() -> None:
    names = [quirk.name for quirk in QUIRKS]
    assert len(set(names)) == len(names)
    assert all(quirk.cases and quirk.cases.keys() <= set(FORMATS) for quirk in QUIRKS)
