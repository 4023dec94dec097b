"""The Lambda function: what each service invokes it with, and what becomes of what Kafka does not confirm."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from app.bridges import aws_lambda
from app.bridges.aws_lambda import handler, notices_of, relay
from app.errors import FailureCode, OperatorError, Outage
from app.pipeline.notification import parse_notification
from tests.support.memory_queue import BROKER_AWAY, MemoryBroker

RECORDED = Path(__file__).resolve().parents[2] / "contract" / "notifications"
ODD = b"listings-uploads/dealer-7/a b+c%20\xc3\xa4.json"


def recorded(name: str) -> Any:
    return orjson.loads((RECORDED / f"{name}.json").read_bytes())


def message(number: int, body: object) -> dict[str, object]:
    return {"messageId": f"m{number}", "receiptHandle": "r", "body": body, "eventSource": "aws:sqs"}


def batch(*bodies: str) -> dict[str, object]:
    return {"Records": [message(number, body) for number, body in enumerate(bodies)]}


def never() -> bool:
    return False


def test_messages_of_sqs_are_queued_byte_for_byte() -> None:
    broker = MemoryBroker()
    bodies = ['{"Records": [ ] }', "not JSON", (RECORDED / "aws-put.json").read_text(encoding="utf-8")]
    assert relay(batch(*bodies), broker, never) == {"batchItemFailures": []}
    assert broker.values == [body.encode() for body in bodies]
    assert [send.key for send in broker.sent] == [None, None, ODD]
    assert broker.calls == 1


def test_only_what_is_not_confirmed_is_named_for_another_delivery() -> None:
    broker = MemoryBroker()
    broker.answer = lambda send: BROKER_AWAY if send.value in (b"2", b"3") else None
    answer = relay(batch("1", "2", "3", "4"), broker, never)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m1"}, {"itemIdentifier": "m2"}]}
    assert broker.values == [b"1", b"4"]


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("aws-put", 1),
        ("aws-removed-and-put", 1),
        ("aws-eventbridge", 1),
        ("aws-eventbridge-pipe", 1),
        ("aws-sns-lambda", 1),
        ("aws-sns-sqs", 1),
        ("aws-sqs-batch", 1),
        ("aws-test", 1),
    ],
)
def test_what_each_service_invokes_it_with_arrives_as_the_same_events(name: str, count: int) -> None:
    event, broker = recorded(name), MemoryBroker()
    relay(event, broker, never)
    assert len(broker.sent) == count
    assert parse_notification(broker.values[0]) == parse_notification(orjson.dumps(event))


@pytest.mark.parametrize("name", ["aws-put", "aws-eventbridge", "aws-sns-lambda"])
def test_without_a_batch_the_invocation_fails_as_a_whole(name: str) -> None:
    broker = MemoryBroker()
    broker.answer = lambda _: BROKER_AWAY
    with pytest.raises(Outage):
        relay(recorded(name), broker, never)


def test_a_message_without_a_name_fails_the_whole_batch() -> None:
    broker = MemoryBroker()
    broker.answer = lambda _: BROKER_AWAY
    with pytest.raises(Outage):
        relay({"Records": [message(1, "1"), {"body": "2"}]}, broker, never)


@pytest.mark.parametrize(
    "event", [None, {}, [], 7, "text", {"Records": []}, {"Records": [None]}, [None], {"a": 10**30}]
)
def test_what_nobody_expects_is_left_to_the_gate(event: object) -> None:
    broker = MemoryBroker()
    relay(event, broker, never)
    assert len(broker.sent) == 1


def test_a_pipe_that_parsed_the_body_has_it_written_again() -> None:
    (notice,) = notices_of([message(1, {"detail": {"bucket": {"name": "b"}, "object": {"key": "ä.json"}}})])
    assert notice.item == "m1"
    assert parse_notification(notice.body.encode()).events[0].key == "ä.json"


class Context:
    def __init__(self, milliseconds: int) -> None:
        self.left = milliseconds

    def get_remaining_time_in_millis(self) -> int:
        return self.left


@pytest.mark.parametrize(("context", "late"), [(Context(60_000), False), (Context(1_000), True), (None, False)])
def test_it_answers_before_its_time_is_over(context: object, late: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    broker = MemoryBroker()
    monkeypatch.setattr(aws_lambda, "_publisher", lambda: broker)
    handler(batch("1"), context)
    assert broker.gave_up == [late]


def test_the_producer_is_kept_for_the_next_invocation(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[tuple[object, ...]] = []

    class Producer(MemoryBroker):
        def __init__(self, *arguments: object) -> None:
            super().__init__()
            made.append(arguments)

    monkeypatch.setattr(aws_lambda, "ConfirmedProducer", Producer)
    monkeypatch.setattr(aws_lambda, "configure_logs", lambda *_: None)
    monkeypatch.setenv("LISTINGS_KAFKA__BOOTSTRAP_SERVERS", "kafka-1:9092")
    aws_lambda._publisher.cache_clear()
    handler(batch("1"), None)
    handler(batch("2"), None)
    ((settings, topic),) = made
    assert (getattr(settings, "bootstrap_servers", None), topic) == ("kafka-1:9092", "listing-uploads")
    aws_lambda._publisher.cache_clear()


def test_a_wrong_setting_acknowledges_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LISTINGS_KAFKA__BOOTSTRAP_SERVER", "kafka-1:9092")
    aws_lambda._publisher.cache_clear()
    with pytest.raises(OperatorError) as caught:
        handler(batch("1"), None)
    assert caught.value.code is FailureCode.SETTING_INVALID


def test_neither_payloads_nor_secrets_are_logged(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    broker = MemoryBroker()
    broker.answer = lambda send: BROKER_AWAY if b"2" in send.value else None
    relay(batch("a secret 1", "a secret 2"), broker, never)
    told = "".join(capfd.readouterr())
    assert "notifications_not_queued" in told
    assert "secret" not in told
