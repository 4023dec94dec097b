"""Confirmed sends, with a producer of the test's own making."""

from __future__ import annotations

import asyncio
import ssl
from typing import Any

import pytest
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    KafkaConnectionError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    NotEnoughReplicasError,
    RecordListTooLargeError,
    SaslAuthenticationFailed,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
    UnsupportedSaslMechanismError,
)
from aiokafka.producer.message_accumulator import BatchBuilder

from app.adapters import kafka_producer
from app.adapters.kafka_producer import KafkaPublisher, security
from app.consumer.batches import Batch, records_of
from app.consumer.bounds import bounds_of
from app.errors import Dependency, FailureCode, Outage, Rejected
from app.settings import KafkaSettings

SETTINGS = KafkaSettings(publish_timeout_s=0.05)


class Producer:
    """`error` is raised by a send, `unconfirmed` is what the broker answers to it: an error, or nothing ever."""

    made: list[Producer] = []  # noqa: RUF012
    error: Exception | None = None
    start_error: Exception | None = None
    answer: Exception | str | None = "stored"

    def __init__(self, **arguments: Any) -> None:
        self.arguments = arguments
        self.sent: list[tuple[Any, ...]] = []
        self.is_stopped = False
        Producer.made.append(self)

    async def start(self) -> None:
        if Producer.start_error is not None:
            raise Producer.start_error

    async def stop(self) -> None:
        self.is_stopped = True

    async def send(self, topic: str, *, key: bytes | None, value: bytes | None, headers: Any) -> Any:
        if Producer.error is not None:
            raise Producer.error
        assert not (key is None and value is None), "as aiokafka says"
        self.sent.append((topic, key, value, headers))
        confirmed: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        if isinstance(Producer.answer, Exception):
            confirmed.set_exception(Producer.answer)
        elif Producer.answer is not None:
            confirmed.set_result(Producer.answer)
        return confirmed


class Client:
    async def _wait_on_metadata(self, topic: str) -> None:
        assert topic == "t"


class RealProducer(Producer):
    """Takes batches too, as the real one does; what is sent goes through aiokafka's own writers."""

    _max_request_size = 10_000
    client = Client()

    def create_batch(self) -> BatchBuilder:
        return BatchBuilder(0, 0)

    def _partition(self, *of: object) -> int:
        return 3

    async def send(self, topic: str, *, key: bytes | None, value: bytes | None, headers: Any) -> Any:
        BatchBuilder(10_000, 0).append(timestamp=None, key=key, value=value, headers=headers)
        return await super().send(topic, key=key, value=value, headers=headers)

    async def send_batch(self, batch: BatchBuilder, topic: str, *, partition: int) -> Any:
        (read,) = records_of(Batch.of(memoryview(bytes(batch._builder.build()))), 0, bounds_of(SETTINGS))
        return await super().send(f"{topic}/{partition}", key=read.key, value=read.value, headers=read.headers)


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> type[Producer]:
    monkeypatch.setattr(kafka_producer, "AIOKafkaProducer", Producer)
    monkeypatch.setattr(Producer, "made", [])
    for name in ("error", "start_error"):
        monkeypatch.setattr(Producer, name, None)
    monkeypatch.setattr(Producer, "answer", "stored")
    return Producer


async def started() -> KafkaPublisher:
    publisher = KafkaPublisher(SETTINGS)
    await publisher.start()
    return publisher


async def send(publisher: KafkaPublisher) -> None:
    await publisher.publish("t", key=b"k", value=b"value", headers={"a": b"1"})


async def test_a_send_waits_for_all_replicas(broker: type[Producer]) -> None:
    await send(await started())
    (producer,) = broker.made
    assert producer.arguments["acks"] == "all"
    assert producer.sent == [("t", b"k", b"value", [("a", b"1")])]


async def test_a_record_without_headers_has_none(broker: type[Producer]) -> None:
    publisher = await started()
    await publisher.publish("t", key=None, value=b"v")
    assert broker.made[0].sent == [("t", None, b"v", None)]


async def test_a_record_with_neither_key_nor_value_can_be_handed_on_too(broker: type[Producer]) -> None:
    """Anybody may publish one; aiokafka ends in an assertion, and the worker with it."""
    publisher = await started()
    await publisher.publish("t", key=None, value=None, headers={"a": b"1"})
    assert broker.made[0].sent == [("t", None, b"", [("a", b"1")])]


async def test_a_record_of_the_largest_size_fits_with_its_story(broker: type[Producer]) -> None:
    await started()
    assert broker.made[0].arguments["max_request_size"] >= SETTINGS.max_message_bytes + 64 * 1024


