"""Our values as Avro knows them (schemas `ListingFile` and `FileOutcome`), and back; times are UTC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import datetime
from typing import TypeVar

from app.errors import FailureCode, Problem, Rejected
from app.model.file import Compression, FileChange, FileFormat, ListingFile
from app.model.outcome import FileOutcome, FileStatus, Flag, RecordFlags, RecordReject

T = TypeVar("T")


def file_to_wire(file: ListingFile) -> dict[str, object]:
    """The value of `listing-files`."""
    return {
        "bucket": file.bucket,
        "key": file.key,
        "size": file.size,
        "etag": file.etag,
        "uploaded_at": file.uploaded_at,
        "queued_at": file.queued_at,
        "format_hint": file.format_hint,
        "compression_hint": file.compression_hint,
        "change": file.change,
        "confirmed_etag": file.confirmed_etag,
    }


def file_from_wire(wire: Mapping[str, object]) -> ListingFile:
    """Raises `Rejected(RECORD_NOT_DECODABLE)` when it is no `ListingFile`; a hint that we do not know is no hint."""
    hint = wire.get("format_hint")
    compression = wire.get("compression_hint")
    change = _maybe(wire, "change", str) or FileChange.CREATED
    if change not in _CHANGES:
        raise _not_ours("ListingFile", "field change is neither created nor removed")
    return ListingFile(
        bucket=_get(wire, "bucket", str),
        key=_get(wire, "key", str),
        size=_get(wire, "size", int),
        etag=_get(wire, "etag", str),
        uploaded_at=_get(wire, "uploaded_at", datetime),
        queued_at=_get(wire, "queued_at", datetime),
        format_hint=_FORMATS.get(hint) if isinstance(hint, str) else None,
        compression_hint=_COMPRESSIONS.get(str(compression), Compression.NONE),
        change=_CHANGES[change],
        confirmed_etag=_maybe(wire, "confirmed_etag", str),
    )


def outcome_to_wire(outcome: FileOutcome) -> dict[str, object]:
    """The value of `listing-outcomes`."""
    wire = {name: getattr(outcome, name) for name in _OUTCOME_FIELDS}
    wire["rejects"] = [
        {**asdict(reject), "problems": [asdict(problem) for problem in reject.problems]} for reject in outcome.rejects
    ]
    wire["flag_counts"] = dict(outcome.flag_counts)
    wire["flags"] = [
        {**asdict(flagged), "flags": [asdict(flag) for flag in flagged.flags]} for flagged in outcome.flags
    ]
    return wire


def outcome_from_wire(wire: Mapping[str, object]) -> FileOutcome:
    """Raises `Rejected(RECORD_NOT_DECODABLE)` when it is no `FileOutcome`, or tells of codes newer than this reader."""
    try:
        code = _maybe(wire, "failure_code", str)
        return FileOutcome(
            bucket=_get(wire, "bucket", str),
            key=_get(wire, "key", str),
            etag=_get(wire, "etag", str),
            size=_get(wire, "size", int),
            uploaded_at=_get(wire, "uploaded_at", datetime),
            processed_at=_get(wire, "processed_at", datetime),
            status=FileStatus(_get(wire, "status", str)),
            format=_maybe(wire, "format", str),
            profile=_maybe(wire, "profile", str),
            read=_get(wire, "read", int),
            indexed=_get(wire, "indexed", int),
            stale=_get(wire, "stale", int),
            rejected=_get(wire, "rejected", int),
            blank=_get(wire, "blank", int),
            flagged=_get(wire, "flagged", int),
            bytes_read=_get(wire, "bytes_read", int),
            attempts=_get(wire, "attempts", int),
            removed=_get({"removed": 0, **wire}, "removed", int),
            failure_code=None if code is None else FailureCode(code),
            failure_message=_maybe(wire, "failure_message", str),
            rejects=tuple(_reject(reject) for reject in _get(wire, "rejects", list)),
            flag_counts=dict(_get({"flag_counts": {}, **wire}, "flag_counts", dict)),
            flags=tuple(_flags(flagged) for flagged in _get({"flags": [], **wire}, "flags", list)),
        )
    except ValueError as error:
        raise _not_ours("FileOutcome", str(error)) from error


_CHANGES = {str(change): change for change in FileChange}
_COMPRESSIONS = {str(compression): compression for compression in Compression}
_FORMATS = {str(format_): format_ for format_ in FileFormat}
_OUTCOME_FIELDS = tuple(field.name for field in fields(FileOutcome))


def _reject(wire: Mapping[str, object]) -> RecordReject:
    return RecordReject(
        record=_get(wire, "record", int),
        line=_maybe(wire, "line", int),
        problems=tuple(
            Problem(
                FailureCode(_get(problem, "code", str)),
                _maybe(problem, "field", str),
                _get(problem, "expected", str),
                _maybe(problem, "got", str),
            )
            for problem in _get(wire, "problems", list)
        ),
        source_listing_id=_maybe(wire, "source_listing_id", str),
    )


def _flags(wire: Mapping[str, object]) -> RecordFlags:
    return RecordFlags(
        record=_get(wire, "record", int),
        line=_maybe(wire, "line", int),
        flags=tuple(
            Flag(_get(flag, "flag", str), _maybe(flag, "field", str), _maybe(flag, "got", str))
            for flag in _get(wire, "flags", list)
        ),
        source_listing_id=_maybe(wire, "source_listing_id", str),
    )


def _get(wire: Mapping[str, object], name: str, kind: type[T]) -> T:
    value = wire.get(name)
    if not isinstance(value, kind):
        raise _not_ours("record", f"field {name} is no {kind.__name__}")
    return value


def _maybe(wire: Mapping[str, object], name: str, kind: type[T]) -> T | None:
    return None if wire.get(name) is None else _get(wire, name, kind)


def _not_ours(name: str, reason: str) -> Rejected:
    return Rejected(
        FailureCode.RECORD_NOT_DECODABLE, f"expected a {name} as in schemas/avro, found another record: {reason}"
    )
