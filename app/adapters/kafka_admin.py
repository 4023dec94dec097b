"""Topics of the cluster, with confluent-kafka's admin client; for commands, so it waits.

`Outage(BROKER)` when no broker answers in time or it refuses the client, `OperatorError(COMMAND_FAILED)` when it
refuses a change.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from concurrent.futures import Future
from typing import Any, TypeVar

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ConfigSource,
    NewPartitions,
    NewTopic,
    ResourceType,
)

from app.adapters.kafka_reader import client_config
from app.errors import Dependency, FailureCode, OperatorError, Outage
from app.model.topic import TopicState
from app.settings import KafkaSettings

T = TypeVar("T")

_TIMEOUT_S = 15.0
_DOWN = frozenset(
    {
        KafkaError._ALL_BROKERS_DOWN,
        KafkaError._RESOLVE,
        KafkaError._TIMED_OUT,
        KafkaError._TIMED_OUT_QUEUE,
        KafkaError._TRANSPORT,
        KafkaError.BROKER_NOT_AVAILABLE,
        KafkaError.REQUEST_TIMED_OUT,
    }
)
_REFUSED = frozenset(
    {
        KafkaError._AUTHENTICATION,
        KafkaError._SSL,
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
        KafkaError.SASL_AUTHENTICATION_FAILED,
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
    }
)


class KafkaTopicAdmin:
    """Implements `app.ops.topics.TopicAdmin`."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._servers = settings.bootstrap_servers
        self._client = AdminClient(client_config(settings))

    def describe(self, names: Collection[str]) -> dict[str, TopicState]:
        """The topics that exist, of those named, with every setting that holds for them."""
        if not names:
            return {}
        shapes = self._shapes(names)
        resources = [ConfigResource(ResourceType.TOPIC, name) for name in shapes]
        asked = self._client.describe_configs(resources, request_timeout=_TIMEOUT_S) if resources else {}
        states = {}
        for resource, future in asked.items():
            entries = self._result(future, f"read the settings of {resource.name}")
            partitions, replicas = shapes[resource.name]
            states[resource.name] = TopicState(
                resource.name,
                partitions,
                replicas,
                {name: str(entry.value) for name, entry in entries.items()},
                frozenset(n for n, e in entries.items() if e.source == ConfigSource.DYNAMIC_TOPIC_CONFIG.value),
            )
        return states

    def create(self, topic: TopicState) -> None:
        """Create a topic as given."""
        new = NewTopic(topic.name, topic.partitions, topic.replicas, config=dict(topic.config))
        for future in self._client.create_topics([new], request_timeout=_TIMEOUT_S).values():
            self._result(future, f"create topic {topic.name}")

    def extend(self, name: str, partitions: int) -> None:
        """Add partitions until there are so many."""
        added = self._client.create_partitions([NewPartitions(name, partitions)], request_timeout=_TIMEOUT_S)
        for future in added.values():
            self._result(future, f"add partitions to topic {name}")

    def configure(self, name: str, values: Mapping[str, str], reset: Collection[str]) -> None:
        """Set some settings and give others back to the broker; all others stay."""
        entries = [
            ConfigEntry(key, value, incremental_operation=AlterConfigOpType.SET) for key, value in values.items()
        ]
        entries += [ConfigEntry(key, "", incremental_operation=AlterConfigOpType.DELETE) for key in reset]
        resource = ConfigResource(ResourceType.TOPIC, name, incremental_configs=entries)
        for future in self._client.incremental_alter_configs([resource], request_timeout=_TIMEOUT_S).values():
            self._result(future, f"change the settings of topic {name}")

    def _shapes(self, names: Collection[str]) -> dict[str, tuple[int, int]]:
        """Partitions and copies of the topics that exist."""
        shapes: dict[str, tuple[int, int]] = {}
        asked = self._client.describe_topics(TopicCollection(list(names)), request_timeout=_TIMEOUT_S)
        for name, future in asked.items():
            try:
                found = self._result(future, f"describe topic {name}")
            except _NoSuchTopicError:
                continue
            shapes[name] = (len(found.partitions), min((len(p.replicas) for p in found.partitions), default=0))
        return shapes

    def _result(self, future: Future[T], what: str) -> T:
        try:
            return future.result(timeout=_TIMEOUT_S + 5)
        except KafkaException as failure:
            raise self._translated(failure.args[0], what) from failure
        except TimeoutError as error:
            raise self._unreachable("no answer in time") from error

    def _translated(self, error: Any, what: str) -> Exception:
        if error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
            return _NoSuchTopicError(FailureCode.COMMAND_FAILED, f"cannot {what}: there is no such topic")
        if error.code() in _REFUSED:
            return Outage(FailureCode.ACCESS_REFUSED, Dependency.BROKER, f"Kafka refuses to {what}: {error.str()}")
        if error.code() in _DOWN:
            return self._unreachable(error.str())
        return OperatorError(FailureCode.COMMAND_FAILED, f"cannot {what}: {error.str()}")

    def _unreachable(self, reason: str) -> Outage:
        return Outage(
            FailureCode.UNREACHABLE,
            Dependency.BROKER,
            f"no Kafka broker at {self._servers}: {reason}; check LISTINGS_KAFKA__BOOTSTRAP_SERVERS and that it runs",
        )


class _NoSuchTopicError(OperatorError):
    """Expected while describing, an error everywhere else."""
