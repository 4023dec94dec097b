"""The bridge from SQS: whatever fails, and wherever, no message is deleted that Kafka has not confirmed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.adapters.kafka_confirmed import Send
from app.bridges.sqs import SqsBridge, Tally
from app.errors import FailureCode, ListingsError, Rejected
from app.failures.backoff import Backoff
from tests.support.memory_queue import BROKER_AWAY, MemoryBroker, MemoryQueue

TOO_BIG = Rejected(FailureCode.RECORD_NOT_DECODABLE, "a record of 2,000,000 bytes is too big")


def bridge(queue: MemoryQueue, broker: MemoryBroker, now: float = 0.0) -> SqsBridge:
    return SqsBridge(queue, broker, backoff=Backoff(0.001, 0.001), drain_s=5, draw=lambda: 0.5, monotonic=lambda: now)


def test_everything_is_queued_and_then_deleted() -> None:
    queue, broker = MemoryQueue(*(str(n) for n in range(25))), MemoryBroker()
    assert bridge(queue, broker).run(once=True) == Tally(queued=25)
    assert broker.values == [str(n).encode() for n in range(25)]
    assert queue.is_empty
    assert broker.calls == 3


def test_a_message_that_nobody_can_read_does_not_block_the_queue() -> None:
    queue, broker = MemoryQueue("good", "\x00 not JSON", "\ud800", ""), MemoryBroker()
    bridge(queue, broker).run(once=True)
    assert len(broker.sent) == 4
    assert queue.is_empty


def test_while_kafka_is_away_messages_are_held_and_not_delivered_again() -> None:
    queue, broker = MemoryQueue("1", "2"), MemoryBroker()
    broker.answer = lambda _: BROKER_AWAY if broker.calls < 50 else None
    assert bridge(queue, broker).run(once=True) == Tally(queued=2)
    assert broker.calls == 50
    assert set(queue.deliveries.values()) == {1}
    assert queue.held == 2 * 49
    assert queue.is_empty


def test_only_what_was_not_confirmed_is_sent_again() -> None:
    queue, broker = MemoryQueue("1", "2", "3"), MemoryBroker()
    broker.answer = lambda send: BROKER_AWAY if send.value == b"2" and broker.calls == 1 else None
    bridge(queue, broker).run(once=True)
    assert broker.values == [b"1", b"3", b"2"]
    assert queue.is_empty


def test_what_kafka_refuses_for_good_stays_in_the_queue_and_holds_up_nobody() -> None:
    queue, broker = MemoryQueue("1", "huge", "3"), MemoryBroker()
    broker.answer = lambda send: TOO_BIG if send.value == b"huge" else None
    assert bridge(queue, broker).run(once=True) == Tally(queued=2, not_queued=1)
    assert [message.body for message in queue.taken.values()] == ["huge"]


@pytest.mark.parametrize("failing", [1, 3])
def test_a_queue_that_is_away_is_asked_again(failing: int) -> None:
    queue, broker = MemoryQueue("1"), MemoryBroker()
    queue.down = failing
    assert bridge(queue, broker).run(once=True) == Tally(queued=1)
    assert queue.is_empty


def test_what_could_not_be_deleted_comes_again() -> None:
    queue, broker = MemoryQueue("1"), MemoryBroker()

    def down_after(send: Send) -> ListingsError | None:
        queue.down = 1
        return None

    broker.answer = down_after
    bridge(queue, broker).run(once=True)
    assert not queue.is_empty
    queue.time_is_over()
    broker.answer = lambda _: None
    bridge(queue, broker).run(once=True)
    assert broker.values == [b"1", b"1"]
    assert queue.is_empty


def test_a_queue_that_says_it_did_not_delete_is_believed(capfd: pytest.CaptureFixture[str]) -> None:
    queue, broker = MemoryQueue("1"), MemoryBroker()
    queue.keeps = True
    bridge(queue, broker).run(once=True)
    assert not queue.is_empty
    assert "notifications_not_deleted" in "".join(capfd.readouterr())


def test_a_bridge_that_dies_between_publishing_and_deleting_loses_nothing() -> None:
    queue, broker = MemoryQueue("1", "2"), MemoryBroker()

    def die(_: object) -> int:
        raise KeyboardInterrupt

    deletes, queue.delete = queue.delete, die  # type: ignore[method-assign, assignment]
    with pytest.raises(KeyboardInterrupt):
        bridge(queue, broker).run(once=True)
    queue.delete = deletes  # type: ignore[method-assign]
    queue.time_is_over()
    bridge(queue, broker).run(once=True)
    assert set(broker.values) == {b"1", b"2"}
    assert queue.is_empty


def test_a_stop_ends_it_and_gives_back_what_is_not_confirmed() -> None:
    queue, broker = MemoryQueue("1", "2", "3"), MemoryBroker()
    running = bridge(queue, broker)

    def stop(send: Send) -> ListingsError | None:
        running.stop()
        return None if send.value == b"1" else BROKER_AWAY

    broker.answer = stop
    assert running.run() == Tally(queued=1, not_queued=2)
    assert [message.body for message in queue.visible] == ["2", "3"]
    assert not queue.taken
    assert broker.calls == 1


def test_a_stop_while_it_waits_for_messages_publishes_nothing_more() -> None:
    queue, broker = MemoryQueue(), MemoryBroker()
    running = bridge(queue, broker)

    def arrive() -> None:
        queue.visible = MemoryQueue("late").visible
        running.stop()

    queue.on_empty = arrive
    assert running.run() == Tally(not_queued=1)
    assert [message.body for message in queue.visible] == ["late"]
    assert broker.calls == 0


def test_a_stop_gives_what_is_being_published_its_time_and_no_more() -> None:
    queue, broker = MemoryQueue("1"), MemoryBroker()
    now = [0.0]
    running = SqsBridge(
        queue, broker, backoff=Backoff(0.001, 0.001), drain_s=5, draw=lambda: 0.5, monotonic=lambda: now[0]
    )
    asked = []

    def answer(send: Send) -> ListingsError | None:
        running.stop()
        for now[0] in (4.9, 5.0):
            asked.append(running._is_late())
        return None

    broker.answer = answer
    running.run()
    assert asked == [False, True]
    assert broker.gave_up == [False]


@given(
    bodies=st.lists(st.text(max_size=5), max_size=30),
    broker_fails=st.lists(st.integers(0, 3), max_size=60),
    queue_fails=st.lists(st.booleans(), max_size=60),
)
def test_whatever_fails_nothing_is_lost(bodies: list[str], broker_fails: list[int], queue_fails: list[bool]) -> None:
    queue, broker = MemoryQueue(*bodies), MemoryBroker()
    falls, breaks = iter(broker_fails), iter(queue_fails)

    def answer(_: Send) -> ListingsError | None:
        queue.down = int(next(breaks, False))
        return {1: BROKER_AWAY, 2: TOO_BIG}.get(next(falls, 0))

    broker.answer = answer
    for _ in range(len(bodies) + len(broker_fails) + len(queue_fails) + 1):
        bridge(queue, broker).run(once=True)
        if queue.is_empty:
            break
        queue.time_is_over()
    assert queue.is_empty
    assert set(broker.values) == {body.encode("utf-8", "surrogatepass") for body in bodies}
