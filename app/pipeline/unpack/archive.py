"""The one data file of a zip archive, as a stream."""

from __future__ import annotations

import lzma
import struct
from collections.abc import Iterator

from app.errors import FailureCode, FileRejected
from app.model.record import Limits
from app.pipeline.endings import PICTURES, SOUND_AND_FILM, ending_of
from app.pipeline.unpack.directory import Directory, Entry, broken, data_offset, entries_of, find_directory
from app.pipeline.unpack.spool import Spool
from app.pipeline.unpack.streams import (
    BZIP2,
    DEFLATE,
    STORED,
    ZSTD,
    BlockMember,
    Damaged,
    Member,
    Packing,
    StoredMember,
    WindowTooBig,
    whole_window,
)

_ENTRIES_A_TURN = 500
_READ_BYTES = 64 * 1024
_TOLD = 3
_NAME_CHARACTERS = 60
_LITTER = frozenset({"thumbs.db", "desktop.ini"})
_OFFICE_MARK = "[Content_Types].xml"
_LZMA = 14
_LZMA_HEADER = struct.Struct("<2xHBL")


class Archive:
    """A zip archive that is complete in `spool`.

    `find` has to be run to its end before anything else is asked. What is no data file: folders, pictures, sound and
    film, names that begin with a dot, and what macOS and Windows leave behind.
    """

    def __init__(self, spool: Spool, limits: Limits) -> None:
        self._spool = spool
        self._limits = limits
        self._entry: Entry | None = None
        self._directory = Directory(0, 0, 0)

    @property
    def name(self) -> str:
        """Of the data file; a hint and for people, nothing else."""
        return self._found.name

    @property
    def packed_size(self) -> int:
        return self._found.packed_size

    @property
    def size(self) -> int:
        """Of the data file unpacked, as the archive says; no more than that is taken."""
        return self._found.size

    @property
    def _found(self) -> Entry:
        assert self._entry is not None
        return self._entry

    def find(self) -> Iterator[None]:
        """Look for the data file, in steps. Raises ARCHIVE_INVALID, FORMAT_UNKNOWN (Office), COMPRESSION_BROKEN."""
        self._directory = find_directory(self._spool, self._limits.archive_max_members)
        told: list[str] = []
        count = 0
        for number, entry in enumerate(entries_of(self._spool, self._directory), 1):
            if entry.name == _OFFICE_MARK:
                raise FileRejected(
                    FailureCode.FORMAT_UNKNOWN,
                    "the content is an Excel workbook or another Office document, whatever its name says; "
                    "send one sheet saved as CSV UTF-8 (in Excel: Save as, CSV UTF-8)",
                )
            if is_data_file(entry.name):
                count += 1
                self._entry = entry
                if len(told) < _TOLD:
                    told.append(_printable(entry.name))
            if number % _ENTRIES_A_TURN == 0:
                yield
        if count != 1:
            raise FileRejected(FailureCode.ARCHIVE_INVALID, _not_one(told, count))

    def packing(self) -> Packing:
        """How the data file is packed. Raises ARCHIVE_INVALID when it is encrypted or packed by another method."""
        entry = self._found
        if entry.is_encrypted:
            raise FileRejected(
                FailureCode.ARCHIVE_INVALID, f"{_printable(entry.name)} is encrypted; send it without a password"
            )
        if entry.method == _LZMA:
            return Packing("lzma", lambda window: _LzmaMember(window, entry), cost_in=3.0, memory=whole_window)
        packing = _METHODS.get(entry.method)
        if packing is None:
            raise FileRejected(
                FailureCode.ARCHIVE_INVALID,
                f"{_printable(entry.name)} is packed by method {entry.method}; pack it by deflate",
            )
        return packing

    def packed(self, piece_bytes: int) -> Iterator[bytes]:
        """The packed bytes of the data file, in pieces of `piece_bytes`."""
        start = data_offset(self._spool, self._found, self._directory)
        for at in range(0, self.packed_size, _READ_BYTES):
            read = self._spool.read_at(start + at, min(_READ_BYTES, self.packed_size - at))
            for cut in range(0, len(read), piece_bytes):
                yield read[cut : cut + piece_bytes]

    def check_goes_on(self, member: Member) -> None:
        """Raises COMPRESSION_BROKEN when there is more of the data file than its packed data says."""
        if member.eof:
            raise self._not_as_promised()

    def check_size(self, size: int) -> None:
        """Raises COMPRESSION_BROKEN when `size` plain bytes are more than the directory promised."""
        if size > self._found.size:
            raise self._not_as_promised()

    def check(self, member: Member, size: int, crc: int) -> None:
        """Raises COMPRESSION_BROKEN unless what came out is all that the directory promised."""
        open_ended = isinstance(member, _LzmaMember | StoredMember)
        whole = open_ended or (member.eof and not member.unused)
        if not whole or (size, crc) != (self._found.size, self._found.crc):
            raise self._not_as_promised()

    def _not_as_promised(self) -> FileRejected:
        message = "the archive's data file is not as its directory says; it was damaged, pack it again"
        return broken(message, self._found.offset)


