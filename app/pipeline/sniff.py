"""What is this file? Its name and content type are hints; its first bytes decide.

Order: magic bytes and control characters, the first character that is not blank (markup: see `sniff_markup`), whether
the lines are JSON each, whether one delimiter cuts them alike; then the hints.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass

import orjson

from app.errors import FailureCode, FileRejected
from app.model.file import Compression, FileFormat
from app.model.record import ReadHints
from app.pipeline.json_lines import bare_line
from app.pipeline.sniff_binary import READABLE, unknown_format
from app.pipeline.sniff_markup import markup_format

SNIFF_BYTES = 64 * 1024
"""How much of the beginning is looked at; a shorter file is looked at as a whole."""
_LINES = 50
_DELIMITERS = (",", ";", "\t", "|")
_AGREEMENT = 0.6
"""Without any hint, this share of the lines must have as many cells as the first."""
_BY_ENDING = {
    "json": FileFormat.JSON,
    "ndjson": FileFormat.NDJSON,
    "jsonl": FileFormat.NDJSON,
    "csv": FileFormat.CSV,
    "tsv": FileFormat.CSV,
    "jsonld": FileFormat.JSON,
    "xml": FileFormat.XML,
    "rss": FileFormat.XML,
    "atom": FileFormat.XML,
    "html": FileFormat.HTML,
    "htm": FileFormat.HTML,
    "xhtml": FileFormat.HTML,
    "avro": FileFormat.AVRO,
    "parquet": FileFormat.PARQUET,
}
_BY_MEDIA_TYPE = {
    "application/json": FileFormat.JSON,
    "text/json": FileFormat.JSON,
    "application/x-ndjson": FileFormat.NDJSON,
    "application/ndjson": FileFormat.NDJSON,
    "application/jsonl": FileFormat.NDJSON,
    "application/x-jsonlines": FileFormat.NDJSON,
    "application/jsonlines": FileFormat.NDJSON,
    "text/csv": FileFormat.CSV,
    "application/csv": FileFormat.CSV,
    "text/tab-separated-values": FileFormat.CSV,
    "application/ld+json": FileFormat.JSON,
    "application/xml": FileFormat.XML,
    "text/xml": FileFormat.XML,
    "application/rss+xml": FileFormat.XML,
    "application/atom+xml": FileFormat.XML,
    "text/html": FileFormat.HTML,
    "application/xhtml+xml": FileFormat.HTML,
    "application/avro": FileFormat.AVRO,
    "avro/binary": FileFormat.AVRO,
    "application/vnd.apache.avro": FileFormat.AVRO,
    "application/vnd.apache.parquet": FileFormat.PARQUET,
    "application/x-parquet": FileFormat.PARQUET,
}
_COMPRESSION_BY_ENDING = {
    "gz": Compression.GZIP,
    "gzip": Compression.GZIP,
    "zip": Compression.ZIP,
    "zst": Compression.ZSTD,
    "zstd": Compression.ZSTD,
    "bz2": Compression.BZIP2,
    "bzip2": Compression.BZIP2,
    "xz": Compression.XZ,
}
_COMPRESSION_BY_MEDIA_TYPE = {
    "application/gzip": Compression.GZIP,
    "application/x-gzip": Compression.GZIP,
    "application/zip": Compression.ZIP,
    "application/x-zip-compressed": Compression.ZIP,
    "application/zstd": Compression.ZSTD,
    "application/x-zstd": Compression.ZSTD,
    "application/x-bzip2": Compression.BZIP2,
    "application/x-bzip": Compression.BZIP2,
    "application/x-xz": Compression.XZ,
}
COMPRESSION_ENDINGS = frozenset(_COMPRESSION_BY_ENDING)
COMPRESSION_MEDIA_TYPES = frozenset(_COMPRESSION_BY_MEDIA_TYPE)
BINARY_MEDIA_TYPES = frozenset(
    media for media, format_ in _BY_MEDIA_TYPE.items() if format_ in (FileFormat.AVRO, FileFormat.PARQUET)
)
_JSON_START = re.compile(rb'\{\s*+(?:["}]|\Z)|\[\s*+(?:[\[{"\]\d-]|true\b|false\b|null\b|\Z)')
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\s*+')


@dataclass(frozen=True, slots=True)
class Content:
    """What the first bytes show."""

    format: FileFormat
    delimiter: str | None = None
    """Of a CSV file."""
    lone_cr: bool = False
    """A CSV file whose lines end with CR alone."""
    separator_line: bool = False
    """A CSV file that begins with Excel's `sep=;`."""
    spaced_quotes: bool = False
    """A CSV file with blanks between a delimiter and the quote that opens the next cell."""


