"""The budget of memory for all files: never more than there is, nobody waits for ever, senders take turns."""

from __future__ import annotations

import asyncio
import bz2
import gzip
import lzma
import random
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest
import zstandard

from app.errors import FileRejected, ListingsError, Transient
from app.model.file import ListingFile, ObjectInfo
from app.model.record import Limits, ReadHints, Slice, Spooled
from app.pipeline.account import ProcessedFile
from app.pipeline.flow import FileFlow
from app.pipeline.memory import SMALL_BYTES, Claim, MemoryBudget
from app.pipeline.parse import FileReader
from tests.support.agents import ndjson
from tests.support.feed_text import listing
from tests.support.limits import limits
from tests.support.memory import START, FakeClock, MemoryIndex
from tests.support.packed import LISTING_SCHEMA, avro_file, listing_columns, parquet_file, zip_of
from tests.support.reading import read_file

_MIB = 1024 * 1024
TOTAL = 192 * _MIB


async def others() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


# -- the budget --------------------------------------------------------------------------------------------------


async def test_a_claim_grows_while_there_is_room_and_gives_all_back() -> None:
    budget = MemoryBudget(TOTAL)
    first, second = budget.claim("a"), budget.claim("b")
    assert first.grow(3 * _MIB)
    assert first.grow(2 * _MIB)
    assert first.size == 3 * _MIB
    assert first.grow(40 * _MIB)  # it is a large one now, and no small one any more
    assert budget.used == 40 * _MIB
    assert not second.grow(90 * _MIB)
    assert (second.size, budget.used) == (0, 40 * _MIB)
    first.release()
    first.release()
    assert budget.used == 0


async def test_more_than_there_is_at_all_is_all_there_is() -> None:
    budget = MemoryBudget(TOTAL)
    claim = budget.claim("a")
    assert claim.grow(10 * TOTAL)
    assert claim.size == budget.large_bytes == TOTAL // 2
    await claim.wait_for(10 * TOTAL)
    assert budget.used == budget.large_bytes


async def test_who_waits_holds_nothing_and_senders_take_turns() -> None:
    budget = MemoryBudget(TOTAL)
    order: list[str] = []

    async def one(sender: str, name: str) -> None:
        claim = budget.claim(sender)
        await claim.wait_for(budget.large_bytes)
        order.append(name)
        await others()
        claim.release()

    many = [asyncio.create_task(one("greedy", f"greedy {number}")) for number in range(20)]
    await asyncio.sleep(0)
    single = asyncio.create_task(one("modest", "modest"))
    await asyncio.sleep(0)
    assert budget.waiting == 20
    await asyncio.gather(single, *many)
    assert order.index("modest") == 2  # the one that had begun, one more that stood before it
    assert budget.used == budget.waiting == 0


async def test_small_claims_go_on_while_large_ones_wait() -> None:
    budget = MemoryBudget(TOTAL)
    holder, waiter, small = budget.claim("a"), budget.claim("a"), budget.claim("a")
    assert holder.grow(budget.large_bytes)
    task = asyncio.create_task(waiter.wait_for(50 * _MIB))
    await others()
    assert small.grow(SMALL_BYTES)
    assert not budget.claim("b").grow(9 * _MIB)  # nobody passes those who wait
    holder.release()
    await task


async def test_who_gives_up_waiting_is_in_nobody_s_way() -> None:
    budget = MemoryBudget(TOTAL)
    holder = budget.claim("a")
    assert holder.grow(60 * _MIB)
    large = asyncio.create_task(budget.claim("b").wait_for(budget.large_bytes))
    behind = budget.claim("c")
    following = asyncio.create_task(behind.wait_for(20 * _MIB))
    await others()
    assert budget.waiting == 2
    large.cancel()
    await asyncio.wait([large])
    await following
    assert (budget.waiting, budget.used) == (0, 80 * _MIB)
    # given and cancelled in the same turn of the loop: it goes back
    late = asyncio.create_task(budget.claim("d").wait_for(60 * _MIB))
    await others()
    holder.release()
    late.cancel()
    await asyncio.wait([late])
    assert budget.used == 20 * _MIB


