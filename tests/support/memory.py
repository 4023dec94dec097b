"""Memory versions of the ports, for tests without servers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from app.errors import Dependency, FailureCode, ListingsError, Outage, Rejected, Transient
from app.model.document import Document, RefusedItem, WriteResult
from app.model.file import ObjectInfo
from app.model.listed import KnownVersion
from app.model.outcome import FileStatus, outcome_id
from app.model.removal import StoredListing, Supply
from app.ports import Headers

EVERYTHING = Supply()
START = datetime(2026, 3, 1, 10, 3, tzinfo=UTC)


class FakeClock:
    """A clock that moves only when told."""

    def __init__(self, now: datetime = START) -> None:
        self._now = now
        self._monotonic = 1000.0

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    def advance(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)
        self._monotonic += seconds


@dataclass
class Sent:
    topic: str
    key: bytes | None
    value: bytes | None
    headers: dict[str, bytes]


class MemoryPublisher:
    """Keeps what was published; `fail_next` are errors raised, one a call, before it works again."""

    def __init__(self) -> None:
        self.sent: list[Sent] = []
        self.fail_next: list[Exception] = []

    async def publish(
        self, topic: str, *, key: bytes | None, value: bytes | None, headers: Headers | None = None
    ) -> None:
        if self.fail_next:
            raise self.fail_next.pop(0)
        await asyncio.sleep(0)
        self.sent.append(Sent(topic, key, value, dict(headers or {})))

    def to(self, topic: str) -> list[Sent]:
        return [sent for sent in self.sent if sent.topic == topic]


@dataclass
class MemoryObject:
    content: bytes
    uploaded_at: datetime = START
    content_type: str | None = None


@dataclass
class _Fetched:
    info: ObjectInfo
    content: bytes
    chunk: int

    async def chunks(self) -> AsyncIterator[bytes]:
        for start in range(0, len(self.content), self.chunk):
            yield self.content[start : start + self.chunk]

    async def judged(self, error: Transient) -> ListingsError:
        return error


class MemoryStore:
    """Objects by bucket and key; `fail_next` are errors raised, one a call."""

    def __init__(self, chunk: int = 65_536) -> None:
        self.objects: dict[tuple[str, str], MemoryObject] = {}
        self.fail_next: list[Exception] = []
        self.chunk = chunk
        self.heads = 0

    def put(self, bucket: str, key: str, content: bytes, uploaded_at: datetime = START) -> None:
        self.objects[bucket, key] = MemoryObject(content, uploaded_at)

    async def head(self, bucket: str, key: str) -> ObjectInfo:
        self.heads += 1
        return self._open(bucket, key)[0]

    async def fetch(self, bucket: str, key: str) -> _Fetched:
        info, content = self._open(bucket, key)
        return _Fetched(info, content, self.chunk)

    def _open(self, bucket: str, key: str) -> tuple[ObjectInfo, bytes]:
        if self.fail_next:
            raise self.fail_next.pop(0)
        found = self.objects.get((bucket, key))
        if found is None:
            raise Rejected(FailureCode.OBJECT_MISSING, f"{bucket}/{key} does not exist")
        etag = f"{len(found.content):x}"
        return ObjectInfo(bucket, key, len(found.content), etag, found.uploaded_at, found.content_type), found.content


class MemoryIndex:
    """Documents by id with external_gte versions; ids in `refuse` are refused."""

    def __init__(self) -> None:
        self.documents: dict[str, tuple[int, dict[str, object]]] = {}
        self.outcomes: dict[str, dict[str, object]] = {}
        self.outcome_versions: dict[str, int] = {}
        self.refuse: set[str] = set()

    async def write(self, documents: Sequence[Document]) -> WriteResult:
        await asyncio.sleep(0)
        indexed = stale = 0
        refused: list[RefusedItem] = []
        for document in documents:
            if document.id in self.refuse:
                refused.append(RefusedItem(document.id, document.record, "mapper_parsing_exception"))
            elif document.id in self.documents and self.documents[document.id][0] > document.version:
                stale += 1
            else:
                self.documents[document.id] = (document.version, orjson.loads(document.body))
                indexed += 1
        return WriteResult(indexed, stale, tuple(refused))

    async def write_outcome(self, document: Document) -> None:
        if self.outcome_versions.get(document.id, 0) <= document.version:
            self.outcomes[document.id] = orjson.loads(document.body)
            self.outcome_versions[document.id] = document.version

    async def latest(self, bucket: str, key: str) -> KnownVersion | None:
        id_ = outcome_id(bucket, key)
        found: Any = self.outcomes.get(id_)
        if found is None:
            return None
        return KnownVersion(
            etag=found["etag"],
            uploaded_at=datetime.fromisoformat(found["uploaded_at"]),
            status=FileStatus(found["status"]),
            failure_code=found["failure_code"],
            removed=found["removed"],
            version=self.outcome_versions[id_],
            processed_at=datetime.fromisoformat(found["processed_at"]),
        )

    def standing(self, supply: Supply = EVERYTHING) -> list[StoredListing]:
        """What the supply has in the index and is not removed."""
        stored = [StoredListing(id_, version, body) for id_, (version, body) in self.documents.items()]
        return [one for one in stored if one.document.get("status") != "removed" and _supplied(one.document, supply)]


class MemoryStanding:
    """What stands in a `MemoryIndex`, findable from the next refresh on; `fail_next` are errors raised, one a call."""

    def __init__(self, index: MemoryIndex, page: int = 2) -> None:
        self._index = index
        self._page = page
        self._findable: dict[str, tuple[int, dict[str, object]]] = {}
        self.fail_next: list[Exception] = []

    async def refresh(self) -> None:
        if self.fail_next:
            raise self.fail_next.pop(0)
        self._findable = dict(self._index.documents)

    async def count(self, supply: Supply) -> int:
        return len(self._found(supply))

    async def pages(self, supply: Supply) -> AsyncGenerator[Sequence[StoredListing], None]:
        found = self._found(supply)
        for start in range(0, len(found), self._page):
            yield found[start : start + self._page]

    async def get(self, listing_id: str) -> StoredListing | None:
        found = self._index.documents.get(listing_id)
        return None if found is None else StoredListing(listing_id, *found)

    def _found(self, supply: Supply) -> list[StoredListing]:
        view = MemoryIndex()
        view.documents = self._findable
        return view.standing(supply)


def _supplied(document: Mapping[str, Any], supply: Supply) -> bool:
    origin = document["origin"]
    return (
        supply.bucket in (None, origin["bucket"])
        and supply.key in (None, origin["key"])
        and origin["key"].startswith(supply.folder or "")
        and supply.source in (None, document.get("source"))
        and (supply.before is None or datetime.fromisoformat(origin["uploaded_at"]) < supply.before)
    )


@dataclass
class JsonCodec:
    """Stands in for Avro: a zero byte, then JSON; `down` raises the registry's outage that often."""

    down: int = 0
    encoded: list[str] = field(default_factory=list)

    async def encode(self, subject: str, value: Mapping[str, object]) -> bytes:
        self._maybe_down()
        self.encoded.append(subject)
        return b"\x00" + orjson.dumps(value, default=str)

    async def decode(self, payload: bytes) -> Mapping[str, object]:
        self._maybe_down()
        try:
            value = orjson.loads(payload[1:])
        except orjson.JSONDecodeError:
            raise Rejected(FailureCode.RECORD_NOT_DECODABLE, "expected a ListingFile in Avro") from None
        assert isinstance(value, dict)
        return {k: _revive(v) for k, v in value.items()}

    def _maybe_down(self) -> None:
        if self.down:
            self.down -= 1
            raise Outage(FailureCode.UNREACHABLE, Dependency.SCHEMA_REGISTRY, "registry away")


def _revive(value: object) -> object:
    if isinstance(value, str) and len(value) >= 20 and value[4] == "-" and value[10] in "T ":
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            return value
    return value
