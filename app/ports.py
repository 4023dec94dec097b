"""What the pipeline asks of the outside world; each port has one thin adapter and a memory version in tests.

Every method translates its library's errors into those of `app.errors`: `Transient` for trouble with one
request, `Outage` for trouble everybody has, `Rejected` for what will never work.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from app.errors import ListingsError, Transient
from app.model.document import Document, WriteResult
from app.model.file import ObjectInfo
from app.model.listed import KnownVersion
from app.model.record import Limits, Slice, Spooled
from app.model.removal import StoredListing, Supply

Headers = Mapping[str, bytes]


class Clock(Protocol):
    def now(self) -> datetime:
        """The time, UTC, with time zone."""
        ...

    def monotonic(self) -> float:
        """Seconds since some moment; only differences mean anything."""
        ...


class FetchedObject(Protocol):
    """An object being read: its facts as of this read, and its bytes as a stream."""

    @property
    def info(self) -> ObjectInfo: ...

    def chunks(self) -> AsyncIterator[bytes]:
        """The content in pieces of at most some 256 KiB; raises `Transient` when it breaks off or is short."""
        ...

    async def judged(self, error: Transient) -> ListingsError:
        """Tell whose trouble it is that this content does not come: `error` itself, or an `Outage` of the store."""
        ...


class ObjectStore(Protocol):
    async def head(self, bucket: str, key: str) -> ObjectInfo:
        """The object as it is now; `Rejected(OBJECT_MISSING)` when there is none."""
        ...

    async def fetch(self, bucket: str, key: str) -> FetchedObject:
        """Open the object as it is now; errors as for `head`."""
        ...


class ApartReader(Protocol):
    """Reads files in a process of its own, for formats whose libraries can crash, or take what memory there is."""

    @property
    def memory(self) -> int:
        """What reading one file takes at most, in bytes; they are read one at a time."""
        ...

    def read(self, file: Spooled, limits: Limits) -> AsyncGenerator[Slice, None]:
        """The records of a Parquet file. `Rejected` for the file and its rest, `Transient` when the process was ended
        by something else, `Outage(WORKER)` when there can be none. Close it when it is not read to its end."""
        ...


class ListingIndex(Protocol):
    async def write(self, documents: Sequence[Document]) -> WriteResult:
        """Write listings with external versions; returns when each is in the index or finally refused.

        An outage of the index is waited out inside, however long it takes; it never raises for it.
        """
        ...

    async def write_outcome(self, document: Document) -> None:
        """Keep a file's outcome (the index `listing-outcomes`)."""
        ...


class KnownOutcomes(Protocol):
    async def latest(self, bucket: str, key: str) -> KnownVersion | None:
        """What the latest outcome of an object is about, as of now; None: it has none. `Outage(SEARCH_INDEX)`."""
        ...


class StandingListings(Protocol):
    """What is in the index now; `Outage(SEARCH_INDEX)` when it does not answer."""

    async def refresh(self) -> None:
        """Make findable what was written until now."""
        ...

    async def count(self, supply: Supply) -> int:
        """How many listings of the supply can be found."""
        ...

    def pages(self, supply: Supply) -> AsyncGenerator[Sequence[StoredListing], None]:
        """The listings of the supply, as they were when the first page was asked for, some hundreds at a time.

        Close it when it is not read to its end: it holds a view of the index.
        """
        ...

    async def get(self, listing_id: str) -> StoredListing | None:
        """One listing as it was last written, findable or not; None when there never was one."""
        ...


class Publisher(Protocol):
    async def publish(
        self, topic: str, *, key: bytes | None, value: bytes | None, headers: Headers | None = None
    ) -> None:
        """Send one record and return once the broker has confirmed it; `Outage(BROKER)` if it does not in time."""
        ...


class Codec(Protocol):
    """Avro with the registry's framing (magic byte 0, four bytes of schema id, body)."""

    async def encode(self, subject: str, value: Mapping[str, object]) -> bytes: ...

    async def decode(self, payload: bytes) -> Mapping[str, object]:
        """`Rejected(RECORD_NOT_DECODABLE | SCHEMA_UNKNOWN)`, `Outage(SCHEMA_REGISTRY)`."""
        ...
