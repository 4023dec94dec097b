"""CSV and TSV: headers, ragged rows, quotes that do not close, and the physical line of everything."""

from __future__ import annotations

import time

import pytest

from app.errors import FailureCode
from app.model.file import FileFormat
from app.model.record import ReadHints
from app.pipeline.parse import FileReader
from tests.fuzz.corpus import findings
from tests.support.limits import limits
from tests.support.reading import Reading, read_file


def _read(text: str | bytes, block: int = 64 * 1024, **hints: object) -> Reading:
    data = text.encode() if isinstance(text, str) else text
    return read_file(data, ReadHints(format=FileFormat.CSV, **hints), block=block)  # type: ignore[arg-type]


def _rows(reading: Reading) -> list[list[object]]:
    return [list(value.values()) for value in reading.values]


def test_names_are_trimmed_and_an_unnamed_column_has_its_number() -> None:
    reading = _read('\ufeff id ,,"Price (€)", \n1,2,3,4\n')
    assert reading.values == [{"id": "1", "_2": "2", "Price (€)": "3", "_4": "4"}]


def test_a_repeated_name_has_all_its_cells() -> None:
    assert _read("id,image,image ,x,image\n1,a,b,c,\n").values == [{"id": "1", "image": ["a", "b", ""], "x": "c"}]


def test_a_header_that_we_were_told_makes_every_row_a_record() -> None:
    reading = _read("1;VW\n2;Opel\n", header=("id", "make"))
    assert reading.values == [{"id": "1", "make": "VW"}, {"id": "2", "make": "Opel"}]
    assert [record.line for record in reading.records] == [1, 2]


def test_numbers_may_be_names() -> None:
    assert _read(",0,1\n7,a,b\n").values == [{"_1": "7", "0": "a", "1": "b"}]


@pytest.mark.parametrize(
    "text", ["http://a.example/1,x\n1,2\n", "a" * 300 + ",b\n1,2\n", ",".join(map(str, range(5_000))) + "\n1\n"]
)
def test_what_can_not_be_a_header_is_refused(text: str) -> None:
    reading = _read(text)
    assert reading.code is FailureCode.HEADER_ROW_INVALID
    assert reading.error is not None
    assert reading.error.position == "line 1"


def test_values_stay_as_sent() -> None:
    assert _rows(_read("id,a,b,c\n007,1.0,  x , \n")) == [["007", "1.0", "  x ", " "]]


@pytest.mark.parametrize(
    ("row", "accepted"),
    [
        ("1,2", True),
        ("1,2,3", True),
        ("1,2,3,,", True),
        ("1,2,3, ,\t", True),
        ("1,2,3,4", False),
        ("1", False),
        ('1,2,3,"\n"', False),
    ],
)
def test_only_empty_cells_may_be_too_many_and_only_unnamed_ones_missing(row: str, accepted: bool) -> None:
    reading = _read(f"a,b,\n{row}\n")
    assert bool(reading.records) is accepted
    assert bool(reading.bad) is not accepted


def test_a_ragged_row_tells_how_many_cells() -> None:
    (bad,) = _read("a,b,c\n1,2\n").bad
    assert (bad.line, bad.problem.code) == (2, FailureCode.ROW_RAGGED)
    assert str(bad.problem) == "expected 3 cells, as in the header, got 2 cells"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("block", [1, 2, 65_536])
def test_lines_are_counted_as_an_editor_does(end: str, block: int) -> None:
    text = end.join(["", "a,b", "1,2", "", " , ", '3,"x', "", 'y"', "5", "6,7"])
    reading = _read(text, block)
    assert [record.line for record in reading.records] == [3, 6, 10]
    assert [bad.line for bad in reading.bad] == [9]
    assert reading.blank == 3


def test_line_breaks_in_quotes_are_kept() -> None:
    assert _rows(_read('a,b\n1,"x\r\n\r\ny"\r\n')) == [["1", "x\r\n\r\ny"]]


def test_other_line_separators_are_text() -> None:
    assert _rows(_read("a,b\n1,x\u2028y\x0b\x0c\x85z\n")) == [["1", "x\u2028y\x0b\x0c\x85z"]]


@pytest.mark.parametrize(
    ("row", "cells"),
    [
        ('1,Lifted 11" springs,3', ["1", 'Lifted 11" springs', "3"]),
        ('1,"Lifted 11 springs,3', ["1", '"Lifted 11 springs', "3"]),
        ('1,"Lifted" 11 springs,3', ["1", '"Lifted" 11 springs', "3"]),
        ('1,"Wheels 17"" Alloy",3', ["1", 'Wheels 17" Alloy', "3"]),
        ('1,"a, b","c', ["1", "a, b", '"c']),
        ('1, "a, b" ,3', ["1", "a, b", "3"]),
        ('1,"a, b" ,3', ["1", "a, b", "3"]),
        ('1,",3', ["1", '"', "3"]),
        ("1,x\ry,3", ["1", "x y", "3"]),
        ('1,"",3', ["1", "", "3"]),
    ],
)
@pytest.mark.parametrize("block", [1, 65_536])
def test_a_quote_that_opens_nothing_is_a_character(row: str, cells: list[str], block: int) -> None:
    reading = _read(f'a,b,c\n0,"x, y",0\n{row}\n2,"ok, yes",3\n', block)
    assert reading.bad == []
    assert _rows(reading) == [["0", "x, y", "0"], cells, ["2", "ok, yes", "3"]]