async def test_whatever_comes_all_of_it_is_served_within_the_budget() -> None:
    budget, chance = MemoryBudget(TOTAL), random.Random(5)
    done = 0

    async def one(claim: Claim) -> None:
        nonlocal done
        for size in sorted(chance.randrange(1, 120 * _MIB) for _ in range(3)):
            if not claim.grow(size):
                await claim.wait_for(size)
            assert budget.used <= TOTAL * 3 // 4
            for _ in range(chance.randrange(4)):
                await asyncio.sleep(0)
        claim.release()
        done += 1

    await asyncio.gather(*(one(budget.claim(f"s{number % 7}")) for number in range(300)))
    assert (done, budget.used, budget.waiting) == (300, 0, 0)


# -- what readers say they take ----------------------------------------------------------------------------------


def said(data: bytes) -> list[int]:
    reader = FileReader(ReadHints(), limits(compression_max_ratio=100_000.0), len(data))
    told = []
    try:
        for at in range(0, len(data), 64 * 1024):
            told += [piece.memory for piece in reader.feed(data[at : at + 64 * 1024]) if piece.memory]
        told += [piece.memory for piece in reader.finish() if piece.memory]
    except FileRejected:
        pass
    finally:
        reader.close()
    return told


def text(size: int) -> bytes:
    line = ndjson(listing(1, description="x" * 900))
    return line * (size // len(line) + 1)


LEAST, LITTLE, MUCH = text(5_000), text(100_000), text(3 * _MIB)
LONG_RECORD = b"[" + ndjson(listing(1, description="x" * 900_000)).strip() + b"]"
LONG_SCRIPT = b'<script type="application/ld+json">{"a":"' + b"x" * 900_000 + b'"}</script>'


@pytest.mark.parametrize(
    ("data", "least", "most"),
    [
        (LEAST, 0, 0),
        (gzip.compress(LEAST), 0, 0),
        (LITTLE, 2, 2),
        (gzip.compress(LITTLE), 2, 2),
        (lzma.compress(LITTLE), 2, 2),
        (MUCH, 2, 5),
        (gzip.compress(MUCH), 2, 5),
        (bz2.compress(MUCH), 6, 9),
        (lzma.compress(MUCH), 33, 40),
        (zstandard.compress(MUCH), 10, 20),
        (zip_of({"a.ndjson": MUCH}), 2, 5),
        (zip_of({"a.ndjson": MUCH}, 14), 33, 40),
        (LONG_RECORD, 12, 20),
        (LONG_SCRIPT, 24, 30),
        (avro_file(LISTING_SCHEMA, [[listing(1)] * 20_000]), 3, 12),
        (avro_file(LISTING_SCHEMA, [[listing(1, title="x" * 500)] * 20_000], "deflate"), 64, 80),
        (avro_file(LISTING_SCHEMA, [[listing(1)] * 20] * 20), 0, 2),
    ],
    ids=[
        "least", "least-gzip", "little",
        "little-gzip", "little-xz", "much", "gzip", "bzip2", "xz", "zstd", "zip", "zip-lzma", "long-record",
        "long-script", "avro-block", "avro-block-packed", "avro",
    ],
)  # fmt: skip
def test_each_kind_says_what_it_takes_before_it_takes_it(data: bytes, least: int, most: int) -> None:
    told = said(data)
    assert told == sorted(told)
    assert least * _MIB <= max(told, default=0) <= most * _MIB


def test_a_file_that_is_not_packed_has_no_record_longer_than_itself() -> None:
    assert max(said(text(400_000))) < 2 * _MIB + 2 * 410_000


# -- many files at once ------------------------------------------------------------------------------------------


@dataclass
class Store:
    """Objects by key; counts the streams that are open."""

    contents: dict[str, bytes]
    open: int = 0
    fetched: int = 0

    async def head(self, bucket: str, key: str) -> ObjectInfo:
        return ObjectInfo(bucket, key, len(self.contents[key]), "etag", START)

    async def fetch(self, bucket: str, key: str) -> _Fetched:
        self.fetched += 1
        return _Fetched(self, await self.head(bucket, key), self.contents[key])


@dataclass
class _Fetched:
    store: Store
    info: ObjectInfo
    content: bytes

    async def chunks(self) -> AsyncIterator[bytes]:
        self.store.open += 1
        try:
            for at in range(0, len(self.content), 64 * 1024):
                await asyncio.sleep(0)
                yield self.content[at : at + 64 * 1024]
        finally:
            self.store.open -= 1

    async def judged(self, error: Transient) -> ListingsError:
        return error


@dataclass
class Apart:
    """Reads here what a process of its own would; one at a time."""

    memory: int = 96 * _MIB
    reading: int = 0
    most: int = 0
    read_files: list[int] = field(default_factory=list)

    async def read(self, file: Spooled, limits: Limits) -> AsyncGenerator[Slice, None]:
        self.reading += 1
        self.most = max(self.most, self.reading)
        self.read_files.append(file.size)
        try:
            file.file.seek(0)
            reading = read_file(file.file.read())
            await asyncio.sleep(0)
            yield Slice(reading.records, reading.bad)
        finally:
            self.reading -= 1


KINDS: dict[str, Callable[[], bytes]] = {
    "ndjson": lambda: text(600_000),
    "ndjson.gz": lambda: gzip.compress(text(600_000)),
    "ndjson.bz2": lambda: bz2.compress(text(600_000)),
    "ndjson.xz": lambda: lzma.compress(text(600_000), preset=0),
    "ndjson.zst": lambda: zstandard.compress(text(600_000)),
    "ndjson.zip": lambda: zip_of({"a.ndjson": text(600_000)}),
    "lzma.zip": lambda: zip_of({"a.ndjson": text(600_000)}, 14),
    "json": lambda: LONG_RECORD,
    "avro": lambda: avro_file(LISTING_SCHEMA, [[listing(n, title="x" * 500) for n in range(700)]], "deflate"),
    "parquet": lambda: parquet_file(listing_columns(50)),
}


class _Watched(MemoryBudget):
    most = 0

    def note(self) -> None:
        self.most = max(self.most, self.used)


async def test_many_files_of_every_kind_stay_within_the_budget_and_small_ones_pass() -> None:
    contents = {f"{kind}/{n}.{kind}": build() for kind, build in KINDS.items() for n in range(6)}
    store, index, apart, budget = Store(contents), MemoryIndex(), Apart(), _Watched(TOTAL)

    class Clock(FakeClock):
        def now(self) -> datetime:
            budget.note()
            return super().now()

        def monotonic(self) -> float:
            budget.note()
            return super().monotonic()

    flow = FileFlow(
        store, index, lambda bucket, key: None, limits(compression_max_ratio=1e6), Clock(), memory=budget, apart=apart
    )

    def process(key: str) -> Coroutine[Any, Any, ProcessedFile]:
        return flow.process(ListingFile("cars", key, 5, "etag", START, START))

    count = len(contents)
    running = [asyncio.create_task(process(key)) for key in contents]
    for _ in range(50):
        await asyncio.sleep(0)
    assert budget.waiting
    store.contents["small/one.ndjson"] = ndjson(listing(1))
    assert (await process("small/one.ndjson")).outcome.indexed == 1
    assert not all(task.done() for task in running)
    done = await asyncio.gather(*running)
    assert [one.outcome.key for one in done if not one.outcome.indexed or one.outcome.rejected or one.whole_file] == []
    assert (apart.most, len(apart.read_files)) == (1, 6)
    assert 0 < budget.most <= TOTAL * 3 // 4
    assert (budget.used, budget.waiting, store.open) == (0, 0, 0)
    assert store.fetched > count + 1  # who had to wait has let go of its stream
