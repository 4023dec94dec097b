"""Confirmed sends by callback, with a producer of the test's own making."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from app.adapters import kafka_confirmed
from app.adapters.kafka_confirmed import ConfirmedProducer, Send
from app.errors import FailureCode, ListingsError, OperatorError, Outage, Rejected
from app.settings import KafkaSettings

SETTINGS = KafkaSettings(publish_timeout_s=7)
Callback = Callable[[Any, Any], None]


def kafka_error(code: int) -> KafkaError:
    return KafkaError(code)


class Producer:
    """What librdkafka's does: takes records, and calls back from `flush` with what `answers` says of their values."""

    made: list[Producer] = []  # noqa: RUF012
    answers: dict[bytes, Any] = {}  # noqa: RUF012
    """None: confirmed; a code: that error; "never": no answer; not there: confirmed."""
    full_for = 0

    def __init__(self, config: dict[str, Any]) -> None:
        self.config = config
        self.sent: list[tuple[str, bytes | None, bytes]] = []
        self.waiting: list[tuple[bytes, Callback]] = []
        Producer.made.append(self)

    def __len__(self) -> int:
        return len(self.waiting)

    def produce(self, topic: str, value: bytes, *, key: bytes | None, on_delivery: Callback) -> None:
        if Producer.full_for > 0:
            Producer.full_for -= 1
            raise BufferError("Local: Queue full")
        if Producer.answers.get(value) == "at once":
            raise KafkaException(kafka_error(KafkaError.MSG_SIZE_TOO_LARGE))
        self.sent.append((topic, key, value))
        self.waiting.append((value, on_delivery))

    def poll(self, timeout: float) -> None:
        self.flush(timeout)

    def flush(self, timeout: float) -> int:
        for value, callback in [one for one in self.waiting if Producer.answers.get(one[0]) != "never"]:
            answer = Producer.answers.get(value)
            callback(None if answer is None else kafka_error(answer), object())
            self.waiting.remove((value, callback))
        return len(self.waiting)

    def purge(self) -> None:
        for _, callback in self.waiting:
            callback(kafka_error(KafkaError._PURGE_INFLIGHT), object())
        self.waiting.clear()


@pytest.fixture(autouse=True)
def _no_kafka(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka_confirmed, "Producer", Producer)
    Producer.made, Producer.answers, Producer.full_for = [], {}, 0


def never() -> bool:
    return False


def send(*values: bytes, give_up: Callable[[], bool] = never) -> list[Any]:
    return ConfirmedProducer(SETTINGS, "listing-uploads").send_all([Send(b"k", value) for value in values], give_up)


def test_all_in_sync_replicas_have_to_confirm() -> None:
    assert send(b"1", b"2") == [None, None]
    (made,) = Producer.made
    assert (made.config["acks"], made.config["message.timeout.ms"]) == ("all", 7000)
    assert made.config["message.max.bytes"] > SETTINGS.max_message_bytes
    assert made.sent == [("listing-uploads", b"k", b"1"), ("listing-uploads", b"k", b"2")]


@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        (KafkaError.MSG_SIZE_TOO_LARGE, Rejected, FailureCode.RECORD_TOO_BIG),
        ("at once", Rejected, FailureCode.RECORD_TOO_BIG),
        (KafkaError.TOPIC_AUTHORIZATION_FAILED, Outage, FailureCode.ACCESS_REFUSED),
        (KafkaError._AUTHENTICATION, Outage, FailureCode.ACCESS_REFUSED),
        (KafkaError.NOT_ENOUGH_REPLICAS, Outage, FailureCode.UNREACHABLE),
        (KafkaError._MSG_TIMED_OUT, Outage, FailureCode.UNREACHABLE),
        (KafkaError.UNKNOWN_TOPIC_OR_PART, Outage, FailureCode.UNREACHABLE),
    ],
)
def test_each_record_has_its_own_answer(answer: Any, kind: type[ListingsError], code: FailureCode) -> None:
    Producer.answers = {b"2": answer}
    first, second, third = send(b"1", b"2", b"3")
    assert (first, third) == (None, None)
    assert isinstance(second, kind)
    assert second.code is code


def test_what_is_not_confirmed_in_time_is_taken_back() -> None:
    Producer.answers = {b"2": "never"}
    asked = iter([False, False, True])
    first, second = send(b"1", b"2", give_up=lambda: next(asked))
    assert first is None
    assert isinstance(second, Outage)
    assert len(Producer.made[0]) == 0


def test_a_full_buffer_is_waited_for() -> None:
    Producer.full_for = 3
    assert send(b"1") == [None]
    Producer.full_for = 10_000
    (error,) = send(b"2")
    assert isinstance(error, Outage)


def test_nothing_to_send_is_nothing() -> None:
    assert send() == []


def test_settings_that_no_client_can_be_made_of_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: object) -> None:
        raise KafkaException(kafka_error(KafkaError._INVALID_ARG))

    monkeypatch.setattr(kafka_confirmed, "Producer", refuse)
    with pytest.raises(OperatorError) as caught:
        ConfirmedProducer(SETTINGS, "listing-uploads")
    assert caught.value.code is FailureCode.SETTING_INVALID
