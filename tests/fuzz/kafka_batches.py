"""Kafka's batches at the level of the wire: what a broker may send, damaged, through the guard as aiokafka drives it.

The name of an input says how its bytes become a fetch: `raw` is sent as it is; `sealed/N` is the header of a batch and
plain records, which are packed with codec N and given their right length and checksum, so that damage gets past those;
`packed/N` is a header and packed records, sealed likewise.
"""

from __future__ import annotations

import resource
import struct
import time
from types import SimpleNamespace
from typing import Any

from aiokafka.consumer import fetcher
from aiokafka.record.util import calc_crc32c
from aiokafka.structs import TopicPartition

from app.consumer import batches
from app.consumer.bounds import bounds_of
from app.consumer.guarded_fetch import POLL_BYTES, FetchedBytes, GuardedRecord, GuardedRecords, install
from app.consumer.unpacking import Unreadable
from app.settings import KafkaSettings
from tests.fuzz.inputs import STALL_S, Input, Stalled
from tests.support.raw_batches import PACK, batch, bomb, message, numbered, record

BOUNDS = bounds_of(KafkaSettings())
_TP = TopicPartition("listings", 0)
_FIRST = 3
"""The offset that is asked for: in the midst of the first batch."""
_HEADER_BYTES = 61
_GROWTH_MAX_KIB = 96 * 1024
_CALLS_MAX = 3_000


def batch_seeds() -> list[Input]:
    """Sound batches of every kind, and those that lie as whole programs would."""
    plain = numbered([b"a" * 40, b"", b"x" * 3000, b"{}"], headers=[(b"traceparent", b"00-1"), (b"\xff", None)])
    marker = record(b"", struct.pack(">hh", 0, 0))
    many = numbered([b'{"source":"s"}'] * 200)
    kinds: list[dict[str, Any]] = [
        {},
        {"attributes": 0x08, "most_ms": 5},
        {"attributes": 0x10, "producer": 7},
        {"last": 90},
        {"first_ms": -1, "most_ms": 2**62},
    ]
    seeds = [Input("raw", batch(plain, codec, **kind)) for codec in PACK for kind in kinds]
    for codec in PACK:
        seeds += [Input(f"sealed/{codec}", batch(rows, **kind)) for kind in kinds for rows in (plain, many)]
    seeds += [Input(f"packed/{codec}", batch(rows, codec)) for codec in PACK for rows in (plain, many)]
    seeds += [Input(f"packed/{codec}", bomb(30_000_000, codec)) for codec in (1, 3, 4)]
    aborted = (batch(plain), batch([marker], base=4, attributes=0x30, producer=7), batch(plain, 4, base=5))
    seeds.append(Input("raw", b"".join(aborted)))
    for magic in (0, 1):
        inner = b"".join(message(b"v", magic, number) for number in range(5))
        seeds.append(Input("raw", message(b"a", magic, _FIRST) + message(b"b", magic, _FIRST + 1)))
        seeds += [Input("raw", message(bytes(PACK[codec](inner)), magic, 9, codec)) for codec in (1, 2, 3)]
    return seeds


def sealed(case: Input) -> bytes:
    """The bytes that the broker sends."""
    kind, _, codec = case.name.partition("/")
    if kind == "raw" or len(case.data) < _HEADER_BYTES:
        return case.data
    head, payload = bytearray(case.data[:_HEADER_BYTES]), case.data[_HEADER_BYTES:]
    if kind == "sealed":
        head[22] = head[22] & ~0x07 | int(codec)
        payload = bytes(PACK[int(codec)](payload))
    head[16] = 2
    head[8:12] = struct.pack(">i", len(head) + len(payload) - 12)
    head[17:21] = struct.pack(">I", calc_crc32c(bytes(head[21:]) + payload))
    return bytes(head) + payload


def run_batches(case: Input) -> None:
    """Nothing is raised, every step is short, memory is bounded, offsets ascend, and the partition always goes on."""
    install(BOUNDS)
    data = sealed(case)
    for check_crcs in (True, False):
        for committed in (0, 1):
            _drain(data, check_crcs, committed)
    if case.name.startswith("sealed"):
        _reads_the_same(data)


def _drain(data: bytes, check_crcs: bool, committed: int) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    position, tries = _FIRST, 0
    while position == _FIRST and data:
        tries += 1
        assert tries <= 3, "the partition stands still"
        position = _fetch(data, position, check_crcs, committed)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown <= _GROWTH_MAX_KIB, f"it took {grown / 1024:.0f} MiB"


def _fetch(data: bytes, position: int, check_crcs: bool, committed: int) -> int:
    """One fetch, taken as aiokafka takes it; where the next one begins."""
    state = SimpleNamespace(paused=False, position=position)
    state.consumed_to = lambda offset: setattr(state, "position", offset)
    assignment = SimpleNamespace(active=True, state_value=lambda tp: state)
    records = GuardedRecords(_TP, FetchedBytes(data), [(7, 0)], position, None, None, check_crcs, committed)
    result = fetcher.FetchResult(_TP, assignment=assignment, partition_records=records, backoff=0)
    last, given, calls = position - 1, 0, 0
    while result.has_more() and calls < _CALLS_MAX:
        calls += 1
        began = time.thread_time()
        came: list[GuardedRecord] = result.getall(100)
        if (took := time.thread_time() - began) > STALL_S:
            raise Stalled(f"a call for records took {took * 1000:.0f} ms")
        assert len(came) <= 100
        assert sum(one.size for one in came) <= POLL_BYTES + 2 * BOUNDS.record_bytes
        for one in came:
            assert last < one.offset <= one.checksum.last, "each offset comes once, in order"
            last = one.checksum.last
            given += len(one.value or b"")
        assert state.position > last
    assert given <= BOUNDS.batch_bytes + len(data)
    return int(state.position)


def _reads_the_same(data: bytes) -> None:
    """The fast reader and ours make the same of what the fast one takes."""
    try:
        one = batches.Batch.of(memoryview(data))
    except struct.error:
        return
    plain = batches._small(one, BOUNDS)
    if plain is None or not 0 <= one.count <= 1000 or one.last < one.base or any(_attributes(plain)):
        return
    fast = list(batches._read_fast(plain, one, BOUNDS))
    slow: list[batches.WireRecord] = []
    try:
        for found in batches._read_records(one, BOUNDS):
            slow.append(batches._placed(found, one, slow[-1].last + 1 if slow else one.base))
    except (Unreadable, batches._TooBig):
        pass
    assert fast == slow[: len(fast)]


def _attributes(plain: bytes) -> list[int]:
    """Those bytes of the records that the fast reader takes for numbers; they are no use of theirs (KIP-98)."""
    found, at = [], 0
    try:
        while at < len(plain):
            length, at = batches._varint(plain, at)
            found.append(plain[at] & 0x80)
            at += length if length > 0 else len(plain)
    except (Unreadable, IndexError):
        found.append(1)
    return found
