from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from app.errors import FailureCode, OperatorError
from app.model.topic import TopicState
from app.ops.topics import Action, Change, apply_topics, find_changes, load_topics

CONFIG = {"cleanup.policy": "delete", "retention.ms": "1000", "min.insync.replicas": "1", "max.message.bytes": "100"}
DECLARED = TopicState("orders", 6, 1, CONFIG)
FILE = """
apiVersion: kafka.strimzi.io/v1
kind: KafkaTopic
metadata:
  name: orders
  annotations:
    {annotations}
spec:
  partitions: 6
  replicas: 1
  config: {{cleanup.policy: delete, retention.ms: 1000, min.insync.replicas: 1, max.message.bytes: 100}}
"""
ANNOTATIONS = "\n    ".join(
    f"listings/{name}: x"
    for name in ("owner", "purpose", "key", "schema", "producers", "consumer-groups", "production-replicas")
)


class MemoryAdmin:
    """A cluster in memory (`TopicAdmin`)."""

    def __init__(self, *topics: TopicState) -> None:
        self.topics = {topic.name: topic for topic in topics}
        self.defaults = {"segment.ms": "7", **dict.fromkeys(CONFIG, "default")}

    def describe(self, names: Collection[str]) -> dict[str, TopicState]:
        return {
            name: replace(topic, config={**self.defaults, **topic.config}, overrides=frozenset(topic.config))
            for name, topic in self.topics.items()
            if name in names
        }

    def create(self, topic: TopicState) -> None:
        assert topic.name not in self.topics
        self.topics[topic.name] = topic

    def extend(self, name: str, partitions: int) -> None:
        assert partitions > self.topics[name].partitions
        self.topics[name] = replace(self.topics[name], partitions=partitions)

    def configure(self, name: str, values: Mapping[str, str], reset: Collection[str]) -> None:
        config = {**self.topics[name].config, **values}
        self.topics[name] = replace(self.topics[name], config={k: v for k, v in config.items() if k not in reset})


def changes_against(actual: TopicState, declared: TopicState = DECLARED) -> list[Change]:
    return find_changes([declared], MemoryAdmin(actual).describe([declared.name]))


def test_applying_makes_the_cluster_as_declared_and_then_there_is_nothing_to_do() -> None:
    admin = MemoryAdmin()
    assert [change.action for change in apply_topics([DECLARED], admin)] == [Action.CREATE]
    assert admin.topics["orders"] == DECLARED
    assert apply_topics([DECLARED], admin) == []


def test_a_dry_run_tells_and_does_nothing() -> None:
    admin = MemoryAdmin()
    assert apply_topics([DECLARED], admin, dry_run=True)
    assert admin.topics == {}


def test_settings_that_drifted_are_set_and_those_that_nobody_declared_given_back() -> None:
    drifted = replace(DECLARED, partitions=3, config={**CONFIG, "retention.ms": "5", "segment.ms": "1"})
    admin = MemoryAdmin(drifted)
    changes = {
        (change.setting, change.declared, change.actual, change.action) for change in apply_topics([DECLARED], admin)
    }
    assert changes == {
        ("partitions", "6", "3", Action.EXTEND),
        ("retention.ms", "1000", "5", Action.SET),
        ("segment.ms", None, "1", Action.RESET),
    }
    assert admin.topics["orders"] == DECLARED


def test_partitions_are_never_taken_away_and_the_rest_is_done_all_the_same() -> None:
    admin = MemoryAdmin(replace(DECLARED, partitions=12, config={**CONFIG, "retention.ms": "5"}))
    changes = apply_topics([DECLARED], admin)
    assert [(change.setting, change.action) for change in changes] == [
        ("partitions", Action.REFUSED),
        ("retention.ms", Action.SET),
    ]
    assert admin.topics["orders"] == replace(DECLARED, partitions=12)


def test_replicas_of_an_existing_topic_are_a_matter_for_a_person() -> None:
    changes = changes_against(replace(DECLARED, replicas=3))
    assert [(change.setting, change.action) for change in changes] == [("replicas", Action.REFUSED)]
    assert "kafka-reassign-partitions" in changes[0].note


def test_no_setting_is_made_under_which_no_write_would_be_confirmed() -> None:
    declared = replace(DECLARED, replicas=3, config={**CONFIG, "min.insync.replicas": "2"})
    refused = {change.setting: change.action for change in changes_against(DECLARED, declared)}
    assert refused == {"replicas": Action.REFUSED, "min.insync.replicas": Action.REFUSED}


@pytest.mark.parametrize("actual", ["compact,delete", "delete,compact", "delete, compact"])
def test_the_order_of_a_list_is_no_drift(actual: str) -> None:
    declared = replace(DECLARED, config={**CONFIG, "cleanup.policy": "compact,delete"})
    assert changes_against(replace(DECLARED, config={**CONFIG, "cleanup.policy": actual}), declared) == []


def test_with_more_replicas_all_but_one_have_to_confirm(tmp_path: Path) -> None:
    (tmp_path / "orders.yaml").write_text(FILE.format(annotations=ANNOTATIONS))
    topic = load_topics(tmp_path)[0]
    assert topic.state() == DECLARED
    assert (topic.state(3).replicas, topic.state(3).config["min.insync.replicas"]) == (3, "2")
    assert topic.state(1).config["min.insync.replicas"] == "1"


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("orders.yaml", FILE.format(annotations="listings/owner: x"), "listings/purpose"),
        ("other.yaml", FILE.format(annotations=ANNOTATIONS), "orders"),
        ("orders.yaml", FILE.format(annotations=ANNOTATIONS).replace("retention.ms: 1000, ", ""), "retention.ms"),
        (
            "orders.yaml",
            FILE.format(annotations=ANNOTATIONS).replace("partitions: 6", "partitions: 0"),
            "spec.partitions",
        ),
        ("orders.yaml", FILE.format(annotations=ANNOTATIONS) + "  topicName: orders\n", "topicName"),
        ("orders.yaml", "a: [", "YAML"),
        ("orders.yaml", "", "orders.yaml"),
    ],
)
def test_a_mistake_in_a_file_is_named(tmp_path: Path, name: str, content: str, told: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(OperatorError) as caught:
        load_topics(tmp_path)
    assert caught.value.code is FailureCode.DECLARATION_INVALID
    assert name in caught.value.message
    assert told in caught.value.message


def test_a_folder_without_declarations_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(OperatorError):
        load_topics(tmp_path)
