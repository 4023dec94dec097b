"""What binary content is, by its first bytes: formats that are read, and those that people send by mistake."""

from __future__ import annotations

from app.errors import FailureCode, FileRejected
from app.model.file import FileFormat

READABLE = "JSON, NDJSON, CSV or TSV, XML, HTML with JSON-LD, Avro or Parquet, plain or packed"
_MAGIC = (
    (b"PK\x03\x04", "a zip archive inside of what was packed already"),
    (b"\x1f\x8b", "gzip inside of what was packed already"),
    (b"\xfd7zXZ\x00", "xz inside of what was packed already"),
    (b"\x28\xb5\x2f\xfd", "zstandard inside of what was packed already"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"\x04\x22\x4d\x18", "lz4"),
    (b"%PDF-", "a PDF"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"\x89PNG", "a PNG picture"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook or Word document (.xls, .doc); save one sheet as CSV UTF-8"),
)
_MAGIC_OF_LETTERS = (
    (b"BZh", "bzip2 inside of what was packed already"),
    (b"PARE", "an encrypted Parquet file"),
    (b"ORC", "an ORC file"),
    (b"ARROW1", "an Arrow file"),
)
"""Text could begin with these: `PARENT_ID,make`."""
_TAR = (257, b"ustar")
"""POSIX.1-1988 and GNU tar."""
_CONTROL = bytes(byte for byte in range(32) if byte not in b"\t\n\v\f\r\x1a\x1b")
_CONTROL_SHARE = 0.02
_UTF16_SHARE = 0.3


def binary_format(head: bytes) -> FileFormat | None:
    """Avro or Parquet, by the first bytes of the plain content; None: neither."""
    if head.startswith(b"Obj\x01"):
        return FileFormat.AVRO
    is_column = head[4:5] in (b",", b";", b"\t", b"|", b"\r", b"\n")  # of a CSV file
    return FileFormat.PARQUET if head.startswith(b"PAR1") and not is_column else None


def refuse_binary(head: bytes, encoding: str | None) -> None:
    """Raises FORMAT_UNKNOWN for what is no text; ENCODING_INVALID for UTF-16 that does not say so.

    `head` is the beginning of the plain content, `encoding` what its byte order mark declares.
    """
    controls = len(head) - len(head.translate(None, _CONTROL))
    is_binary = controls > _CONTROL_SHARE * len(head)
    if encoding in (None, "utf-8"):
        for magic, name in (*_MAGIC, *_MAGIC_OF_LETTERS) if is_binary else _MAGIC:
            if head.startswith(magic):
                raise unknown_format(f"the content is {name}")
        if head.startswith(_TAR[1], _TAR[0]):
            raise unknown_format("the content is a tar archive; send one data file in each archive, as zip or gzip")
    if encoding is not None:
        return
    zeros = sorted((head[::2].count(0), head[1::2].count(0)))
    if len(head) >= 4 and zeros[1] > _UTF16_SHARE * len(head) and zeros[0] < zeros[1] / 4:
        raise FileRejected(
            FailureCode.ENCODING_INVALID,
            "the content looks like UTF-16 without a byte order mark; save it as UTF-8, or with the mark",
            "byte 0",
        )
    if is_binary:
        raise unknown_format("the content is binary")


def unknown_format(what: str) -> FileRejected:
    """FORMAT_UNKNOWN, with what can be read instead."""
    return FileRejected(FailureCode.FORMAT_UNKNOWN, f"{what}; expected {READABLE}")
