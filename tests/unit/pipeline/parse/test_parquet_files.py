"""Parquet files: what their values become, what a bad row costs, and what is refused before it is unpacked."""

from __future__ import annotations

import datetime as dt
import gzip
import io
from contextlib import suppress
from decimal import Decimal
from typing import Any, BinaryIO

import pyarrow as pa  # type: ignore[import-untyped]
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import FailureCode
from app.model.file import Compression, FileFormat
from app.model.record import FileShape, ReadHints
from app.pipeline.parse import FileReader
from app.pipeline.parse.parquet_footer import row_groups
from app.pipeline.parse.parquet_pages import BadPages, pages_of
from app.pipeline.unpack.spool import Spool
from tests.support.limits import limits
from tests.support.packed import listing_columns, parquet_file, zip_of
from tests.support.reading import read_file

_MIB = 1024 * 1024


def _one(array: Any, **options: Any) -> Any:
    """What the single value of a column becomes; the problem's text when it can become nothing."""
    reading = read_file(parquet_file({"id": ["1"], "field": array}, **options))
    if reading.bad:
        return str(reading.bad[0].problem)
    assert reading.error is None, reading.error
    return reading.values[0]["field"]


_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "text": st.none() | _TEXT,
            "number": st.none() | st.integers(-(2**63), 2**63 - 1),
            "real": st.none() | st.floats(-1e15, 1e15),
            "flag": st.none() | st.booleans(),
            "list": st.none() | st.lists(st.none() | _TEXT, max_size=3),
            "inner": st.none()
            | st.fixed_dictionaries({"a": st.none() | _TEXT, "b": st.lists(st.integers(0, 9), max_size=2)}),
        }
    ),
    max_size=30,
)
_SCHEMA = pa.schema(
    [
        ("text", pa.string()),
        ("number", pa.int64()),
        ("real", pa.float64()),
        ("flag", pa.bool_()),
        ("list", pa.list_(pa.string())),
        ("inner", pa.struct([("a", pa.string()), ("b", pa.list_(pa.int64()))])),
    ]
)


@settings(deadline=None, max_examples=60)
@given(
    _ROWS,
    st.sampled_from(["none", "snappy", "gzip", "brotli", "zstd", "lz4"]),
    st.sampled_from(["1.0", "2.0"]),
    st.booleans(),
    st.integers(1, 12),
    st.integers(1, 3_000),
)
def test_what_was_written_comes_back_however_it_is_cut(
    rows: list[dict[str, Any]], codec: str, version: str, dictionary: bool, group: int, chunk: int
) -> None:
    data = parquet_file(
        pa.Table.from_pylist(rows, _SCHEMA),
        compression=codec,
        data_page_version=version,
        use_dictionary=dictionary,
        row_group_size=group,
        data_page_size=100,
        write_batch_size=3,
    )
    reading = read_file(data, chunk=chunk)

    assert reading.error is None
    assert reading.values == rows
    assert [record.number for record in reading.records] == list(range(1, len(rows) + 1))
    assert reading.shape == FileShape(FileFormat.PARQUET, Compression.NONE)


