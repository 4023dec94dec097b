"""Archives and packed streams that senders should not send; see `tests.support.hostile`."""

from __future__ import annotations

import bz2
import gzip
import lzma
import struct
import zipfile

import zstandard

from app.errors import FailureCode
from tests.support.feed_text import json_text, lines, row, table
from tests.support.hostile_file import HostileFile
from tests.support.packed import with_end, with_entry, with_flag, zip_of, zstd_with_window

Code = FailureCode
_MIB = 1024 * 1024
_GOOD = json_text(1)
_LINES = lines(_GOOD, json_text(2))
_BOMB = lines(_GOOD) + b" " * 100 * _MIB


def _two_names_for_one_place() -> bytes:
    """Both entries of the directory lead to the same packed bytes, as in bombs made of overlapping members."""
    archive = bytearray(zip_of({"a.ndjson": _LINES, "b.ndjson": _LINES}))
    second = archive.index(b"PK\x01\x02", archive.index(b"PK\x01\x02") + 1)
    struct.pack_into("<L", archive, second + 42, 0)
    return bytes(archive)


ARCHIVES = (
    HostileFile("hostile/one-of-many.zip", lambda: zip_of({"x/": b"", "x/a.jpg": b"1", "x/cars.ndjson": _LINES}), 2),
    HostileFile(
        "hostile/from-a-mac.csv.zip",
        lambda: zip_of({"c.csv": table(row(1)), "__MACOSX/._c.csv": b"x", ".DS_Store": b"x", "Thumbs.db": b"x"}),
        1,
    ),
    HostileFile("hostile/zip.csv", lambda: zip_of({"../../etc/passwd": table(row(1))}), 1),
    HostileFile(
        "hostile/zip-is-cut.csv.zip", lambda: zip_of({"c.csv": table(row(1))})[:-30], file=Code.COMPRESSION_BROKEN
    ),
    HostileFile("hostile/zip-of-zeros.csv", lambda: b"PK\x03\x04" + bytes(60), file=Code.COMPRESSION_BROKEN),
    HostileFile("hostile/empty.zip", lambda: zip_of({}), file=Code.ARCHIVE_INVALID),
    HostileFile("hostile/pictures.zip", lambda: zip_of({"a.jpg": b"x", "b.PNG": b"x"}), file=Code.ARCHIVE_INVALID),
    HostileFile(
        "hostile/two-feeds.zip", lambda: zip_of({"a.csv": b"id\n1", "b.csv": b"id\n1"}), file=Code.ARCHIVE_INVALID
    ),
    HostileFile("hostile/overlapping.zip", _two_names_for_one_place, file=Code.ARCHIVE_INVALID),
    HostileFile("hostile/encrypted.zip", lambda: with_flag(zip_of({"c.csv": b"x"}), 1), file=Code.ARCHIVE_INVALID),
    HostileFile(
        "hostile/unknown-method.zip",
        lambda: with_entry(zip_of({"c.csv": b"x"}), 10, "<H", 98),
        file=Code.ARCHIVE_INVALID,
    ),
    HostileFile(
        "hostile/many-members.zip",
        lambda: zip_of({f"{number}.jpg": b"" for number in range(60)} | {"c.csv": b"id\n1"}),
        file=Code.ARCHIVE_INVALID,
        limits={"archive_max_members": 50},
    ),
    HostileFile(
        "hostile/lying-count.zip",
        lambda: with_end(zip_of({"c.csv": b"x"}), 8, "<L", 0x2710_2710),
        file=Code.COMPRESSION_BROKEN,
    ),
    HostileFile(
        "hostile/lying-place.zip",
        lambda: with_end(zip_of({"c.csv": b"x"}), 16, "<L", 0x7FFF_FFFF),
        file=Code.COMPRESSION_BROKEN,
    ),
    HostileFile(
        "hostile/lying-packed-size.zip",
        lambda: with_entry(zip_of({"c.csv": b"x"}), 20, "<L", 0x7FFF_FFFF),
        file=Code.COMPRESSION_BROKEN,
    ),
    HostileFile(
        "hostile/says-it-is-less.ndjson.zip",
        lambda: with_entry(zip_of({"c.ndjson": _LINES}), 24, "<L", 100),
        file=Code.COMPRESSION_BROKEN,
    ),
    HostileFile(
        "hostile/says-it-is-more.ndjson.zip",
        lambda: with_entry(zip_of({"c.ndjson": _LINES}), 24, "<L", 10_000),
        2,
        file=Code.COMPRESSION_BROKEN,
    ),
    HostileFile(
        "hostile/wrong-checksum.ndjson.zip",
        lambda: with_entry(zip_of({"c.ndjson": _LINES}), 16, "<L", 1),
        2,
        file=Code.COMPRESSION_BROKEN,
    ),
    HostileFile("hostile/bomb.zip", lambda: zip_of({"c.ndjson": _BOMB}), 1, file=Code.COMPRESSION_RATIO),
    HostileFile(
        "hostile/bomb-bzip2.zip",
        lambda: zip_of({"c.ndjson": _BOMB}, zipfile.ZIP_BZIP2),
        1,
        file=Code.COMPRESSION_RATIO,
    ),
    HostileFile(
        "hostile/bomb-lzma.zip", lambda: zip_of({"c.ndjson": _BOMB}, zipfile.ZIP_LZMA), 1, file=Code.COMPRESSION_RATIO
    ),
    HostileFile("hostile/zip-in-zip.zip", lambda: zip_of({"a.zip": zip_of({"c.csv": b"x"})}), file=Code.FORMAT_UNKNOWN),
    HostileFile("hostile/gzip-in-zip.zip", lambda: zip_of({"a.gz": gzip.compress(_LINES)}), file=Code.FORMAT_UNKNOWN),
    HostileFile(
        "hostile/workbook.zip",
        lambda: zip_of({"[Content_Types].xml": b"<Types/>", "xl/workbook.xml": b"<workbook/>"}),
        file=Code.FORMAT_UNKNOWN,
    ),
)

