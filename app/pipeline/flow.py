"""One file, from the object store into the index: fetch → read → transform → index, as one stream.

Memory does not grow with the file: at most `WRITES_AHEAD` slices wait for the index while the next is being read.
The event loop gets its turn after every slice (some 5 ms of work). All files together stay within one budget of memory:
a file that takes more than there is gives back what it has, waits for its turn and begins again. However processing
ends, no write and no open stream of it is left behind.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from datetime import datetime
from importlib import import_module
from io import BytesIO
from math import inf
from types import TracebackType
from typing import NamedTuple

from app.errors import FailureCode, FileRejected, Rejected, Transient
from app.model.document import Document, WriteResult
from app.model.file import ListingFile, ObjectInfo
from app.model.outcome import RecordReject
from app.model.record import Limits, ReadHints, Slice, Spooled
from app.pipeline.account import FileAccount, ProcessedFile, conclude
from app.pipeline.memory import Claim, MemoryBudget, MemoryExceeded
from app.pipeline.parse import FileReader
from app.pipeline.profile import Profile
from app.pipeline.recognise import FileMapper, Recogniser, no_format
from app.pipeline.sniff import hints_from_name
from app.pipeline.sources import Sources
from app.pipeline.transform import Origin
from app.pipeline.unpack.spool import Scratch
from app.pipeline.upload_time import upload_time
from app.ports import ApartReader, Clock, FetchedObject, ListingIndex, ObjectStore

WRITES_AHEAD = 8
_UNBOUNDED = 2**62
_LITTLE_BYTES = 256 * 1024

ProfileFor = Callable[[str, str], Profile | None]


class FileFlow:
    """Processes files; one instance serves all of a worker's files at once."""

    def __init__(
        self,
        store: ObjectStore,
        index: ListingIndex,
        profile_for: ProfileFor,
        limits: Limits,
        clock: Clock,
        patience_s: float = inf,
        recognise: Recogniser = no_format,
        scratch: Scratch = BytesIO,
        memory: MemoryBudget | None = None,
        apart: ApartReader | None = None,
        sources: Sources | None = None,
        on_read: Callable[[], None] = lambda: None,
    ) -> None:
        """`patience_s`: how long one file's content may be waited for in all; time spent in the index is no part.

        `recognise` finds the format of a file for which `profile_for` has no profile. `scratch`: where files are kept
        that have to be complete before they can be read; in memory unless said otherwise. `memory`: the budget of all
        files together; None: without a bound. `apart` reads what is read in a process of its own; None: here.
        `sources`: who may speak for which; everybody for every one unless said otherwise. `on_read` is called in the
        task of `process` when a file is read, and all that is left is to wait for servers.
        """
        self._sources = sources or Sources()
        self._on_read = on_read
        self._store = store
        self._index = index
        self._profile_for = profile_for
        self._recognise = recognise
        self._limits = limits
        self._clock = clock
        self._patience_s = patience_s
        self._scratch = scratch
        self._memory = memory or MemoryBudget(_UNBOUNDED)
        self._apart = apart
        self._turn = asyncio.Lock()

    async def process(self, file: ListingFile, attempts: int = 1, as_of: datetime | None = None) -> ProcessedFile:
        """Read the object as it is now and index its listings.

        Their version is the time of upload; `as_of` where that is later: since then the object is what it is now.

        Returns once every listing is in the index, found stale, or refused. Raises `Transient` or `Outage` when the
        store or the index did not do its part; then the whole file is safe to process again. A file that can not be
        read is a result (`whole_file`), not an exception.
        """
        claim = self._memory.claim(f"{file.bucket}/{first_folder(file.key)}")
        try:
            while True:
                try:
                    return await self._process(file, attempts, as_of, claim)
                except MemoryExceeded as more:
                    await claim.wait_for(more.size)
        finally:
            claim.release()

    async def _process(self, file: ListingFile, attempts: int, as_of: datetime | None, claim: Claim) -> ProcessedFile:
        try:
            fetched = await self._store.fetch(file.bucket, file.key)
        except Rejected as error:
            return self._rejected_unread(file, error, attempts)
        uploaded_at = upload_time(fetched.info.uploaded_at, file.uploaded_at)
        info = replace(fetched.info, uploaded_at=uploaded_at if as_of is None else max(uploaded_at, as_of))
        return await self._read(fetched, info, attempts, claim)

    async def _read(self, fetched: FetchedObject, info: ObjectInfo, attempts: int, claim: Claim) -> ProcessedFile:
        """Raises `MemoryExceeded` when it has to begin again, with more of the budget."""
        account = FileAccount()
        profile = self._profile_for(info.bucket, info.key)
        reader = FileReader(
            _hints(profile, info), self._limits, info.size, scratch=self._scratch, apart=self._apart is not None
        )
        origin = Origin(info.bucket, info.key, info.etag, info.uploaded_at)
        speaker = self._sources.at(info.bucket, info.key)
        told = self._limits.outcome_max_rejects
        mapper = FileMapper(profile, self._recognise, default_source(info), origin, self._clock.now(), speaker, told)
        whole_file: Rejected | None = None
        try:
            self._check_size(info)
            async with (
                _Writes(self._index, account, self._limits.rejects_max_count) as writes,
                _closed_afterwards(fetched.chunks()) as chunks,
            ):
                async for chunk in self._patiently(fetched, chunks):
                    account.bytes_read += len(chunk)
                    await self._work_off(reader.feed(chunk), _Sink(mapper, writes, account, claim))
                await self._work_off(reader.finish(), _Sink(mapper, writes, account, claim))
                self._on_read()
                if reader.bytes_decompressed <= _LITTLE_BYTES:
                    claim.release()  # the documents of a little file are little, too
        except Rejected as error:
            self._on_read()
            whole_file = error
        finally:
            reader.close()
        account.rejects.sort(key=lambda reject: reject.record)
        shape = None if reader.shape is None else str(reader.shape)
        used = None if mapper.profile is None else mapper.profile.name
        return replace(self._conclude(info, account, attempts, whole_file, shape, used), profile=profile)

    def _check_size(self, info: ObjectInfo) -> None:
        if info.size > self._limits.file_max_bytes:
            raise FileRejected(
                FailureCode.FILE_TOO_BIG,
                f"expected at most {self._limits.file_max_bytes:,} bytes, the object has {info.size:,}",
            )

    async def _patiently(self, fetched: FetchedObject, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """The chunks, while they come; a store that trickles for ever would hold a place of the worker for ever."""
        waited_s = 0.0
        asked = self._clock.monotonic()
        async for chunk in chunks:
            waited_s += self._clock.monotonic() - asked
            if waited_s > self._patience_s:
                expected = f"expected the content within {self._patience_s:g} s"
                late = Transient(FailureCode.FETCH_TIMED_OUT, f"{expected}, the store was still sending")
                raise await fetched.judged(late)
            yield chunk
            asked = self._clock.monotonic()

    async def _work_off(self, pieces: Iterator[Slice], sink: _Sink) -> None:
        """Parse, map and hand on slice by slice, one slice of one file in each turn of the event loop.

        Parsing waits for nothing, so files gain nothing from being parsed side by side; but a turn in which a hundred
        of them each took their 5 ms would keep requests to the index waiting for half a second.
        """
        while True:
            async with self._turn:
                piece = next(pieces, None)
                documents = [] if piece is None else self._map(piece, sink)
            if piece is None:
                return
            piece.records.clear()  # it is worked off, and nobody's memory while others have their turn
            if documents:
                await sink.writes.add(documents)
            if piece.memory:
                await _afford(sink.claim, piece)
            if piece.apart is not None:
                await self._read_apart(piece.apart, sink)
            await (asyncio.sleep(0) if piece.needs is None else asyncio.to_thread(import_module, piece.needs))

    async def _read_apart(self, file: Spooled, sink: _Sink) -> None:
        """The records of a file that is on disk as a whole, one file of all at a time."""
        assert self._apart is not None
        await sink.claim.wait_for(self._apart.memory)
        async with aclosing(self._apart.read(file, self._limits)) as pieces:
            async for piece in pieces:
                async with self._turn:
                    documents = self._map(piece, sink)
                if documents:
                    await sink.writes.add(documents)
        sink.claim.release()

    def _map(self, piece: Slice, sink: _Sink) -> list[Document]:
        account, keep = sink.account, self._limits.rejects_max_count
        mapped = sink.mapper.map_all(piece.records)
        account.read += len(piece.records) + len(piece.bad)
        account.blank += piece.blank
        account.flagged += mapped.flagged
        account.own_shape = sink.mapper.own_shape
        account.flag_counts.update(mapped.flag_counts)
        account.flags += mapped.flags
        account.stale += mapped.older
        for bad in piece.bad:
            account.reject(RecordReject(bad.number, bad.line, (bad.problem,)), keep)
        for reject in mapped.rejects:
            account.reject(reject, keep)
        return mapped.documents

    def _rejected_unread(self, file: ListingFile, error: Rejected, attempts: int) -> ProcessedFile:
        info = ObjectInfo(file.bucket, file.key, file.size, file.etag, file.uploaded_at)
        return self._conclude(info, FileAccount(), attempts, error)

    def _conclude(
        self,
        info: ObjectInfo,
        account: FileAccount,
        attempts: int,
        whole_file: Rejected | None,
        shape: str | None = None,
        profile: str | None = None,
    ) -> ProcessedFile:
        outcome = account.outcome(info, self._clock.now(), attempts, shape, profile)
        return conclude(outcome, account, whole_file, self._limits)


class _Sink(NamedTuple):
    """Where the slices of one file go, and what it holds of the memory."""

    mapper: FileMapper
    writes: _Writes
    account: FileAccount
    claim: Claim


async def _afford(claim: Claim, piece: Slice) -> None:
    """Hold what the file takes from here on. Raises `MemoryExceeded` when it can not be waited for as things are."""
    if claim.grow(piece.memory):
        return
    if not piece.can_wait:
        raise MemoryExceeded(piece.memory)
    await claim.wait_for(piece.memory)


class _Writes:
    """A few writes of one file in flight, so that reading and indexing overlap.

    Leaving it waits for them, also when the file turned out to be broken: what was read before the break is indexed
    and counted. On any other exception they are cancelled: the file is processed again.
    """

    def __init__(self, index: ListingIndex, account: FileAccount, keep: int) -> None:
        self._index = index
        self._account = account
        self._keep = keep
        self._running: list[asyncio.Task[WriteResult]] = []

    async def __aenter__(self) -> _Writes:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        try:
            if error is None or isinstance(error, Rejected):
                while self._running:
                    await self._settle_first()
        finally:
            for task in self._running:
                task.cancel()
            await asyncio.gather(*self._running, return_exceptions=True)

    async def add(self, documents: list[Document]) -> None:
        self._running.append(asyncio.create_task(self._index.write(documents)))
        if len(self._running) >= WRITES_AHEAD:
            await self._settle_first()

    async def _settle_first(self) -> None:
        self._account.wrote(await self._running[0], self._keep)
        del self._running[0]


@asynccontextmanager
async def _closed_afterwards(chunks: AsyncIterator[bytes]) -> AsyncIterator[AsyncIterator[bytes]]:
    """A generator that is not read to its end holds its connection until somebody closes it."""
    try:
        yield chunks
    finally:
        if isinstance(chunks, AsyncGenerator):
            await chunks.aclose()


def _hints(profile: Profile | None, info: ObjectInfo) -> ReadHints:
    named = hints_from_name(info.key, info.content_type)
    return named if profile is None else profile.hints(named)


def default_source(info: ObjectInfo) -> str:
    """The sender of a file without a profile: the first folder of its key, else its bucket."""
    return first_folder(info.key) or info.bucket


def first_folder(key: str) -> str:
    """The first folder of a key; "" when it is in none."""
    folder, slash, _ = key.lstrip("/").partition("/")
    return folder if slash else ""
