"""Reads a file with `FileReader`, in chunks as one likes, and keeps all that came of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from app.errors import FailureCode, FileRejected
from app.model.record import BadRecord, FileShape, Limits, RawRecord, ReadHints, Slice
from app.pipeline.parse import FileReader
from tests.support.limits import limits


@dataclass
class Reading:
    """All slices of a file, joined."""

    records: list[RawRecord] = field(default_factory=list)
    bad: list[BadRecord] = field(default_factory=list)
    blank: int = 0
    error: FileRejected | None = None
    shape: FileShape | None = None
    largest_slice: int = 0
    unpacked: int = 0

    @property
    def values(self) -> list[dict[str, object]]:
        return [dict(record.value) for record in self.records]

    @property
    def codes(self) -> tuple[FailureCode, ...]:
        return tuple(bad.problem.code for bad in self.bad)

    @property
    def code(self) -> FailureCode | None:
        return None if self.error is None else self.error.code

    def account(self) -> tuple[object, ...]:
        """Everything that must not depend on how the file was cut into chunks."""
        message = None if self.error is None else self.error.message
        return self.records, self.bad, self.blank, self.code, message, self.shape

    def _add(self, slices: Iterator[Slice]) -> None:
        for piece in slices:
            self.records += piece.records
            self.bad += piece.bad
            self.blank += piece.blank
            self.largest_slice = max(self.largest_slice, len(piece.records) + len(piece.bad))


def read_file(
    data: bytes,
    hints: ReadHints | None = None,
    *,
    chunk: int = 256 * 1024,
    block: int = 64 * 1024,
    within: Limits | None = None,
) -> Reading:
    """Read `data` in chunks of `chunk` bytes, parsed in blocks of `block`."""
    reader = FileReader(hints or ReadHints(), within or limits(), len(data), block_bytes=block)
    reading = Reading()
    try:
        for at in range(0, len(data), chunk):
            reading._add(reader.feed(data[at : at + chunk]))
        reading._add(reader.finish())
    except FileRejected as error:
        reading.error = error
    finally:
        reader.close()
    reading.shape = reader.shape
    reading.unpacked = reader.bytes_decompressed
    return reading
