"""What a test has put on the retry topic, and takes off again."""

from __future__ import annotations

from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import AdminClient

from app.adapters.kafka_reader import KafkaReader, client_config
from app.model.topics import RETRY_TOPIC
from tests.support.system import System
from tests.support.waiting import until


def forget_the_backlog(system: System) -> None:
    """What is not due stays on the topic for hours: other tests want it empty, and their group at its end."""
    admin = AdminClient(client_config(system.settings.kafka))
    with KafkaReader(system.settings.kafka) as reader:
        marks = reader.watermarks(RETRY_TOPIC)
    ends = [TopicPartition(RETRY_TOPIC, partition, high) for partition, (_, high) in marks.items()]
    for done in admin.delete_records(ends).values():
        done.result(30)
    group = ConsumerGroupTopicPartitions(system.settings.kafka.group, ends)

    def moved() -> bool:
        try:
            return all(done.result(10) for done in admin.alter_consumer_group_offsets([group]).values())
        except Exception:  # the group still has its member for a moment
            return False

    until("the group to be moved to the end", moved, 60)
