from __future__ import annotations

from datetime import UTC, datetime

import pytest

from app.errors import FailureCode, Rejected
from app.model.file import Compression, FileFormat, ObjectInfo
from app.model.record import Limits
from app.model.upload import ObjectEvent, ObjectEventKind
from app.pipeline.gate import check_object, queue_entry, wanted
from app.settings import LimitsSettings

UPLOADED = datetime(2026, 3, 1, 10, 3, tzinfo=UTC)
NOW = datetime(2026, 3, 1, 10, 3, 1, tzinfo=UTC)
LIMITS = Limits(**{**LimitsSettings().model_dump(), "file_max_bytes": 1000})


def event(key: str = "in/a.json", bucket: str = "b", kind: ObjectEventKind = ObjectEventKind.CREATED) -> ObjectEvent:
    return ObjectEvent(kind, bucket, key, size=1, etag="old")


def info(key: str = "in/a.json", size: int = 10, content_type: str | None = None) -> ObjectInfo:
    return ObjectInfo("b", key, size, "new", UPLOADED, content_type)


@pytest.mark.parametrize(
    ("seen", "code"),
    [
        (event(), None),
        (event(bucket="other"), FailureCode.BUCKET_NOT_ALLOWED),
        (event("out/a.json"), FailureCode.PREFIX_NOT_WATCHED),
        (event("in/"), FailureCode.FOLDER_MARKER),
        (event(kind=ObjectEventKind.REMOVED), None),
        (event(bucket="other", kind=ObjectEventKind.REMOVED), FailureCode.BUCKET_NOT_ALLOWED),
    ],
)
def test_only_uploads_to_watched_places_are_wanted(seen: ObjectEvent, code: FailureCode | None) -> None:
    assert wanted(seen, {"b"}, "in/") is code


def test_an_empty_prefix_watches_the_whole_bucket() -> None:
    assert wanted(event("anything.json"), {"b"}, "") is None


@pytest.mark.parametrize(
    "key",
    ["a.json", "a.JSON", "a.ndjson", "a.jsonl", "a.csv", "a.tsv", "a.txt", "a.json.gz", "a.csv.GZIP", "x.y/a.b.csv"],
)
def test_known_endings_are_readable_whatever_the_content_type(key: str) -> None:
    check_object(info(key, content_type="binary/octet-stream"), LIMITS)


@pytest.mark.parametrize(
    "key",
    [
        *("a.avro", "a.parquet", "a.csv.zip", "a.json.zst", "a.xml.zstd", "a.tsv.bz2", "a.csv.xz", "a.parquet.gz"),
        *("export.zip", "stock.2026-05.ZIP", "export.zst", "export.bz2", "export.gz"),
    ],
)
def test_binary_and_packed_files_are_readable_by_their_ending(key: str) -> None:
    check_object(info(key, content_type="binary/octet-stream"), LIMITS)


@pytest.mark.parametrize(
    "media", ["application/avro", "application/vnd.apache.parquet", "application/zip", "application/zstd"]
)
def test_they_are_readable_by_their_content_type_too(media: str) -> None:
    check_object(info("export", content_type=media), LIMITS)


@pytest.mark.parametrize("key", ["a.xml", "a.rss.gz", "a.atom", "a.html", "a.HTM", "a.xhtml", "a.jsonld"])
def test_markup_is_readable_by_its_ending(key: str) -> None:
    check_object(info(key), LIMITS)


@pytest.mark.parametrize(
    ("key", "content_type"),
    [
        ("export", "application/json"),
        ("export.2026", "text/csv; charset=utf-8"),
        ("feed.dat", "Application/X-NDJSON"),
        ("feed.gz", "application/gzip"),
        ("feed", "application/vnd.dealer+json"),
        ("feed", "application/xml"),
        ("feed", "text/xml; charset=utf-8"),
        ("feed", "application/rss+xml"),
        ("feed.php", "application/atom+xml"),
        ("feed", "application/vnd.dealer+xml"),
        ("feed", "application/ld+json"),
        ("page", "text/html"),
    ],
)
def test_without_a_known_ending_the_content_type_tells(key: str, content_type: str) -> None:
    check_object(info(key, content_type=content_type), LIMITS)


@pytest.mark.parametrize(
    ("key", "content_type"),
    [
        ("export", None),
        ("export.dat", "application/octet-stream"),
        ("photo.jpg", "text/csv"),
        ("photo", "image/svg+xml"),
        ("stock.xlsx", "text/csv"),
        ("stock.pdf.gz", "application/gzip"),
        ("stock.xlsx.zip", "application/zip"),
        ("stock.tar.gz", "application/gzip"),
        ("stock.7z", "application/zip"),
        ("stock.rar", None),
        ("a.zip/export", None),
        ("a.csv/photo.png", None),
        (".json/", None),
        ("run.exe", "application/json"),
    ],
)
def test_what_is_no_file_of_listings_is_refused_with_what_would_be(key: str, content_type: str | None) -> None:
    with pytest.raises(Rejected) as caught:
        check_object(info(key, content_type=content_type), LIMITS)
    assert caught.value.code is FailureCode.FORMAT_UNKNOWN
    assert ".ndjson" in caught.value.message


@pytest.mark.parametrize(
    ("size", "code"), [(0, FailureCode.OBJECT_EMPTY), (1001, FailureCode.FILE_TOO_BIG), (1000, None), (1, None)]
)
def test_sizes_are_judged_before_any_download(size: int, code: FailureCode | None) -> None:
    if code is None:
        check_object(info(size=size), LIMITS)
        return
    with pytest.raises(Rejected) as caught:
        check_object(info(size=size), LIMITS)
    assert caught.value.code is code


def test_the_queue_gets_the_object_as_the_store_has_it_now() -> None:
    entry = queue_entry(event("in/a.ndjson.gz"), info("in/a.ndjson.gz", 77), NOW)
    assert (entry.object_id, entry.size, entry.etag) == ("b/in/a.ndjson.gz", 77, "new")
    assert (entry.uploaded_at, entry.queued_at) == (UPLOADED, NOW)
    assert (entry.format_hint, entry.compression_hint) == (FileFormat.NDJSON, Compression.GZIP)


def test_a_name_without_a_promise_gives_no_hint() -> None:
    entry = queue_entry(event("in/export"), info("in/export", content_type="text/plain"), NOW)
    assert (entry.format_hint, entry.compression_hint) == (None, Compression.NONE)
