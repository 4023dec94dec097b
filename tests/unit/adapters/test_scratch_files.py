"""Temporary files on the worker's disk."""

from __future__ import annotations

import resource
import signal
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from app.adapters.scratch_files import ScratchFiles
from app.errors import FailureCode, Transient
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
    with pytest.raises(Transient) as failed:
        ScratchFiles(tmp_path / "file" / "scratch")()
    assert failed.value.code is FailureCode.SCRATCH_FAILED
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
    with pytest.raises(Transient) as failed:
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
    with pytest.raises(Transient):
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
