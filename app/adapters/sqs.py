"""A queue of AWS SQS, with boto3 (the extra `aws`); whoever calls this waits.

Credentials come the way AWS's own tools find them: variables, profile, or the role of the machine. Every error of
the service is an `Outage(UPLOAD_QUEUE)`: none says anything about a single message.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from app.errors import Dependency, FailureCode, OperatorError, Outage
from app.model.queued import QueuedMessage
from app.settings import BridgeSettings

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient

T = TypeVar("T")

BATCH = 10
"""No more can be received or deleted at once (Amazon SQS API, ReceiveMessage and DeleteMessageBatch)."""
_CONNECT_S = 5.0
_ANSWER_S = 10.0
_THROTTLED = frozenset({"RequestThrottled", "Throttling", "ThrottlingException", "OverLimit", "KmsThrottled"})
_REFUSED = frozenset(
    {
        "AWS.SimpleQueueService.NonExistentQueue",
        "AccessDenied",
        "AccessDeniedException",
        "ExpiredToken",
        "InvalidAddress",
        "InvalidClientTokenId",
        "MissingAuthenticationToken",
        "QueueDoesNotExist",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)


class SqsQueue:
    """One queue; implements `app.bridges.sqs.MessageQueue`."""

    def __init__(self, url: str, settings: BridgeSettings) -> None:
        """`OperatorError` without boto3, without a region, or with an address that is none. Connects later."""
        try:
            import boto3
            from botocore.config import Config
            from botocore.exceptions import BotoCoreError
        except ImportError as error:
            raise OperatorError(
                FailureCode.PREREQUISITE_MISSING, "the bridge from SQS needs the package boto3: pip install boto3"
            ) from error
        self._url = url
        self._wait_s = settings.wait_s
        self._visibility_s = settings.visibility_s
        config = Config(
            connect_timeout=_CONNECT_S,
            read_timeout=settings.wait_s + _ANSWER_S,
            retries={"total_max_attempts": 1},  # the bridge has its own, and has to stop in time
        )
        try:
            self._client: SQSClient = boto3.client(
                "sqs", region_name=settings.region, endpoint_url=settings.endpoint_url, config=config
            )
        except (BotoCoreError, ValueError) as error:
            raise OperatorError(
                FailureCode.SETTING_INVALID, f"cannot use the LISTINGS_BRIDGE__ settings: {error}"
            ) from error

    def check(self) -> None:
        """Ask for the queue: `OperatorError` when there is none or it may not be used, `Outage` without an answer."""
        try:
            self._call(lambda: self._client.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"]))
        except Outage as error:
            if error.code is FailureCode.ACCESS_REFUSED:
                raise OperatorError(FailureCode.COMMAND_FAILED, error.message) from error
            raise

    def receive(self) -> list[QueuedMessage]:
        """Up to ten messages, as soon as there is one; none when the waiting time is over."""
        answer = self._call(
            lambda: self._client.receive_message(
                QueueUrl=self._url,
                MaxNumberOfMessages=BATCH,
                WaitTimeSeconds=self._wait_s,
                VisibilityTimeout=self._visibility_s,
            )
        )
        return [
            QueuedMessage(one.get("MessageId", ""), one["ReceiptHandle"], one.get("Body", ""))
            for one in answer.get("Messages", [])
        ]

    def delete(self, messages: Sequence[QueuedMessage]) -> int:
        """Delete them for good; how many of them the queue did not delete, and will deliver again."""
        answer = self._call(
            lambda: self._client.delete_message_batch(
                QueueUrl=self._url,
                Entries=[{"Id": str(n), "ReceiptHandle": one.receipt} for n, one in enumerate(messages)],
            )
        )
        return len(answer.get("Failed", []))

    def hold(self, messages: Sequence[QueuedMessage]) -> None:
        """Keep them for as long again; twelve hours in all is the most that SQS allows."""
        self._change_visibility(messages, self._visibility_s)

    def give_back(self, messages: Sequence[QueuedMessage]) -> None:
        """Let others have them at once, instead of when the time is over for which they are ours."""
        self._change_visibility(messages, 0)

    def _change_visibility(self, messages: Sequence[QueuedMessage], seconds: int) -> None:
        self._call(
            lambda: self._client.change_message_visibility_batch(
                QueueUrl=self._url,
                Entries=[
                    {"Id": str(n), "ReceiptHandle": one.receipt, "VisibilityTimeout": seconds}
                    for n, one in enumerate(messages)
                ],
            )
        )

    def _call(self, request: Callable[[], T]) -> T:
        from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, PartialCredentialsError

        try:
            return request()
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            raise self._outage(_meaning(code), f"it answers {code or 'an error'}") from error
        except (NoCredentialsError, PartialCredentialsError) as error:
            raise self._outage(FailureCode.ACCESS_REFUSED, "no AWS credentials were found") from error
        except (BotoCoreError, ValueError) as error:  # botocore takes a queue's address apart on its own
            raise self._outage(FailureCode.UNREACHABLE, type(error).__name__) from error

    def _outage(self, code: FailureCode, reason: str) -> Outage:
        return Outage(code, Dependency.UPLOAD_QUEUE, f"the queue {self._url} can not be used: {reason}")


def _meaning(code: str) -> FailureCode:
    if code in _REFUSED:
        return FailureCode.ACCESS_REFUSED
    return FailureCode.OVERLOADED if code in _THROTTLED else FailureCode.UNREACHABLE
