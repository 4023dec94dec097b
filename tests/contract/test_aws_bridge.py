"""From an upload to S3 to a record for Kafka, through AWS's own notifications (moto serves S3, SQS and SNS here)."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from app.adapters.sqs import SqsQueue
from app.bridges.aws_lambda import relay
from app.bridges.sqs import SqsBridge
from app.errors import FailureCode, OperatorError, Outage
from app.failures.backoff import Backoff
from app.model.upload import ObjectEventKind
from app.pipeline.notification import parse_notification
from app.settings import BridgeSettings
from tests.support.memory_aws import BUCKET, QUEUE, REGION, MemoryAws, empty_aws, memory_aws
from tests.support.memory_queue import BROKER_AWAY, MemoryBroker
from tests.support.waiting import until

CONNECTORS = Path(__file__).resolve().parents[2] / "connectors" / "notifications"
KEYS = ["dealer-7/a b+c%20ä.json", "100%.csv", "🚗/größe.ndjson", "a=b&c?d#e.json", "dealer-7//x.json", "a%2Fb.csv"]
CREATED, REMOVED = ObjectEventKind.CREATED, ObjectEventKind.REMOVED


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with memory_aws() as url:
        yield url


@pytest.fixture
def aws(address: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[MemoryAws]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with empty_aws(address) as empty:
        yield empty


@pytest.fixture
def queue_url(aws: MemoryAws) -> str:
    """A queue that the bucket notifies, by the files of the connector, as they are."""
    policy = (CONNECTORS / "aws" / "queue-policy.json").read_text()
    url = aws.queue(QUEUE, Policy=policy)
    configuration = orjson.loads((CONNECTORS / "aws-notification.json").read_bytes())
    aws.s3.put_bucket_notification_configuration(Bucket=BUCKET, NotificationConfiguration=configuration)
    return url


def bridge(queue: Any, broker: MemoryBroker) -> SqsBridge:
    return SqsBridge(queue, broker, backoff=Backoff(0.01, 0.01), drain_s=5, draw=lambda: 0.5)


def events_of(broker: MemoryBroker) -> list[tuple[ObjectEventKind, str]]:
    found = [event for value in broker.values for event in parse_notification(value).events]
    assert all(event.bucket == BUCKET and event.event_time for event in found)
    return [(event.kind, event.key) for event in found]


def test_uploads_and_removals_arrive_with_their_keys(aws: MemoryAws, queue_url: str) -> None:
    broker = MemoryBroker()
    for key in KEYS:
        aws.s3.put_object(Bucket=BUCKET, Key=key, Body=b"{}")
    aws.s3.delete_object(Bucket=BUCKET, Key=KEYS[0])
    tally = bridge(aws.adapter(queue_url), broker).run(once=True)
    assert tally.queued == len(KEYS) + 2, "the test event that S3 sends when it is told is carried too"
    assert parse_notification(broker.values[0]).skipped == (FailureCode.TEST_EVENT,)
    assert events_of(broker) == [*((CREATED, key) for key in KEYS), (REMOVED, KEYS[0])]
    assert [send.key for send in broker.sent[1:-1]] == [f"{BUCKET}/{key}".encode() for key in KEYS]
    assert aws.left(queue_url) == (0, 0)


@pytest.mark.parametrize("raw", ["true", "false"])
def test_sns_between_the_bucket_and_the_queue_makes_no_difference(aws: MemoryAws, raw: str) -> None:
    broker, url = MemoryBroker(), aws.queue("behind-sns")
    topic = aws.sns.create_topic(Name="uploads")["TopicArn"]
    aws.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=aws.arn(url), Attributes={"RawMessageDelivery": raw})
    aws.s3.put_bucket_notification_configuration(
        Bucket=BUCKET,
        NotificationConfiguration={"TopicConfigurations": [{"TopicArn": topic, "Events": ["s3:ObjectCreated:*"]}]},
    )
    for key in KEYS:
        aws.s3.put_object(Bucket=BUCKET, Key=key, Body=b"{}")
    bridge(aws.adapter(url), broker).run(once=True)
    assert ("Message" in orjson.loads(broker.values[-1])) == (raw == "false")
    assert events_of(broker) == [(CREATED, key) for key in KEYS]


def test_events_of_eventbridge_arrive_with_their_keys(aws: MemoryAws) -> None:
    broker, url = MemoryBroker(), aws.queue("behind-eventbridge")
    events = aws.client("events")
    events.put_rule(Name="uploads", EventPattern=(CONNECTORS / "aws" / "eventbridge-pattern.json").read_text())
    events.put_targets(Rule="uploads", Targets=[{"Id": "1", "Arn": aws.arn(url)}])
    notification: Any = {"EventBridgeConfiguration": {}}
    aws.s3.put_bucket_notification_configuration(Bucket=BUCKET, NotificationConfiguration=notification)
    for key in KEYS:
        aws.s3.put_object(Bucket=BUCKET, Key=key, Body=b"{}")
    bridge(aws.adapter(url), broker).run(once=True)
    assert orjson.loads(broker.values[0])["detail-type"] == "Object Created"
    assert events_of(broker) == [(CREATED, key) for key in KEYS]
    events.close()


@pytest.mark.filterwarnings("ignore:Tried to parse AWS..SQS..QueuePolicy:UserWarning")
@pytest.mark.parametrize("through_eventbridge", ["true", "false"])
def test_the_template_makes_the_queue_that_the_bridge_empties(aws: MemoryAws, through_eventbridge: str) -> None:
    broker, formation = MemoryBroker(), aws.client("cloudformation")
    formation.create_stack(
        StackName="listings",
        TemplateBody=(CONNECTORS / "aws" / "queue.yaml").read_text(encoding="utf-8"),
        Parameters=[{"ParameterKey": "ThroughEventBridge", "ParameterValue": through_eventbridge}],
    )
    (stack,) = formation.describe_stacks(StackName="listings")["Stacks"]
    made = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    direct = orjson.loads((CONNECTORS / "aws-notification.json").read_bytes())
    assert made["QueueArn"] == direct["QueueConfigurations"][0]["QueueArn"]
    notification: Any = {"EventBridgeConfiguration": {}} if through_eventbridge == "true" else direct
    aws.s3.put_bucket_notification_configuration(Bucket=BUCKET, NotificationConfiguration=notification)
    aws.s3.put_object(Bucket=BUCKET, Key=KEYS[0], Body=b"{}")
    bridge(aws.adapter(made["QueueUrl"]), broker).run(once=True)
    assert events_of(broker) == [(CREATED, KEYS[0])]
    formation.close()


def test_what_lambda_is_invoked_with_arrives_the_same(aws: MemoryAws, queue_url: str) -> None:
    broker = MemoryBroker()
    aws.s3.put_object(Bucket=BUCKET, Key=KEYS[0], Body=b"{}")
    messages = aws.sqs.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10)["Messages"]
    broker.answer = lambda send: None if b"TestEvent" in send.value else BROKER_AWAY
    batch = {
        "Records": [
            {"messageId": one["MessageId"], "receiptHandle": one["ReceiptHandle"], "body": one["Body"]}
            for one in messages
        ]
    }
    answer = relay(batch, broker, lambda: False)
    assert answer == {"batchItemFailures": [{"itemIdentifier": messages[1]["MessageId"]}]}
    broker.answer = lambda _: None
    relay(batch, broker, lambda: False)
    assert broker.values[-1] == messages[1]["Body"].encode()
    assert events_of(broker) == [(CREATED, KEYS[0])]


def test_a_bridge_killed_before_it_deletes_loses_nothing(aws: MemoryAws, queue_url: str) -> None:
    aws.s3.put_object(Bucket=BUCKET, Key=KEYS[0], Body=b"{}")
    broker, queue = MemoryBroker(), aws.adapter(queue_url, visibility_s=1)

    class Killed(SqsQueue):
        def delete(self, messages: object) -> int:
            raise KeyboardInterrupt

    queue.__class__ = Killed
    with pytest.raises(KeyboardInterrupt):
        bridge(queue, broker).run(once=True)
    assert events_of(broker) == [(CREATED, KEYS[0])]
    until("the messages to come again", lambda: aws.left(queue_url) == (2, 0))
    bridge(aws.adapter(queue_url), broker).run(once=True)
    assert events_of(broker) == [(CREATED, KEYS[0])] * 2
    assert aws.left(queue_url) == (0, 0)


def test_a_stopped_bridge_gives_back_what_kafka_did_not_confirm(aws: MemoryAws, queue_url: str) -> None:
    aws.s3.put_object(Bucket=BUCKET, Key=KEYS[0], Body=b"{}")
    broker = MemoryBroker()
    running = bridge(aws.adapter(queue_url), broker)

    def away(_: object) -> Outage:
        running.stop()
        return BROKER_AWAY

    broker.answer = away
    assert running.run().not_queued == 2
    assert aws.left(queue_url) == (2, 0)


def test_a_message_is_held_while_kafka_is_away(aws: MemoryAws, queue_url: str) -> None:
    queue = aws.adapter(queue_url, visibility_s=1)
    (message,) = queue.receive()
    held = aws.adapter(queue_url, visibility_s=600)
    held.hold([message])
    url = aws.queue("clock", VisibilityTimeout="1")
    aws.sqs.send_message(QueueUrl=url, MessageBody="a message that is not held")
    aws.sqs.receive_message(QueueUrl=url)
    until("a second to pass", lambda: aws.left(url) == (1, 0))
    assert aws.left(queue_url) == (0, 1)


def test_a_message_that_was_deleted_already_does_no_harm(aws: MemoryAws, queue_url: str) -> None:
    queue = aws.adapter(queue_url)
    messages = queue.receive()
    assert queue.delete(messages) == 0
    queue.delete(messages)
    assert aws.left(queue_url) == (0, 0)


def test_a_bridge_that_is_terminated_while_kafka_is_away_ends_in_time(aws: MemoryAws, queue_url: str) -> None:
    environment = {
        **os.environ,
        "LISTINGS_BRIDGE__QUEUE_URL": queue_url,
        "LISTINGS_BRIDGE__ENDPOINT_URL": aws.url,
        "LISTINGS_BRIDGE__REGION": REGION,
        "LISTINGS_BRIDGE__DRAIN_S": "5",
        "LISTINGS_BRIDGE__WAIT_S": "0",
        "LISTINGS_KAFKA__BOOTSTRAP_SERVERS": "127.0.0.1:9",
        "LISTINGS_WORKER__LOG_FORMAT": "json",
    }
    assert aws.left(queue_url) == (1, 0)
    command = [sys.executable, "-m", "app.cli", "bridge", "sqs", "--output", "json"]
    running = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        until("the bridge to take the test event", lambda: aws.left(queue_url) == (0, 1))
        running.send_signal(signal.SIGTERM)
        out, err = running.communicate(timeout=20)
    finally:
        running.kill()
    assert running.returncode == 0, err
    assert orjson.loads(out) == {"queued": 0, "not_queued": 1}
    assert aws.left(queue_url) == (1, 0), "it was given back, so another bridge can have it at once"
    told = [orjson.loads(line) for line in err.splitlines()]
    assert [line["event"] for line in told] == ["bridge_started", "notifications_not_queued", "bridge_stopped"]


# -- what can be wrong with the queue


def test_a_queue_that_does_not_exist_is_told_at_the_start(aws: MemoryAws) -> None:
    queue = aws.adapter(f"{aws.url}/123456789012/nothing")
    with pytest.raises(OperatorError, match=r"/nothing can not be used"):
        queue.check()
    with pytest.raises(Outage) as caught:
        queue.receive()
    assert caught.value.code is FailureCode.ACCESS_REFUSED


def test_a_queue_that_exists_passes(aws: MemoryAws, queue_url: str) -> None:
    aws.adapter(queue_url).check()


def test_a_queue_that_nobody_answers_for_is_an_outage(aws: MemoryAws, queue_url: str) -> None:
    queue = aws.adapter(queue_url, endpoint_url="http://127.0.0.1:9")
    for ask in (queue.check, queue.receive, lambda: queue.delete([]), lambda: queue.give_back([])):
        with pytest.raises(Outage) as caught:
            ask()
        assert caught.value.code is FailureCode.UNREACHABLE


def test_without_credentials_it_says_so(
    aws: MemoryAws, queue_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setattr("boto3.DEFAULT_SESSION", None)
    with pytest.raises(OperatorError, match="no AWS credentials"):
        aws.adapter(queue_url).check()


@pytest.mark.parametrize(("name", "value"), [("endpoint_url", "not an address"), ("region", "not a region!")])
def test_settings_that_no_client_can_be_made_of_are_named(name: str, value: str) -> None:
    chosen: dict[str, Any] = {"region": REGION, "endpoint_url": None, "wait_s": 0, "visibility_s": 60, name: value}
    with pytest.raises(OperatorError) as caught:
        SqsQueue("https://queue.example/1/q", BridgeSettings.model_construct(**chosen)).check()
    assert caught.value.code is FailureCode.SETTING_INVALID


def test_without_boto3_the_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "boto3", None)
    with pytest.raises(OperatorError, match="pip install boto3") as caught:
        SqsQueue("https://queue.example/1/q", BridgeSettings())
    assert caught.value.code is FailureCode.PREREQUISITE_MISSING