_MOMENT = dt.datetime(2026, 5, 1, 8, 30, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (pa.array([1_777_624_200_123_456_789], pa.timestamp("ns", tz="UTC")), "2026-05-01T08:30:00.123456Z"),
        (pa.array([_MOMENT], pa.timestamp("ms", tz="Europe/Berlin")), "2026-05-01T08:30:00Z"),
        (pa.array([_MOMENT.replace(tzinfo=None)], pa.timestamp("us")), "2026-05-01T08:30:00"),
        (pa.array([2**62], pa.timestamp("us")), "field: expected a value in the range of its type, got another"),
        (pa.array([2**62], pa.timestamp("ms")), "field: expected a value in the range of its type, got another"),
        (pa.array([dt.date(2019, 7, 1)], pa.date32()), "2019-07-01"),
        (pa.array([dt.date(2019, 7, 1)], pa.date64()), "2019-07-01"),
        (pa.array([dt.time(8, 30)], pa.time32("s")), "08:30:00"),
        (pa.array([dt.timedelta(seconds=90)], pa.duration("s")), 90.0),
        (pa.array([Decimal("12999.00")], pa.decimal128(12, 2)), "12999.00"),
        (pa.array([Decimal("1E+30")], pa.decimal256(40, 0)), "1" + "0" * 30),
        (pa.array([2019.0], pa.float64()), 2019.0),
        (pa.array([1.5], pa.float16()), 1.5),
        (pa.array([float("nan")], pa.float64()), None),
        (pa.array([[1.5, float("nan")]], pa.list_(pa.float32())), [1.5, None]),
        (pa.array([float("-inf")], pa.float32()), "field: expected a finite number, got infinity"),
        (pa.array([2**64 - 1], pa.uint64()), 2**64 - 1),
        (pa.array([-5], pa.int8()), -5),
        (pa.array([None], pa.null()), None),
        (pa.array(["größer".encode()], pa.binary()), "größer"),
        (
            pa.array([b"\xff"], pa.binary()),
            "field: expected text in UTF-8 (leave a field of other bytes out), got bytes",
        ),
        (pa.array([b"ab"], pa.binary(2)), "ab"),
        (pa.array(["long"], pa.large_string()), "long"),
        (pa.array(["a"]).dictionary_encode(), "a"),
        (pa.array([[("a", 1), ("b", None)]], pa.map_(pa.string(), pa.int32())), {"a": 1, "b": None}),
        (pa.array([[(7, dt.date(2019, 7, 1))]], pa.map_(pa.int32(), pa.date32())), {"7": "2019-07-01"}),
        (
            pa.array(
                [[{"url": "u", "tags": ["x"]}]],
                pa.list_(pa.struct([("url", pa.string()), ("tags", pa.list_(pa.string()))])),
            ),
            [{"url": "u", "tags": ["x"]}],
        ),
        (
            pa.ExtensionArray.from_storage(pa.uuid(), pa.array([bytes(range(16))], pa.binary(16))),
            "00010203-0405-0607-0809-0a0b0c0d0e0f",
        ),
    ],
    ids=lambda value: str(value.type) if isinstance(value, pa.Array) else None,
)
@pytest.mark.parametrize("store_schema", [True, False])
def test_values_become_what_json_would_have_sent(array: Any, expected: Any, store_schema: bool) -> None:
    if not store_schema and pa.types.is_duration(array.type):
        expected = 90  # without the note on its type it is a number of seconds
    if not store_schema and pa.types.is_date64(array.type):
        expected = "2019-07-01"
    assert _one(array, store_schema=store_schema) == expected


def test_old_timestamps_of_96_bits_are_moments() -> None:
    array = pa.array([_MOMENT.replace(tzinfo=None)], pa.timestamp("us"))
    assert _one(array, use_deprecated_int96_timestamps=True) == "2026-05-01T08:30:00"


def test_text_that_is_none_costs_only_its_row() -> None:
    not_text = pa.Array.from_buffers(
        pa.string(), 3, [None, pa.array([0, 1, 2, 3], pa.int32()).buffers()[1], pa.py_buffer(b"a\xffb")]
    )
    reading = read_file(parquet_file({"id": ["1", "2", "3"], "title": not_text}))
    assert [value["id"] for value in reading.values] == ["1", "3"]
    assert [(bad.number, bad.problem.field) for bad in reading.bad] == [(2, "title")]


def test_columns_of_one_name_make_a_list_and_dots_in_names_are_just_dots() -> None:
    table = pa.table([["1"], ["a"], ["b"], [5.0], ["KM"]], names=["id", "image", "image", "mileage.value", "mileage"])
    assert read_file(parquet_file(table)).values == [
        {"id": "1", "image": ["a", "b"], "mileage.value": 5.0, "mileage": "KM"}
    ]


@pytest.mark.parametrize("width", [1, 40, 1_500])
def test_rows_come_in_small_slices_whatever_the_width(width: int) -> None:
    columns = {f"c{number}": list(range(700)) for number in range(width)}
    reading = read_file(parquet_file(columns))
    assert len(reading.records) == 700
    assert reading.largest_slice <= 200
    assert [record.value["c0"] for record in reading.records] == list(range(700))


