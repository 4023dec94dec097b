"""What the brokers say of the topics and of the consumer group, with confluent-kafka's admin client, for asyncio.

A worker's own consumer does not tell these: it goes by names, so a topic that was deleted and made again is the same to
it, and it knows of the group only what the leader gave it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from concurrent.futures import Future
from typing import Any, TypeVar

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient

from app.adapters.kafka_groups import group_of
from app.adapters.kafka_reader import client_config
from app.errors import Dependency, FailureCode, Outage
from app.model.membership import ClusterState, GroupState, TopicIdentity
from app.settings import KafkaSettings

T = TypeVar("T")

_ANSWER_S = 10.0


class KafkaCluster:
    """Implements `app.agents.membership.Cluster`; connects when it is asked first."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._client: Any = None

    async def look(self, topics: Collection[str]) -> ClusterState:
        """The topics that exist of those named, the group and its offsets; `Outage(BROKER)` when nobody answers."""
        try:
            async with asyncio.timeout(2 * _ANSWER_S):
                found = await self._topics(topics)
                return ClusterState(found, await self._group(), await self._committed())
        except (KafkaException, TimeoutError) as error:
            reason = error.args[0].str() if isinstance(error, KafkaException) else "no answer in time"
            raise Outage(
                FailureCode.UNREACHABLE,
                Dependency.BROKER,
                f"Kafka at {self._settings.bootstrap_servers} does not answer: {reason}",
            ) from error

    async def group(self) -> GroupState:
        """The group alone; `Outage(BROKER)` when nobody answers."""
        return (await self.look(())).group

    async def topic_id(self, topic: str) -> str:
        """The id of a topic; "" where it does not exist, or may not be looked at."""
        try:
            async with asyncio.timeout(2 * _ANSWER_S):
                found = await self._topics([topic])
        except (KafkaException, TimeoutError):
            return ""
        return found[topic].id if topic in found else ""

    def _admin(self) -> Any:
        if self._client is None:
            self._client = AdminClient(client_config(self._settings))
        return self._client

    async def _topics(self, names: Collection[str]) -> dict[str, TopicIdentity]:
        if not names:
            return {}
        asked = self._admin().describe_topics(TopicCollection(list(names)), request_timeout=_ANSWER_S)
        found = {}
        for name, future in asked.items():
            try:
                described = await _answer(future)
            except KafkaException as error:
                if error.args[0].code() != KafkaError.UNKNOWN_TOPIC_OR_PART:
                    raise
                continue
            found[name] = TopicIdentity(str(described.topic_id), len(described.partitions))
        return found

    async def _group(self) -> GroupState:
        name = self._settings.group
        asked = self._admin().describe_consumer_groups([name], request_timeout=_ANSWER_S)
        return group_of(await _answer(asked[name]))

    async def _committed(self) -> Mapping[tuple[str, int], int]:
        request = ConsumerGroupTopicPartitions(self._settings.group)
        asked = self._admin().list_consumer_group_offsets([request], request_timeout=_ANSWER_S)
        found = await _answer(asked[self._settings.group])
        return {(tp.topic, tp.partition): tp.offset for tp in found.topic_partitions if tp.offset >= 0}


async def _answer(future: Future[T]) -> T:
    return await asyncio.wrap_future(future)
