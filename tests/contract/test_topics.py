"""The declared topics against what the application relies on."""

from __future__ import annotations

import pytest

from app.model.topics import READ_TOPICS, SKIPS_TOPIC
from app.ops.topics import TopicFile, load_topics
from app.settings import KafkaSettings, PathsSettings, RetrySettings

TOPICS = {topic.metadata.name: topic for topic in load_topics(PathsSettings().topics)}
SOURCES = ("listing-uploads", "listing-files", "listings")
SECOND_CHANCE = ("listing-retry", "listing-dlq")
HEADERS_ROOM_BYTES = 64 * 1024
DAY_MS = 24 * 3600 * 1000


def number(topic: str, setting: str) -> int:
    return int(TOPICS[topic].spec.config[setting])


def test_these_are_the_topics() -> None:
    assert set(TOPICS) == {*SOURCES, *SECOND_CHANCE, "listing-outcomes", SKIPS_TOPIC}


@pytest.mark.parametrize("topic", SOURCES)
def test_no_record_of_a_source_is_compacted_away(topic: str) -> None:
    """Every record is work: none may be left out since a later one has the same key."""
    assert TOPICS[topic].spec.config["cleanup.policy"] == "delete"


def test_a_key_keeps_its_partition_number_on_its_way() -> None:
    assert {topic.spec.partitions for name, topic in TOPICS.items() if name != SKIPS_TOPIC} == {6}


def test_a_skip_outlives_the_record_that_it_is_about() -> None:
    assert number(SKIPS_TOPIC, "retention.ms") >= max(number(topic, "retention.ms") for topic in READ_TOPICS)
    assert TOPICS[SKIPS_TOPIC].spec.partitions == 1, "skips are learnt of in the order in which they were ordered"


@pytest.mark.parametrize("topic", SECOND_CHANCE)
def test_the_largest_record_still_fits_with_its_story_in_the_headers(topic: str) -> None:
    largest = max(number(source, "max.message.bytes") for source in SOURCES)
    assert number(topic, "max.message.bytes") >= largest + HEADERS_ROOM_BYTES
    assert largest <= KafkaSettings().max_message_bytes


def test_nothing_is_deleted_while_it_still_waits() -> None:
    assert number("listing-retry", "retention.ms") > RetrySettings().cap_s * 1000 + 5 * DAY_MS
    assert number("listing-dlq", "retention.ms") == 30 * DAY_MS


@pytest.mark.parametrize("topic", TOPICS.values(), ids=TOPICS)
def test_one_broker_may_be_away_in_production(topic: TopicFile) -> None:
    state = topic.state(int(topic.annotation("production-replicas")))
    assert (state.replicas, state.config["min.insync.replicas"]) == (3, "2")


@pytest.mark.parametrize("topic", TOPICS.values(), ids=TOPICS)
def test_the_schema_that_a_topic_names_exists(topic: TopicFile) -> None:
    subject = topic.annotation("schema").split()[0]
    if subject.endswith("-value"):
        assert subject == f"{topic.metadata.name}-value"
        assert (PathsSettings().schemas / "avro" / f"{subject}.avsc").is_file()
