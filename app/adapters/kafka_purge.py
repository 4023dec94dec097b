"""Deletes the oldest records of a topic, with confluent-kafka's admin client; for commands, so it waits."""

from __future__ import annotations

from collections.abc import Mapping

from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from app.adapters.kafka_reader import client_config
from app.errors import FailureCode, OperatorError
from app.settings import KafkaSettings

_TIMEOUT_S = 15.0


def delete_before(settings: KafkaSettings, topic: str, offsets: Mapping[int, int]) -> dict[int, int]:
    """Delete what lies before each partition's offset; returns the first offset that is left of each.

    `OperatorError(COMMAND_FAILED)` when the broker refuses or does not answer; other partitions may be done then.
    """
    client = AdminClient(client_config(settings))
    asked = [TopicPartition(topic, partition, offset) for partition, offset in offsets.items()]
    left = {}
    for tp, future in client.delete_records(asked, request_timeout=_TIMEOUT_S).items():
        try:
            left[tp.partition] = int(future.result(timeout=_TIMEOUT_S + 5).low_watermark)
        except (KafkaException, TimeoutError) as error:
            reason = error.args[0].str() if isinstance(error, KafkaException) else "no answer in time"
            raise OperatorError(
                FailureCode.COMMAND_FAILED, f"cannot delete records of {topic}/{tp.partition}: {reason}"
            ) from error
    return left
