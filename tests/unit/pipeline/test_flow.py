"""One file from the store into the index, with a store and an index of the test's own making."""

from __future__ import annotations

import asyncio
import csv
import gzip
import io
import threading
import zipfile
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import Dependency, FailureCode, ListingsError, Outage, Rejected, Transient
from app.model.document import Document, RefusedItem, WriteResult
from app.model.file import ListingFile, ObjectInfo
from app.model.outcome import FileStatus
from app.model.record import ReadHints
from app.pipeline import flow as flow_module
from app.pipeline.account import ProcessedFile
from app.pipeline.flow import WRITES_AHEAD, FileFlow, default_source
from app.pipeline.parse import FileReader
from tests.support.agents import eventually, ndjson, others_running
from tests.support.feed_text import listing
from tests.support.limits import limits
from tests.support.memory import START, FakeClock, MemoryIndex, MemoryStore
from tests.support.packed import listing_columns, parquet_file, zip_of

RESET = Transient(FailureCode.FETCH_FAILED, "connection reset by the store")
KIB = 1024


@dataclass
class Stream:
    """An object whose content comes in the given pieces; an exception among them is raised in its turn."""

    pieces: Sequence[bytes | Exception]
    key: str = "dealer/cars.ndjson"
    size: int | None = None
    given: int = 0
    is_closed: bool = False

    @property
    def info(self) -> ObjectInfo:
        size = sum(len(piece) for piece in self.pieces if isinstance(piece, bytes)) if self.size is None else self.size
        return ObjectInfo("cars", self.key, size, "etag", START)

    async def chunks(self) -> AsyncIterator[bytes]:
        try:
            for piece in self.pieces:
                if isinstance(piece, Exception):
                    raise piece
                self.given += 1
                yield piece
        finally:
            self.is_closed = True

    async def judged(self, error: Transient) -> ListingsError:
        return error

    async def head(self, bucket: str, key: str) -> ObjectInfo:
        return self.info

    async def fetch(self, bucket: str, key: str) -> Stream:
        return self


@dataclass
class Index(MemoryIndex):
    """`stuck` until its event is set; counts what is under way; `error` is raised by every write."""

    go_on: asyncio.Event = field(default_factory=asyncio.Event)
    error: Exception | None = None
    under_way: int = 0
    most: int = 0

    def __post_init__(self) -> None:
        super().__init__()

    async def write(self, documents: Sequence[Document]) -> WriteResult:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            await self.go_on.wait()
            if self.error is not None:
                raise self.error
            return await super().write(documents)
        finally:
            self.under_way -= 1


def flow_of(store: Any, index: Any, **changed: Any) -> FileFlow:
    return FileFlow(store, index, lambda bucket, key: None, limits(**changed), FakeClock())


def queued(key: str = "dealer/cars.ndjson") -> ListingFile:
    return ListingFile("cars", key, 5, "as-queued", START, START)


def running() -> Index:
    index = Index()
    index.go_on.set()
    return index


def in_pieces(content: bytes, size: int) -> list[bytes]:
    return [content[at : at + size] for at in range(0, len(content), size)]


def many(count: int) -> bytes:
    return ndjson(*(listing(number, description="x" * 500) for number in range(count)))


# -- what is counted ---------------------------------------------------------------------------------------------

KINDS = st.sampled_from(["good", "good", "good", "bad", "refused", "stale"])


@dataclass
class Made:
    """A file, and what has to become of its records."""

    key: str
    content: bytes
    kinds: list[str]

    def places(self, *kinds: str) -> list[int]:
        return [number for number, kind in enumerate(self.kinds, 1) if kind in kinds]


def _record(number: int, kind: str) -> dict[str, object]:
    record = listing(number, title=kind)
    return {name: value for name, value in record.items() if not (kind == "bad" and name == "make")}


def _as_csv(records: list[dict[str, object]]) -> bytes:
    out = io.StringIO()
    writer = csv.DictWriter(out, ["source_listing_id", "make", "model", "year", "title"], restval="")
    writer.writeheader()
    writer.writerows(records)
    return out.getvalue().encode()


WRITERS: dict[str, Callable[[list[dict[str, object]]], bytes]] = {
    "csv": _as_csv,
    "json": orjson.dumps,
    "ndjson": lambda records: ndjson(*records),
}


@st.composite
def files(draw: st.DrawFn) -> Made:
    kinds = draw(st.lists(KINDS, min_size=1, max_size=40))
    ending = draw(st.sampled_from(sorted(WRITERS)))
    content = WRITERS[ending]([_record(number, kind) for number, kind in enumerate(kinds, 1)])
    if draw(st.booleans()):
        return Made(f"dealer/cars.{ending}.gz", gzip.compress(content, mtime=0), kinds)
    return Made(f"dealer/cars.{ending}", content, kinds)


