"""What is fuzzed, and what has to hold whatever comes in; each target raises when it does not."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import orjson

from app.adapters.profile_files import load_profile
from app.agents.alerts import AlertsHandler
from app.agents.gate import GateHandler
from app.agents.guard import guarded
from app.agents.intake import Handler
from app.agents.listings import ListingsHandler
from app.agents.retries import HeldLimits, RetriesHandler
from app.errors import FailureCode, FileRejected, Rejected
from app.failures.headers import STORY_HEADERS
from app.model.document import Document
from app.model.record import Slice
from app.pipeline.notification import parse_notification
from app.pipeline.parse import FileReader
from app.pipeline.profile import Profile
from app.pipeline.sniff import hints_from_name
from app.pipeline.transform import Mapper, Origin
from app.settings import PathsSettings
from tests.fuzz.inputs import STALL_S, Input, Stalled
from tests.fuzz.kafka_batches import batch_seeds, run_batches
from tests.support.agents import Parts
from tests.support.hostile import HOSTILE
from tests.support.limits import limits
from tests.support.memory import START
from tests.support.records import source_record

PROJECT = Path(__file__).resolve().parents[2]
_SMALL = 20_000


def _timed(slices: Iterator[Slice]) -> Iterator[Slice]:
    """The slices, each within the time of a turn; a slow machine gets two more tries by `tests.fuzz`."""
    while True:
        began = time.thread_time()
        piece = next(slices, None)
        took = time.thread_time() - began
        if took > STALL_S:
            raise Stalled(f"a slice took {took * 1000:.0f} ms")
        if piece is None:
            return
        yield piece


# -- files


@cache
def _profiles() -> dict[str, Profile]:
    return {path.stem: load_profile(path) for path in sorted(PathsSettings().feeds.glob("*.yaml"))}


def file_seeds() -> list[Input]:
    """Small hostile files and every sender's fixture."""
    seeds = [Input(file.key, data) for file in HOSTILE if len(data := file.build()) < _SMALL]
    fixtures = sorted((PROJECT / "tests" / "fixtures" / "feeds").iterdir())
    return seeds + [Input(f"feeds/{path.name}", path.read_bytes()[:_SMALL]) for path in fixtures if path.is_file()]


def run_file(case: Input) -> None:
    """Read and map: only `FileRejected` for the file, each record counted once, each document whole JSON."""
    profile = _profiles().get(Path(case.name).stem)
    hints = hints_from_name(case.name)
    reader = FileReader(hints if profile is None else profile.hints(hints), limits(), len(case.data))
    mapper = Mapper(profile, "fuzz", Origin("b", case.name, "e", START), START)
    numbers: list[int] = []
    try:
        for at in range(0, len(case.data), 8_192):
            for piece in _timed(reader.feed(case.data[at : at + 8_192])):
                numbers += _map(mapper, piece)
        for piece in _timed(reader.finish()):
            numbers += _map(mapper, piece)
    except FileRejected as error:
        _check_told(error)
    assert sorted(numbers) == list(range(1, len(numbers) + 1)), "each record has one number"


def _map(mapper: Mapper, piece: Slice) -> list[int]:
    mapped = mapper.map_all(piece.records)
    for document in mapped.documents:
        _check_document(document)
    told = [document.record for document in mapped.documents] + [reject.record for reject in mapped.rejects]
    assert sorted(told) == sorted(record.number for record in piece.records)
    return told + [bad.number for bad in piece.bad]


def _check_document(document: Document) -> None:
    body = orjson.loads(document.body)
    assert b"\n" not in document.body
    assert body["listing_id"] == document.id
    assert 0 < len(document.id.encode()) <= 512


def _check_told(error: Rejected) -> None:
    assert error.code in FailureCode
    assert error.message
    assert len(error.message.encode(errors="replace")) < 5_000


# -- notifications


def notification_seeds() -> list[Input]:
    folder = PROJECT / "tests" / "contract" / "notifications"
    return [Input("listing-uploads", path.read_bytes()) for path in sorted(folder.rglob("*.json"))]


