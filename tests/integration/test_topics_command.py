"""`listings topics` on a real broker, with topics of its own."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner, Result

from app.adapters.kafka_admin import KafkaTopicAdmin
from app.cli import cli
from app.errors import FailureCode, OperatorError, Outage
from app.model.topic import TopicState
from app.settings import KafkaSettings
from tests.support.stack import RunningStack, stack_settings
from tests.support.waiting import until

pytestmark = pytest.mark.integration

TEMPLATE = """
apiVersion: kafka.strimzi.io/v1
kind: KafkaTopic
metadata:
  name: {name}
  annotations:
    listings/owner: tests
    listings/purpose: tests
    listings/key: none
    listings/schema: none
    listings/producers: tests
    listings/consumer-groups: none
    listings/production-replicas: "3"
spec:
  partitions: {partitions}
  replicas: 1
  config: {{cleanup.policy: delete, retention.ms: {retention}, min.insync.replicas: 1, max.message.bytes: 1000}}
"""


class Topic:
    """A topic of one test: its declaration, the command, and the cluster behind it."""

    def __init__(self, stack: RunningStack, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.name = f"test-{secrets.token_hex(4)}"
        self._file = folder / f"{self.name}.yaml"
        for name, value in stack.env().items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("LISTINGS_PATHS__TOPICS", str(folder))
        self.admin = KafkaTopicAdmin(stack_settings(stack).kafka)
        self.declare()

    def declare(self, partitions: int = 2, retention: int = 60_000) -> None:
        self._file.write_text(TEMPLATE.format(name=self.name, partitions=partitions, retention=retention))

    def run(self, *arguments: str) -> Result:
        return CliRunner().invoke(cli, ["topics", *arguments])

    def changes(self, *arguments: str) -> dict[str, Any]:
        return {change["setting"]: change for change in orjson.loads(self.run(*arguments, "--output", "json").stdout)}

    def state(self) -> TopicState | None:
        return self.admin.describe([self.name]).get(self.name)

    def applied(self) -> TopicState:
        """Apply, and wait until the broker says so itself: it answers before all of it has heard."""
        assert self.run("apply").exit_code in (0, 3)
        return until("the topic", self.state)


@pytest.fixture
def topic(stack: RunningStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Topic:
    return Topic(stack, tmp_path, monkeypatch)


def test_a_missing_topic_is_drift_and_applying_twice_changes_nothing(topic: Topic) -> None:
    missing = topic.run("diff")
    assert (missing.exit_code, "create" in missing.stdout) == (3, True)
    assert topic.run("apply", "--dry-run").exit_code == 0
    assert topic.state() is None
    state = topic.applied()
    assert (state.partitions, state.replicas, state.config["retention.ms"]) == (2, 1, "60000")
    assert "nothing to change" in until("no drift", lambda: _quiet(topic.run("apply")))
    assert topic.run("diff").exit_code == 0


def test_drift_is_shown_and_mended(topic: Topic) -> None:
    topic.applied()
    topic.admin.configure(topic.name, {"retention.ms": "1", "segment.ms": "5000"}, [])
    drift = until("the drift", lambda: topic.changes("diff"))
    assert (drift["retention.ms"]["declared"], drift["retention.ms"]["actual"]) == ("60000", "1")
    assert drift["segment.ms"]["action"] == "reset"
    topic.declare(partitions=3)
    topic.run("apply")
    until("no drift", lambda: topic.run("diff").exit_code == 0)
    state = topic.state()
    assert state is not None
    assert (state.partitions, "segment.ms" in state.overrides) == (3, False)


def test_partitions_are_never_taken_away(topic: Topic) -> None:
    topic.applied()
    topic.declare(partitions=1, retention=70_000)
    refused = topic.run("apply")
    assert refused.exit_code == 3
    assert "can not take partitions away" in " ".join(refused.stdout.split())
    state = until("the other setting", lambda: _with_retention(topic, "70000"))
    assert state.partitions == 2


def test_more_replicas_than_brokers_are_refused_by_the_broker_by_name(topic: Topic) -> None:
    result = topic.run("apply", "--replicas", "3")
    assert isinstance(result.exception, OperatorError)
    assert result.exception.code is FailureCode.COMMAND_FAILED
    assert topic.name in result.exception.message


def test_no_broker_is_one_plain_sentence() -> None:
    with pytest.raises(Outage) as caught:
        KafkaTopicAdmin(KafkaSettings(bootstrap_servers="127.0.0.1:1")).describe(["x"])
    assert "127.0.0.1:1" in caught.value.message


def _quiet(result: Result) -> str | None:
    return result.stdout if "nothing to change" in result.stdout else None


def _with_retention(topic: Topic, retention: str) -> TopicState | None:
    state = topic.state()
    return state if state is not None and state.config["retention.ms"] == retention else None
