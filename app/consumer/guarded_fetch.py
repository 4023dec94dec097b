"""Puts our reader of batches into aiokafka, in place of its own: for Faust's consumer, and for any other here.

aiokafka unpacks a batch whole, and raises whatever a record provokes out of the call that fetches; a worker then ends,
and ends again at the next start. It has no seam for that, so the three names are replaced where its fetcher looks them
up; `install` refuses an aiokafka in which they are not what they were when this was written.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiokafka.consumer import fetcher as aiokafka_fetcher
from aiokafka.record.util import calc_crc32c

from app.consumer.batches import LOG_OVERHEAD, Batch, WireRecord, records_of, trouble
from app.consumer.bounds import Bounds
from app.consumer.buffered import Buffered, Parcel
from app.consumer.legacy import legacy_records
from app.errors import FailureCode, OperatorError
from app.model.source_record import APPEND_TIME
from app.observability import metrics

READ_COMMITTED = 1
_MAGIC_AT = 16
_LEAST_BATCH = 61
_ABORT = b"\x00\x00"
_CRC_TRIES = 3
"""So often a batch with a wrong checksum is fetched before it is given up: it may have been damaged on its way."""
FETCH_MAX_BYTES = 8 * 1024 * 1024
"""Of one answer of a broker; it is in memory twice while it is taken apart."""
POLL_BYTES = 8 * 1024 * 1024
"""No call for records gives more; it is also the longest step."""
_OURS = (GeneratorExit, KeyboardInterrupt, SystemExit)
_SHAPE = {
    "PartitionRecords": (
        "self", "tp", "records", "aborted_transactions", "fetch_offset", "key_deserializer", "value_deserializer",
        "check_crcs", "isolation_level",
    ),
    "FetchResult": ("self", "tp", "assignment", "partition_records", "backoff"),
}  # fmt: skip
_LOOKED_UP = {
    "_proc_fetch_request": {"MemoryRecords", "has_next", "size_in_bytes", "PartitionRecords", "FetchResult"},
    "fetched_records": {"FetchResult", "getall", "has_more"},
}


@dataclass(slots=True)
class _Guard:
    """What is shared by all fetchers of this process."""

    bounds: Bounds
    buffered: Buffered
    tries: dict[tuple[str, int, int], int] = field(default_factory=dict)
    open: GuardedRecords | None = None
    """The one that holds an unpacked batch which is not little: memory is for one of them, not for one a partition."""


_guard: _Guard | None = None


def install(bounds: Bounds) -> Buffered:
    """From now on every aiokafka consumer of this process reads through the guard; returns what it counts.

    `OperatorError(PREREQUISITE_MISSING)` when aiokafka is not the one that this was written for.
    """
    global _guard
    if _guard is None:
        _replace(aiokafka_fetcher)
        _guard = _Guard(bounds, Buffered())
    _guard.bounds = bounds
    return _guard.buffered


def _replace(fetcher: Any) -> None:
    for name, expected in _SHAPE.items():
        made = getattr(getattr(fetcher, name, None), "__init__", None)
        if made is None or tuple(inspect.signature(made).parameters) != expected:
            raise _unknown_shape(name)
    for method, names in _LOOKED_UP.items():
        code = getattr(getattr(fetcher.Fetcher, method, None), "__code__", None)
        if code is None or not names <= set(code.co_names):
            raise _unknown_shape(method)
    fetcher.MemoryRecords = FetchedBytes
    fetcher.PartitionRecords = GuardedRecords
    fetcher.FetchResult = _bounded_result(fetcher.FetchResult)


def _unknown_shape(what: str) -> OperatorError:
    return OperatorError(
        FailureCode.PREREQUISITE_MISSING,
        f"this aiokafka is not the one that records are guarded in ({what} has changed); install aiokafka 0.14.0",
    )


def _bounded_result(original: Any) -> Any:
    class BoundedResult(original):  # type: ignore[misc]
        """Gives the records of one fetch of a partition, no more bytes at once than a call may take."""

        def getall(self, max_records: int | None = None) -> list[GuardedRecord]:
            if not self.check_assignment(self._topic_partition) or not self.has_more():
                return []
            taken: list[GuardedRecord] = []
            room = POLL_BYTES
            for record in self._partition_records or ():
                taken.append(record)
                room -= record.size
                if room <= 0 or (max_records is not None and len(taken) >= max_records):
                    self._update_position()
                    return taken
            self._update_position()
            self._partition_records: GuardedRecords | None = None
            return taken

    return BoundedResult


class FetchedBytes:
    """The bytes of one partition as a broker sent them."""

    def __init__(self, data: bytes | None) -> None:
        self.data = data or b""

    def has_next(self) -> bool:
        return bool(self.data)

    def size_in_bytes(self) -> int:
        return len(self.data)


@dataclass(slots=True)
class GuardedRecord:
    """A record as Faust and our readers look at it; its names are those of aiokafka's `ConsumerRecord`."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    timestamp_type: int
    key: bytes | None
    value: bytes | None
    checksum: Parcel
    serialized_key_size: int
    serialized_value_size: int
    headers: Sequence[tuple[str, bytes]]
    size: int


