"""The beginning of an unknown file: what it is, where its records are, and the first of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from app.errors import FailureCode, FileRejected
from app.model.file import Compression, FileFormat
from app.model.record import Limits, ReadHints
from app.ops.feeds_guess.names import NAMES, score
from app.pipeline.decompress import Decompressor
from app.pipeline.parse import FileReader
from app.pipeline.parse.text import TextDecoder, Undecodable
from app.pipeline.sniff import SNIFF_BYTES, hints_from_name, sniff

Chunks = Callable[[], Iterable[bytes]]
"""Opens the file anew."""

RECORDS = 300
_LOOKED_THROUGH_BYTES = 32 * 1024 * 1024
"""Of the file; its encoding may only show late."""
_DEEPEST = 6
_WHOLE_RECORD_BYTES = 64 * 1024 * 1024
"""Of one JSON document in which the records are looked for."""
_FALLBACK_ENCODING = "windows-1252"
_COMMON_WRAPPERS = ("vehicles[]", "listings[]", "cars[]", "data[]", "items[]", "results[]", "ads[]", "inventory[]")
_VALUE_LIKE = re.compile(
    r"https?://\S+|[A-HJ-NPR-Z0-9]{17}|[$€£]\s*\d.*|\d{1,3}(?:[.,]\d{3})+|\d{4}-\d\d-\d\d.*|\d+[.,]\d+"
)
_FEWEST_KEYS = 3


@dataclass(frozen=True, slots=True)
class Sample:
    """What the beginning of a file shows."""

    format: FileFormat
    compression: Compression
    hints: ReadHints
    """With which it can be read: encoding, header, records path, where they are needed."""
    delimiter: str | None
    records: list[Mapping[str, object]]


def take_sample(chunks: Chunks, name: str, limits: Limits) -> Sample:
    """The first records of a file, read as leniently as it takes; `FileRejected` when nothing can be made of it."""
    hints = hints_from_name(name)
    try:
        records, reader = _read(chunks, hints, limits)
    except FileRejected as error:
        if error.code is FailureCode.ENCODING_INVALID:
            hints = replace(hints, encoding=_FALLBACK_ENCODING)
        elif error.code is FailureCode.HEADER_ROW_INVALID:
            hints = replace(hints, header=_numbered(chunks, hints, limits))
        else:
            raise
        records, reader = _read(chunks, hints, limits)
    shape = reader.shape
    assert shape is not None
    if shape.format is FileFormat.CSV and hints.header is None and records and _is_data(records[0]):
        hints = replace(hints, header=tuple(f"column_{n}" for n in range(1, len(records[0]) + 1)))
        records, reader = _read(chunks, hints, limits)
    if shape.format is FileFormat.JSON and len(records) < 2:
        hints, records = _inside(chunks, hints, limits, records)
    return Sample(shape.format, shape.compression, hints, _delimiter(chunks, hints, limits, shape.format), records)


def _read(chunks: Chunks, hints: ReadHints, limits: Limits) -> tuple[list[Mapping[str, object]], FileReader]:
    """Up to `RECORDS` records; what comes behind them may be broken, but has to be in the same encoding."""
    reader = FileReader(hints, limits, None)
    records: list[Mapping[str, object]] = []
    try:
        for found in _records(reader, _beginning(chunks)):
            if len(records) < RECORDS:
                records.append(found)
    except FileRejected as error:
        if not records or error.code is FailureCode.ENCODING_INVALID:
            raise
    finally:
        reader.close()
    return records, reader


def _beginning(chunks: Chunks) -> Iterator[bytes]:
    size = 0
    for chunk in chunks():
        yield chunk
        size += len(chunk)
        if size > _LOOKED_THROUGH_BYTES:
            return


def _records(reader: FileReader, chunks: Iterable[bytes]) -> Iterator[Mapping[str, object]]:
    for chunk in chunks:
        for piece in reader.feed(chunk):
            yield from (record.value for record in piece.records)
    for piece in reader.finish():
        yield from (record.value for record in piece.records)


def _is_data(record: Mapping[str, object]) -> bool:
    """True when what was taken for column names are values: addresses, VINs, amounts."""
    return any(_VALUE_LIKE.fullmatch(name.strip()) for name in record)


def _numbered(chunks: Chunks, hints: ReadHints, limits: Limits) -> tuple[str, ...]:
    text = _head(chunks, hints, limits).decode()
    line = text.lstrip("\n").partition("\n")[0]
    delimiter = sniff(text.encode(), False, replace(hints, header=("a", "b"))).delimiter or ","
    return tuple(f"column_{n}" for n in range(1, line.count(delimiter) + 2))


def _delimiter(chunks: Chunks, hints: ReadHints, limits: Limits, form: FileFormat) -> str | None:
    return sniff(_head(chunks, hints, limits), False, hints).delimiter if form is FileFormat.CSV else None


def _head(chunks: Chunks, hints: ReadHints, limits: Limits) -> bytes:
    """The beginning of the plain text in UTF-8."""
    packed = Decompressor(limits, None)
    head = bytearray()
    try:
        for chunk in chunks():
            for block in packed.feed(chunk):
                head += block
            if len(head) >= SNIFF_BYTES:
                break
        else:
            for block in packed.finish():
                head += block
    finally:
        packed.close()
    decoder = TextDecoder(bytes(head), hints.encoding)
    text = b""
    try:
        for piece in decoder.feed(bytes(head), final=False):
            text += piece
    except Undecodable:
        pass
    return text


def _inside(
    chunks: Chunks, hints: ReadHints, limits: Limits, records: list[Mapping[str, object]]
) -> tuple[ReadHints, list[Mapping[str, object]]]:
    """The records inside of one JSON document, and the path to them; the document itself when it is the record."""
    if not records:
        records, _ = _read(chunks, hints, replace(limits, record_max_bytes=_WHOLE_RECORD_BYTES))
    tried = [found] if records and (found := records_path(records[0])) else []
    if not records:
        tried = list(_COMMON_WRAPPERS)
    for path in tried:
        inner = replace(hints, records_path=path)
        try:
            found_records, _ = _read(chunks, inner, limits)
        except FileRejected:
            continue
        if found_records:
            return inner, found_records
    return hints, records


def records_path(document: Mapping[str, object]) -> str | None:
    """Where the records are in a document, as a profile names it; None: it is a record itself.

    The list, or the object keyed by id, whose entries have most names that fields are known by; more of them than the
    document itself.
    """
    best, path = 0, None
    own = {"*": sum(any(score(target, name) for name in document) for target in NAMES), "]": _known(document)}
    for place, entries in _collections(document, "", 1):
        known = max((_known(entry) for entry in entries[:5]), default=0)
        if known > max(best, own[place[-1]]):
            best, path = known, place
    return path


def _collections(value: object, path: str, depth: int) -> Iterator[tuple[str, list[Mapping[str, object]]]]:
    if depth > _DEEPEST or not isinstance(value, Mapping):
        return
    objects = [entry for entry in value.values() if isinstance(entry, Mapping) and len(entry) >= _FEWEST_KEYS]
    if len(objects) == len(value) > 1:
        yield (f"{path}.*" if path else "*"), objects
    for name, inner in value.items():
        place = f"{path}.{name}" if path else name
        if set(name) & set(".[]*"):
            continue
        if isinstance(inner, list):
            entries = [entry for entry in inner if isinstance(entry, Mapping) and len(entry) >= _FEWEST_KEYS]
            if entries:
                yield f"{place}[]", entries
        else:
            yield from _collections(inner, place, depth + 1)


def _known(record: Mapping[str, object]) -> int:
    """How many fields a record has a name for, nested ones too."""
    names = [
        *record,
        *(f"{name}.{inner}" for name, value in record.items() if isinstance(value, Mapping) for inner in value),
    ]
    return sum(any(score(target, name) for name in names) for target in NAMES)