def hints_from_name(key: str, content_type: str | None = None) -> ReadHints:
    """What an object's key and content type promise; the ending of the key wins."""
    name = key.rpartition("/")[2].lower()
    media = (content_type or "").partition(";")[0].strip().lower()
    stem, dot, ending = name.rpartition(".")
    compression = _COMPRESSION_BY_ENDING.get(ending, Compression.NONE) if dot else Compression.NONE
    if compression is not Compression.NONE:
        ending = stem.rpartition(".")[2]
    else:
        compression = _COMPRESSION_BY_MEDIA_TYPE.get(media, Compression.NONE)
    return ReadHints(format=_BY_ENDING.get(ending), compression=compression, content_type=content_type)


def sniff(text: bytes, whole: bool, hints: ReadHints) -> Content:
    """What the content is, by the first `SNIFF_BYTES` of it as UTF-8; `whole`: there is no more.

    Raises FORMAT_UNKNOWN, or FORMAT_MISMATCH when the name promised a format that the content is not.
    """
    expected = hints.format or _by_media_type(hints.content_type)
    start = text.lstrip()
    if start.startswith(b"<") and (markup := markup_format(start, expected)) is not None:
        return Content(markup)
    json_expected = expected in (FileFormat.JSON, FileFormat.NDJSON)
    if _JSON_START.match(start) or (json_expected and start[:1] in (b"{", b"[")):
        return Content(_json_kind(start, whole, hints, expected))
    if json_expected and _mostly_objects(start, whole):
        return Content(FileFormat.NDJSON)
    delimited = _delimited(text, whole, hints, certain=expected is FileFormat.CSV)
    if delimited is not None:
        return delimited
    if expected is FileFormat.JSON and _parses(start):
        return Content(FileFormat.JSON)
    if expected is not None:
        raise FileRejected(
            FailureCode.FORMAT_MISMATCH,
            f"the name or content type says {expected}, the content is not; send {READABLE}",
        )
    raise unknown_format("the content has no known form")


def _by_media_type(content_type: str | None) -> FileFormat | None:
    return _BY_MEDIA_TYPE.get((content_type or "").partition(";")[0].strip().lower())


# JSON or NDJSON


def _json_kind(start: bytes, whole: bool, hints: ReadHints, expected: FileFormat | None) -> FileFormat:
    """A file of objects that has one on each line is NDJSON; a path to the records only means anything in JSON."""
    if hints.records_path is not None:
        return FileFormat.JSON
    if not start.startswith(b"{"):
        return _array_kind(start, whole, expected)
    if whole and _parses(start):
        one_line = b"\n" not in start.strip()
        return FileFormat.NDJSON if one_line and expected is FileFormat.NDJSON else FileFormat.JSON
    lines = _whole_lines(start, whole)
    if not lines:
        return FileFormat.NDJSON if expected is FileFormat.NDJSON else FileFormat.JSON
    if _parses(lines[0]) or _mostly_objects(start, whole) or _begins_with_commas(lines):
        return FileFormat.NDJSON
    shaped = sum(line.startswith(b"{") and line.endswith(b"}") for line in lines)
    return FileFormat.NDJSON if expected is FileFormat.NDJSON and 2 * shaped > len(lines) else FileFormat.JSON


