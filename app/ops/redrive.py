"""Giving dead letters another chance: their original bytes go back to the topic they came from.

Tries start anew, the origin stays, and a count tells how often it was redriven: a fixed number of headers of bounded
size, however often. Never back onto the dead-letter topic: what fails again comes there by itself, as a dead letter of
its own. A dead letter itself stays where it is until it is deleted by age or by `purge`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Hashable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import blake2b

from app.errors import FailureCode, Rejected
from app.failures.headers import origin_of, producer_headers, story_of
from app.model.source_record import SourceRecord
from app.model.topics import FILES_TOPIC, ORIGINS
from app.ops.missed_uploads import Pace
from app.ports import Publisher

COUNT_HEADER = "redrive-count"
_COUNT_MAX = 9999
_ORIGIN_HEADERS = (
    "failure-origin-topic",
    "failure-origin-partition",
    "failure-origin-offset",
    "failure-origin-timestamp",
)
_PROBLEMS_MAX = 10
_NEVER_READ = (FailureCode.RECORD_UNREADABLE.encode(), FailureCode.BATCH_TOO_BIG.encode())


@dataclass(frozen=True, slots=True)
class Choice:
    """Which dead letters; every condition that is set holds. `since`: dead-lettered at this time or later."""

    code: FailureCode | None = None
    file_prefix: str | None = None
    since: datetime | None = None

    def holds(self, record: SourceRecord) -> bool:
        """A dead letter whose story can not be read has the code HEADER_INVALID and no file."""
        if self.since is not None and record.timestamp_ms < self.since.astimezone(UTC).timestamp() * 1000:
            return False
        try:
            story = story_of(record)
            code, file = story.code, story.listing_file or ""
        except Rejected as error:
            code, file = error.code, ""
        if self.code is not None and code != self.code:
            return False
        return self.file_prefix is None or names_file(self.file_prefix, file)


def names_file(beginning: str, file: str) -> bool:
    """Whether `bucket/key`, or its key alone, starts with `beginning`."""
    return file.startswith(beginning) or file.partition("/")[2].startswith(beginning)


@dataclass(frozen=True, slots=True)
class Redrive:
    """What goes back to where it came from."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: dict[str, bytes]
    identity: Hashable
    """The same for dead letters of one record, and for all of one file: each is handed back once."""


@dataclass(slots=True)
class RedriveAccount:
    """What was done so far."""

    read: int = 0
    """Dead letters looked at."""
    chosen: int = 0
    redriven: int = 0
    same: int = 0
    """Chosen, of a record or a file that was handed back already."""
    refused: int = 0
    """Chosen, and nobody knows where they belong, or what they held."""
    topics: dict[str, int] = field(default_factory=dict)
    """Handed back, by topic."""
    problems: list[str] = field(default_factory=list)
    """Place and reason of the first that were refused."""
    more: bool = False
    """The limit was reached before the end."""
    complete: bool = False
    """It was not broken off."""


def redrive_of(record: SourceRecord) -> Redrive:
    """How a dead letter goes back.

    Raises `Rejected`: HEADER_INVALID when its headers name no topic it could go back to, RECORD_TOO_BIG when it is one
    without content (`RetryPolicy.without_content`), which would only fail again as an empty record, RECORD_UNREADABLE
    when nothing of it could ever be read; its own `trouble`.
    """
    if record.trouble is not None:
        raise record.trouble
    if "failure-origin-topic" not in record.headers:
        raise Rejected(FailureCode.HEADER_INVALID, "header failure-origin-topic: expected to be there")
    origin = origin_of(record)
    if origin.topic not in ORIGINS:  # headers can be written by others
        raise Rejected(
            FailureCode.HEADER_INVALID,
            f"header failure-origin-topic: expected one of {', '.join(sorted(ORIGINS))}",
        )
    if record.key is None and not record.value:
        if record.headers.get("failure-code") in _NEVER_READ:
            raise Rejected(
                FailureCode.RECORD_UNREADABLE,
                "its bytes could not be read where it came from either; whoever wrote it has to publish it again",
            )
        raise Rejected(
            FailureCode.RECORD_TOO_BIG,
            "its content was too big to be kept with it; raise the topic's max.message.bytes, then "
            f"`listings offsets reset {origin.topic} --partition {origin.partition} --to {origin.offset}`",
        )
    headers = {
        **producer_headers(record),
        **{name: record.headers[name] for name in _ORIGIN_HEADERS},
        COUNT_HEADER: f"{min(_count(record) + 1, _COUNT_MAX):04d}".encode(),
    }
    # Of a file, each refused listing is a dead letter that carries the file: reading it once is enough. Of a
    # notification, each object is one of its own; and an origin can be named by others, the content can not.
    content = blake2b(record.value or b"", digest_size=16).digest()
    whose: Hashable = record.key if origin.topic == FILES_TOPIC else (origin.partition, origin.offset, content)
    return Redrive(origin.topic, record.key, record.value, headers, (origin.topic, whose))


async def redrive(
    batches: AsyncIterator[Sequence[SourceRecord]],
    choice: Choice,
    publisher: Publisher | None,
    pace: Pace,
    limit: int,
    account: RedriveAccount,
    on_progress: Callable[[RedriveAccount], None],
) -> None:
    """Hand back what is chosen, each confirmed by the broker, and keep `account`; without a publisher only count.

    Raises `Outage(BROKER)` when the broker goes away; what was handed back until then is, and is accounted for.
    """
    seen: set[Hashable] = set()
    async for batch in batches:
        for record in batch:
            account.read += 1
            if not choice.holds(record):
                continue
            if account.redriven >= limit:
                account.more = True
                return
            account.chosen += 1
            await _one(record, account, seen, publisher, pace)
        on_progress(account)


async def _one(
    record: SourceRecord, account: RedriveAccount, seen: set[Hashable], publisher: Publisher | None, pace: Pace
) -> None:
    try:
        going = redrive_of(record)
    except Rejected as error:
        account.refused += 1
        if len(account.problems) < _PROBLEMS_MAX:
            account.problems.append(f"{record.partition}/{record.offset}: {error.message}")
        return
    if going.identity in seen:
        account.same += 1
        return
    if publisher is not None:
        await pace.turn()
        await publisher.publish(going.topic, key=going.key, value=going.value, headers=going.headers)
    seen.add(going.identity)
    account.redriven += 1
    account.topics[going.topic] = account.topics.get(going.topic, 0) + 1
    await asyncio.sleep(0)


def _count(record: SourceRecord) -> int:
    """How often it was redriven before; a count that others have spoilt starts anew."""
    text = record.headers.get(COUNT_HEADER, b"0").decode(errors="replace")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= len(str(_COUNT_MAX)) else 0
