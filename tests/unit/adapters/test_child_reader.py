"""The process that reads Parquet files: what comes of a file is what the reader itself gives; what kills it."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
import pytest_asyncio

from app.adapters.child.frames import BadFrame, SliceReader, SliceWriter, packed
from app.adapters.child.reader import ChildReader
from app.adapters.scratch_files import ScratchFiles
from app.errors import Dependency, FailureCode, FileRejected, Outage, Transient
from app.model.record import BadRecord, Limits, RawRecord, Rough, Slice
from app.pipeline.parse.judge import too_big
from app.pipeline.unpack.spool import Spool
from tests.support.hostile_binary import PARQUET_FILES
from tests.support.limits import limits
from tests.support.packed import listing_columns, parquet_file
from tests.support.reading import Reading, read_file
from tests.support.waiting import until

_MIB = 1024 * 1024
_LEFT_OUT = ("cut", "magic", "lying-footer", "many-rows-in-few-bytes")
_READ_ALIKE = [file for file in PARQUET_FILES if not file.key.removesuffix(".parquet").endswith(_LEFT_OUT)]
"""Without those whose end is looked at before they are handed over, and one that takes long to write."""


@pytest_asyncio.fixture
async def reader() -> AsyncIterator[ChildReader]:
    reader = ChildReader(96 * _MIB)
    yield reader
    await reader.aclose()


@contextmanager
def spooled(data: bytes, folder: Path) -> Iterator[Spool]:
    spool = Spool(ScratchFiles(folder), 2**31)
    spool.append(data)
    yield spool
    spool.close()


async def read_apart(reader: ChildReader, data: bytes, folder: Path, within: Limits | None = None) -> Reading:
    reading = Reading()
    with spooled(data, folder) as file:
        try:
            async with aclosing(reader.read(file, within or limits())) as slices:
                async for piece in slices:
                    reading._add(iter([piece]))
        except FileRejected as error:
            reading.error = error
    return reading


async def to_the_end(slices: AsyncIterator[Slice]) -> None:
    async for _ in slices:
        pass


def the_child(reader: ChildReader) -> psutil.Process:
    assert reader._child is not None
    return psutil.Process(reader._child._process.pid)


async def test_every_file_gives_what_it_gives_in_this_process(reader: ChildReader, tmp_path: Path) -> None:
    assert len(_READ_ALIKE) > 10
    for file in _READ_ALIKE:
        data, within = file.build(), limits(**file.limits)
        here = read_file(data, within=within)
        apart = await read_apart(reader, data, tmp_path, within)
        assert replace(apart, shape=here.shape, largest_slice=0).account() == here.account(), file.key


@pytest.fixture(scope="module")
def large_dictionary() -> bytes:
    """Some megabytes with a dictionary of 100 MiB."""
    values = [os.urandom(2_000).hex() + "x" * 96_000 for _ in range(1_050)]
    return parquet_file(
        listing_columns(1_050, title=values), compression="snappy", dictionary_pagesize_limit=2**30, use_dictionary=True
    )


async def test_a_file_that_takes_too_much_is_refused_and_its_child_stays_within_its_bound(
    reader: ChildReader, tmp_path: Path, large_dictionary: bytes
) -> None:
    await read_apart(reader, parquet_file(listing_columns(3)), tmp_path)
    first = the_child(reader)
    at_rest = first.memory_info().rss
    largest = 0

    async def watch() -> None:
        nonlocal largest
        while first.is_running():
            largest = max(largest, first.memory_info().rss)
            await asyncio.sleep(0.001)

    watching = asyncio.create_task(watch())
    reading = await read_apart(reader, large_dictionary, tmp_path)
    watching.cancel()
    assert reading.code is FailureCode.BLOCK_TOO_BIG
    assert largest - at_rest < 110 * _MIB
    # the next file has a new child, and is none the worse for it
    assert len((await read_apart(reader, parquet_file(listing_columns(30)), tmp_path)).records) == 30


@pytest.mark.parametrize(
    ("number", "error"),
    [
        (signal.SIGKILL, FailureCode.READER_ENDED),
        (signal.SIGSEGV, FailureCode.FILE_BROKEN),
        (signal.SIGABRT, FailureCode.FILE_BROKEN),
        (signal.SIGXCPU, FailureCode.BLOCK_TOO_BIG),
    ],
)
async def test_the_death_of_the_child_is_that_file_s_and_nobody_else_s(
    reader: ChildReader, tmp_path: Path, number: signal.Signals, error: FailureCode
) -> None:
    data = parquet_file(listing_columns(40_000), row_group_size=500)
    with spooled(data, tmp_path) as file:
        slices = reader.read(file, limits())
        await anext(slices)
        neighbour = asyncio.create_task(read_apart(reader, parquet_file(listing_columns(7)), tmp_path))
        the_child(reader).send_signal(number)
        with pytest.raises((FileRejected, Transient)) as failed:
            await to_the_end(slices)
    assert failed.value.code is error
    assert isinstance(failed.value, Transient if number is signal.SIGKILL else FileRejected)
    assert len((await neighbour).records) == 7


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_what_is_meant_for_the_worker_does_not_end_its_child(
    reader: ChildReader, tmp_path: Path, number: signal.Signals
) -> None:
    await reader._ready()
    child = the_child(reader)
    child.send_signal(number)
    assert len((await read_apart(reader, parquet_file(listing_columns(7)), tmp_path)).records) == 7
    assert the_child(reader) == child


async def test_whoever_gives_up_in_the_midst_leaves_nothing_behind(reader: ChildReader, tmp_path: Path) -> None:
    data = parquet_file(listing_columns(40_000), row_group_size=500)
    await reader._ready()
    child, before = the_child(reader), psutil.Process().num_fds()
    with spooled(data, tmp_path) as file:
        async with aclosing(reader.read(file, limits())) as slices:
            await anext(slices)
    assert not child.is_running()
    for _ in range(3):
        assert len((await read_apart(reader, parquet_file(listing_columns(7)), tmp_path)).records) == 7
        the_child(reader).kill()
    await reader._ready()
    assert psutil.Process().num_fds() == before
    child = the_child(reader)
    await reader.aclose()
    assert not child.is_running()


async def test_the_child_is_bound_by_the_kernel_and_knows_no_secret(
    reader: ChildReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LISTINGS_S3__SECRET_ACCESS_KEY", "hidden")
    await reader._ready()
    child = the_child(reader)
    assert "hidden" not in str(child.environ())
    assert child.rlimit(psutil.RLIMIT_DATA)[0] < 300 * _MIB
    assert child.rlimit(psutil.RLIMIT_FSIZE)[0] == 0
    assert child.rlimit(psutil.RLIMIT_CORE)[0] == 0
    assert Path(f"/proc/{child.pid}/oom_score_adj").read_text().strip() == "1000"


def test_it_dies_with_its_worker(tmp_path: Path) -> None:
    """A worker that is killed can not end it any more."""
    program = (
        "import asyncio, sys\n"
        "from app.adapters.child.reader import ChildReader\n"
        "async def main():\n"
        "    reader = ChildReader(2**26)\n"
        "    await reader._ready()\n"
        "    print(reader._child._process.pid, flush=True)\n"
        "    await asyncio.Event().wait()\n"
        "asyncio.run(main())\n"
    )
    worker = psutil.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert worker.stdout is not None
    child = psutil.Process(int(worker.stdout.readline()))
    worker.kill()
    worker.wait()
    worker.stdout.close()
    until("the child is gone", lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE, 5, 0.02)


async def test_no_child_at_all_is_an_outage_of_the_worker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    reader = ChildReader(96 * _MIB)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "nothing"))
    await reader.ping()  # not known yet
    with pytest.raises(Outage) as failed:
        await reader._ready()
    assert failed.value.dependency is Dependency.WORKER
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(Outage):
        await reader.ping()
    monkeypatch.undo()
    await reader.ping()
    await reader.aclose()


# -- what is said between the two --------------------------------------------------------------------------------


def test_slices_come_as_they_were_sent() -> None:
    records = [
        RawRecord(1, None, {"a": 1, "b": [1.5, None, "x"]}),
        RawRecord(3, None, {"a": 2**64 - 1, "b": {"c": "ü"}}),
    ]
    slices = [
        Slice(records, [BadRecord(2, None, too_big(5))], 4),
        Slice([], []),
        Slice([RawRecord(4, None, {"other": True})], []),
        Slice([RawRecord(5, None, {"a": Rough(2.0**24), "b": {"c": [Rough(2.0**25), 1.0]}, "d": 2.0**24})], []),
    ]
    writer, reader = SliceWriter(), SliceReader()
    read = [reader.read(writer.frame(piece)[4:]) for piece in slices]
    assert read == slices
    assert [type(value) for value in read[3].records[0].value.values()] == [Rough, dict, float]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "frame",
    [
        b"", b"{", b"[]", b"1", b"{}", b'{"blank":"x"}', b'{"blank":0,"records":[[1,2]]}', b'{"blank":0,"records":[1]}',
        b'{"blank":0,"bad":[[1]]}', b'{"blank":0,"bad":[[1,"no_such_code","a","b","c"]]}', b'{"refused":[]}',
        b'{"refused":["no_such_code","x",null]}', b'{"blank":0,"names":5,"records":[[1,2]]}',
    ],
)  # fmt: skip
def test_a_child_that_says_anything_else_is_not_believed(frame: bytes) -> None:
    with pytest.raises(BadFrame):
        SliceReader().read(frame)


def test_what_is_too_long_is_not_sent() -> None:
    with pytest.raises(BadFrame):
        packed("x" * 33 * _MIB)