def _array_kind(start: bytes, whole: bool, expected: FileFormat | None) -> FileFormat:
    """An array, unless it was promised that each line is an object, and most are but for the marks of an array."""
    lines = [bare_line(line) for line in _whole_lines(start, whole)] if expected is FileFormat.NDJSON else []
    objects = sum(line.startswith(b"{") and _parses(line) for line in lines)
    return FileFormat.NDJSON if objects and 2 * objects >= len(lines) - 2 else FileFormat.JSON


def _begins_with_commas(lines: list[bytes]) -> bool:
    """Objects with a comma after each: no JSON document, so what is meant are the lines."""
    bare = [bare_line(line) for line in lines]
    is_shaped = lines[0].endswith(b",") and bare[0].endswith(b"}")
    return is_shaped and 2 * sum(line.startswith(b"{") and _parses(line) for line in bare) >= len(lines)


def _mostly_objects(start: bytes, whole: bool) -> bool:
    lines = _whole_lines(start, whole)
    return bool(lines) and 2 * sum(line.startswith(b"{") and _parses(line) for line in lines) >= len(lines)


def _whole_lines(start: bytes, whole: bool) -> list[bytes]:
    lines = [line.strip() for line in start.split(b"\n", _LINES)]
    if not whole or len(lines) > _LINES:
        lines.pop()
    return [line for line in lines if line]


def _parses(text: bytes) -> bool:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True


# CSV


def _delimited(text: bytes, whole: bool, hints: ReadHints, certain: bool) -> Content | None:
    lone_cr = b"\r" in text and b"\n" not in text
    pieces = text.split(b"\r" if lone_cr else b"\n", _LINES)
    if not whole or len(pieces) > _LINES:
        del pieces[max(1, len(pieces) - 1) :]
    texts = (piece.decode(errors="replace").replace("\r", " ") for piece in pieces)
    lines = [line + "\n" for line in texts if line.strip()]
    if not lines:
        return None
    named = _SEPARATOR_LINE.fullmatch(lines[0])
    if named is not None:
        return Content(FileFormat.CSV, hints.delimiter or named[1], lone_cr, separator_line=True)
    delimiter = hints.delimiter or _best_delimiter(lines, hints.header, certain)
    if delimiter is None:
        return None
    return Content(FileFormat.CSV, delimiter, lone_cr, spaced_quotes=_spaced_quotes(lines, delimiter))


def _spaced_quotes(lines: list[str], delimiter: str) -> bool:
    return delimiter != " " and re.search(re.escape(delimiter) + ' +"', lines[0]) is not None


def _best_delimiter(lines: list[str], header: tuple[str, ...] | None, certain: bool) -> str | None:
    """The delimiter that cuts most lines into as many cells as the first, or as the header we were told has.

    With `certain` it is a CSV file anyway: a comma, if none cuts.
    """
    able = [mark for mark in _DELIMITERS if mark in lines[0]]
    if certain and len(able) < 2:
        return able[0] if able else ","
    scores = {mark: _agreement(lines, mark, header) for mark in able}
    best = max(able, key=lambda mark: scores[mark], default=None)
    return best if best is not None and (certain or scores[best][0] >= _AGREEMENT) else None


def _agreement(lines: list[str], delimiter: str, header: tuple[str, ...] | None) -> tuple[float, int]:
    """(the share of rows as wide as the first, but for empty cells at the end; that width)."""
    rows = csv.reader(lines, delimiter=delimiter, skipinitialspace=_spaced_quotes(lines, delimiter))
    names = list(header) if header is not None else next(rows, [])
    widths = [(len(row), filled) for row in rows if (filled := _filled(row))]
    needed = _filled(names)
    if len(names) < 2:
        return 0.0, 0
    fitting = sum(needed <= cells and filled <= len(names) for cells, filled in widths)
    return (fitting / len(widths) if widths else 1.0), len(names)


def _filled(cells: list[str]) -> int:
    """How many cells there are up to the last that is not empty."""
    count = len(cells)
    while count and not cells[count - 1].strip():
        count -= 1
    return count