def test_row_groups_whose_columns_change_their_encoding_keep_their_rows_together() -> None:
    """A dictionary that gets too big is given up in the middle of a row group, in each column at another row."""
    count = 6_000
    columns = {
        "id": [str(number) for number in range(count)],
        "long": [f"{number}" * 30 for number in range(count)],
        "same": ["x"] * count,
        "list": [[str(number)] * (number % 4) for number in range(count)],
    }
    reading = read_file(parquet_file(columns, dictionary_pagesize_limit=20_000, data_page_size=5_000))
    assert reading.error is None
    assert [tuple(value.values()) for value in reading.values] == list(zip(*columns.values(), strict=True))


def test_each_column_is_asked_for_by_its_place_also_where_it_is_made_of_several() -> None:
    columns = {
        "a": [{"x": 1, "y": [{"z": "p"}]}],
        "b": pa.array([[("k", {"v": 1.5})]], pa.map_(pa.string(), pa.struct([("v", pa.float64())]))),
        "c": ["end"],
    }
    assert read_file(parquet_file(columns)).values == [
        {"a": {"x": 1, "y": [{"z": "p"}]}, "b": {"k": {"v": 1.5}}, "c": "end"}
    ]


def test_a_file_in_a_file_of_the_pickiest_kind() -> None:
    data = zip_of({"a/stock.parquet": parquet_file(listing_columns(3))})
    reading = read_file(data, chunk=777)
    assert len(reading.records) == 3
    assert str(reading.shape) == "parquet+zip"


# -- what it may cost --------------------------------------------------------------------------------------------


def _nested(depth: int) -> Any:
    kind = pa.string()
    for _ in range(depth):
        kind = pa.list_(kind)
    return pa.array([None], kind)


def test_depth_is_limited_by_the_schema() -> None:
    assert _one(_nested(5)) is None
    data = parquet_file({"field": _nested(6)})
    assert read_file(data, within=limits(record_max_depth=6)).code is FailureCode.SCHEMA_REFUSED
    assert read_file(data, within=limits(record_max_depth=7)).code is None


def test_what_has_to_be_open_at_once_is_limited_before_it_is_unpacked() -> None:
    data = parquet_file({f"c{n}": ["x" * 100_000 + str(n)] for n in range(20)}, use_dictionary=False)
    assert read_file(data, within=limits(parquet_open_max_bytes=1_000_000)).code is FailureCode.BLOCK_TOO_BIG
    assert read_file(data, within=limits(parquet_open_max_bytes=3_000_000)).code is None


def test_lists_are_limited_by_row_group() -> None:
    data = parquet_file({"list": [["x" * 1_000 + str(n)] for n in range(3_000)]}, use_dictionary=False)
    reading = read_file(data, within=limits(parquet_open_max_bytes=1_200_000))
    assert reading.code is FailureCode.BLOCK_TOO_BIG
    assert reading.error is not None
    assert "row group 1" in (reading.error.position or "")


def test_texts_that_repeat_the_one_before_are_read_few_at_a_time() -> None:
    """DELTA_BYTE_ARRAY: each value may repeat a megabyte of the one before it in a byte or two."""
    title = "x" * 300_000
    data = parquet_file(
        listing_columns(40, title=[title + f"{n:03}" for n in range(40)]),
        use_dictionary=False,
        column_encoding={"title": "DELTA_BYTE_ARRAY"},
        compression="none",
    )
    assert len(data) < 400_000
    reading = read_file(data)
    assert [value["title"] for value in reading.values] == [title + f"{n:03}" for n in range(40)]


@pytest.mark.parametrize("encoding", ["DELTA_LENGTH_BYTE_ARRAY", "DELTA_BYTE_ARRAY", "PLAIN"])
def test_every_encoding_of_texts_is_read(encoding: str) -> None:
    columns = {"id": [str(n) for n in range(500)], "list": [[f"x{n}"] * (n % 3) for n in range(500)]}
    encodings = {"id": encoding, "list.list.element": encoding}
    data = parquet_file(columns, use_dictionary=False, column_encoding=encodings, row_group_size=200)
    assert [tuple(value.values()) for value in read_file(data).values] == list(zip(*columns.values(), strict=True))