def run_notification(case: Input) -> None:
    """Only `Rejected`, and keys that the store can be asked for."""
    began = time.thread_time()
    try:
        found = parse_notification(case.data)
    except Rejected as error:
        _check_told(error)
    else:
        for event in found.events:
            event.key.encode()
            assert event.bucket
    if time.thread_time() - began > STALL_S:
        raise Stalled("a notification")


# -- Kafka records, through the agents


def record_seeds() -> list[Input]:
    """Payloads of every topic; those of the failure topics are their headers, a line each."""
    listing = b'{"source":"s","source_listing_id":"1","make":"VW","model":"Golf","year":2019}'
    event = (
        b'{"Records":[{"eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"cars"},"object":{"key":"in/a.json"}}}]}'
    )
    story = (
        b"failure-origin-topic: listings\nfailure-origin-partition: 3\nfailure-origin-offset: 41\n"
        b"failure-origin-timestamp: 1772359380000\nfailure-stage: listings\nfailure-kind: transient\n"
        b"failure-code: fetch_failed\nfailure-message: m\nfailure-attempts: 1\n"
        b"failure-first-at: 2026-03-01T10:03:00Z\nfailure-last-at: 2026-03-01T10:03:00Z\n"
        b"retry-due-at: 2026-03-01T10:03:00Z\n"
        b"listing-file: b/k\nlisting-record: 1"
    )
    return [
        Input("listings", listing),
        Input("listings", b"\x00\x00\x00\x00\x01" + listing),
        Input("listing-uploads", event),
        Input("listing-retry", story),
        Input("listing-dlq", story.replace(b"transient", b"reject").replace(b"fetch_failed", b"field_invalid")),
    ]


def run_record(case: Input) -> None:
    """An agent answers for the record: it ends, raises nothing, and what it hands on has headers of bounded size."""
    asyncio.run(_handled(case))


async def _handled(case: Input) -> None:
    parts = Parts()
    parts.put("in/a.json", b'[{"id":1}]')
    headers: dict[str, bytes] = {}
    if case.name in ("listing-retry", "listing-dlq"):
        named = (line.partition(b": ") for line in case.data.split(b"\n"))
        headers = {name.decode(errors="replace"): value for name, _, value in named}
    record = source_record(case.data, topic=case.name, headers=headers, key=case.data[:40])
    async with asyncio.timeout(20):
        await _handler(parts, case.name)(record)
        await parts.outages.aclose()
    story = [sum(len(sent.headers.get(name, b"")) for name in STORY_HEADERS) for sent in parts.publisher.sent]
    assert max(story, default=0) < 8_000


def _handler(parts: Parts, topic: str) -> Handler:
    made: dict[str, Handler] = {
        "listings": ListingsHandler(parts.index, parts.standing, parts.encoder, parts.outages, parts.clock, limits()),
        "listing-uploads": GateHandler(
            parts.store,
            parts.encoder,
            parts.handoff,
            parts.outcomes,
            parts.outages,
            parts.clock,
            limits(),
            buckets=("cars",),
            prefix="",
            profile_for=lambda bucket, key: None,
        ),
        "listing-retry": RetriesHandler(
            parts.handoff,
            parts.clock,
            parts.stop,
            origins=frozenset({"listings", "listing-uploads"}),
            longest_s=0,
            limits=HeldLimits(100, 1_000_000),
        ),
        "listing-dlq": AlertsHandler(lambda _: None),
    }
    return made[topic] if topic == "listing-dlq" else guarded(made[topic], parts.handoff, topic)


@dataclass(frozen=True, slots=True)
class Target:
    seeds: Callable[[], list[Input]]
    run: Callable[[Input], None]


TARGETS: dict[str, Target] = {
    "files": Target(file_seeds, run_file),
    "notifications": Target(notification_seeds, run_notification),
    "records": Target(record_seeds, run_record),
    "kafka-batches": Target(batch_seeds, run_batches),
}
