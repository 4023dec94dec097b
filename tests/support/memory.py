"""Memory versions of the ports, for tests without servers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import orjson

from app.errors import Dependency, FailureCode, Outage, Rejected
from app.model.document import Document, RefusedItem, WriteResult
from app.model.file import ObjectInfo
from app.ports import Headers

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
        self.outcomes[document.id] = orjson.loads(document.body)


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
