"""Dead letters go back to where they came from, once a record or file, with headers that do not grow."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from app.errors import Dependency, FailureCode, FailureKind, Outage, Rejected
from app.failures.backoff import Backoff
from app.failures.classify import classify
from app.failures.headers import Origin, Story, attempts_of, origin_of
from app.failures.route import RetryPolicy
from app.model.source_record import SourceRecord
from app.ops.missed_uploads import Pace
from app.ops.redrive import Choice, RedriveAccount, redrive, redrive_of
from tests.support.memory import START, FakeClock, MemoryPublisher

STORY = Story(
    origin=Origin("listing-files", 3, 41, 1_772_359_380_000),
    stage="files",
    kind=FailureKind.TRANSIENT,
    code=FailureCode.FETCH_FAILED,
    message="expected 10 bytes",
    exception=None,
    attempts=3,
    first_at=START,
    last_at=START,
    listing_file="cars/dealer/a.csv",
)


def letter(
    offset: int = 0, key: bytes | None = b"cars/dealer/a.csv", value: bytes = b"v", **story: object
) -> SourceRecord:
    told = replace(STORY, **story)  # type: ignore[arg-type]
    headers = {"traceparent": b"00-ab", **told.to_headers()}
    at_ms = int(START.timestamp() * 1000) + offset * 1000
    return SourceRecord("listing-dlq", 1, offset, at_ms, key, value, headers)


def upload(offset: int, origin: int) -> SourceRecord:
    return letter(offset, b"", origin=Origin("listing-uploads", 0, origin, 0), listing_file=None)


async def batches(records: Sequence[SourceRecord]) -> AsyncIterator[Sequence[SourceRecord]]:
    for start in range(0, len(records), 2):
        yield records[start : start + 2]


async def run(
    *records: SourceRecord,
    choice: Choice | None = None,
    publisher: MemoryPublisher | None = None,
    limit: int = 100,
    account: RedriveAccount | None = None,
) -> RedriveAccount:
    clock = FakeClock()
    account = account or RedriveAccount()

    async def sleep(seconds: float) -> None:
        clock.advance(seconds)

    pace = Pace(10, clock.monotonic, sleep)
    await redrive(batches(records), choice or Choice(), publisher, pace, limit, account, lambda _: None)
    return account


async def test_the_bytes_go_back_with_their_origin_and_no_tries() -> None:
    publisher = MemoryPublisher()
    await run(letter(value=b"\x00avro"), publisher=publisher)
    (sent,) = publisher.sent
    assert (sent.topic, sent.key, sent.value) == ("listing-files", b"cars/dealer/a.csv", b"\x00avro")
    assert sent.headers == {
        "traceparent": b"00-ab",
        "failure-origin-topic": b"listing-files",
        "failure-origin-partition": b"3",
        "failure-origin-offset": b"41",
        "failure-origin-timestamp": b"1772359380000",
        "redrive-count": b"0001",
    }
    record = SourceRecord(sent.topic, 0, 99, 0, sent.key, sent.value, sent.headers)
    assert attempts_of(record) == 0
    assert origin_of(record) == STORY.origin


def test_fifty_times_later_the_headers_are_as_large_as_after_the_first() -> None:
    policy = RetryPolicy(3, Backoff(5, 300))
    record, sizes = letter(), []
    for _ in range(50):
        going = redrive_of(record)
        again = SourceRecord(going.topic, 0, 7, 0, going.key, going.value, going.headers)
        error = Rejected(FailureCode.FILE_BROKEN, "expected JSON")
        dead = policy.route(again, classify(error), stage="files", now=START, draw=lambda: 0.0)
        record = SourceRecord("listing-dlq", 1, 8, 0, again.key, again.value, dead.headers)
        sizes.append(sum(len(name) + len(value) for name, value in dead.headers.items()))
        assert dead.story.attempts == 1
        assert dead.story.origin == STORY.origin
    assert len(set(sizes)) == 1
    assert record.headers["redrive-count"] == b"0050"


@pytest.mark.parametrize(
    ("count", "next_count"),
    [(b"9999", b"9999"), (b"-1", b"0001"), (b"many", b"0001"), (b"9" * 40, b"0001"), (b"", b"0001")],
)
def test_a_count_that_others_have_spoilt_stays_bounded(count: bytes, next_count: bytes) -> None:
    record = letter()
    record = replace(record, headers={**record.headers, "redrive-count": count})
    assert redrive_of(record).headers["redrive-count"] == next_count


@pytest.mark.parametrize("topic", ["listing-dlq", "listing-retry", "listing-outcomes", "somebody-elses", ""])
async def test_nothing_goes_to_a_topic_it_can_not_have_come_from(topic: str) -> None:
    publisher = MemoryPublisher()
    account = await run(letter(7, origin=Origin(topic, 0, 0, 0)), publisher=publisher)
    assert publisher.sent == []
    assert (account.chosen, account.redriven, account.refused) == (1, 0, 1)
    assert account.problems[0].startswith("1/7: header failure-origin-topic")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"failure-origin-topic": b"listing-files"},
        {**STORY.to_headers(), "failure-origin-offset": b"x"},
        {**STORY.to_headers(), "failure-origin-topic": b"\xff"},
    ],
)
async def test_a_dead_letter_without_a_readable_origin_is_told_not_sent(headers: dict[str, bytes]) -> None:
    publisher = MemoryPublisher()
    account = await run(replace(letter(), headers=headers), letter(1), publisher=publisher)
    assert (account.refused, account.redriven) == (1, 1)


async def test_a_file_is_read_again_once_however_many_of_its_listings_were_refused() -> None:
    publisher = MemoryPublisher()
    refused = [
        letter(number, listing_record=number + 1, origin=Origin("listing-files", 3, 41, 0)) for number in range(9)
    ]
    replayed = letter(20, origin=Origin("listing-files", 3, 77, 0))
    other = letter(21, b"cars/dealer/b.csv")
    account = await run(*refused, replayed, other, publisher=publisher)
    assert [sent.key for sent in publisher.sent] == [b"cars/dealer/a.csv", b"cars/dealer/b.csv"]
    assert (account.chosen, account.redriven, account.same) == (11, 2, 9)
    assert account.topics == {"listing-files": 2}


async def test_a_notification_goes_back_once_however_many_of_its_objects_were_refused() -> None:
    publisher = MemoryPublisher()
    account = await run(upload(1, 5), upload(2, 5), upload(3, 6), publisher=publisher)
    assert (account.redriven, account.same) == (2, 1)


@pytest.mark.parametrize(
    ("choice", "offsets"),
    [
        (Choice(code=FailureCode.FILE_BROKEN), [1]),
        (Choice(code=FailureCode.HEADER_INVALID), [3]),
        (Choice(file_prefix="cars/other/"), [2]),
        (Choice(file_prefix="other/"), [2]),
        (Choice(file_prefix="cars/", code=FailureCode.FETCH_FAILED), [0, 2]),
        (Choice(since=START + timedelta(seconds=2)), [2, 3]),
        (Choice(), [0, 1, 2, 3]),
    ],
)
def test_they_are_chosen_by_code_file_and_time(choice: Choice, offsets: list[int]) -> None:
    records = [
        letter(0),
        letter(1, code=FailureCode.FILE_BROKEN),
        letter(2, listing_file="cars/other/b.csv"),
        replace(letter(3), headers={}),
    ]
    assert [record.offset for record in records if choice.holds(record)] == offsets


async def test_each_object_of_one_notification_goes_back_and_a_forged_origin_hides_nobody_else() -> None:
    """They have one origin, and each is a notification of its own."""
    one = [replace(upload(number, 7), value=b"object %d" % number) for number in range(3)]
    account = await run(*one, one[0])
    assert (account.redriven, account.same) == (3, 1)


async def test_a_dry_run_counts_the_same_and_sends_nothing() -> None:
    records = [letter(0), letter(1), letter(2, b"cars/b.csv")]
    look, done = await run(*records), await run(*records, publisher=MemoryPublisher())
    assert look == done
    assert (look.redriven, look.same) == (2, 1)


async def test_the_limit_is_told() -> None:
    publisher = MemoryPublisher()
    account = await run(*(letter(n, b"cars/%d" % n) for n in range(5)), publisher=publisher, limit=3)
    assert (len(publisher.sent), account.redriven, account.more) == (3, 3, True)
    exact = await run(*(letter(n, b"cars/%d" % n) for n in range(3)), limit=3)
    assert exact.more is False


async def test_what_the_broker_does_not_confirm_is_not_counted() -> None:
    publisher, account = MemoryPublisher(), RedriveAccount()

    async def goes_away(*records: SourceRecord) -> None:
        await run(records[0], publisher=publisher, account=account)
        publisher.fail_next = [Outage(FailureCode.UNREACHABLE, Dependency.BROKER, "away")]
        await run(*records[1:], publisher=publisher, account=account)

    with pytest.raises(Outage):
        await goes_away(letter(0), letter(1, b"cars/b"), letter(2, b"cars/c"))
    assert len(publisher.sent) == 1
    assert (account.redriven, account.topics) == (1, {"listing-files": 1})


async def test_one_without_its_content_is_refused_and_says_where_that_is() -> None:
    policy = RetryPolicy(3, Backoff(1.0, 60.0))
    refused = Rejected(FailureCode.RECORD_TOO_BIG, "a record of 2,000,000 bytes is too big")
    empty = policy.without_content(letter(), STORY, refused)
    publisher = MemoryPublisher()
    account = await run(SourceRecord("listing-dlq", 1, 0, 0, None, b"", empty.headers), letter(1), publisher=publisher)
    assert (account.refused, account.redriven, len(publisher.sent)) == (1, 1, 1)
    assert "reset listing-files --partition 3 --to 41" in account.problems[0]


async def test_a_tombstone_has_a_key_and_goes_back() -> None:
    account = await run(replace(letter(origin=Origin("listings", 0, 1, 0)), value=None), publisher=MemoryPublisher())
    assert (account.refused, account.redriven) == (0, 1)


@pytest.mark.parametrize("code", [FailureCode.RECORD_UNREADABLE, FailureCode.BATCH_TOO_BIG])
def test_what_could_never_be_read_goes_nowhere(code: FailureCode) -> None:
    with pytest.raises(Rejected, match="publish it again"):
        redrive_of(letter(0, None, b"", code=code))
    with pytest.raises(Rejected) as caught:
        redrive_of(replace(letter(), trouble=Rejected(code, "nobody can read this")))
    assert caught.value.code is code


@pytest.mark.parametrize("chosen", [True, False])
def test_a_dead_letter_that_can_not_be_read_is_chosen_by_what_is_wrong_with_it(chosen: bool) -> None:
    bad = replace(letter(), headers={}, trouble=Rejected(FailureCode.BATCH_TOO_BIG, "too big"))
    assert Choice(FailureCode.BATCH_TOO_BIG if chosen else FailureCode.FETCH_FAILED).holds(bad) is chosen
