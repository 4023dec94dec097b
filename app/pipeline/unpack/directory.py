"""The directory of a zip archive (APPNOTE.TXT 6.3.10), read in small steps: a hostile one may have a million entries.

The standard library's `zipfile` reads and keeps the whole directory at once, and sets no bound to what one read of a
bzip2 or LZMA member unpacks; so only this much is our own. Names are told to people, never used as paths.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from app.errors import FailureCode, FileRejected
from app.pipeline.unpack.spool import Spool

_END = struct.Struct("<4s4H2LH")
_END_MAGIC = b"PK\x05\x06"
_END64_LOCATOR = struct.Struct("<4sLQL")
_END64 = struct.Struct("<4sQ2H2L4Q")
_ENTRY = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_MAX_COMMENT = 0xFFFF
_FULL16, _FULL32 = 0xFFFF, 0xFFFFFFFF
_ZIP64_EXTRA = 1
_UTF8_NAME = 0x800
_READ_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Entry:
    """One member as the directory describes it; nothing of it is checked yet."""

    name: str
    flags: int
    method: int
    crc: int
    packed_size: int
    size: int
    offset: int

    @property
    def is_encrypted(self) -> bool:
        return bool(self.flags & 0x1)


@dataclass(frozen=True, slots=True)
class Directory:
    """Where the directory is, and how many entries it says it has."""

    offset: int
    size: int
    entries: int


def find_directory(spool: Spool, max_entries: int) -> Directory:
    """Read the records at the end of the archive. Raises COMPRESSION_BROKEN, ARCHIVE_INVALID."""
    tail_at = max(0, spool.size - _END.size - _MAX_COMMENT)
    tail = spool.read_at(tail_at, _END.size + _MAX_COMMENT)
    at = _find_end(tail)
    if at < 0:
        raise broken("the archive has no directory at its end; it was cut off, upload it again", spool.size)
    _, disk, first_disk, here, entries, size, offset, _ = _END.unpack_from(tail, at)
    end = tail_at + at
    if _FULL16 in (disk, first_disk, here, entries) or _FULL32 in (size, offset):
        disk, first_disk, here, entries, size, offset, end = _find_end64(spool, end)
    if (disk, first_disk) != (0, 0) or here != entries:
        raise FileRejected(FailureCode.ARCHIVE_INVALID, "one part of an archive in several parts; send it in one")
    if entries > max_entries:
        raise FileRejected(
            FailureCode.ARCHIVE_INVALID, f"the archive has {entries:,} members, at most {max_entries:,} are looked at"
        )
    if offset + size > end or size < entries * _ENTRY.size:
        raise broken("the archive's directory is not where its end says; pack the file again", end)
    return Directory(offset, size, entries)


def entries_of(spool: Spool, directory: Directory) -> Iterator[Entry]:
    """The entries in their order. Raises COMPRESSION_BROKEN for the first that is none."""
    at, end = directory.offset, directory.offset + directory.size
    buffer, start = b"", at
    for _ in range(directory.entries):
        if at + _ENTRY.size + 3 * _FULL16 > start + len(buffer) < end:
            buffer, start = spool.read_at(at, min(_ENTRY.size + 3 * _FULL16 + _READ_BYTES, end - at)), at
        entry, length = _entry(buffer, at - start, at)
        at += length
        if at > end:
            raise broken("the archive's directory is damaged; pack the file again", at)
        yield entry


def data_offset(spool: Spool, entry: Entry, directory: Directory) -> int:
    """Where the packed bytes of a member begin. Raises COMPRESSION_BROKEN when they can not be there."""
    local = spool.read_at(entry.offset, _LOCAL.size)
    if len(local) < _LOCAL.size or not local.startswith(b"PK\x03\x04"):
        raise broken("the archive's data file is not where its directory says; pack it again", entry.offset)
    _, _, _, method, *_, name_length, extra_length = _LOCAL.unpack(local)
    start = entry.offset + _LOCAL.size + int(name_length) + int(extra_length)
    if method != entry.method or start + entry.packed_size > directory.offset:
        raise broken("the archive's data file is not as its directory says; pack it again", entry.offset)
    return start


def broken(message: str, at: int) -> FileRejected:
    return FileRejected(FailureCode.COMPRESSION_BROKEN, message, f"byte {at:,} as stored")


def _find_end(tail: bytes) -> int:
    """The end record whose comment reaches to the end of the file; else the last that begins like one."""
    # A record that begins too late to be whole is none; a negative end would count from the back.
    at = last = tail.rfind(_END_MAGIC, 0, max(0, len(tail) - _END.size + len(_END_MAGIC)))
    while at >= 0:
        if at + _END.size + int.from_bytes(tail[at + 20 : at + 22], "little") == len(tail):
            return at
        at = tail.rfind(_END_MAGIC, 0, at + len(_END_MAGIC) - 1)
    return last


def _find_end64(spool: Spool, end: int) -> tuple[int, int, int, int, int, int, int]:
    """The same facts in 64 bits, and where the record that has them begins."""
    locator = spool.read_at(max(0, end - _END64_LOCATOR.size), _END64_LOCATOR.size)
    if len(locator) < _END64_LOCATOR.size or not locator.startswith(b"PK\x06\x07"):
        raise broken("the archive's end lacks its 64-bit part; pack the file again", end)
    at = _END64_LOCATOR.unpack(locator)[2]
    record = spool.read_at(at, _END64.size) if at < spool.size else b""
    if len(record) < _END64.size or not record.startswith(b"PK\x06\x06"):
        raise broken("the archive's end is damaged; pack the file again", end)
    _, _, _, _, disk, first_disk, here, entries, size, offset = _END64.unpack(record)
    return disk, first_disk, here, entries, size, offset, at


def _entry(buffer: bytes, at: int, position: int) -> tuple[Entry, int]:
    """(the entry, its length in the directory)."""
    if len(buffer) - at < _ENTRY.size or not buffer.startswith(b"PK\x01\x02", at):
        raise broken("the archive's directory is damaged; pack the file again", position)
    fields = _ENTRY.unpack_from(buffer, at)
    flags, method, crc, packed_size, size = fields[3], fields[4], fields[7], fields[8], fields[9]
    name_length, extra_length, comment_length, offset = fields[10], fields[11], fields[12], fields[16]
    name_at = at + _ENTRY.size
    raw = buffer[name_at : name_at + name_length]
    name = raw.decode("utf-8" if flags & _UTF8_NAME else "cp437", "replace")
    if _FULL32 in (packed_size, size, offset):
        extra = buffer[name_at + name_length : name_at + name_length + extra_length]
        size, packed_size, offset = _in_64_bits(extra, size, packed_size, offset)
    entry = Entry(name, flags, method, crc, packed_size, size, offset)
    return entry, _ENTRY.size + name_length + extra_length + comment_length


def _in_64_bits(extra: bytes, *fields: int) -> list[int]:
    """The fields, those that are full taken from the zip64 extra field in their order (APPNOTE.TXT 4.5.3)."""
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, at)
        if kind == _ZIP64_EXTRA:
            values = iter(struct.unpack_from(f"<{length // 8}Q", extra[at + 4 : at + 4 + length].ljust(length, b"\0")))
            return [next(values, field) if field == _FULL32 else field for field in fields]
        at += 4 + length
    return list(fields)