@pytest.mark.parametrize(
    "error",
    [KafkaTimeoutError(), KafkaConnectionError(), NotEnoughReplicasError(), UnknownTopicOrPartitionError(), OSError()],
)
@pytest.mark.parametrize("when", ["error", "answer"])
async def test_what_is_not_confirmed_is_an_outage(broker: type[Producer], when: str, error: Exception) -> None:
    setattr(broker, when, error)
    with pytest.raises(Outage) as caught:
        await send(await started())
    assert (caught.value.code, caught.value.dependency) == (FailureCode.UNREACHABLE, Dependency.BROKER)


async def test_a_broker_that_never_answers_is_an_outage_in_time(broker: type[Producer]) -> None:
    broker.answer = None
    with pytest.raises(Outage):
        await send(await started())


async def test_a_topic_that_may_not_be_written_is_an_outage(broker: type[Producer]) -> None:
    broker.answer = TopicAuthorizationFailedError()
    with pytest.raises(Outage) as caught:
        await send(await started())
    assert caught.value.code is FailureCode.ACCESS_REFUSED
    assert "topic t" in caught.value.message


@pytest.mark.parametrize(
    "error", [SaslAuthenticationFailed(), ClusterAuthorizationFailedError(), UnsupportedSaslMechanismError()]
)
@pytest.mark.parametrize("when", ["error", "answer", "start_error"])
async def test_a_client_that_is_refused_is_an_outage_of_another_kind(
    broker: type[Producer], when: str, error: Exception
) -> None:
    setattr(broker, when, error)
    with pytest.raises(Outage) as caught:
        await send(await started())
    assert caught.value.code is FailureCode.ACCESS_REFUSED


@pytest.mark.parametrize("when", ["error", "answer"])
@pytest.mark.parametrize("error", [MessageSizeTooLargeError("value"), RecordListTooLargeError("value")])
async def test_a_record_too_large_for_its_topic_is_refused_without_its_content(
    broker: type[Producer], when: str, error: Exception
) -> None:
    setattr(broker, when, error)
    with pytest.raises(Rejected) as caught:
        await send(await started())
    assert caught.value.code is FailureCode.RECORD_TOO_BIG
    assert "5 bytes" in caught.value.message
    assert "'value'" not in caught.value.message


async def test_a_broker_that_is_away_at_the_start_is_an_outage_and_leaves_nothing_open(broker: type[Producer]) -> None:
    broker.start_error = KafkaConnectionError("no broker")
    with pytest.raises(Outage):
        await started()
    assert broker.made[0].is_stopped


async def test_stopping_is_harmless_however_often_and_whenever(broker: type[Producer]) -> None:
    await KafkaPublisher(SETTINGS).stop()
    publisher = await started()
    await publisher.stop()
    await publisher.stop()
    assert broker.made[0].is_stopped


def test_the_protocol_decides_what_the_client_is_given() -> None:
    secrets: dict[str, Any] = {"sasl_username": "u", "sasl_password": "hunter2"}
    plain = security(KafkaSettings(security_protocol="PLAINTEXT", **secrets))
    assert plain == {"security_protocol": "PLAINTEXT"}
    clear = security(KafkaSettings(security_protocol="SASL_PLAINTEXT", **secrets))
    assert (clear["sasl_plain_password"], "ssl_context" in clear) == ("hunter2", False)
    encrypted = security(KafkaSettings(security_protocol="SASL_SSL", **secrets))
    assert isinstance(encrypted["ssl_context"], ssl.SSLContext)
    assert "sasl_mechanism" not in security(KafkaSettings(security_protocol="SSL", **secrets))


async def test_header_names_of_any_bytes_are_sent_as_they_were_read(
    broker: type[Producer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka_producer, "AIOKafkaProducer", RealProducer)
    publisher = await started()
    names = {name.decode(errors="surrogateescape"): b"1" for name in (b"\xff", b"\xed\xa0\x80", "é".encode(), b"")}
    await publisher.publish("t", key=b"k", value=b"v", headers=names)
    await publisher.publish("t", key=b"k", value=b"v", headers={"é": b"1"})
    assert broker.made[0].sent == [("t/3", b"k", b"v", list(names.items())), ("t", b"k", b"v", [("é", b"1")])]
    with pytest.raises(Rejected) as caught:
        await publisher.publish("t", key=b"k", value=bytes(20_000), headers=names)
    assert caught.value.code is FailureCode.RECORD_TOO_BIG
