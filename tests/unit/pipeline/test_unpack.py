"""What files are packed in, beyond gzip (`test_decompress`): bzip2, xz, zstd and zip."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import zipfile
from collections.abc import Callable
from typing import BinaryIO

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import FailureCode, FileRejected
from app.model.file import Compression
from app.model.record import Limits, ReadHints
from app.pipeline.decompress import Decompressor
from app.pipeline.parse import FileReader
from app.pipeline.unpack.archive import is_data_file
from app.pipeline.unpack.streams import compression_of
from tests.support.limits import limits
from tests.support.packed import streamed_zip, with_end, with_entry, zip64_of, zip_of, zstd_member_zip

_MIB = 1024 * 1024
_PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": zstandard.compress,
}


def _unpack(data: bytes, chunk: int = 256 * 1024, within: Limits | None = None) -> tuple[bytes, FileRejected | None]:
    decompressor = Decompressor(within or limits(), len(data), block_bytes=4_096)
    plain = bytearray()
    try:
        for at in range(0, len(data), chunk):
            for block in decompressor.feed(data[at : at + chunk]):
                plain += block
        for block in decompressor.finish():
            plain += block
    except FileRejected as error:
        return bytes(plain), error
    finally:
        decompressor.close()
    return bytes(plain), None


def _code(data: bytes, within: Limits | None = None) -> FailureCode | None:
    error = _unpack(data, within=within)[1]
    return None if error is None else error.code


# -- streams -----------------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(
    st.sampled_from(sorted(_PACKERS)),
    st.lists(st.binary(max_size=5_000), min_size=1, max_size=4),
    st.integers(1, 3_000),
)
def test_all_members_come_out_however_they_are_cut(name: str, members: list[bytes], chunk: int) -> None:
    assert _unpack(b"".join(map(_PACKERS[name], members)), chunk) == (b"".join(members), None)


@settings(deadline=None)
@given(st.sampled_from(sorted(_PACKERS)), st.integers(0, 5_000), st.integers(0, 255), st.integers(1, 3_000))
def test_damage_is_found_at_the_same_place_however_it_is_cut(name: str, at: int, value: int, chunk: int) -> None:
    data = bytearray(_PACKERS[name](bytes(range(256)) * 500))
    data[at % len(data)] = value

    whole, cut = _unpack(bytes(data)), _unpack(bytes(data), chunk)

    assert (whole[0], str(whole[1])) == (cut[0], str(cut[1]))


@pytest.mark.parametrize("name", _PACKERS)
def test_zeros_after_a_member_are_padding_and_anything_else_is_damage(name: str) -> None:
    data = _PACKERS[name](b"one")
    assert _unpack(data + bytes(700)) == (b"one", None)
    plain, error = _unpack(data + b"two")
    assert (plain, error and error.code) == (b"one", FailureCode.COMPRESSION_BROKEN)


@pytest.mark.parametrize("name", _PACKERS)
@pytest.mark.parametrize("missing", [1, 4, 9, 500])
def test_what_is_cut_off_is_told_with_the_place(name: str, missing: int) -> None:
    content = os.urandom(20_000)
    data = _PACKERS[name](content)[:-missing]
    plain, error = _unpack(data)
    assert content.startswith(plain)
    assert error is not None
    assert (error.code, error.position) == (FailureCode.COMPRESSION_BROKEN, f"byte {len(data):,} as stored")


@pytest.mark.parametrize("name", _PACKERS)
def test_a_bomb_stops_at_the_ratio_or_the_size_whichever_is_less(name: str) -> None:
    bomb = _PACKERS[name](bytes(40 * _MIB))
    plain, error = _unpack(bomb)
    assert error is not None
    assert error.code is FailureCode.COMPRESSION_RATIO
    assert len(plain) == max(10 * _MIB, 200 * len(bomb))
    assert len(_unpack(bomb, within=limits(decompressed_max_bytes=5_000_000))[0]) == 5_000_000


def test_frames_that_mean_nothing_are_passed_over() -> None:
    skippable = b"\x5f\x2a\x4d\x18\x03\0\0\0abc"
    frame = zstandard.compress(b"plain")
    assert _unpack(skippable + frame + skippable + frame) == (b"plainplain", None)


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"BZh91AY&SY", Compression.BZIP2),
        (bz2.compress(b""), Compression.BZIP2),
        (b"BZh9,make,", Compression.NONE),
        (b"BZh", Compression.NONE),
        (b"PK\x03\x04", Compression.ZIP),
        (b"PKW,1", Compression.NONE),
        (b"\xfd7zXZ\x00", Compression.XZ),
        (b"Z*M\x18", Compression.ZSTD),
        (b"\x28\xb5\x2f\xfd", Compression.ZSTD),
        (b"\x1f\x8b", Compression.GZIP),
        (b"id,make", Compression.NONE),
        (b"", Compression.NONE),
    ],
)
def test_the_first_bytes_tell_what_it_is(head: bytes, expected: Compression) -> None:
    assert compression_of(head) is expected


def test_slow_kinds_give_turns_though_nothing_has_come_out() -> None:
    decompressor = Decompressor(limits(), None)
    data = bz2.compress(os.urandom(880_000))
    blocks = list(decompressor.feed(data[:400_000]))
    assert blocks.count(b"") > 5
    assert set(blocks) == {b""}
    assert decompressor.take_work() > 1_000_000
    assert decompressor.take_work() == 0


# -- zip ---------------------------------------------------------------------------------------------------------

_METHODS = [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]


@settings(deadline=None)
@given(
    st.sampled_from(_METHODS),
    st.binary(max_size=20_000),
    st.integers(1, 3_000),
    st.lists(st.sampled_from(["a.jpg", "b/", ".x", "__MACOSX/c.csv", "d/._d.csv"]), unique=True),
    st.binary(max_size=300),
)
def test_the_data_file_comes_out_whatever_is_beside_it(
    method: int, content: bytes, chunk: int, others: list[str], comment: bytes
) -> None:
    data = zip_of(
        {**{name: b"" if name.endswith("/") else b"other" for name in others}, "feed/cars.csv": content}, method
    )
    commented = with_end(data, 20, "<H", len(comment)) + comment
    assert _unpack(commented, chunk) == (content, None)


@settings(deadline=None)
@given(st.sampled_from(_METHODS), st.integers(0, 5_000), st.integers(0, 255), st.integers(1, 999))
def test_a_damaged_archive_gives_the_same_however_it_is_cut_and_nothing_worse(
    method: int, at: int, value: int, chunk: int
) -> None:
    content = bytes(range(256)) * 20
    data = bytearray(zip_of({"a.jpg": b"x", "cars.csv": content}, method))
    data[at % len(data)] = value

    whole, cut = _unpack(bytes(data)), _unpack(bytes(data), chunk)

    assert (whole[0], str(whole[1])) == (cut[0], str(cut[1]))
    assert whole[1] is not None or whole[0] in (content, bytes(data))


def test_archives_that_other_tools_write() -> None:
    content = b"id,make\n1,VW\n" * 500
    assert _unpack(streamed_zip("cars.csv", content)) == (content, None)
    assert _unpack(zip64_of("cars.csv", content)) == (content, None)
    assert _unpack(zstd_member_zip("cars.csv", content)) == (content, None)


def test_the_name_of_the_data_file_is_told_and_nothing_else_is_made_of_it() -> None:
    decompressor = Decompressor(limits(), None)
    assert list(decompressor.feed(zip_of({"..\\..\\stock.tsv": b"id\n1"}))) == []
    assert list(decompressor.finish()) == [b"id\n1"]
    assert decompressor.member_name == "..\\..\\stock.tsv"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("cars.csv", True),
        ("a/b/cars", True),
        ("a\\cars.xml", True),
        ("readme.txt", True),
        ("folder/", False),
        (".hidden.csv", False),
        ("a/.hidden", False),
        ("__MACOSX/._cars.csv", False),
        ("a/__MACOSX/cars.csv", False),
        ("Thumbs.db", False),
        ("x/DESKTOP.INI", False),
        ("photo.JPG", False),
        ("a\\photo.webp", False),
        ("film.mp4", False),
    ],
)
def test_what_counts_as_a_data_file(name: str, expected: bool) -> None:
    assert is_data_file(name) is expected


def test_several_data_files_are_named_but_not_all_of_them() -> None:
    names = {f"part-{number}\n{'x' * 200}.csv": b"x" for number in range(9)}
    error = _unpack(zip_of(names))[1]
    assert error is not None
    assert error.code is FailureCode.ARCHIVE_INVALID
    assert "it has 9" in error.message
    assert "part-0?" in error.message
    assert "and 6 more" in error.message
    assert "\n" not in error.message
    assert len(error.message) < 400


def test_a_promise_of_less_ends_it_before_more_is_read() -> None:
    content = b"x" * 1_000_000
    plain, error = _unpack(with_entry(zip_of({"c.csv": content}), 24, "<L", 70_000))
    assert error is not None
    assert error.code is FailureCode.COMPRESSION_BROKEN
    assert len(plain) <= 70_000


def test_packed_data_behind_the_end_is_not_read() -> None:
    """Else what follows the end of the deflate data would be gathered in memory, for nothing."""
    packed = zip_of({"c.csv": b"x" * 100})
    at = packed.index(b"PK\x01\x02")
    grown = packed[:at] + bytes(500_000) + packed[at:]
    data = with_end(with_entry(grown, 20, "<L", 500_000), 16, "<L", at + 500_000)
    assert _code(data) is FailureCode.COMPRESSION_BROKEN


def test_many_members_are_looked_at_in_turns_and_no_more_than_allowed() -> None:
    data = zip_of({f"{number}.jpg": b"" for number in range(3_000)} | {"c.csv": b"id"})
    decompressor = Decompressor(limits(), None)
    assert list(decompressor.feed(data)) == []
    assert [*decompressor.finish()].count(b"") >= 5
    assert _code(data, limits(archive_max_members=3_000)) is FailureCode.ARCHIVE_INVALID


def test_looking_through_many_members_counts_as_work_and_reads_the_directory_once() -> None:
    """The last of them were read again for each: megabytes of members took a tenth of a second in one step."""

    class Counting(io.BytesIO):
        taken = 0

        def read(self, size: int | None = -1, /) -> bytes:
            found = super().read(size)
            Counting.taken += len(found)
            return found

    data = zip_of({f"{number}.jpg": b"" for number in range(10_000)} | {"c.csv": b"id,make\n1,VW\n"})
    reader = FileReader(ReadHints(), limits(), len(data), scratch=Counting)
    assert list(reader.feed(data)) == []
    assert sum(not piece.records for piece in reader.finish()) >= 5
    reader.close()
    assert Counting.taken < 2 * len(data)


class _Scratch:
    def __init__(self) -> None:
        self.files: list[io.BytesIO] = []

    def __call__(self) -> BinaryIO:
        self.files.append(io.BytesIO())
        return self.files[-1]


def test_only_an_archive_takes_a_temporary_file_and_it_is_freed() -> None:
    scratch = _Scratch()
    for name, packer in _PACKERS.items():
        decompressor = Decompressor(limits(), None, scratch=scratch)
        assert list(decompressor.feed(packer(b"x"))) == [], name
        decompressor.close()
    assert scratch.files == []

    decompressor = Decompressor(limits(), None, scratch=scratch)
    list(decompressor.feed(zip_of({"c.csv": b"x"})))
    decompressor.close()
    decompressor.close()
    assert [file.closed for file in scratch.files] == [True]
