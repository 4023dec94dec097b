"""Which listings stand in the index, told by who supplied them; and one of them as it is there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple


@dataclass(frozen=True, slots=True)
class Supply:
    """Listings that are not removed yet, from one object or of one sender; every condition that is set holds."""

    bucket: str | None = None
    key: str | None = None
    folder: str | None = None
    """The key up to and with its last slash; "" is the top of the bucket and all below it."""
    source: str | None = None
    before: datetime | None = None
    """Only those whose content was uploaded earlier than this."""


class StoredListing(NamedTuple):
    """A listing as the index holds it."""

    id: str
    version: int
    """Milliseconds since 1970."""
    document: Mapping[str, Any]
