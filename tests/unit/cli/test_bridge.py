from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from urllib.request import urlopen

import orjson
import pytest
from structlog.testing import capture_logs

from app.cli import bridge
from app.errors import FailureCode, Outage, Rejected
from tests.support.commands import Commands
from tests.support.memory_queue import QUEUE_AWAY, MemoryBroker, MemoryQueue

URL = "https://sqs.example/1/listing-uploads"


class World:
    """The queue and the broker that the command finds."""

    def __init__(self) -> None:
        self.queue = MemoryQueue("1", "2", "3")
        self.broker = MemoryBroker()
        self.asked_for: list[str] = []
        self.check: Outage | None = None


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    world = World()

    class Queue:
        def __init__(self, url: str, _: object) -> None:
            world.asked_for.append(url)
            self.receive, self.delete = world.queue.receive, world.queue.delete
            self.hold, self.give_back = world.queue.hold, world.queue.give_back

        def check(self) -> None:
            if world.check is not None:
                raise world.check

    monkeypatch.setattr(bridge, "SqsQueue", Queue)
    monkeypatch.setattr(bridge, "ConfirmedProducer", lambda *_: world.broker)
    monkeypatch.setattr(bridge, "configure_logs", lambda *_: None)
    with capture_logs():
        yield world


def test_it_empties_the_queue_and_says_how_many(run: Commands, world: World) -> None:
    done = run("bridge", "sqs", "--queue-url", URL, "--once")
    assert done.exit_code == 0
    assert "queued             3" in done.out
    assert world.asked_for == [URL]
    assert world.queue.is_empty


def test_the_queue_may_be_a_setting(run: Commands, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LISTINGS_BRIDGE__QUEUE_URL", URL)
    done = run("bridge", "sqs", "--once", "--output", "json")
    assert orjson.loads(done.out) == {"queued": 3, "not_queued": 0}
    assert world.asked_for == [URL]


def test_what_kafka_refuses_fails_the_command(run: Commands, world: World) -> None:
    refusal = Rejected(FailureCode.RECORD_NOT_DECODABLE, "too big")
    world.broker.answer = lambda send: refusal if send.value == b"2" else None
    done = run("bridge", "sqs", "--queue-url", URL, "--once", "--output", "json")
    assert done.exit_code == 1
    assert orjson.loads(done.out) == {"queued": 2, "not_queued": 1}


def test_a_queue_that_is_away_at_the_start_is_waited_for(run: Commands, world: World) -> None:
    world.check = QUEUE_AWAY
    world.queue.down = 1
    assert run("bridge", "sqs", "--queue-url", URL, "--once").exit_code == 0


def test_without_a_queue_it_asks_for_one(run: Commands, world: World) -> None:
    done = run("bridge", "sqs", "--once")
    assert done.exit_code == 1
    assert "--queue-url" in done.err
    assert "LISTINGS_BRIDGE__QUEUE_URL" in done.err


def test_its_metrics_can_be_read_while_it_runs(run: Commands, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setenv("LISTINGS_BRIDGE__HTTP_PORT", str(port))
    seen: list[bytes] = []

    def look() -> None:
        with urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
            seen.append(answer.read())

    world.queue.on_empty = look
    assert run("bridge", "sqs", "--queue-url", URL, "--once").exit_code == 0
    assert b'listings_bridge_messages_total{outcome="queued"}' in seen[0]
    assert not [thread for thread in threading.enumerate() if "http" in thread.name.lower()]


def test_a_port_that_is_taken_is_named(run: Commands, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        monkeypatch.setenv("LISTINGS_BRIDGE__HTTP_PORT", str(taken.getsockname()[1]))
        done = run("bridge", "sqs", "--queue-url", URL, "--once")
    assert done.exit_code == 1
    assert "can not be used" in done.err
    assert not world.broker.sent