class Judge(MemoryIndex):
    """Judges documents by the titles that `Made` gave them."""

    async def write(self, documents: Sequence[Document]) -> WriteResult:
        titles = [orjson.loads(document.body)["title"] for document in documents]
        await super().write([d for d, title in zip(documents, titles, strict=True) if title == "good"])
        refused = tuple(
            RefusedItem(d.id, d.record, "mapper_parsing_exception")
            for d, title in zip(documents, titles, strict=True)
            if title == "refused"
        )
        return WriteResult(titles.count("good"), titles.count("stale"), refused)


@settings(max_examples=60, deadline=None)
@given(made=files(), chunk=st.integers(1, 3000))
async def test_every_record_is_counted_once_however_the_file_is_cut(made: Made, chunk: int) -> None:
    store = MemoryStore(chunk)
    store.put("cars", made.key, made.content)
    index = Judge()
    processed = await flow_of(store, index, rejects_max_share=1.0).process(queued(made.key))
    outcome = processed.outcome
    assert outcome.read == len(made.kinds) == outcome.indexed + outcome.stale + outcome.rejected
    assert outcome.indexed == len(made.places("good")) == len(index.documents)
    assert outcome.stale == len(made.places("stale"))
    assert [reject.record for reject in outcome.rejects] == made.places("bad", "refused")
    assert processed.single == outcome.rejects
    assert processed.whole_file is None
    assert outcome.status is (FileStatus.PARTLY_INDEXED if outcome.rejected else FileStatus.INDEXED)
    assert outcome.bytes_read == len(made.content)
    assert others_running() == set()


async def test_details_are_kept_up_to_a_limit_and_counts_are_complete() -> None:
    bad = {"source_listing_id": "x", "model": "Golf", "year": 2019}
    stream = Stream([ndjson(listing(1), *[bad] * 30, b"", listing(2))])
    changed = {"outcome_max_rejects": 3, "rejects_max_share": 1.0}
    processed = await flow_of(stream, running(), **changed).process(queued())
    assert (processed.outcome.rejected, processed.outcome.blank) == (30, 1)
    assert [reject.record for reject in processed.outcome.rejects] == [2, 3, 4]
    assert len(processed.single) == 30


@pytest.mark.parametrize(("bad", "floods"), [(10, False), (11, True)])
async def test_rejects_are_a_flood_above_both_limits(bad: int, floods: bool) -> None:
    stream = Stream([ndjson(*[b"{}"] * bad, *[listing(n) for n in range(8)])])
    processed = await flow_of(stream, running(), rejects_min_count=10, rejects_max_share=0.5).process(queued())
    assert (processed.whole_file is not None) is floods
    assert len(processed.single) == (0 if floods else bad)
    assert (processed.outcome.indexed, processed.outcome.rejected) == (8, bad)


# -- what can not be read ----------------------------------------------------------------------------------------


async def test_what_was_read_before_a_break_is_indexed_and_counted() -> None:
    index = Index()
    content = orjson.dumps([listing(1), listing(2)])
    task = asyncio.create_task(
        flow_of(Stream([content[:-1]], key="dealer/cars.json"), index).process(queued("dealer/cars.json"))
    )
    await eventually("the write", lambda: index.under_way)
    index.go_on.set()
    processed = await task
    assert processed.whole_file is not None
    assert processed.whole_file.code is processed.outcome.failure_code is FailureCode.FILE_BROKEN
    assert (processed.outcome.status, processed.outcome.indexed) == (FileStatus.REJECTED, 2)


async def test_an_object_over_the_limit_is_refused_before_its_content_is_asked_for() -> None:
    stream = Stream([many(10)], size=2 * 1024**3 + 1)
    processed = await flow_of(stream, running()).process(queued())
    assert processed.outcome.failure_code is FailureCode.FILE_TOO_BIG
    assert (stream.given, processed.outcome.bytes_read) == (0, 0)


async def test_an_object_that_is_gone_is_told_of_as_it_was_queued() -> None:
    processed = await flow_of(MemoryStore(), running()).process(queued(), attempts=2)
    outcome = processed.outcome
    assert (outcome.failure_code, outcome.attempts) == (FailureCode.OBJECT_MISSING, 2)
    assert (outcome.etag, outcome.size, outcome.uploaded_at, outcome.format) == ("as-queued", 5, START, None)


# -- memory, and the turns of the event loop ---------------------------------------------------------------------


async def test_a_slow_index_stops_the_reading() -> None:
    content = many(4000)
    stream = Stream(in_pieces(content, 16 * KIB))
    index = Index()
    task = asyncio.create_task(flow_of(stream, index).process(queued()))
    await eventually("all writes that may be under way", lambda: index.under_way == WRITES_AHEAD)
    read_so_far = stream.given
    for _ in range(200):
        await asyncio.sleep(0)
    assert stream.given == read_so_far < len(stream.pieces) / 3
    index.go_on.set()
    processed = await task
    assert processed.outcome.indexed == 4000
    assert index.most == WRITES_AHEAD


