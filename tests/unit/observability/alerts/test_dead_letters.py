"""Dead letters are told in groups, with the right numbers, and never too often."""

from __future__ import annotations

import re
import sys

from app.errors import FailureCode
from app.observability.alerts.dead_letters import DeadLetterDigest, Letter
from app.observability.alerts.texts import Message

MISSING, INVALID = FailureCode.MISSING_REQUIRED, FailureCode.FIELD_INVALID


def letter(number: int = 0, code: FailureCode = INVALID, file: str | None = "cars/a.json", why: str = "") -> Letter:
    return Letter(f"3/{number}", code, why or f"price: expected {number}", file, number + 1)


def count(message: Message) -> int:
    found = re.match(r"([\d,]+) dead letters? in", message.body)
    assert found
    return int(found[1].replace(",", ""))


def test_one_message_for_those_that_come_together() -> None:
    digest = DeadLetterDigest(5, 300)
    digest.add(100, letter(0, MISSING, "cars/a.json", "make: expected to be there"))
    digest.add(101, letter(1, INVALID, "cars/b.json", "price: expected a number, got 'abc'"))
    digest.add(104, letter(2, INVALID, "cars/b.json", "price: expected a number, got 'def'"))
    assert digest.due(104.9) == []
    (message,) = digest.due(105)
    assert message.title == "3 new dead letters: field_invalid"
    assert message.body.splitlines() == [
        "3 dead letters in 5 s:",
        "  2 field_invalid",
        "  1 missing_required",
        "First reasons:",
        "  missing_required in cars/a.json, record 1: make: expected to be there",
        "  field_invalid in cars/b.json, record 2: price: expected a number",
        "2 files:",
        "  cars/a.json",
        "  cars/b.json",
        "Look closer:",
        "  listings dlq list --code field_invalid",
        "  listings dlq show 3/0",
    ]
    assert digest.due(1000) == []


def test_a_flood_is_a_handful_of_messages_that_lose_no_count() -> None:
    """10,000 in 1,000 s."""
    digest = DeadLetterDigest(5, 300)
    messages: list[Message] = []
    for number in range(10_000):
        now = number / 10
        digest.add(now, letter(number, file=f"cars/{number}.json"))
        messages += digest.due(now)
    messages += digest.rest(1000)
    assert len(messages) == 5
    assert sum(map(count, messages)) == 10_000
    assert max(len(message.body) for message in messages) < 2000


def test_what_is_kept_does_not_grow_with_the_flood() -> None:
    digest = DeadLetterDigest(0, 300)
    digest.add(0, letter())
    assert digest.due(0)
    for number in range(30_000):
        digest.add(1, letter(number, file=f"cars/{number}.json"))
    gathered = digest._gathered
    assert gathered is not None
    assert len(gathered.files) <= 10_000
    assert sys.getsizeof(gathered.first) < 1000
    (message,) = digest.due(300)
    assert count(message) == 30_000
    assert "10,000 files or more, the first 8:" in message.body


def test_the_next_one_waits_and_then_tells_at_once_again() -> None:
    digest = DeadLetterDigest(5, 300)
    digest.add(0, letter())
    assert len(digest.due(5)) == 1
    digest.add(6, letter())
    assert digest.due(304) == []
    assert len(digest.due(305)) == 1
    digest.add(2000, letter())
    assert digest.due(2004) == []
    assert len(digest.due(2005)) == 1


def test_what_is_left_when_the_worker_stops_is_told() -> None:
    digest = DeadLetterDigest(5, 300)
    assert digest.rest(0) == []
    digest.add(0, letter())
    assert count(digest.rest(1)[0]) == 1
    assert digest.rest(1) == []


def test_hostile_names_and_reasons_stay_in_their_lines() -> None:
    digest = DeadLetterDigest(0, 300)
    digest.add(0, letter(0, INVALID, "cars/@everyone\nLook closer:\n  rm -rf", "[x](http://evil)\n@here"))
    (message,) = digest.due(0)
    assert not set("@[]<>`") & set(message.body)
    assert "://" not in message.body
    assert message.body.count("\nLook closer:") == 1
    assert [line.strip() for line in message.body.splitlines()[-2:]] == [
        "listings dlq list --code field_invalid",
        "listings dlq show 3/0",
    ]
