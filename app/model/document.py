"""What goes into the index: the document's bytes with the id and version it is written under."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_LAST_VERSION = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // _MILLISECOND


def version_of(uploaded_at: datetime) -> int:
    """The version of what was uploaded then; by whole numbers, as floats lose a millisecond here and there.

    Never negative: an index refuses the whole request for one such version.
    """
    return max(0, (uploaded_at - _EPOCH) // _MILLISECOND)


def time_of(version: int) -> datetime:
    """Return the time that a version stands for, the inverse of `version_of`; the last one for what no calendar has."""
    return _EPOCH + min(version, _LAST_VERSION) * _MILLISECOND


class Document(NamedTuple):
    """One document, serialised; `record` is the place in its file (1-based), for rejects by the index."""

    id: str
    version: int
    """Milliseconds since 1970 at which the content was uploaded; the greater one wins."""
    body: bytes
    """JSON object, one line, UTF-8."""
    record: int = 0


class ItemOutcome(StrEnum):
    """What became of one document of a bulk request."""

    INDEXED = "indexed"
    STALE = "stale"
    """The index holds a newer version already (409): done, no alarm."""
    REFUSED = "refused"
    """The index will never take it (400, 413 alone): a reject."""


@dataclass(frozen=True, slots=True)
class RefusedItem:
    """A document that the index refused, and why (the index's own words, shortened)."""

    id: str
    record: int
    reason: str


@dataclass(frozen=True, slots=True)
class WriteResult:
    """What became of a batch of documents: indexed + stale + len(refused) = documents handed in."""

    indexed: int
    stale: int
    refused: tuple[RefusedItem, ...] = ()
