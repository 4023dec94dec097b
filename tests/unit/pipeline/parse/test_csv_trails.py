"""What a CSV reader remembers of lines that it read in vain changes nothing but the time it takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.model.file import FileFormat
from app.pipeline.parse import csv_rows
from app.pipeline.parse.csv_rows import CsvParser
from app.pipeline.parse.gather import Gather
from app.pipeline.sniff import Content
from tests.support.limits import limits

_PIECES = ('"', '""', ",", "\n", "x", " ", '","', '"\n', "\r")


class _Forgetful(CsvParser):
    """Reads every row as if it were the first."""

    _trail = property(lambda self: None, lambda self, trail: None)
    _row_at = property(lambda self: -1, lambda self, line: None)


def _read(kind: type[CsvParser], text: str, block: int, spaced: bool = False) -> object:
    gather = Gather(limits())
    content = Content(FileFormat.CSV, delimiter=",", spaced_quotes=spaced)
    parser = kind(gather, limits(record_max_bytes=1024), content)
    data = text.encode()
    slices = [one for at in range(0, len(data), block) for one in parser.feed(data[at : at + block])]
    slices += [*parser.finish(), gather.take()]
    records = [record for one in slices for record in one.records]
    return records, [bad for one in slices for bad in one.bad], sum(one.blank for one in slices), parser.line


@given(st.integers(1, 4), st.lists(st.sampled_from(_PIECES), max_size=60), st.integers(1, 40), st.booleans())
def test_a_file_is_read_as_if_every_row_were_the_first(
    width: int, pieces: Sequence[str], block: int, spaced: bool
) -> None:
    text = ",".join("abcd"[:width]) + "\n" + "".join(pieces)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_rows, "_MAX_LINES", 5)
        patch.setattr(csv_rows, "_LOOK_LINES", 3)
        assert _read(CsvParser, text, block, spaced) == _read(_Forgetful, text, block, spaced)


_TRAPS = {
    "few columns": ("a,b\n", 'x","z\n', ""),
    "many columns": (",".join(f"c{number}" for number in range(4_000)) + "\n", 'x","z\n', ""),
    "a broken end": (",".join(f"c{number}" for number in range(4_000)) + "\n", 'x","z\n', 'x"y\n'),
    "a whole end": (",".join(f"c{number}" for number in range(4_000)) + "\n", 'x","z\n', 'x"\n'),
    "a wide end": (",".join(f"c{number}" for number in range(4_000)) + "\n", 'x","z\n', 'x"' + ",y" * 8_000 + "\n"),
    "lines between": ("a,b\n", 'x","z\n' + "y\n" * 100, ""),
}


class _Counting(CsvParser):
    """Counts the lines that it looks at, each time anew."""

    looked_at = 0

    def _source(self) -> Iterator[str]:
        for line in super()._source():
            self.looked_at += 1
            yield line


@pytest.mark.parametrize("trap", _TRAPS)
def test_no_line_is_read_in_vain_twice(trap: str) -> None:
    """Each row opens a quote that those behind it close and open again, over thousands of lines."""
    header, line, end = _TRAPS[trap]
    text = header + (line * (24_000 // len(line)) + end) * 4
    parser = _Counting(Gather(limits()), limits(), Content(FileFormat.CSV, delimiter=","))
    for _ in [*parser.feed(text.encode()), *parser.finish()]:
        pass
    assert parser.looked_at <= 3 * text.count("\n")