def test_a_row_that_can_not_be_repaired_is_refused_alone() -> None:
    reading = _read('a,b,c\n1,"x, y,3\n2,b,c\n3,"d, e",f\n')
    assert [(bad.number, bad.line, bad.problem.code) for bad in reading.bad] == [(1, 2, FailureCode.ROW_RAGGED)]
    assert _rows(reading) == [["2", "b", "c"], ["3", "d, e", "f"]]


def test_an_open_quote_does_not_wait_for_ever() -> None:
    """The first line is given up, and the rows behind it are rows again, long before the file ends."""
    reading = _read('a,b\n1,"x\n' + "2,y\n" * 30_000 + '3,"z"\n')
    assert reading.bad == []
    assert len(reading.records) == 30_002
    assert reading.records[0].value == {"a": "1", "b": '"x'}


def test_a_long_text_in_quotes_is_one_record_too_big() -> None:
    text = 'a,b,c\n1,2,3\n2,x,"' + "words and more words\n" * 20_000 + '"\n3,4,5\n'
    reading = read_file(text.encode(), within=limits(record_max_bytes=100_000))
    assert [(bad.number, bad.line, bad.problem.code) for bad in reading.bad] == [(2, 3, FailureCode.RECORD_TOO_BIG)]
    assert [(record.number, record.line) for record in reading.records] == [(1, 2), (3, 20_004)]


@pytest.mark.parametrize("block", [7, 65_536])
def test_the_size_limit_of_a_row_is_in_bytes_and_exact(block: int) -> None:
    for cell, codes in (("ü" * 49, ()), ("ü" * 49 + "x", (FailureCode.RECORD_TOO_BIG,))):
        reading = read_file(f"a,b\n1,{cell}\n2,x\n".encode(), block=block, within=limits(record_max_bytes=100))
        assert reading.codes == codes
        assert reading.records[-1].value == {"a": "2", "b": "x"}


def test_more_cells_than_any_listing_has_are_refused_uncounted() -> None:
    assert _read("a,b\n" + "," * 200_000 + "\n1,2\n").codes == (FailureCode.RECORD_TOO_BIG,)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_excels_separator_line_is_no_header(delimiter: str) -> None:
    reading = _read(f"sep={delimiter}\r\na{delimiter}b\r\n1{delimiter}2\r\n")
    assert reading.values == [{"a": "1", "b": "2"}]
    assert reading.records[0].line == 3


def test_a_declared_delimiter_may_be_any_character() -> None:
    assert _read("a~b\n1~2\n", delimiter="~").values == [{"a": "1", "b": "2"}]


def test_one_column_is_enough_when_the_name_says_csv() -> None:
    assert _read("vin\nWVWZZZ1KZAW000001\n").values == [{"vin": "WVWZZZ1KZAW000001"}]


def test_a_file_made_to_be_read_in_vain_is_not() -> None:
    """Each row opens a quote that the next ones close and open again: half a megabyte took half a minute.

    Its own rows of several lines are still read, wherever a block ends.
    """
    trap = [f'{number},y","z\n' for number in range(40_000)]
    honest = [f'{number},"two\nlines",b\n' for number in range(40_000, 40_100)]
    data = "".join(["id,make,model\n", *trap, *honest]).encode()
    reader = FileReader(ReadHints(format=FileFormat.CSV), limits(), len(data))
    began = time.process_time()
    slices = [one for start in range(0, len(data), 97) for one in reader.feed(data[start : start + 97])]
    slices += reader.finish()
    reader.close()
    assert time.process_time() - began < 8
    records = [record.value for one in slices for record in one.records]
    assert [record["id"] for record in records] == [str(number) for number in range(40_100)]
    assert records[0] == {"id": "0", "make": 'y"', "model": '"z'}
    assert records[-1] == {"id": "40099", "make": "two\nlines", "model": "b"}
    assert not any(one.bad for one in slices)


def test_rows_that_swallow_hundreds_of_others_hold_nobody_up() -> None:
    """900 rows, each misread some hundred lines far (found by fuzzing): the event loop still gets its turns."""
    found = [case.data for case in findings("files") if case.name.endswith(".csv") and len(case.data) > 30_000]
    assert len(found) == 2
    for data in found:
        assert min(_longest_step_s(data) for _ in range(3)) < 0.05


def _longest_step_s(data: bytes) -> float:
    reader = FileReader(ReadHints(format=FileFormat.CSV), limits(), len(data))
    longest, began = 0.0, time.thread_time()
    for _ in (one for slices in (reader.feed(data), reader.finish()) for one in slices):
        longest, began = max(longest, time.thread_time() - began), time.thread_time()
    reader.close()
    return longest
