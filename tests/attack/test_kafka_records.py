"""Records and batches as no sane producer writes them, on every topic that others may write to."""

from __future__ import annotations

import subprocess
import sys
import time

import orjson
import pytest

from app.errors import FailureCode
from app.failures.headers import story_of
from app.model.source_record import SourceRecord
from app.model.topics import DEAD_LETTER_TOPIC, FILES_TOPIC, LISTINGS_TOPIC, RETRY_TOPIC, UPLOADS_TOPIC
from tests.support.attacked import Attacked, under_attack
from tests.support.raw_batches import GZIP, LZ4, SNAPPY, ZSTD, bomb, now, numbered, publish, record
from tests.support.stack import RunningStack
from tests.support.system import System
from tests.support.toxiproxy import fault_proxies, timeout
from tests.support.waiting import until

_MIB = 1024 * 1024
TOPICS = (UPLOADS_TOPIC, FILES_TOPIC, LISTINGS_TOPIC, RETRY_TOPIC, DEAD_LETTER_TOPIC)
BAD_NAME = b"caf\xe9\xff"


def letter_of(system: System, topic: str, partition: int, offset: int) -> SourceRecord | None:
    """The dead letter about a record."""
    for letter in system.records(DEAD_LETTER_TOPIC):
        if letter.trouble is None and "failure-origin-topic" in letter.headers:
            origin = story_of(letter).origin
            if (origin.topic, origin.partition, origin.offset) == (topic, partition, offset):
                return letter
    return None


def send(system: System, topic: str, data: bytes) -> int:
    return publish(system.settings.kafka.bootstrap_servers, topic, data)