@pytest.mark.parametrize("record", [listing(1, description="x" * 500), {"make": "Audi", "description": "x" * 500}])
async def test_the_event_loop_gets_its_turn_after_every_slice(record: dict[str, object]) -> None:
    content = ndjson(*[record] * 4000)
    reader = FileReader(ReadHints(), limits(), len(content))
    slices = len([*reader.feed(content), *reader.finish()])
    turns = 0

    async def count_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counter = asyncio.create_task(count_turns())
    processed = await flow_of(Stream([content]), running()).process(queued())
    counter.cancel()
    assert processed.outcome.read == 4000
    assert turns >= slices > 10


# -- how it ends when it does not end well -----------------------------------------------------------------------


@pytest.fixture
async def unheard() -> AsyncIterator[list[dict[str, Any]]]:
    """What the event loop complains of: exceptions that nobody fetched, tasks that were lost."""
    heard: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: heard.append(context))
    yield heard
    import gc

    gc.collect()
    await asyncio.sleep(0)
    assert heard == []


async def ended(task: asyncio.Task[ProcessedFile]) -> BaseException | None:
    await asyncio.wait([task], timeout=5)
    assert task.done(), "it waits for an index that is away"
    assert others_running() == set()
    return None if task.cancelled() else task.exception()


@pytest.mark.usefixtures("unheard")
async def test_a_cancellation_leaves_nothing_running_though_the_index_is_away() -> None:
    stream = Stream(in_pieces(many(4000), 64 * KIB))
    index = Index()
    task = asyncio.create_task(flow_of(stream, index).process(queued()))
    await eventually("writes under way", lambda: index.under_way == WRITES_AHEAD)
    task.cancel()
    assert await ended(task) is None
    assert task.cancelled()
    assert (index.under_way, stream.is_closed) == (0, True)


@pytest.mark.usefixtures("unheard")
async def test_a_cancellation_at_the_end_leaves_nothing_running() -> None:
    index = Index()
    task = asyncio.create_task(flow_of(Stream([many(2)]), index).process(queued()))
    await eventually("the write", lambda: index.under_way == 1)
    task.cancel()
    assert await ended(task) is None
    assert (task.cancelled(), index.under_way) == (True, 0)


@pytest.mark.usefixtures("unheard")
async def test_a_body_that_breaks_off_is_raised_at_once_and_nothing_is_left() -> None:
    stream = Stream([*in_pieces(many(300), 64 * KIB), RESET])
    index = Index()
    task = asyncio.create_task(flow_of(stream, index).process(queued()))
    assert await ended(task) is RESET
    assert (index.under_way, stream.is_closed) == (0, True)


@pytest.mark.usefixtures("unheard")
@pytest.mark.parametrize("end", ["done", "broken", "cancelled", "broken off"])
async def test_the_temporary_file_is_freed_however_it_ends(end: str) -> None:
    files: list[io.BytesIO] = []

    def scratch() -> io.BytesIO:
        files.append(io.BytesIO())
        return files[-1]

    packed = zip_of({"cars.ndjson": many(4000)}, zipfile.ZIP_STORED)
    pieces: list[bytes | Exception] = [*in_pieces(packed if end != "broken" else packed[:-30], 64 * KIB)]
    stream = Stream([*pieces, RESET] if end == "broken off" else pieces, key="dealer/cars.zip")
    index = Index() if end == "cancelled" else running()
    flow = FileFlow(stream, index, lambda bucket, key: None, limits(), FakeClock(), scratch=scratch)
    task = asyncio.create_task(flow.process(queued()))
    if end == "cancelled":
        await eventually("writes under way", lambda: index.under_way == WRITES_AHEAD)
        task.cancel()
    error = await ended(task)
    assert error is (RESET if end == "broken off" else None)
    assert [file.closed for file in files] == [True]
    if end == "done":
        assert (task.result().outcome.indexed, task.result().outcome.format) == (4000, "ndjson+zip")


async def test_what_takes_long_to_load_is_loaded_beside_the_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[tuple[str, bool]] = []
    here = threading.get_ident()
    monkeypatch.setattr(flow_module, "import_module", lambda name: loaded.append((name, threading.get_ident() == here)))
    columns = listing_columns(300, features=[["navigation"]] * 300)
    stream = Stream(in_pieces(parquet_file(columns), 4 * KIB), key="dealer/cars.parquet")
    processed = await flow_of(stream, running()).process(queued())
    assert (processed.outcome.indexed, processed.outcome.format) == (300, "parquet")
    assert loaded == [("app.pipeline.parse.parquet_rows", False)]


