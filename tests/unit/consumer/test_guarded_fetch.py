"""One fetch of a partition, from the bytes of the broker to what Faust is given."""

from __future__ import annotations

import gc
import struct
import zlib
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.consumer import fetcher
from aiokafka.structs import TopicPartition

from app.consumer import batches, guarded_fetch
from app.consumer.bounds import Bounds
from app.consumer.guarded_fetch import POLL_BYTES, FetchedBytes, GuardedRecord, GuardedRecords, install
from app.errors import FailureCode, OperatorError
from tests.support.raw_batches import GZIP, ZSTD, batch, message, numbered, record

TP = TopicPartition("listings", 3)
BOUNDS = Bounds(batch_bytes=64_000_000, batch_records=1000, record_bytes=1_000_000)
BUFFERED = install(BOUNDS)
CONTROL, TRANSACTIONAL = 0x20, 0x10


@pytest.fixture(autouse=True)
def _bounds() -> None:
    install(BOUNDS)


def fetched(data: bytes, at: int = 0, committed: bool = False, aborted: Any = None) -> GuardedRecords:
    return GuardedRecords(TP, FetchedBytes(data), aborted, at, None, None, True, int(committed))


def read(data: bytes, at: int = 0, **more: Any) -> tuple[list[tuple[int, Any]], int]:
    """What came, values or the code of what could not be read, and where the next fetch begins."""
    records = fetched(data, at, **more)
    came = [(one.offset, one.checksum.trouble.code if one.checksum.trouble else one.value) for one in records]
    return came, records.next_fetch_offset


def marker(base: int, producer: int, commits: bool) -> bytes:
    key = struct.pack(">hh", 0, int(commits))
    return batch([record(b"", key)], base=base, producer=producer, attributes=CONTROL | TRANSACTIONAL)


def taken(base: int, value: bytes, producer: int) -> bytes:
    return batch([record(value)], base=base, producer=producer, attributes=TRANSACTIONAL)


def test_aiokafka_reads_through_the_guard_and_one_of_another_shape_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert fetcher.PartitionRecords is GuardedRecords
    assert install(BOUNDS) is BUFFERED
    for changed in ({"PartitionRecords": object}, {"Fetcher": SimpleNamespace}):
        with monkeypatch.context() as patch:
            patch.setattr(guarded_fetch, "_guard", None)
            for name, other in changed.items():
                patch.setattr(fetcher, name, other)
            with pytest.raises(OperatorError, match=r"aiokafka 0\.14\.0"):
                install(BOUNDS)


def test_batches_follow_each_other_and_the_last_one_may_be_cut_off() -> None:
    data = batch(numbered([b"a", b"b"]), base=4) + batch([record(b"c")], ZSTD, base=6)
    assert read(data + data[:40], 5) == ([(5, b"b"), (6, b"c")], 7)


def test_markers_of_transactions_are_passed_and_are_no_records() -> None:
    data = taken(0, b"a", 7) + marker(1, 7, commits=True)
    assert read(data) == ([(0, b"a")], 2)
    assert read(data[len(taken(0, b"a", 7)) :], 1) == ([], 2)


def test_only_what_was_committed_is_read_where_that_is_asked_for() -> None:
    data = b"".join(
        (
            taken(0, b"undone", 7), taken(1, b"done", 8), marker(2, 7, commits=False), marker(3, 8, commits=True),
            taken(4, b"again", 7), marker(5, 7, commits=True),
        )
    )  # fmt: skip
    assert read(data, committed=True, aborted=[(7, 0)]) == ([(1, b"done"), (4, b"again")], 6)
    assert read(data, 4, committed=True, aborted=[(7, 0)]) == ([(4, b"again")], 6)
    assert [value for _, value in read(data)[0]] == [b"undone", b"done", b"again"]


@pytest.mark.parametrize("magic", [3, 9, 127])
def test_a_format_that_nobody_knows_is_told_of_and_passed(magic: int) -> None:
    data = batch(numbered([b"a", b"b"]), base=2, magic=magic) + batch([record(b"c")], base=4)
    came, next_offset = read(data, 2)
    assert (came, next_offset) == ([(2, FailureCode.RECORD_UNREADABLE)], 4)
    assert read(batch([record(b"a")], base=2, magic=magic), 2) == ([(2, FailureCode.RECORD_UNREADABLE)], 3)


def test_a_wrong_checksum_is_fetched_again_twice_and_then_told_of() -> None:
    data = batch(numbered([b"a", b"b"]), base=2, crc=1) + batch([record(b"c")], base=4)
    assert read(data, 2) == ([], 2)
    assert read(data, 2) == ([], 2)
    assert read(data, 2) == ([(2, FailureCode.RECORD_UNREADABLE)], 4)
    assert read(data, 2) == ([], 2), "and so is the next one there"


@pytest.mark.parametrize("last", [1, 2**31 - 1, -5])
def test_where_a_damaged_batch_ends_is_believed_as_far_as_it_may_be(last: int) -> None:
    data = batch(numbered([b"a", b"b"]), base=8, crc=1, last=last)
    for _ in range(2):
        read(data, 8)
    assert read(data, 8)[1] == (10 if last == 1 else 9)


