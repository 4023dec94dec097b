"""A consumer group and its offsets, with confluent-kafka's admin client; for commands, so it waits."""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any, TypeVar

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from app.adapters.kafka_reader import client_config
from app.errors import Dependency, FailureCode, ListingsError, OperatorError, Outage
from app.model.membership import GroupState, Member
from app.settings import KafkaSettings

T = TypeVar("T")

_TIMEOUT_S = 15.0
_FORMED_S = 3.0
_FORMING_PAUSE_S = 0.3
_DOWN = frozenset({KafkaError._ALL_BROKERS_DOWN, KafkaError._TIMED_OUT, KafkaError._TRANSPORT, KafkaError._RESOLVE})
_IN_USE = frozenset({KafkaError.NON_EMPTY_GROUP, KafkaError.UNKNOWN_MEMBER_ID, KafkaError.REBALANCE_IN_PROGRESS})


class KafkaGroup:
    """Implements `app.ops.offsets.Group`."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._name = settings.group
        self._servers = settings.bootstrap_servers
        self._client = AdminClient(client_config(settings))

    def members(self) -> list[str]:
        """Who is in the group at present, workers or not: client and host of each."""
        return sorted(member.name for member in self.describe().members)

    def describe(self) -> GroupState:
        """The group at present. One that is just being formed is asked for again, for a moment."""
        deadline = time.monotonic() + _FORMED_S
        while True:
            asked = self._client.describe_consumer_groups([self._name], request_timeout=_TIMEOUT_S)
            found = group_of(self._result(asked[self._name], "asked for"))
            if found.assignor or not found.members or time.monotonic() > deadline:
                return found
            time.sleep(_FORMING_PAUSE_S)

    def commit(self, topic: str, offsets: Mapping[int, int]) -> None:
        """Set the group's offset of each partition; `OperatorError` when somebody has joined the group meanwhile."""
        wanted = [TopicPartition(topic, partition, offset) for partition, offset in offsets.items()]
        request = ConsumerGroupTopicPartitions(self._name, wanted)
        asked = self._client.alter_consumer_group_offsets([request], request_timeout=_TIMEOUT_S)
        done = self._result(asked[self._name], "changed")
        failed = [one.error for one in done.topic_partitions if one.error is not None]
        if failed:
            raise self._translated(failed[0], "changed")

    def _result(self, future: Future[T], what: str) -> T:
        try:
            return future.result(timeout=_TIMEOUT_S + 5)
        except KafkaException as failure:
            raise self._translated(failure.args[0], what) from failure
        except TimeoutError as error:
            raise self._unreachable() from error

    def _unreachable(self) -> Outage:
        return Outage(FailureCode.UNREACHABLE, Dependency.BROKER, f"Kafka at {self._servers} does not answer")

    def _translated(self, error: KafkaError, what: str) -> ListingsError:
        if error.code() in _DOWN:
            return self._unreachable()
        if error.code() in _IN_USE:
            return OperatorError(
                FailureCode.COMMAND_FAILED, f"a worker has joined group {self._name} meanwhile; nothing was changed"
            )
        return OperatorError(
            FailureCode.COMMAND_FAILED, f"the offsets of group {self._name} can not be {what}: {error.str()}"
        )


def group_of(described: Any) -> GroupState:
    """A group as confluent-kafka describes it."""
    members = [
        Member(
            member.client_id,
            member.host.lstrip("/"),
            frozenset((tp.topic, tp.partition) for tp in member.assignment.topic_partitions),
        )
        for member in described.members
    ]
    return GroupState(described.partition_assignor or "", tuple(members))
