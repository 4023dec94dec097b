from __future__ import annotations

import gzip
import os
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import FailureCode, FileRejected
from app.model.file import Compression
from app.model.record import Limits
from app.pipeline.decompress import Decompressor
from app.pipeline.unpack.streams import Damaged
from tests.support.limits import limits

_MIB = 1024 * 1024


def _unpack(
    data: bytes, chunk: int = 256 * 1024, within: Limits | None = None, size: int | None = None
) -> tuple[bytes, FileRejected | None, list[int]]:
    decompressor = Decompressor(within or limits(), len(data) if size is None else size, block_bytes=4_096)
    plain, lengths = bytearray(), []
    try:
        for at in range(0, len(data), chunk):
            for block in decompressor.feed(data[at : at + chunk]):
                plain += block
                lengths.append(len(block))
        for block in decompressor.finish():
            plain += block
            lengths.append(len(block))
    except FileRejected as error:
        return bytes(plain), error, lengths
    return bytes(plain), None, lengths


def test_the_content_decides_what_it_is() -> None:
    for data, expected in ((b"plain", Compression.NONE), (gzip.compress(b"plain"), Compression.GZIP), (b"x", "none")):
        decompressor = Decompressor(limits(), None)
        assert decompressor.compression is None
        blocks = [*decompressor.feed(data), *decompressor.finish()]
        assert b"".join(blocks) in (b"plain", b"x")
        assert decompressor.compression == expected


@settings(deadline=None)
@given(st.lists(st.binary(max_size=5_000), max_size=4), st.integers(1, 3_000), st.booleans())
def test_all_members_come_out_in_blocks_of_one_size(members: list[bytes], chunk: int, packed: bool) -> None:
    data = b"".join(map(gzip.compress, members)) if packed else b"x" + b"".join(members)

    plain, error, lengths = _unpack(data, chunk)

    assert error is None
    assert plain == (b"".join(members) if packed else data)
    assert all(length == 4_096 for length in lengths[:-1])


def test_zeros_after_and_between_members_are_padding() -> None:
    data = gzip.compress(b"one") + bytes(5_000) + gzip.compress(b"two") + bytes(1)
    assert _unpack(data)[:2] == (b"onetwo", None)


@pytest.mark.parametrize("tail", [b"garbage", b"\0\0garbage", b"\x1f\x8b\x08garbage", b"\x1f"])
def test_anything_else_after_a_member_is_damage(tail: bytes) -> None:
    plain, error, _ = _unpack(gzip.compress(b"one") + tail)

    assert plain == b"one"
    assert error is not None
    assert error.code is FailureCode.COMPRESSION_BROKEN


@pytest.mark.parametrize("missing", [1, 4, 8, 9, 500])
def test_a_member_that_is_cut_off_gives_what_it_has(missing: int) -> None:
    content = os.urandom(20_000)
    data = gzip.compress(content)[:-missing]

    plain, error, _ = _unpack(data)

    assert content.startswith(plain)
    assert len(plain) > len(content) - missing - 100
    assert error is not None
    assert error.position == f"byte {len(data):,} as stored"


def test_a_wrong_checksum_is_damage_and_the_place_is_told() -> None:
    data = bytearray(gzip.compress(os.urandom(50_000)))
    data[-6] ^= 1

    plain, error, _ = _unpack(bytes(data))

    assert len(plain) > 48_000
    assert error is not None
    assert error.code is FailureCode.COMPRESSION_BROKEN
    assert error.position == f"after byte {len(data) // 1024 * 1024:,} as stored"
    assert isinstance(error.__cause__, Damaged)
    assert isinstance(error.__cause__.__cause__, zlib.error)


@settings(deadline=None)
@given(st.integers(0, 2_000), st.integers(0, 255), st.integers(1, 3_000))
def test_damage_is_found_at_the_same_place_however_it_is_cut(at: int, value: int, chunk: int) -> None:
    data = bytearray(gzip.compress(bytes(range(256)) * 2_000, compresslevel=1))
    data[at % len(data)] = value

    whole, cut = _unpack(bytes(data)), _unpack(bytes(data), chunk)

    assert whole[0] == cut[0]
    assert str(whole[1]) == str(cut[1])


def test_a_bomb_stops_at_the_ratio_or_the_size_whichever_is_less() -> None:
    bomb = gzip.compress(bytes(60 * _MIB))

    plain, error, _ = _unpack(bomb)
    assert error is not None
    assert error.code is FailureCode.COMPRESSION_RATIO
    assert len(plain) == max(10 * _MIB, 200 * len(bomb))

    plain, error, _ = _unpack(bomb, within=limits(decompressed_max_bytes=5_000_000))
    assert error is not None
    assert error.code is FailureCode.DECOMPRESSED_TOO_BIG
    assert len(plain) == 5_000_000


def test_ten_mebibytes_may_have_any_ratio() -> None:
    plain, error, _ = _unpack(gzip.compress(bytes(10 * _MIB)))
    assert error is None
    assert len(plain) == 10 * _MIB


def test_without_a_known_size_the_ratio_is_judged_as_the_file_comes() -> None:
    plain, error, _ = _unpack(gzip.compress(bytes(60 * _MIB)), size=0)
    assert error is not None
    assert error.code is FailureCode.COMPRESSION_RATIO
    assert len(plain) < 20 * _MIB


@pytest.mark.parametrize("chunk", [1, 999, 10_000])
def test_more_than_the_stored_limit_is_not_read(chunk: int) -> None:
    plain, error, _ = _unpack(b"x" * 10_000, chunk, limits(file_max_bytes=7_000))
    assert error is not None
    assert error.code is FailureCode.FILE_TOO_BIG
    assert plain == b"x" * 7_000


def test_the_limits_themselves_are_allowed() -> None:
    assert _unpack(b"x" * 7_000, within=limits(file_max_bytes=7_000))[1] is None
    assert _unpack(gzip.compress(b"x" * 7_000), within=limits(decompressed_max_bytes=7_000))[1] is None