@pytest.mark.parametrize("length", [-1, -(2**31), 0, 5, 40, 2**31 - 1])
def test_a_length_that_lies_stalls_no_partition(length: int) -> None:
    data = batch([record(b"a")], base=8, length=length)
    assert read(data, 8) == ([(8, FailureCode.RECORD_UNREADABLE)], 9)


@pytest.mark.parametrize("data", [b"\0", b"\xff" * 12, bytes(70), batch([record()], base=2)[:61]])
def test_bytes_that_are_no_batch_stall_no_partition(data: bytes) -> None:
    assert read(data, 8) == ([(8, FailureCode.RECORD_UNREADABLE)], 9)


def test_a_batch_that_ends_before_it_begins_stalls_no_partition() -> None:
    assert read(batch([record()], base=8, last=-3), 8) == ([(8, FailureCode.RECORD_UNREADABLE)], 9)


def test_what_stands_for_many_offsets_says_so() -> None:
    (one,) = fetched(batch(numbered([b"a"] * 9), ZSTD, base=8, packed=b"?"), 10)
    assert (one.offset, one.checksum.last) == (10, 16)
    assert "offsets 10 to 16" in str(one.checksum.trouble)


@pytest.mark.parametrize("magic", [0, 1])
def test_messages_of_old_brokers_are_read(magic: int) -> None:
    inner = b"".join(
        message(value, magic, number if magic else 5 + number) for number, value in enumerate((b"b", b"c"))
    )
    packer = zlib.compressobj(wbits=31)
    packed = message(packer.compress(inner) + packer.flush(), magic, 6, GZIP)
    assert read(message(b"a", magic, 4) + packed, 4) == ([(4, b"a"), (5, b"b"), (6, b"c")], 7)


@pytest.mark.parametrize("magic", [0, 1])
def test_messages_of_old_brokers_that_can_not_be_read_are_told_of(magic: int) -> None:
    bad = [
        message(b"a", magic, 4, crc=1),
        message(b"?", magic, 4, GZIP),
        message(b"a", magic, 4, 7),
        message(zlib.compress(bytes(50_000_000), wbits=31), magic, 4, GZIP),
    ]
    for data in bad:
        assert read(data + message(b"b", magic, 5), 4) == ([(4, FailureCode.RECORD_UNREADABLE), (5, b"b")], 6)


def test_bytes_count_until_a_record_is_let_go_of() -> None:
    gc.collect()
    before = BUFFERED.of("listings")
    came = list(fetched(batch(numbered([bytes(1000)] * 10))))
    assert BUFFERED.of("listings") - before >= 10_000
    del came[5:]
    assert 5_000 <= BUFFERED.of("listings") - before < 10_000
    came.clear()
    assert BUFFERED.of("listings") == before


def test_one_batch_is_unpacked_at_once_and_none_is_lost_for_that() -> None:
    values = [b"%d" % number * 300_000 for number in range(20)]
    first, second = (fetched(batch(numbered(values), ZSTD)) for _ in range(2))
    came: dict[int, list[bytes | None]] = {1: [], 2: []}
    for _ in values:
        came[1].append(next(first).value)
        came[2].append(next(second).value)
        assert first._iterator is None
    assert came == {1: values, 2: values}
    assert next(first, None) is None
    assert (first.next_fetch_offset, second.next_fetch_offset) == (20, 20)


def test_a_little_batch_is_read_beside_a_large_one_which_stays_unpacked() -> None:
    large = fetched(batch(numbered([b"x" * 300_000] * 20), ZSTD))
    little = fetched(batch(numbered([b"a", b"b"]), ZSTD))
    next(large)
    held = large._iterator
    assert [one.value for one in little] == [b"a", b"b"]
    assert large._iterator is held is not None
    assert len(list(large)) == 19


def test_a_call_gives_no_more_bytes_than_it_may() -> None:
    state = SimpleNamespace(paused=False, position=0)
    state.consumed_to = lambda position: setattr(state, "position", position)
    assignment = SimpleNamespace(active=True, state_value=lambda tp: state)
    data = batch(numbered([bytes(900_000)] * 30), ZSTD)
    result = fetcher.FetchResult(TP, assignment=assignment, partition_records=fetched(data), backoff=0)
    taken_at_once: list[list[GuardedRecord]] = []
    while result.has_more():
        taken_at_once.append(result.getall(100))
    assert sum(map(len, taken_at_once)) == 30
    assert max(sum(one.size for one in some) for some in taken_at_once) <= POLL_BYTES + 1_000_000
    assert state.position == 30


class Panic(BaseException):
    """As a library in Rust raises it."""


@pytest.mark.parametrize("error", [Panic(), MemoryError(), RecursionError()])
def test_a_fault_of_a_library_costs_its_batch_and_ends_nothing(
    error: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> Any:
        raise error

    data = batch(numbered([b"a", b"b"]), ZSTD, base=4)
    with monkeypatch.context() as patch:
        patch.setattr(batches, "unpacked", broken)
        assert read(data + data, 4) == ([(4, FailureCode.RECORD_UNREADABLE)], 6)
    assert read(data, 4) == ([(4, b"a"), (5, b"b")], 6)
