"""Listings that are gone: which ones a removed object or a full feed takes away, and when a person is asked first.

A removed listing stays in the index with the status `removed`, so its version keeps older content from coming back,
for as long as the index lives; a deleted document's version would be forgotten after a minute (`index.gc_deletes`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import orjson

from app.errors import FailureCode, FileRejected
from app.model.document import Document, time_of, version_of
from app.model.file import ObjectInfo
from app.model.listed import KnownVersion
from app.model.listing import ListingStatus
from app.model.outcome import FileOutcome, RecordReject
from app.model.removal import StoredListing, Supply
from app.pipeline.profile import Delivery, Profile
from app.pipeline.transform import listing_id_of
from app.pipeline.values.dates import rfc3339

_SHORTENED = "…"


def gone_since(at: datetime, known: KnownVersion | None) -> datetime:
    """Return the time of a removal that happened `at`: behind whatever is known of the object, which was before it.

    The clocks that tell of uploads and removals may differ; that the object is gone was just seen.
    """
    return at if known is None else max(at, time_of(known.version + 1))


def there_since(at: datetime, known: KnownVersion) -> datetime:
    """Return since when an object is there again in an older version: behind the content that was removed `at`."""
    return at if known.is_gone else max(at, time_of(version_of(known.uploaded_at) + 1))


def is_older_again(info: ObjectInfo, known: KnownVersion, removed_at: datetime) -> bool:
    """Whether an object that is there after a removal is what was there before the removed version.

    Not when it was uploaded later, which has a notification of its own; nor when it is what the latest outcome is
    about: then something else was removed, such as a version that nobody reads any more.
    """
    uploaded_at = info.uploaded_at.replace(microsecond=0)
    is_another = bool(info.etag and known.etag and info.etag != known.etag)
    if is_another and uploaded_at < known.uploaded_at.replace(microsecond=0):
        return True
    return uploaded_at <= removed_at and (is_another or known.is_gone)


def source_of(stored: StoredListing) -> str:
    """The sender of the listing; "" for one that was removed before it was ever seen."""
    return str(stored.document.get("source", ""))


def removed_document(stored: StoredListing, version: int, now: datetime) -> Document:
    """The listing as it stands, with the status `removed`; `version` in milliseconds since 1970."""
    body = {**stored.document, "status": ListingStatus.REMOVED, "indexed_at": rfc3339(now)}
    return Document(stored.id, version, orjson.dumps(body))


def tombstone(listing_id: str, topic: str, place: str, at: datetime, now: datetime) -> Document:
    """A removed listing that was never seen here: it keeps older records of it from being indexed later."""
    body = {
        "listing_id": listing_id,
        "status": ListingStatus.REMOVED,
        "origin": {"bucket": topic, "key": place, "etag": "", "record": 1, "uploaded_at": rfc3339(at)},
        "indexed_at": rfc3339(now),
    }
    return Document(listing_id, version_of(at), orjson.dumps(body))


@dataclass(frozen=True, slots=True)
class FullFeed:
    """A full feed that was read to its end: what it says is gone, and what may not be concluded from it."""

    scope: Supply
    """The standing listings that it speaks for."""
    uploaded_at: datetime
    read: int
    kept: frozenset[str]
    """Ids of listings that are in it but were refused: they are not gone."""
    unreadable: int
    """Refused records without a readable id: any missing listing may be one of them."""
    confirmed: bool
    """A person has confirmed its removals."""

    @property
    def missing(self) -> Supply:
        """The standing listings that it does not bring: whatever it brought is as new as itself."""
        return replace(self.scope, before=self.uploaded_at)

    @property
    def version(self) -> int:
        return version_of(self.uploaded_at)


def full_feed(
    profile: Profile, outcome: FileOutcome, rejects: Sequence[RecordReject], confirmed_etag: str | None
) -> FullFeed:
    """What a file of a sender of full feeds says; `rejects`: all of its refused records."""
    ids = [reject.source_listing_id for reject in rejects]
    readable = [i for i in ids if i is not None and not i.endswith(_SHORTENED)]
    return FullFeed(
        scope=_scope(profile, outcome),
        uploaded_at=outcome.uploaded_at,
        read=outcome.read,
        kept=frozenset(listing_id_of(profile.source, i) for i in readable),
        unreadable=len(ids) - len(readable),
        confirmed=confirmed_etag is not None and confirmed_etag == outcome.etag,
    )


def _scope(profile: Profile, outcome: FileOutcome) -> Supply:
    scope = profile.delivery.scope
    if scope == "sender":
        return Supply(source=profile.source)
    if scope == "key":
        return Supply(source=profile.source, bucket=outcome.bucket, key=outcome.key)
    folder, slash, _ = outcome.key.rpartition("/")
    return Supply(source=profile.source, bucket=outcome.bucket, folder=folder + slash)


def why_held(delivery: Delivery, feed: FullFeed, standing: int, missing: int) -> FileRejected | None:
    """Why a person has to confirm that `missing` of `standing` listings are gone; None: they are.

    An export that broke on the sender's side looks like an empty or a sharply smaller stock.
    """
    if missing <= 0 or feed.confirmed:
        return None
    numbers = f"{missing:,} of {standing:,} standing listings are not in it, which has {feed.read:,} records"
    to_do = "if they are gone, confirm it with `listings feeds apply BUCKET/KEY`, else have the feed sent again"
    if feed.unreadable:
        return FileRejected(
            FailureCode.FEED_NOT_WHOLE,
            f"a full feed is held: {feed.unreadable:,} of its records have no readable id, so it can not be told what "
            f"is missing; {numbers}; {to_do}",
        )
    sharply = missing > delivery.shrink_free_count and missing > delivery.shrink_max_share * standing
    if feed.read == 0 or missing >= standing or sharply:
        return FileRejected(FailureCode.FEED_SHRUNK, f"a full feed is held: {numbers}; {to_do}")
    return None