@pytest.mark.parametrize("encoding", ["DELTA_BINARY_PACKED", "BYTE_STREAM_SPLIT", "PLAIN"])
def test_every_encoding_of_numbers_is_read(encoding: str) -> None:
    columns = {"n": list(range(500))}
    data = parquet_file(columns, use_dictionary=False, column_encoding={"n": encoding})
    assert [value["n"] for value in read_file(data).values] == columns["n"]


def test_the_sizes_that_pages_say_count_against_the_limits() -> None:
    data = parquet_file(listing_columns(100, title=["x" * 100_000 + str(n) for n in range(100)]), use_dictionary=False)
    assert read_file(data, within=limits(decompressed_max_bytes=5_000_000)).code is FailureCode.DECOMPRESSED_TOO_BIG
    assert read_file(data * 1, within=limits(compression_max_ratio=1.5)).code is None
    bigger = parquet_file(
        listing_columns(200, title=["x" * 100_000 + str(n) for n in range(200)]), use_dictionary=False
    )
    assert read_file(bigger, within=limits(compression_max_ratio=2)).code is FailureCode.COMPRESSION_RATIO


def test_what_is_kept_aside_is_limited_as_the_stored_file_is() -> None:
    data = parquet_file(listing_columns(2_000, title=["a"] * 2_000), compression="none")
    packed = gzip.compress(data)
    assert len(packed) < len(data) / 2
    reading = read_file(packed, within=limits(file_max_bytes=len(data) - 1))
    assert reading.code is FailureCode.FILE_TOO_BIG


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 20_000), st.binary(min_size=1, max_size=4)), min_size=1, max_size=3))
def test_damage_gives_a_refusal_and_nothing_worse(changes: list[tuple[int, bytes]]) -> None:
    data = bytearray(_SOUND)
    for at, change in changes:
        at = len(data) - 1 - at % len(data)  # most of what can go wrong is in the footer
        data[at : at + len(change)] = change
    reading = read_file(bytes(data))
    assert reading.code in (None, *_REFUSALS)


_SOUND = parquet_file(
    {**listing_columns(20), "images": [["a", "b"]] * 20, "place": [{"lat": 1.5}] * 20}, row_group_size=8
)
_REFUSALS = (
    FailureCode.FILE_BROKEN,
    FailureCode.BLOCK_TOO_BIG,
    FailureCode.SCHEMA_REFUSED,
    FailureCode.FORMAT_UNKNOWN,
    FailureCode.COMPRESSION_RATIO,
    FailureCode.DECOMPRESSED_TOO_BIG,
    FailureCode.COMPRESSION_BROKEN,
)


def test_a_row_group_whose_words_contradict_each_other_is_refused() -> None:
    """pyarrow's own view of such a row group ends the process: a level histogram that does not fit its column."""
    length = int.from_bytes(_SOUND[-8:-4], "little")
    groups = list(row_groups(_SOUND[-8 - length : -8]))
    assert [group.rows for group in groups] == [8, 8, 4]
    assert {len(group.chunks) for group in groups} == {6}
    footer = bytearray(_SOUND[-8 - length : -8])
    for at in range(len(footer)):
        footer[at] ^= 1
        reading = read_file(_SOUND[: -8 - length] + bytes(footer) + _SOUND[-8:])
        assert reading.code in (None, *_REFUSALS)
        footer[at] ^= 1


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_pages_or_bad_pages(data: bytes) -> None:
    spool = Spool(io.BytesIO, _MIB)
    spool.append(b"PAR1" + data)
    with suppress(BadPages):
        assert sum(page.packed_size for page in pages_of(spool, 4, 4 + len(data))) <= len(data)


# -- the temporary file ------------------------------------------------------------------------------------------


def test_the_temporary_file_is_wanted_for_parquet_alone_and_freed() -> None:
    files: list[io.BytesIO] = []

    def scratch() -> BinaryIO:
        files.append(io.BytesIO())
        return files[-1]

    reader = FileReader(ReadHints(), limits(), None, scratch=scratch)
    assert len([*reader.feed(b'{"a":1}\n'), *reader.finish()]) == 1
    reader.close()
    assert files == []

    reader = FileReader(ReadHints(), limits(), None, scratch=scratch)
    list(reader.feed(parquet_file(listing_columns(5_000))))
    slices = reader.finish()
    next(slices)
    reader.close()
    reader.close()
    assert [file.closed for file in files] == [True]