def is_data_file(name: str) -> bool:
    """Is this member one that could hold listings?"""
    parts = name.replace("\\", "/").split("/")
    last = parts[-1].lower()
    return not (
        not last
        or last.startswith(".")
        or last in _LITTER
        or "__MACOSX" in parts
        or ending_of(last) in PICTURES | SOUND_AND_FILM
    )


class _LzmaMember(BlockMember):
    """LZMA as zip has it (APPNOTE.TXT 5.8.8): four bytes and the properties stand before the data."""

    def __init__(self, window_max_bytes: int, entry: Entry) -> None:
        super().__init__(lzma.LZMADecompressor())  # its place is taken once the properties are known
        self._window_max_bytes = window_max_bytes
        self._left = entry.size
        self._head = b""
        self._is_begun = False

    def unpack(self, data: bytes) -> Iterator[bytes]:
        if not self._is_begun:
            self._head += data
            if len(self._head) < _LZMA_HEADER.size:
                return
            data, self._is_begun = self._head[_LZMA_HEADER.size :], True
            self._begin()
        # without a mark at its end the data is over when all of it has come out; more input means nothing then
        if self._left > 0 and not self._decompressor.eof:
            for plain in super().unpack(data):
                self._left -= len(plain)
                yield plain

    def _begin(self) -> None:
        length, packed, window = _LZMA_HEADER.unpack(self._head[: _LZMA_HEADER.size])
        rest, lc = divmod(packed, 9)
        pb, lp = divmod(rest, 5)
        if length != 5 or pb > 4 or lc + lp > 4:
            raise Damaged
        if window > self._window_max_bytes:
            raise WindowTooBig
        chain = [{"id": lzma.FILTER_LZMA1, "dict_size": max(window, 4096), "lc": lc, "lp": lp, "pb": pb}]
        try:
            self._decompressor = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=chain)
        except lzma.LZMAError as error:
            raise Damaged from error


_METHODS = {0: STORED, 8: DEFLATE, 12: BZIP2, 93: ZSTD}
"""APPNOTE.TXT 4.4.5."""


def _not_one(told: list[str], count: int) -> str:
    if not count:
        return "expected one data file in the archive, it has none (folders, pictures and hidden files do not count)"
    more = f" and {count - len(told):,} more" if count > len(told) else ""
    return f"expected one data file in the archive, it has {count:,}: {', '.join(told)}{more}; send one in each archive"


def _printable(name: str) -> str:
    text = "".join(character if character.isprintable() else "?" for character in name[: _NAME_CHARACTERS + 1])
    return text if len(text) <= _NAME_CHARACTERS else text[: _NAME_CHARACTERS - 1] + "…"
