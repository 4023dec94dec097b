"""Temporary files on the worker's disk."""

from __future__ import annotations

import errno
import os
import resource
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from app.adapters.scratch_files import ScratchFiles
from app.errors import Dependency, FailureCode, FileRejected, Outage
from app.model.record import ReadHints
from app.pipeline.parse import FileReader
from tests.support.limits import limits
from tests.support.packed import listing_columns, parquet_file, zip_of


def test_the_folder_is_made_and_nothing_can_be_seen_in_it(tmp_path: Path) -> None:
    folder = tmp_path / "worker" / "scratch"
    scratch = ScratchFiles(folder)
    assert not folder.exists()
    with closing(scratch()) as first, closing(scratch()) as second:
        first.write(b"abc")
        second.write(b"def")
        first.seek(1)
        assert (first.read(5), first.tell(), first.closed) == (b"bc", 3, False)
        assert list(folder.iterdir()) == []
    assert first.closed


def test_the_pipeline_and_its_libraries_can_read_from_one(tmp_path: Path) -> None:
    reader = FileReader(ReadHints(), limits(), None, scratch=ScratchFiles(tmp_path))
    slices = [*reader.feed(zip_of({"a.parquet": parquet_file(listing_columns(500))})), *reader.finish()]
    assert sum(len(piece.records) for piece in slices) == 500
    reader.close()


def test_a_folder_that_can_not_be_made_is_trouble_of_the_worker_not_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Outage) as failed:
        ScratchFiles(tmp_path / "file" / "scratch")()
    assert failed.value.code is FailureCode.SCRATCH_FAILED
    assert failed.value.dependency is Dependency.WORKER
    assert str(tmp_path) not in failed.value.message


@pytest.fixture
def small_disk() -> Iterator[None]:
    """No file of this process may get longer than 64 KiB, which fails as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (65_536, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.usefixtures("small_disk")
@pytest.mark.parametrize("kind", ["zip", "parquet"])
def test_a_full_disk_is_trouble_of_the_worker_not_of_the_file(tmp_path: Path, kind: str) -> None:
    data = parquet_file(listing_columns(20_000), compression="none")
    assert len(data) > 100_000
    if kind == "zip":
        data = zip_of({"a.csv": data}, method=0)
    reader = FileReader(ReadHints(), limits(), None, scratch=ScratchFiles(tmp_path))
    with pytest.raises(Outage) as failed:
        _read_in_pieces(reader, data)
    assert failed.value.code is FailureCode.SCRATCH_FAILED
    reader.close()


def _read_in_pieces(reader: FileReader, data: bytes) -> None:
    for at in range(0, len(data), 10_000):
        list(reader.feed(data[at : at + 10_000]))
    list(reader.finish())


def test_trouble_while_a_library_reads_is_not_taken_for_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """pyarrow reads through this file; its own errors are OSErrors too."""
    scratch = ScratchFiles(tmp_path)
    reader = FileReader(ReadHints(), limits(), None, scratch=scratch)
    list(reader.feed(parquet_file(listing_columns(5_000))))
    file = reader._spool.file
    monkeypatch.setattr(file, "_file", _Failing(file._file))  # type: ignore[attr-defined]
    with pytest.raises(Outage):
        list(reader.finish())
    reader.close()


class _Failing:
    """A disk that fails once the footer was read."""

    def __init__(self, file: object) -> None:
        self._file = file
        self._left = 12

    def __getattr__(self, name: str) -> object:
        return getattr(self._file, name)

    def read(self, size: int = -1) -> bytes:
        self._left -= 1
        if self._left < 0:
            raise OSError(5, "Input/output error")
        return self._file.read(size)  # type: ignore[attr-defined, no-any-return]


# -- until the disk takes files again ----------------------------------------------------------------------------


async def test_it_is_over_when_the_folder_can_be_had_again(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    scratch = ScratchFiles(tmp_path / "file" / "scratch")
    with pytest.raises(Outage):
        scratch()
    with pytest.raises(Outage) as still:
        await scratch.ping()
    assert "LISTINGS_WORKER__DATA_DIR" in still.value.message
    (tmp_path / "file").unlink()
    await scratch.ping()
    scratch().close()


@pytest.mark.usefixtures("small_disk")
async def test_it_is_not_over_before_there_is_room_for_the_smallest_that_had_none(tmp_path: Path) -> None:
    scratch = ScratchFiles(tmp_path)
    for size in (300_000, 100_000):
        with pytest.raises(Outage):
            _write(scratch, size)
    with pytest.raises(Outage):
        await scratch.ping()
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
    await scratch.ping()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EDQUOT, errno.EMFILE, errno.EACCES])
async def test_every_way_a_disk_can_fail_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def fail(**_: object) -> None:
        raise OSError(number, os.strerror(number))

    scratch = ScratchFiles(tmp_path)
    monkeypatch.setattr(tempfile, "TemporaryFile", fail)
    for attempt in (scratch, scratch._try):
        with pytest.raises(Outage) as failed:
            attempt()
        assert os.strerror(number) in failed.value.message
    monkeypatch.undo()
    await scratch.ping()


async def test_a_folder_that_is_deleted_under_way_is_made_again(tmp_path: Path) -> None:
    folder = tmp_path / "scratch"
    scratch = ScratchFiles(folder)
    with closing(scratch()) as file:
        file.write(b"abc")
        folder.rmdir()
        file.seek(0)
        assert file.read() == b"abc"
    scratch().close()
    assert folder.exists()


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of a megabyte of its own."""
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m,nr_inodes=20", "scratch", str(tmp_path)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("a disk can not be mounted here")
    yield tmp_path
    subprocess.run(["umount", "-l", str(tmp_path)], check=True)


async def test_a_disk_filled_by_others_is_waited_for_a_file_larger_than_all_of_it_is_refused(tiny_disk: Path) -> None:
    scratch = ScratchFiles(tiny_disk / "scratch")
    scratch().close()
    filler = tiny_disk / "filler"
    filler.write_bytes(bytes(900_000))
    with pytest.raises(Outage):
        _write(scratch, 400_000)
    filler.write_bytes(bytes(1_020_000))
    with pytest.raises(Outage):
        await scratch.ping()
    filler.unlink()
    await scratch.ping()
    with pytest.raises(FileRejected) as refused:
        _write(scratch, 3_000_000)
    assert refused.value.code is FailureCode.FILE_TOO_BIG
    names = list(_fill_with_names(tiny_disk))
    with pytest.raises(Outage):
        await scratch.ping()
    names[0].unlink()
    await scratch.ping()


def _write(scratch: ScratchFiles, size: int) -> None:
    with closing(scratch()) as file:
        for _ in range(0, size, 50_000):
            file.write(bytes(50_000))
        file.seek(0)


def _fill_with_names(folder: Path) -> Iterator[Path]:
    """Empty files, as many as there can be."""
    with suppress(OSError):
        for number in range(1_000):
            (folder / str(number)).touch()
            yield folder / str(number)