def listings(system: System, *command: str) -> str:
    """What a command says; it has to succeed."""
    done = subprocess.run(
        [sys.executable, "-m", "app.cli", *command], env={**system.env}, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.mark.attack
@pytest.mark.timeout(300)
def test_header_names_of_any_bytes_stop_nobody(attacked: Attacked) -> None:
    """On no topic, and the commands that look at dead letters live with them too; the bytes are kept."""
    system = attacked.system
    offsets = {
        topic: send(system, topic, now([record(b"{}", headers=[(BAD_NAME, b"\xff\0"), (b"", None)])]))
        for topic in TOPICS
    }
    system.wait_no_lag(*TOPICS)
    letter = until("the dead letter", lambda: letter_of(system, LISTINGS_TOPIC, 0, offsets[LISTINGS_TOPIC]))
    assert letter.headers[BAD_NAME.decode(errors="surrogateescape")] == b"\xff\0"
    assert letter.value == b"{}"
    place = f"{letter.partition}/{letter.offset}"
    assert place in [one["place"] for one in orjson.loads(listings(system, "dlq", "list", "--output", "json"))]
    assert "caf\\xe9\\xff" in listings(system, "dlq", "show", place)
    assert "caf" in listings(system, "dlq", "show", f"0/{offsets[DEAD_LETTER_TOPIC]}", "--output", "json")
    assert orjson.loads(listings(system, "dlq", "redrive", place, "--output", "json"))["redriven"] == 1
    system.wait_no_lag(LISTINGS_TOPIC)


@pytest.mark.attack
@pytest.mark.timeout(400)
def test_batches_that_unpack_without_end_become_dead_letters_with_their_place(attacked: Attacked) -> None:
    system = attacked.system
    sent = [
        (topic, send(system, topic, bomb(600 * _MIB, codec)))
        for topic, codec in zip(TOPICS, (ZSTD, ZSTD, ZSTD, GZIP, ZSTD), strict=True)
    ]
    sent.append((LISTINGS_TOPIC, send(system, LISTINGS_TOPIC, bomb(60 * _MIB, LZ4))))
    sent.append((LISTINGS_TOPIC, send(system, LISTINGS_TOPIC, bomb(10 * _MIB, SNAPPY))))
    last = send(system, LISTINGS_TOPIC, now(numbered([bytes(900 * 1024)] * 100), ZSTD))
    system.wait_no_lag(*TOPICS, seconds=120)
    for topic, offset in sent:
        if topic != DEAD_LETTER_TOPIC:
            letter = until("the dead letter", lambda t=topic, o=offset: letter_of(system, t, 0, o))  # type: ignore[misc]
            assert story_of(letter).code is FailureCode.BATCH_TOO_BIG
            assert not letter.value
    rest = [story_of(one) for one in system.records(DEAD_LETTER_TOPIC) if "failure-code" in one.headers]
    told = [one for one in rest if one.code is FailureCode.BATCH_TOO_BIG and f"to {last + 99} are" in one.message]
    assert len(told) == 1, "what is beyond the bound is one dead letter"
    assert "batch_too_big" in listings(system, "dlq", "list", "--code", "batch_too_big", "--output", "json")


@pytest.mark.attack
@pytest.mark.timeout(300)
def test_records_that_lie_and_times_that_are_none_stop_nobody(attacked: Attacked) -> None:
    system, stamp = attacked.system, int(time.time() * 1000)
    many = [(b"%d" % number, b"x") for number in range(10_000)]
    for topic in TOPICS:
        send(system, topic, now([record(None, None)]))
        send(system, topic, now([record(b"{}", headers=many)], ZSTD))
        send(system, topic, now([record(b"{}", None, headers=[(b"h", b"x" * 500_000)])]))
        send(system, topic, now([record(b"{}", delta=delta) for delta in (0, 0, 7)]))
        send(system, topic, now([record(b"{}", time_delta=-(2**62))], ZSTD))
        send(system, topic, now([record(b"{}", time_delta=-stamp - 1)]))
        send(system, topic, now([record(b"{}", time_delta=-stamp - 5000)], LZ4))
        send(system, topic, now([record(b"{}", time_delta=-(9 * 10**15))], SNAPPY))
    system.wait_no_lag(*TOPICS, seconds=120)
    listings(system, "dlq", "list", "--limit", "1000", "--output", "json")
    listings(system, "dlq", "redrive", "--all", "--dry-run")
    listings(system, "status")


_LARGE = 900_000
_PACKED = 400
_PLAIN = 50


def _large(number: int) -> bytes:
    car = {"source": "flood", "source_listing_id": f"car-{number}", "make": "Volkswagen", "model": "Golf", "year": 2019}
    return orjson.dumps({**car, "description": "x" * _LARGE})


@pytest.mark.attack
@pytest.mark.timeout(500)
def test_large_records_wait_in_kafka_while_the_index_hangs(system: System, stack: RunningStack) -> None:
    """They are counted by bytes, packed ones as unpacked; when the index is back, each is indexed."""
    with fault_proxies(stack) as proxies, under_attack(system, **proxies.env()) as product:
        with proxies.index.having(timeout()):
            for first in range(0, _PACKED, 50):
                send(system, LISTINGS_TOPIC, now(numbered(map(_large, range(first, first + 50))), ZSTD))
            for number in range(_PACKED, _PACKED + _PLAIN):
                system.publish(LISTINGS_TOPIC, _large(number), b"%d" % number)
            until("the buffer to be full", lambda: _buffered(product) > 8 * _MIB, 60)
            began = time.monotonic()
            until("some time to pass", lambda: time.monotonic() > began + 10, 30)
            assert _buffered(product) < 32 * _MIB
        until("all to be indexed", lambda: _indexed(system) == _PACKED + _PLAIN, 240)
        system.wait_no_lag(LISTINGS_TOPIC)
        product.stands()


def _indexed(system: System) -> int:
    system.refresh()
    return system.count({"term": {"source": "flood"}})


def _buffered(product: Attacked) -> float:
    return product.system.metric(product.worker, "listings_buffered_bytes", topic=LISTINGS_TOPIC)
