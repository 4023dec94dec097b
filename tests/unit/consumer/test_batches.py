"""What a batch may say of itself and its records, and what is made of it."""

from __future__ import annotations

import os

import pytest

from app.consumer.batches import Batch, WireRecord, records_of
from app.consumer.bounds import Bounds
from app.errors import FailureCode
from tests.support.raw_batches import GZIP, LZ4, NOW_MS, SNAPPY, ZSTD, batch, numbered, part, record, varint

BOUNDS = Bounds(batch_bytes=4_000_000, batch_records=1000, record_bytes=1_000_000, headers=20)
CODECS = [0, GZIP, SNAPPY, LZ4, ZSTD]


def read(data: bytes, position: int = 0, bounds: Bounds = BOUNDS) -> list[WireRecord]:
    return list(records_of(Batch.of(memoryview(data)), position, bounds))


def told(found: list[WireRecord]) -> list[tuple[int, int, FailureCode]]:
    return [(one.offset, one.last, one.trouble.code) for one in found if one.trouble is not None]


def sound(found: list[WireRecord]) -> list[tuple[int, bytes | None]]:
    return [(one.offset, one.value) for one in found if one.trouble is None]


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("size", [10, 3000])
def test_sound_batches_of_any_codec_are_read_whole(codec: int, size: int) -> None:
    values = [os.urandom(size // 2) * 2 for _ in range(900)]
    found = read(batch(numbered(values, headers=[(b"h", b"1"), (b"null", None)]), codec, base=70))
    assert sound(found) == list(enumerate(values, 70))
    assert {one.timestamp_ms for one in found} == {NOW_MS}
    assert found[0].headers == [("h", b"1"), ("null", b"")]


@pytest.mark.parametrize("codec", CODECS)
def test_reading_begins_where_it_was_left(codec: int) -> None:
    data = batch(numbered([b"a", b"b", b"c"]), codec, base=5)
    assert sound(read(data, 6)) == [(6, b"b"), (7, b"c")]
    assert read(data, 8) == []


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("name", [b"\xff", b"caf\xe9", b"\xed\xa0\x80", b"ok\x80"])
def test_a_header_name_of_any_bytes_keeps_them(codec: int, name: bytes) -> None:
    found = read(batch([record(headers=[(name, b"1")]), record(b"next", delta=1)], codec))
    assert [kept.encode(errors="surrogateescape") for kept, _ in found[0].headers] == [name]
    assert sound(found) == [(0, b"v"), (1, b"next")]


def test_nothing_may_be_null_that_is_needed() -> None:
    (found,) = read(batch([record(None, None)]))
    assert (found.key, found.value, found.headers) == (None, None, [])


def test_records_with_too_many_headers_keep_key_and_value() -> None:
    many = [(b"%d" % number, b"x") for number in range(21)]
    found = read(batch([record(headers=many), record(b"next", delta=1)]))
    assert told(found) == [(0, 0, FailureCode.RECORD_UNREADABLE)]
    assert (found[0].key, found[0].value, found[0].headers) == (b"k", b"v", [])
    assert sound(found) == [(1, b"next")]


@pytest.mark.parametrize("codec", CODECS[1:])
def test_one_record_that_unpacks_beyond_the_bound_is_told_of_and_takes_no_memory(codec: int) -> None:
    found = read(batch([record(bytes(20_000_000))], codec, base=9))
    assert told(found) == [(9, 9, FailureCode.BATCH_TOO_BIG)]
    assert found[0].value is None


@pytest.mark.parametrize("codec", CODECS[1:])
def test_a_batch_of_many_records_is_read_up_to_the_bound(codec: int) -> None:
    found = read(batch(numbered([bytes(900_000)] * 20), codec))
    first = len(sound(found))
    assert 1 <= first <= 4
    assert [offset for offset, _ in sound(found)] == list(range(first))
    assert told(found) == [(first, 19, FailureCode.BATCH_TOO_BIG)]
    assert f"offsets {first} to 19" in str(found[-1].trouble)


@pytest.mark.parametrize("codec", CODECS)
def test_a_record_too_big_to_be_handed_on_costs_itself_only(codec: int) -> None:
    values = [b"a", bytes(1_500_000), b"c"]
    found = read(batch(numbered(values), codec))
    assert sound(found) == [(0, b"a"), (2, b"c")]
    assert told(found) == [(1, 1, FailureCode.BATCH_TOO_BIG)]


def test_more_records_than_a_batch_may_have_are_refused_before_any_is_read() -> None:
    assert told(read(batch(numbered([b""] * 1001), ZSTD))) == [(0, 1000, FailureCode.BATCH_TOO_BIG)]


LIES = {
    "value longer than its record": record(value_says=1000),
    "value as long as numbers go": record(value_says=2**63 - 1),
    "value shorter than it is": record(b"value", value_says=2),
    "more headers than bytes": record(headers_say=2**40),
    "fewer headers than none": record(headers_say=-1),
    "headers that are not there": record(headers_say=1),
    "a record without anything": part(b""),
    "a number without end": part(b"\0" + b"\xff" * 30),
}


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_a_record_that_lies_within_its_length_costs_itself_only(lie: bytes, codec: int) -> None:
    found = read(batch([record(b"a"), lie, record(b"c", delta=2)], codec, base=40))
    assert sound(found) == [(40, b"a"), (42, b"c")]
    assert told(found) == [(41, 41, FailureCode.RECORD_UNREADABLE)]


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("says", [-1, 900, 2**40, -(2**50)])
def test_a_record_that_lies_about_its_length_costs_what_follows(says: int, codec: int) -> None:
    found = read(batch([record(b"a"), record(b"b", delta=1, says=says), record(b"c", delta=2)], codec))
    assert sound(found) == [(0, b"a")]
    assert [(offset, last) for offset, last, _ in told(found)] == [(1, 2)]


@pytest.mark.parametrize("deltas", [(0, 0, 0), (2, 1, 0), (5, 1_000_000, -7), (2**31, 0, 1)])
def test_offsets_are_those_of_the_order_whatever_the_records_say(deltas: tuple[int, ...]) -> None:
    found = read(batch([record(b"%d" % delta, delta=delta) for delta in deltas], base=3))
    assert [offset for offset, _ in sound(found)] == [3, 4, 5]


def test_what_was_compacted_away_is_missed_by_nobody() -> None:
    data = batch([record(b"b", delta=1), record(b"e", delta=4)], base=10, last=7)
    assert sound(read(data)) == [(11, b"b"), (14, b"e")]
    assert sound(read(data, 12)) == [(14, b"e")]
    assert read(batch([], base=10, last=7)) == []


@pytest.mark.parametrize("count", [-1, 5, 900])
def test_a_count_that_lies_costs_the_offsets_without_a_record(count: int) -> None:
    found = read(batch(numbered([b"a", b"b"]), count=count, last=6))
    assert [(offset, last) for offset, last, _ in told(found)] == [(0 if count < 0 else 2, 6)]


def test_hidden_records_are_told_of() -> None:
    assert told(read(batch(numbered([b"a", b"b", b"c"]), count=1, last=2))) == [(1, 2, FailureCode.RECORD_UNREADABLE)]


@pytest.mark.parametrize("codec", CODECS[1:])
def test_damaged_data_costs_what_comes_after_the_damage(codec: int) -> None:
    whole = batch(numbered([os.urandom(3000) for _ in range(500)]), codec)
    cut = whole[61 : 61 + (len(whole) - 61) // 2]
    found = read(batch(numbered([b""] * 500), codec, packed=cut))
    assert told(found)[-1][1:] == (499, FailureCode.RECORD_UNREADABLE)
    assert sorted([one.offset for one in found]) == list(range(len(found)))


@pytest.mark.parametrize("codec", [5, 6, 7])
def test_a_codec_that_nobody_knows_costs_its_batch(codec: int) -> None:
    found = read(batch(numbered([b"a", b"b"]), attributes=codec))
    assert told(found) == [(0, 1, FailureCode.RECORD_UNREADABLE)]


PACKED_LIES = {
    "snappy of 4 GB": (SNAPPY, b"\xff\xff\xff\xff\x0f" + b"\0" * 50),
    "snappy of nothing": (SNAPPY, b""),
    "xerial block of a negative length": (SNAPPY, b"\x82SNAPPY\0" + b"\0\0\0\1" * 2 + b"\xff\xff\xff\xff"),
    "lz4 without blocks": (LZ4, b"\x04\x22\x4d\x18\x60\x40\x82"),
    "lz4 block of 2 GB": (LZ4, b"\x04\x22\x4d\x18\x60\x70\x73\xff\xff\xff\x7f"),
    "linked lz4 blocks": (LZ4, b"\x04\x22\x4d\x18\x40\x40\xc0\0\0\0\0"),
    "gzip without end": (GZIP, b"\x1f\x8b\x08\0\0\0\0\0\0\0"),
    "zstd with a window of 2 GB": (ZSTD, b"\x28\xb5\x2f\xfd\x00\xa8\x03\x00\x80\x00\x01"),
    "zstd that is text": (ZSTD, b"hello"),
}


@pytest.mark.parametrize(("codec", "packed"), PACKED_LIES.values(), ids=PACKED_LIES)
def test_packed_data_that_lies_costs_its_batch(codec: int, packed: bytes) -> None:
    found = read(batch(numbered([b"a"]), codec, packed=packed))
    assert told(found) == [(0, 0, FailureCode.RECORD_UNREADABLE)]


@pytest.mark.parametrize(
    ("first", "delta", "expected"),
    [
        (-1, 0, -1),
        (0, -(2**62), -(2**62)),
        (2**63 - 1, 1, -(2**63)),
        (9_223_372_036_854_775_000, 0, 9_223_372_036_854_775_000),
    ],
)
def test_times_are_64_bits_and_nothing_else_is_said_of_them(first: int, delta: int, expected: int) -> None:
    (found,) = read(batch([record(time_delta=delta)], first_ms=first))
    assert found.timestamp_ms == expected


def test_the_time_of_the_broker_stands_where_it_set_one() -> None:
    (found,) = read(batch([record(time_delta=5)], attributes=8, most_ms=77))
    assert found.timestamp_ms == 77


def test_a_number_may_take_ten_bytes() -> None:
    long = b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00"
    assert sound(read(batch([part(b"\0" + long + varint(0) + part(b"k") + part(b"v") + long)]))) == [(0, b"v")]
