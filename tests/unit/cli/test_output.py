"""How commands print."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from app.cli import output
from app.cli.output import print_fields, print_json, print_table
from app.observability.terminal import plain
from tests.support.commands import DANGEROUS

HOSTILE = "a\x1b[2J\x1b]0;owned\x07\x9b31m\r\n\tb\x00\u202egnp.exe\x7f"
COLUMNS = ["place", "at", "code", "attempts", "file", "record", "reason"]
ROW = [
    "1/2", "2026-03-01 10:03:00", "too_many_rejects", 1, "cars/a/rather/long/name/of/a/file/of/a/dealer.csv.gz", 3,
    "expected something that is told in a text of several words",
]  # fmt: skip


@pytest.fixture
def width(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Call it to print to a terminal of so many columns."""

    def set_to(columns: int) -> None:
        def terminal(widest: int = 0) -> Console:
            return Console(highlight=False, width=columns, force_terminal=True, color_system=None)

        monkeypatch.setattr(output, "console", terminal)

    return set_to


def printed(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return [line.rstrip() for line in capsys.readouterr().out.splitlines()]


def test_columns_are_aligned_and_numbers_to_the_right(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(["topic", "lag", "note"], [["a", 5, None], ["longer", 12_345, True]], right=["lag"])
    assert printed(capsys) == [
        "topic      lag  note",
        "a            5  –",
        "longer  12,345  True",
    ]


def test_wide_characters_keep_the_columns(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(["make", "n"], [["日産", "1"], ["Audi", "2"]])
    assert printed(capsys) == ["make  n", "日産  1", "Audi  2"]


def test_a_pipe_gets_no_colours_and_no_folded_lines(capsys: pytest.CaptureFixture[str]) -> None:
    key = "cars/" + "k" * 1024
    print_table(["file", "why"], [[key, "expected " + "x" * 900]])
    print_fields({"file": key})
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert lines[1].startswith(key + "  expected ")
    assert "\x1b" not in "".join(lines)


def test_a_pipe_gets_no_blanks_at_the_end_of_lines(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(["file", "why"], [["a", "short"], ["b", None], ["c", "a much longer reason"]])
    print_fields({"file": "a", "why": "a much longer reason"})
    lines = capsys.readouterr().out.split("\n")
    assert lines == [
        *("file  why", "a     short", "b     –", "c     a much longer reason"),
        *("file  a", "why   a much longer reason", ""),
    ]


@pytest.mark.parametrize("data", ["[red]x[/red]", "[link=http://x]y[/]", "[/]", "[", "a[0]"])
def test_what_looks_like_markup_is_printed_as_it_is(capsys: pytest.CaptureFixture[str], data: str) -> None:
    print_table(["a", "b"], [[data, data]])
    print_fields({data: data})
    lines = printed(capsys)
    assert lines[1].split("  ") == [data, data]
    assert lines[2] == f"{data}  {data}"


def test_control_characters_are_spelt_out(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(["a", "b"], [[HOSTILE, "next"]])
    print_fields({HOSTILE: HOSTILE})
    print_json({HOSTILE: [HOSTILE]})
    text = capsys.readouterr().out
    assert not DANGEROUS & set(text)
    assert r"a\x1b[2J\x1b]0;owned\x07\x9b31m\r\n\tb\x00\u202egnp.exe\x7f  next" in text


def test_json_holds_the_very_text(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"text": HOSTILE, "at": None, "list": [1, "ü"]})
    text = capsys.readouterr().out
    assert json.loads(text) == {"text": HOSTILE, "at": None, "list": [1, "ü"]}
    assert "ü" in text
    assert text.endswith("}\n")


@given(st.text())
def test_any_text_becomes_one_harmless_line(text: str) -> None:
    shown = plain(text)
    assert not (DANGEROUS | {"\n"}) & set(shown)
    shown.encode()
    assert plain(shown) == shown


@given(st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"])))
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert plain(text) == text


@pytest.mark.parametrize("columns", [40, 60, 80, 100, 120, 160, 250])
def test_nothing_is_cut_off_however_narrow_the_terminal(
    capsys: pytest.CaptureFixture[str], width: Callable[[int], None], columns: int
) -> None:
    width(columns)
    print_table(COLUMNS, [ROW, ROW], right=["attempts", "record"])
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= columns
    header, row = (sum(len("".join(str(cell).split())) for cell in cells) for cells in (COLUMNS, ROW))
    as_table, as_blocks = header + 2 * row, 2 * (header + row)
    assert len("".join(text.split())) in (as_table, as_blocks)


def test_a_terminal_with_room_for_the_short_columns_folds_the_long_ones(
    capsys: pytest.CaptureFixture[str], width: Callable[[int], None]
) -> None:
    width(140)
    print_table(COLUMNS, [ROW], right=["attempts", "record"])
    lines = printed(capsys)
    assert len(lines) == 3
    assert lines[1].startswith("1/2    2026-03-01 10:03:00  too_many_rejects         1  cars/a/rather")


def test_a_narrow_terminal_gets_a_block_of_lines_for_each_row(
    capsys: pytest.CaptureFixture[str], width: Callable[[int], None]
) -> None:
    width(80)
    print_table(COLUMNS, [ROW, ROW])
    lines = printed(capsys)
    assert lines[:3] == ["place     1/2", "at        2026-03-01 10:03:00", "code      too_many_rejects"]
    assert lines[7] == ""
    assert lines[8] == lines[0]


def test_a_table_without_rows_has_its_columns(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(["a", "b"], [])
    print_fields({})
    assert printed(capsys)[0] == "a  b"
