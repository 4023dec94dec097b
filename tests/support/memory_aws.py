"""AWS in this process (moto), on loopback: S3 with notifications, SQS, SNS. Account 123456789012, eu-central-1."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal
from urllib.request import urlopen

import boto3
from moto.server import ThreadedMotoServer

from app.adapters.sqs import SqsQueue
from app.settings import BridgeSettings

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client
    from types_boto3_sns import SNSClient
    from types_boto3_sqs import SQSClient

REGION: Literal["eu-central-1"] = "eu-central-1"
BUCKET = "listings-uploads"
QUEUE = "listing-uploads"


@dataclass(frozen=True)
class MemoryAws:
    url: str
    s3: S3Client
    sqs: SQSClient
    sns: SNSClient

    def client(self, service: Any) -> Any:
        """Of another service: `events`, `cloudformation`."""
        return boto3.client(service, region_name=REGION, endpoint_url=self.url)

    def queue(self, name: str = QUEUE, **attributes: str) -> str:
        """A new queue's address."""
        return self.sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]  # type: ignore[arg-type]

    def arn(self, queue_url: str) -> str:
        found = self.sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])
        return found["Attributes"]["QueueArn"]

    def adapter(self, queue_url: str, **settings: Any) -> SqsQueue:
        """The queue as the bridge sees it; short waits, so that tests are."""
        chosen = {"region": REGION, "endpoint_url": self.url, "wait_s": 0, "visibility_s": 60, **settings}
        return SqsQueue(queue_url, BridgeSettings.model_construct(**chosen))

    def left(self, queue_url: str) -> tuple[int, int]:
        """How many messages wait in the queue, and how many are taken and not deleted."""
        names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
        found = self.sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["All"])["Attributes"]
        waiting, taken = (int(found[name]) for name in names)  # type: ignore[index]
        return waiting, taken


@contextmanager
def memory_aws() -> Iterator[str]:
    """Its address; stopped at the end. moto keeps what is in it in this process, so only one at a time."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
    finally:
        server.stop()


@contextmanager
def empty_aws(url: str) -> Iterator[MemoryAws]:
    """All that was in it is gone, and the bucket is there; credentials (AWS_ACCESS_KEY_ID, …) may be any."""
    urlopen(f"{url}/moto-api/reset", data=b"").close()
    at: dict[str, Any] = {"region_name": REGION, "endpoint_url": url}
    aws = MemoryAws(url, boto3.client("s3", **at), boto3.client("sqs", **at), boto3.client("sns", **at))
    try:
        aws.s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        yield aws
    finally:
        for client in (aws.s3, aws.sqs, aws.sns):
            client.close()