@dataclass
class Trickle(Stream):
    """Every piece takes `each_s` seconds to come."""

    clock: FakeClock = field(default_factory=FakeClock)
    each_s: float = 1.0
    verdict: ListingsError | None = None
    """Whose trouble it is that it trickles; None: its own."""

    async def judged(self, error: Transient) -> ListingsError:
        return self.verdict or error

    async def chunks(self) -> AsyncIterator[bytes]:
        async for piece in super().chunks():
            self.clock.advance(self.each_s)
            yield piece


@pytest.mark.usefixtures("unheard")
@pytest.mark.parametrize(("pieces", "in_time"), [(10, True), (11, False)])
async def test_content_that_trickles_is_waited_for_only_so_long(pieces: int, in_time: bool) -> None:
    stream = Trickle([ndjson(listing(number)) for number in range(pieces)])
    flow = FileFlow(stream, running(), lambda bucket, key: None, limits(), stream.clock, 10.0)
    task = asyncio.create_task(flow.process(queued()))
    error = await ended(task)
    if in_time:
        assert error is None
    else:
        assert isinstance(error, Transient)
        assert error.code is FailureCode.FETCH_TIMED_OUT


@pytest.mark.usefixtures("unheard")
async def test_content_that_trickles_from_a_store_that_trickles_for_all_is_an_outage() -> None:
    down = Outage(FailureCode.UNREACHABLE, Dependency.OBJECT_STORE, "other objects do not come either")
    stream = Trickle([ndjson(listing(number)) for number in range(11)], verdict=down)
    flow = FileFlow(stream, running(), lambda bucket, key: None, limits(), stream.clock, 10.0)
    assert await ended(asyncio.create_task(flow.process(queued()))) is down


@pytest.mark.usefixtures("unheard")
async def test_time_spent_in_the_index_does_not_count_as_waiting_for_content() -> None:
    content = many(2000)
    stream = Trickle(in_pieces(content, 64 * KIB), each_s=0.0)
    index = Index()
    flow = FileFlow(stream, index, lambda bucket, key: None, limits(), stream.clock, 10.0)
    task = asyncio.create_task(flow.process(queued()))
    await eventually("writes under way", lambda: index.under_way == WRITES_AHEAD)
    stream.clock.advance(100_000)
    index.go_on.set()
    assert await ended(task) is None
    assert task.result().outcome.indexed == 2000


@pytest.mark.usefixtures("unheard")
async def test_after_a_body_that_broke_off_the_whole_file_is_safe_to_process_again() -> None:
    content = many(300)
    index = running()
    with pytest.raises(Transient):
        await flow_of(Stream([content[: 100 * KIB], RESET]), index).process(queued())
    processed = await flow_of(Stream([content]), index).process(queued(), attempts=2)
    assert (processed.outcome.read, processed.outcome.indexed, processed.outcome.attempts) == (300, 300, 2)
    assert len(index.documents) == 300


@pytest.mark.usefixtures("unheard")
@pytest.mark.parametrize("count", [1, 4000])
async def test_a_failure_of_the_index_is_raised_and_nothing_is_left(count: int) -> None:
    stream = Stream(in_pieces(many(count), 64 * KIB))
    index = running()
    index.error = KeyError("a bug")
    task = asyncio.create_task(flow_of(stream, index).process(queued()))
    assert await ended(task) is index.error
    assert stream.is_closed


@pytest.mark.usefixtures("unheard")
async def test_a_failure_of_the_index_counts_more_than_a_broken_file() -> None:
    stream = Stream([orjson.dumps([listing(1)])[:-1]], key="dealer/cars.json")
    index = running()
    index.error = RESET
    task = asyncio.create_task(flow_of(stream, index).process(queued("dealer/cars.json")))
    assert await ended(task) is RESET


@pytest.mark.usefixtures("unheard")
async def test_the_stream_of_a_refused_file_is_closed() -> None:
    content = gzip.compress(b"[" + b" " * 30 * KIB * KIB)
    stream = Stream(in_pieces(content, 4 * KIB), key="dealer/bomb.json.gz")
    processed = await flow_of(stream, running()).process(queued("dealer/bomb.json.gz"))
    assert isinstance(processed.whole_file, Rejected)
    assert processed.whole_file.code is FailureCode.COMPRESSION_RATIO
    assert stream.is_closed
    assert stream.given < len(stream.pieces)


# -- whose listings they are -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "source"),
    [("dealer/2026/cars.csv", "dealer"), ("/dealer/cars.csv", "dealer"), ("cars.csv", "cars"), ("//", "cars")],
)
def test_the_sender_is_the_first_folder_else_the_bucket(key: str, source: str) -> None:
    assert default_source(ObjectInfo("cars", key, 1, "e", START)) == source
