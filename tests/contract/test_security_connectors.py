"""connectors/security: rights as files, in a form that can be applied, no wider than docs/SECURITY.md says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from confluent_kafka.admin import AclOperation, ResourcePatternType, ResourceType

from app.model.topics import (
    DEAD_LETTER_TOPIC,
    FILES_TOPIC,
    ORIGINS,
    OUTCOMES_TOPIC,
    RETRY_TOPIC,
    SKIPS_TOPIC,
    UPLOADS_TOPIC,
)
from app.settings import KafkaSettings, PathsSettings, S3Settings
from tests.support.strict_kafka import acls_in

SECURITY = Path(__file__).resolve().parents[2] / "connectors" / "security"
RULES = acls_in((SECURITY / "kafka-acls.txt").read_text(encoding="utf-8"))
POLICIES = {path.name: orjson.loads(path.read_bytes()) for path in (SECURITY / "s3").glob("*.json")}
DECLARED = {path.stem for path in PathsSettings().topics.glob("*.yaml")}
WORKERS_ONLY = {FILES_TOPIC, RETRY_TOPIC, DEAD_LETTER_TOPIC, OUTCOMES_TOPIC}


def test_rules_are_about_our_topics_and_our_group() -> None:
    for rule in RULES:
        if rule.restype is ResourceType.TOPIC and rule.resource_pattern_type is ResourcePatternType.LITERAL:
            assert rule.name in DECLARED
        if rule.restype is ResourceType.GROUP and rule.principal == "User:listings-worker":
            assert rule.name == KafkaSettings().group


@pytest.mark.parametrize("topic", sorted(WORKERS_ONLY))
def test_only_workers_and_operators_write_to_topics_of_workers(topic: str) -> None:
    writers = {
        rule.principal
        for rule in RULES
        if rule.restype is ResourceType.TOPIC and rule.operation is AclOperation.WRITE and covers(rule, topic)
    }
    assert writers == {"User:listings-worker", "User:listings-operator"}


def test_only_operators_order_records_to_be_walked_past() -> None:
    writers = {rule.principal for rule in RULES if rule.operation is AclOperation.WRITE and covers(rule, SKIPS_TOPIC)}
    assert writers == {"User:listings-operator"}


def covers(rule: Any, topic: str) -> bool:
    prefixed = rule.resource_pattern_type is ResourcePatternType.PREFIXED
    return bool(topic.startswith(rule.name) if prefixed else topic == rule.name)


def test_workers_may_read_and_write_what_they_have_to() -> None:
    allowed = {
        (rule.name, rule.operation)
        for rule in RULES
        if rule.principal == "User:listings-worker" and rule.restype is ResourceType.TOPIC
    }
    assert {name for name, operation in allowed if operation is AclOperation.WRITE} == DECLARED - {SKIPS_TOPIC}
    assert {name for name, operation in allowed if operation is AclOperation.READ} == {
        *ORIGINS, RETRY_TOPIC, DEAD_LETTER_TOPIC, SKIPS_TOPIC,
    }  # fmt: skip
    assert not {operation for _, operation in allowed} & {
        AclOperation.DELETE, AclOperation.ALTER, AclOperation.CREATE, AclOperation.ALTER_CONFIGS,
    }  # fmt: skip


def test_the_store_writes_notifications_only() -> None:
    rules = {(rule.name, rule.operation) for rule in RULES if rule.principal == "User:object-store"}
    assert rules == {(UPLOADS_TOPIC, AclOperation.WRITE), (UPLOADS_TOPIC, AclOperation.DESCRIBE)}


@pytest.mark.parametrize("name", POLICIES)
def test_a_policy_allows_no_more_than_it_names(name: str) -> None:
    policy = POLICIES[name]
    assert policy["Version"] == "2012-10-17"
    bucket = f"arn:aws:s3:::{S3Settings().buckets[0]}"
    for statement in policy["Statement"]:
        assert not any("*" in action for action in statement["Action"])
        assert ("Principal" in statement) is (name == "bucket-policy.json")
        assert statement.get("Principal") != "*"
        for resource in statement.get("Resource", []):
            assert resource == bucket or resource.startswith(f"{bucket}/")
        writes = {"s3:PutObject", "s3:DeleteObject"} & set(statement["Action"])
        if writes and statement["Effect"] == "Allow":
            assert statement["Resource"] == [f"{bucket}/acme/*"], "below its own prefix, up to the slash"


def test_no_policy_lets_workers_write() -> None:
    for statement in POLICIES["worker-policy.json"]["Statement"]:
        assert set(statement["Action"]) <= {"s3:GetObject", "s3:ListBucket", "s3:GetBucketLocation"}
