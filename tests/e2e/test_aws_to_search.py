"""A bucket of AWS (moto) instead of the stack's own: through SQS and the bridge, and by every notification there is."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from app.devstack.samples import as_json, listings
from app.errors import Rejected
from app.model.topics import UPLOADS_TOPIC
from app.model.upload import ObjectEventKind
from app.pipeline.notification import parse_notification
from tests.support.memory_aws import BUCKET, QUEUE, REGION, MemoryAws, empty_aws, memory_aws
from tests.support.system import System, Worker
from tests.support.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]
PROJECT = Path(__file__).resolve().parents[2]
RECORDED = PROJECT / "tests" / "contract" / "notifications"
KEY = "dealer-7/a b+c%20ä.json"


def tells_of_an_upload(path: Path) -> bool:
    try:
        events = parse_notification(path.read_bytes()).events
    except Rejected:
        return False
    return any(event.kind is ObjectEventKind.CREATED and event.key == KEY for event in events)


UPLOADS = sorted(path.name for path in RECORDED.iterdir() if tells_of_an_upload(path))


@pytest.fixture(scope="module")
def aws() -> Iterator[MemoryAws]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with pytest.MonkeyPatch.context() as patched, memory_aws() as address:
        patched.setenv("AWS_ACCESS_KEY_ID", "test")
        patched.setenv("AWS_SECRET_ACCESS_KEY", "test")
        with empty_aws(address) as empty:
            yield empty


@pytest.fixture(scope="module")
def worker(system: System, aws: MemoryAws) -> Iterator[Worker]:
    """It reads the bucket of AWS, and finds nothing there by itself."""
    values = {
        "LISTINGS_S3__ENDPOINT_URL": aws.url,
        "LISTINGS_S3__REGION": REGION,
        "LISTINGS_S3__ACCESS_KEY_ID": "test",
        "LISTINGS_S3__SECRET_ACCESS_KEY": "test",
        "LISTINGS_S3__BUCKETS": BUCKET,
        "LISTINGS_RECONCILE__ENABLED": "false",
    }
    with system.worker(**values) as running:
        yield running


def found(system: System, source: str) -> list[str]:
    system.refresh()
    return [doc["origin"]["key"] for doc in system.listings_of(source)]


@pytest.mark.parametrize("name", UPLOADS)
def test_every_notification_of_an_upload_makes_it_searchable(
    system: System, aws: MemoryAws, worker: Worker, name: str
) -> None:
    source = f"shape-{name.replace('.', '-')}"
    aws.s3.put_object(Bucket=BUCKET, Key=KEY, Body=as_json(listings(3, source=source, prefix=source)))
    system.publish(UPLOADS_TOPIC, (RECORDED / name).read_bytes())
    until(f"the listings that {name} tells of", lambda: found(system, source) == [KEY] * 3)


def test_an_upload_to_aws_is_searchable_through_the_bridge(system: System, aws: MemoryAws, worker: Worker) -> None:
    url = aws.queue(QUEUE)
    configuration = orjson.loads((PROJECT / "connectors" / "notifications" / "aws-notification.json").read_bytes())
    aws.s3.put_bucket_notification_configuration(Bucket=BUCKET, NotificationConfiguration=configuration)
    environment = {
        **os.environ,
        **system.env,
        "LISTINGS_BRIDGE__QUEUE_URL": url,
        "LISTINGS_BRIDGE__ENDPOINT_URL": aws.url,
        "LISTINGS_BRIDGE__REGION": REGION,
        "LISTINGS_BRIDGE__WAIT_S": "1",
    }
    command = [sys.executable, "-m", "app.cli", "bridge", "sqs"]
    bridge = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        for number, key in enumerate(["größe 1+2.json", "100%/🚗.json", "a=b&c.json"]):
            source = f"bridge-{number}"
            aws.s3.put_object(Bucket=BUCKET, Key=key, Body=as_json(listings(3, source=source, prefix=source)))
            until(f"the listings of {key}", lambda: found(system, source) == [key] * 3)  # noqa: B023
        until("an empty queue", lambda: aws.left(url) == (0, 0))
        bridge.terminate()
        assert bridge.wait(30) == 0
    finally:
        bridge.kill()
