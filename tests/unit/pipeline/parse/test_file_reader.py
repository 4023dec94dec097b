from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from app.errors import FailureCode
from app.model.file import Compression, FileFormat
from app.model.record import FileShape, ReadHints
from app.pipeline.parse import FileReader
from app.pipeline.sniff import hints_from_name
from tests.support.limits import limits
from tests.support.reading import read_file

_LINES = b'{"a":1}\n' * 50_000


def test_the_shape_is_known_after_the_first_bytes() -> None:
    reader = FileReader(ReadHints(), limits(), None)
    packed = gzip.compress(_LINES, compresslevel=0)
    assert reader.shape is None
    list(reader.feed(packed[:2]))
    assert reader.shape is None

    list(reader.feed(packed[2:]))

    assert reader.shape == FileShape(FileFormat.NDJSON, Compression.GZIP)
    list(reader.finish())
    assert reader.bytes_decompressed == len(_LINES)


def test_slices_come_while_the_file_is_fed() -> None:
    reader = FileReader(ReadHints(), limits(), None)
    given = [len(piece.records) for piece in reader.feed(_LINES)]
    rest = [len(piece.records) for piece in reader.finish()]
    assert sum(given) > 49_000
    assert sum(given) + sum(rest) == 50_000


def test_work_that_gives_no_record_still_gives_turns() -> None:
    blanks = b'{"a":1}\n' + b"\n" * 1_000_000
    skipped = b'{"x":"' + b"x" * 8_000_000 + b'","cars":[]}'
    for data, path in ((blanks, None), (skipped, "cars[]")):
        reader = FileReader(ReadHints(format=FileFormat.NDJSON, records_path=path), limits(), None)
        assert len([*reader.feed(data), *reader.finish()]) >= 7


def test_a_reader_may_be_given_up_halfway() -> None:
    reader = FileReader(ReadHints(), limits(), None)
    pieces = reader.feed(_LINES)
    next(pieces)
    pieces.close()  # type: ignore[attr-defined]


def test_a_bad_byte_in_a_big_file_is_told_by_line_and_byte() -> None:
    reading = read_file(_LINES + b'{"a":"\xff"}\n' + _LINES)
    assert reading.code is FailureCode.ENCODING_INVALID
    assert reading.error is not None
    assert reading.error.position == f"line 50,001, byte {len(_LINES) + 6:,}"
    assert len(reading.records) == 50_000


@pytest.mark.parametrize("name", ["utf-16", "utf-32", "utf-8-sig"])
@pytest.mark.parametrize("text", ['[{"a":"ü"},{"a":"€"}]', '{"a":"ü"}\n{"a":"€"}\n', "a,b\nü,1\n€,2\n"])
def test_a_mark_decides_on_the_encoding_of_every_format(name: str, text: str) -> None:
    reading = read_file(text.encode(name), ReadHints(encoding="cp1252"), block=3)
    assert reading.error is None
    assert [value["a"] for value in reading.values] == ["ü", "€"]


def test_the_fallback_serves_every_format() -> None:
    for text in ('[{"a":"ü"},{"a":"€"}]', '{"a":"ü"}\n{"a":"€"}\n', "a,b\nü,1\n€,2\n"):
        reading = read_file(text.encode("cp1252"), ReadHints(encoding="cp1252"))
        assert [value["a"] for value in reading.values] == ["ü", "€"]


_FEEDS = Path(__file__).parents[5] / "shared" / "feeds" / "files"
_KNOWN = {
    "01_ebay_de_autos_cp1252.csv": (245, {"encoding": "cp1252"}),
    "05_uk_focus_unclean.csv": (238, {}),
    "08_autoscout24_nl_search.json": (20, {"records_path": "pageProps.listings[]"}),
    "11_dealer_inventory_wrapped.json": (76, {"records_path": "vehicles[]"}),
    "13_google_vehicle_ads_ca.tsv": (39, {}),
    "16_finn_no_cars.json": (91, {}),
    "17_autoru_bmw_cyrillic.csv": (180, {}),
    "24_india_lakh_prices.csv": (219, {}),
    "25_semicolon_bom_usd.csv": (259, {}),
    "27_nigeria_naira_numbered_cols.csv": (78, {}),
    "31_cars_com_keyed_object.json": (40, {"records_path": "*"}),
}


@pytest.mark.skipif(not _FEEDS.is_dir(), reason="the sample feeds are not beside this project")
@pytest.mark.parametrize("name", _KNOWN)
def test_real_feeds_have_the_records_they_are_known_to_have(name: str) -> None:
    count, profile = _KNOWN[name]
    hints = ReadHints(**{"format": hints_from_name(name).format, **profile})  # type: ignore[arg-type]
    reading = read_file((_FEEDS / name).read_bytes(), hints)
    assert reading.error is None
    assert (len(reading.records), len(reading.bad), reading.blank) == (count, 0, 0)