class GuardedRecords:
    """Iterates over the records of one fetch of a partition; never raises anything but StopIteration."""

    def __init__(
        self,
        tp: Any,
        records: FetchedBytes,
        aborted_transactions: Sequence[tuple[int, int]] | None,
        fetch_offset: int,
        key_deserializer: object,
        value_deserializer: object,
        check_crcs: bool,
        isolation_level: int,
    ) -> None:
        self._tp = tp
        self._data = memoryview(records.data)
        self._aborted = sorted(aborted_transactions or [], key=lambda aborted: aborted[1])
        self._check_crcs = check_crcs
        self._committed_only = isolation_level == READ_COMMITTED
        self._asked = self.next_fetch_offset = fetch_offset
        self._iterator: Iterator[WireRecord] | None = None
        self._comes_again = False

    def __iter__(self) -> GuardedRecords:
        return self

    def __next__(self) -> GuardedRecord:
        iterator = self._iterator
        if iterator is None:
            iterator = self._iterator = self._read()
        found = next(iterator)
        self.next_fetch_offset = found.last + 1
        return self._parcelled(found)

    def release(self) -> None:
        """Let go of what is unpacked; it is unpacked again when the next record is asked for."""
        self._iterator = None

    def _parcelled(self, found: WireRecord) -> GuardedRecord:
        assert _guard is not None
        size = found.size
        return GuardedRecord(
            self._tp.topic,
            self._tp.partition,
            found.offset,
            found.timestamp_ms,
            APPEND_TIME if found.is_broker_timed else 0,
            found.key,
            found.value,
            Parcel(_guard.buffered, self._tp.topic, size, found.last, found.trouble),
            -1 if found.key is None else len(found.key),
            -1 if found.value is None else len(found.value),
            found.headers,
            size,
        )

    def _read(self) -> Iterator[WireRecord]:
        """All there is; an offset that nothing gets past is given up, or the partition would stand for ever."""
        yield from self._batches()
        if self.next_fetch_offset == self._asked and not self._comes_again:
            yield from self._given_up(0, 0, "no batch of those that came holds this offset")

    def _batches(self) -> Iterator[WireRecord]:
        aborted, aborting = list(self._aborted), set[int]()
        at = 0
        while at + LOG_OVERHEAD <= len(self._data):
            end = at + LOG_OVERHEAD + int.from_bytes(self._data[at + 8 : at + 12], "big", signed=True)
            data = self._data[at:end]
            if end > len(self._data) and at:
                return  # cut off where the fetch was full: the next one begins with it
            if not at < end <= len(self._data) or len(data) <= _MAGIC_AT:
                yield from self._given_up(at, end, "its length is not that of its bytes")
                return
            magic = data[_MAGIC_AT]
            if magic < 2:
                yield from self._legacy(data, magic)
            elif magic > 2 or len(data) < _LEAST_BATCH:
                yield from self._given_up(at, end, f"format {magic} in {len(data):,} bytes is none that is known")
                return
            else:
                batch = Batch.of(data)
                if self._check_crcs and batch.crc != calc_crc32c(batch.covered):
                    yield from self._again_or_given_up(at, end, batch)
                    return
                last, counts = max(batch.base, batch.last), self._counts(batch, aborted, aborting)
                if counts and last >= self.next_fetch_offset:
                    yield from self._open(batch)
                self.next_fetch_offset = max(self.next_fetch_offset, last + 1)
            at = end

    def _counts(self, batch: Batch, aborted: list[tuple[int, int]], aborting: set[int]) -> bool:
        """Whether its records are for anybody: not those of the broker, nor those that were taken back."""
        if self._committed_only and batch.producer_id >= 0:
            while aborted and aborted[0][1] <= batch.base:
                aborting.add(aborted.pop(0)[0])
            if batch.is_control and _is_abort(batch):
                aborting.discard(batch.producer_id)
            if batch.is_transactional and batch.producer_id in aborting:
                return False
        return not batch.is_control

    def _claim(self) -> None:
        """Be the one that holds an unpacked batch."""
        assert _guard is not None
        if _guard.open is not None and _guard.open is not self:
            _guard.open.release()
        _guard.open = self

    def _open(self, batch: Batch) -> Iterator[WireRecord]:
        assert _guard is not None
        try:
            yield from records_of(batch, self.next_fetch_offset, _guard.bounds, self._claim)
        except _OURS:
            raise
        except BaseException as error:  # a panic of a library in Rust is no Exception
            said = f"the batch can not be read: {type(error).__name__}"
            start = self.next_fetch_offset
            yield trouble(start, max(start, batch.last), batch.max_timestamp, FailureCode.RECORD_UNREADABLE, said)
        finally:
            if _guard.open is self:
                _guard.open = None

    def _legacy(self, data: memoryview, magic: int) -> Iterator[WireRecord]:
        assert _guard is not None
        offset = int.from_bytes(data[:8], "big", signed=True)
        yield from legacy_records(data, magic, self.next_fetch_offset, self._check_crcs, _guard.bounds)
        if offset - self.next_fetch_offset <= _guard.bounds.batch_records:
            self.next_fetch_offset = max(self.next_fetch_offset, offset + 1)

    def _again_or_given_up(self, at: int, end: int, batch: Batch) -> Iterator[WireRecord]:
        assert _guard is not None
        place = (self._tp.topic, self._tp.partition, self.next_fetch_offset)
        tries = _guard.tries.pop(place, 0) + 1
        if tries < _CRC_TRIES:
            _guard.tries[place] = tries
            self._comes_again = True
            metrics.BATCHES_FETCHED_AGAIN.labels(self._tp.topic).inc()
            return
        yield from self._given_up(at, end, "its checksum is wrong", batch)

    def _given_up(self, at: int, end: int, said: str, batch: Batch | None = None) -> Iterator[WireRecord]:
        """One record for a batch whose header can not be believed.

        It ends where the next one begins; without a next one, where it says itself, if that may be.
        """
        assert _guard is not None
        start = last = self.next_fetch_offset
        most = start + _guard.bounds.batch_records
        following = self._data[end : end + 8]
        if end > at and len(following) == 8 and start < (base := int.from_bytes(following, "big", signed=True)) <= most:
            last = base - 1
        elif batch is not None and start < batch.last < most:
            last = batch.last
        yield trouble(start, last, -1, FailureCode.RECORD_UNREADABLE, f"a batch that can not be read: {said}")


def _is_abort(batch: Batch) -> bool:
    assert _guard is not None
    first = next(records_of(batch, batch.base, _guard.bounds), None)
    return first is not None and first.key is not None and first.key[2:4] == _ABORT
