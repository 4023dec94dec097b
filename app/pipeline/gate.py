"""The gate's questions, each answered without touching the content: ours, there, not too big, a format we read?"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from app.errors import FailureCode, FileRejected
from app.model.file import FileChange, ListingFile, ObjectInfo
from app.model.record import Limits
from app.model.upload import ObjectEvent
from app.pipeline.endings import OFFICE, PACKED_OTHERWISE, PICTURES, SOUND_AND_FILM, ending_of, not_read
from app.pipeline.notification import is_folder_marker
from app.pipeline.sniff import BINARY_MEDIA_TYPES, COMPRESSION_ENDINGS, COMPRESSION_MEDIA_TYPES, hints_from_name

_ENDINGS = (
    *("json", "jsonl", "ndjson", "jsonld", "csv", "tsv", "txt"),
    *("xml", "rss", "atom", "html", "htm", "xhtml", "avro", "parquet"),
)
_MEDIA_TYPES = frozenset(
    {
        "application/atom+xml",
        "application/csv",
        "application/json",
        "application/jsonl",
        "application/jsonlines",
        "application/ld+json",
        "application/ndjson",
        "application/rss+xml",
        "application/x-jsonlines",
        "application/x-ndjson",
        "application/xhtml+xml",
        "application/xml",
        "text/csv",
        "text/html",
        "text/json",
        "text/plain",
        "text/tab-separated-values",
        "text/xml",
        *BINARY_MEDIA_TYPES,
        *COMPRESSION_MEDIA_TYPES,
    }
)
_OTHER_DATA = frozenset({"orc"})
_NEVER = PICTURES | SOUND_AND_FILM | OFFICE | PACKED_OTHERWISE | _OTHER_DATA
"""Endings that promise something else; a content type does not talk them over."""
_NAMES = ", ".join("." + ending for ending in _ENDINGS)
_ACCEPTED = f"a name that ends in {_NAMES}, alone or packed (.gz, .zip, .zst, .bz2, .xz)"


def wanted(event: ObjectEvent, buckets: Collection[str], prefix: str) -> FailureCode | None:
    """None when the event is for us; otherwise the code under which it is skipped and counted."""
    if event.bucket not in buckets:
        return FailureCode.BUCKET_NOT_ALLOWED
    if not event.key.startswith(prefix):
        return FailureCode.PREFIX_NOT_WATCHED
    if is_folder_marker(event.key):
        return FailureCode.FOLDER_MARKER
    return None


def plain_key(key: str) -> str:
    """The key without empty segments and `.`, as a file system spells it: `a//./b.csv` is `a/b.csv`."""
    return "/".join(segment for segment in key.split("/") if segment not in ("", "."))


def check_object(info: ObjectInfo, limits: Limits, *, may_be_empty: bool = False) -> None:
    """Raises `FileRejected`: FILE_TOO_BIG (as stored, before any download), OBJECT_EMPTY or FORMAT_UNKNOWN.

    `may_be_empty`: an empty file says something too, that a sender of full feeds has nothing any more.
    """
    if info.size > limits.file_max_bytes:
        raise FileRejected(
            FailureCode.FILE_TOO_BIG,
            f"expected a file of at most {limits.file_max_bytes:,} bytes, it has {info.size:,}: upload it in parts",
        )
    if info.size == 0 and not may_be_empty:
        raise FileRejected(FailureCode.OBJECT_EMPTY, "expected a file with listings, it has 0 bytes: upload it again")
    if not _is_readable(info):
        known = not_read(_ending(info.key))
        if known is not None:
            raise FileRejected(FailureCode.FORMAT_UNKNOWN, f"{known}; expected {_ACCEPTED}")
        raise FileRejected(
            FailureCode.FORMAT_UNKNOWN,
            f"expected {_ACCEPTED}, or a content type such as application/json, application/xml or text/csv "
            "on a file without such an ending",
        )


def queue_entry(event: ObjectEvent, info: ObjectInfo, now: datetime) -> ListingFile:
    """What the gate queues: the object as the store has it now (not as the event says), and what its name promises.

    `info.uploaded_at` orders it among the uploads of its second, `now` is the time of queueing, UTC.
    """
    hints = hints_from_name(info.key, info.content_type)
    return ListingFile(
        bucket=event.bucket,
        key=event.key,
        size=info.size,
        etag=info.etag,
        uploaded_at=info.uploaded_at,
        queued_at=now,
        format_hint=hints.format,
        compression_hint=hints.compression,
    )


def removal_entry(event: ObjectEvent, removed_at: datetime, now: datetime) -> ListingFile:
    """What the gate queues for an object that is gone, behind whatever is queued for it; times in UTC."""
    return ListingFile(
        bucket=event.bucket,
        key=event.key,
        size=0,
        etag="",
        uploaded_at=removed_at,
        queued_at=now,
        change=FileChange.REMOVED,
    )


def _is_readable(info: ObjectInfo) -> bool:
    """By the ending; by the content type only where the ending is none, or one that nobody knows.

    What is packed needs no ending before that of its compression: the content decides what is in it.
    """
    ending = _ending(info.key)
    if ending in _NEVER:
        return False
    media = (info.content_type or "").partition(";")[0].strip().lower()
    known = media in _MEDIA_TYPES or (media.startswith("application/") and media.endswith(("+json", "+xml")))
    return ending in _ENDINGS or ending_of(info.key) in COMPRESSION_ENDINGS or known


def _ending(key: str) -> str:
    """The ending before that of a compression, in lower case; "" when there is none."""
    ending = ending_of(key)
    return ending_of(key[: -len(ending) - 1]) if ending in COMPRESSION_ENDINGS else ending
