"""Full feeds that are held: what waits for a person, and the confirmation that lets it go on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime

from app.errors import FailureCode, OperatorError
from app.model.file import ListingFile, ObjectInfo
from app.model.outcome import FileOutcome, FileStatus


async def held_feed(
    object_id: str,
    lookup: Callable[[str, str], Awaitable[FileOutcome | None]],
    head: Callable[[str, str], Awaitable[ObjectInfo]],
) -> FileOutcome:
    """The outcome of the full feed `bucket/key` that is held.

    `OperatorError(COMMAND_FAILED)` when there is none, or when the object is another one by now: what a person saw the
    numbers of is not what would be applied. Errors of `head` pass through.
    """
    bucket, slash, key = object_id.partition("/")
    if not slash or not bucket or not key:
        raise OperatorError(FailureCode.COMMAND_FAILED, f"expected BUCKET/KEY, got {object_id}")
    outcome = await lookup(bucket, key)
    if outcome is None or outcome.status is not FileStatus.HELD:
        found = "has no outcome" if outcome is None else f"is {outcome.status}"
        raise OperatorError(
            FailureCode.COMMAND_FAILED,
            f"{object_id} {found}, not held; those that are: listings outcomes list --status held",
        )
    info = await head(bucket, key)
    if info.etag != outcome.etag:
        raise OperatorError(
            FailureCode.COMMAND_FAILED,
            f"{object_id} was replaced after it was held; wait for the outcome of what is there now",
        )
    return outcome


def confirmation(outcome: FileOutcome, now: datetime) -> ListingFile:
    """What to queue so that the feed is applied, its removals confirmed for this very content; `now` in UTC."""
    return ListingFile(
        bucket=outcome.bucket,
        key=outcome.key,
        size=outcome.size,
        etag=outcome.etag,
        uploaded_at=outcome.uploaded_at,
        queued_at=now,
        confirmed_etag=outcome.etag,
    )
