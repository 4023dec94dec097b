"""An upload notification, after its dialect was understood."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from app.errors import FailureCode, Rejected

OWN_SOURCE = "listings:reconcile"
"""The `eventSource` of the notifications that we send in place of missed ones."""


class ObjectEventKind(StrEnum):
    """What happened to the object."""

    CREATED = "created"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class ObjectEvent:
    """One thing that happened to one object; `key` is decoded, exactly as the store knows it."""

    kind: ObjectEventKind
    bucket: str
    key: str
    size: int | None = None
    """Bytes as the store says; stores also say 0 for copies and multipart uploads, so never rely on it."""
    etag: str | None = None
    event_time: str | None = None
    """RFC 3339 as the store wrote it; it orders what Last-Modified has in one second (`app.pipeline.upload_time`)."""
    sequencer: str | None = field(default=None, compare=False)
    """A hexadecimal number that grows with the events of the store, or of an object."""
    is_told_again: bool = field(default=False, compare=False)
    """Our own comparison or `backfill` tells it, not the store; its time is that of the listing."""
    told: Mapping[str, object] | None = field(default=None, compare=False, repr=False)
    """What the notification says of it, as it came, when there is more in the notification; else None."""


@dataclass(frozen=True, slots=True)
class Notification:
    """All events of one record of `listing-uploads`, in their order, and what was left out on purpose."""

    events: tuple[ObjectEvent, ...]
    skipped: tuple[FailureCode, ...] = ()
    rejected: tuple[Rejected, ...] = ()
    """Records that can not be read beside others that can: the notification is dead-lettered, the others go on."""