STREAMS = (
    HostileFile("hostile/streams.ndjson.bz2", lambda: bz2.compress(_LINES) + bz2.compress(_LINES), 4),
    HostileFile("hostile/frames.ndjson.zst", lambda: zstandard.compress(_LINES) * 2, 4),
    HostileFile(
        "hostile/skippable.ndjson.zst", lambda: b"\x50\x2a\x4d\x18\x05\0\0\0abcde" + zstandard.compress(_LINES), 2
    ),
    HostileFile("hostile/streams.ndjson.xz", lambda: lzma.compress(_LINES) * 2, 4),
    HostileFile("hostile/bomb.ndjson.bz2", lambda: bz2.compress(_BOMB), 1, file=Code.COMPRESSION_RATIO),
    HostileFile("hostile/bomb.ndjson.zst", lambda: zstandard.compress(_BOMB), 1, file=Code.COMPRESSION_RATIO),
    HostileFile("hostile/bomb.ndjson.xz", lambda: lzma.compress(_BOMB, preset=0), 1, file=Code.COMPRESSION_RATIO),
    HostileFile("hostile/window.ndjson.zst", lambda: zstd_with_window(_LINES, 27), file=Code.COMPRESSION_WINDOW),
    HostileFile("hostile/window.ndjson.xz", lambda: lzma.compress(_LINES, preset=9), file=Code.COMPRESSION_WINDOW),
    HostileFile("hostile/cut.ndjson.bz2", lambda: bz2.compress(_LINES)[:-9], 2, file=Code.COMPRESSION_BROKEN),
    HostileFile("hostile/cut.ndjson.zst", lambda: zstandard.compress(_LINES)[:-9], file=Code.COMPRESSION_BROKEN),
    HostileFile("hostile/cut.ndjson.xz", lambda: lzma.compress(_LINES)[:-9], 2, file=Code.COMPRESSION_BROKEN),
    HostileFile("hostile/tail.ndjson.bz2", lambda: bz2.compress(_LINES) + b"tail", 2, file=Code.COMPRESSION_BROKEN),
    HostileFile(
        "hostile/tail.ndjson.zst", lambda: zstandard.compress(_LINES) + b"tail", 2, file=Code.COMPRESSION_BROKEN
    ),
    HostileFile("hostile/tail.ndjson.xz", lambda: lzma.compress(_LINES) + b"tail", 2, file=Code.COMPRESSION_BROKEN),
    HostileFile("hostile/in-gzip.zst.gz", lambda: gzip.compress(zstandard.compress(_LINES)), file=Code.FORMAT_UNKNOWN),
)
