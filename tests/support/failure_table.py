"""The one table of failures: what goes wrong at which server, and what is done about it.

Each row is provoked by a test, on the real server where that can be brought to it (tests/integration/
test_failure_table.py), else by a server that answers by script (tests/contract/test_failure_table.py). The table in
docs/OPERATIONS.md is made from these rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from app.errors import Dependency, FailureCode, Outage
from app.failures.classify import NextStep, classify


class Answer(StrEnum):
    """What is done about it."""

    SKIP = NextStep.SKIP.value
    REJECT = NextStep.REJECT.value
    RETRY = NextStep.RETRY.value
    PAUSE = NextStep.PAUSE.value
    DONE = "done"
    AGAIN = "again"


MEANING = {
    Answer.SKIP: "counted, nothing else",
    Answer.REJECT: "dead letter at once",
    Answer.RETRY: "retry topic, `LISTINGS_RETRY__ATTEMPTS` tries in all",
    Answer.PAUSE: "outage: what needs it waits, no try is used up",
    Answer.DONE: "nothing: a newer version is there",
    Answer.AGAIN: "that document is sent again; an outage when three requests in a row bring nothing",
}


class By(StrEnum):
    """What provokes it in the test."""

    SERVER = "the real server"
    PROXY = "the real server behind a fault proxy"
    SCRIPT = "a scripted server"


@dataclass(frozen=True, slots=True)
class Seen:
    """What was made of a fault."""

    answer: Answer
    code: FailureCode | None = None
    dependency: Dependency | None = None


def seen(error: BaseException) -> Seen:
    """What is done about an error that an adapter, or a bug, raises."""
    verdict = classify(error)
    return Seen(Answer(verdict.step.value), verdict.code, error.dependency if isinstance(error, Outage) else None)


@dataclass(frozen=True, slots=True)
class Row:
    name: str
    """For the test that provokes it."""
    server: str
    fault: str
    """In words, for operators."""
    seen: Seen
    by: By


_STORE, _INDEX = Dependency.OBJECT_STORE, Dependency.SEARCH_INDEX
_BROKER, _REGISTRY = Dependency.BROKER, Dependency.SCHEMA_REGISTRY
_S3, _OS, _KAFKA, _SR, _OWN = "Object store", "OpenSearch", "Kafka", "Schema registry", "This application"


def _pause(code: FailureCode, dependency: Dependency) -> Seen:
    return Seen(Answer.PAUSE, code, dependency)


def _retry(code: FailureCode) -> Seen:
    return Seen(Answer.RETRY, code)


def _reject(code: FailureCode) -> Seen:
    return Seen(Answer.REJECT, code)


_AGAIN = Seen(Answer.AGAIN)
_Code = FailureCode

ROWS = (
    # -- object store
    Row("s3_no_such_key", _S3, "no such object (404 NoSuchKey)", _reject(_Code.OBJECT_MISSING), By.SERVER),
    Row("s3_unknown_key_id", _S3, "unknown access key", _pause(_Code.ACCESS_REFUSED, _STORE), By.SERVER),
    Row("s3_wrong_secret", _S3, "wrong secret key (403)", _pause(_Code.ACCESS_REFUSED, _STORE), By.SERVER),
    Row("s3_no_such_bucket", _S3, "no such bucket", _pause(_Code.ACCESS_REFUSED, _STORE), By.SERVER),
    Row("s3_denied_one", _S3, "access denied to one object (403)", _reject(_Code.OBJECT_FORBIDDEN), By.SCRIPT),
    Row("s3_denied_all", _S3, "access denied to everything", _pause(_Code.ACCESS_REFUSED, _STORE), By.SCRIPT),
    Row("s3_archived", _S3, "archived object (InvalidObjectState)", _reject(_Code.OBJECT_FORBIDDEN), By.SCRIPT),
    Row("s3_slow_down", _S3, "503 SlowDown, 429", _pause(_Code.OVERLOADED, _STORE), By.SCRIPT),
    Row("s3_5xx_one", _S3, "5xx for one object", _retry(_Code.FETCH_FAILED), By.SCRIPT),
    Row("s3_5xx_all", _S3, "5xx for everything", _pause(_Code.UNREACHABLE, _STORE), By.SCRIPT),
    Row("s3_timeout_one", _S3, "no answer in time for one object", _retry(_Code.FETCH_TIMED_OUT), By.SCRIPT),
    Row("s3_timeout_all", _S3, "no answer in time for anything", _pause(_Code.UNREACHABLE, _STORE), By.PROXY),
    Row("s3_refused", _S3, "connection refused", _pause(_Code.UNREACHABLE, _STORE), By.PROXY),
    Row("s3_reset_all", _S3, "every connection reset", _pause(_Code.UNREACHABLE, _STORE), By.PROXY),
    Row("s3_reset_mid_body", _S3, "cut off in the middle of one object", _retry(_Code.FETCH_FAILED), By.PROXY),
    Row("s3_stall_mid_body", _S3, "one object stops coming", _retry(_Code.FETCH_TIMED_OUT), By.SCRIPT),
    Row("s3_short", _S3, "fewer bytes than Content-Length", _retry(_Code.FETCH_FAILED), By.SCRIPT),
    Row("s3_replaced", _S3, "uploaded again while it was read", _retry(_Code.CONTENT_CHANGED), By.SCRIPT),
    Row("s3_checksum", _S3, "gzip content whose checksum is wrong", _reject(_Code.COMPRESSION_BROKEN), By.SERVER),
    # -- OpenSearch, one document of a bulk request
    Row("os_item_400", _OS, "document refused (item 400: mapping)", _reject(_Code.INDEX_REFUSED), By.SERVER),
    Row("os_item_404", _OS, "index or alias missing (item 404)", _pause(_Code.INDEX_UNAVAILABLE, _INDEX), By.SERVER),
    Row("os_item_409", _OS, "older than what is there (item 409)", Seen(Answer.DONE), By.SERVER),
    Row("os_item_413", _OS, "document too large (item 413)", _reject(_Code.INDEX_REFUSED), By.SCRIPT),
    Row("os_item_429", _OS, "write queue full for a document (item 429)", _AGAIN, By.SCRIPT),
    Row("os_item_5xx", _OS, "shard failed for a document (item 5xx)", _AGAIN, By.SCRIPT),
    Row("os_items_429", _OS, "item 429 for everything", _pause(_Code.OVERLOADED, _INDEX), By.SCRIPT),
    Row("os_closed", _OS, "closed index (item 400)", _pause(_Code.INDEX_UNAVAILABLE, _INDEX), By.SERVER),
    Row("os_full_disk", _OS, "read-only block of a full disk", _pause(_Code.INDEX_UNAVAILABLE, _INDEX), By.SERVER),
    # -- OpenSearch, the request as a whole
    Row("os_400", _OS, "one document makes the request invalid (400)", _reject(_Code.INDEX_REFUSED), By.SERVER),
    Row("os_401", _OS, "401", _pause(_Code.ACCESS_REFUSED, _INDEX), By.SCRIPT),
    Row("os_403", _OS, "403", _pause(_Code.ACCESS_REFUSED, _INDEX), By.SCRIPT),
    Row("os_413_one", _OS, "413 for a single document", _reject(_Code.INDEX_REFUSED), By.SCRIPT),
    Row("os_413", _OS, "413 for a request: halved until it fits", _AGAIN, By.SCRIPT),
    Row("os_429", _OS, "429: halved, fewer at once", _pause(_Code.OVERLOADED, _INDEX), By.SCRIPT),
    Row("os_5xx", _OS, "5xx", _pause(_Code.UNREACHABLE, _INDEX), By.SCRIPT),
    Row("os_no_json", _OS, "an answer that is not OpenSearch's", _pause(_Code.UNREACHABLE, _INDEX), By.SCRIPT),
    Row("os_refused", _OS, "connection refused", _pause(_Code.UNREACHABLE, _INDEX), By.PROXY),
    Row("os_timeout", _OS, "no answer in time", _pause(_Code.UNREACHABLE, _INDEX), By.PROXY),
    Row("os_reset", _OS, "connection reset in the middle of an answer", _pause(_Code.UNREACHABLE, _INDEX), By.PROXY),
    # -- Kafka
    Row("kafka_too_large", _KAFKA, "message too large for its topic", _reject(_Code.RECORD_TOO_BIG), By.SERVER),
    Row("kafka_replicas", _KAFKA, "not enough in-sync replicas", _pause(_Code.UNREACHABLE, _BROKER), By.SERVER),
    Row("kafka_no_topic", _KAFKA, "topic missing", _pause(_Code.UNREACHABLE, _BROKER), By.SERVER),
    Row("kafka_denied", _KAFKA, "no permission to write a topic", _pause(_Code.ACCESS_REFUSED, _BROKER), By.SERVER),
    Row("kafka_timeout", _KAFKA, "no confirmation in time", _pause(_Code.UNREACHABLE, _BROKER), By.PROXY),
    Row("kafka_refused", _KAFKA, "connection refused", _pause(_Code.UNREACHABLE, _BROKER), By.PROXY),
    # -- schema registry
    Row("sr_refused", _SR, "connection refused", _pause(_Code.UNREACHABLE, _REGISTRY), By.PROXY),
    Row("sr_timeout", _SR, "no answer in time", _pause(_Code.UNREACHABLE, _REGISTRY), By.PROXY),
    Row("sr_unknown_id", _SR, "a record names an unknown schema id", _retry(_Code.SCHEMA_UNKNOWN), By.SERVER),
    Row("sr_empty", _SR, "it lacks our own schemas", _pause(_Code.SCHEMA_UNKNOWN, _REGISTRY), By.SERVER),
    Row("sr_401", _SR, "401, 403", _pause(_Code.ACCESS_REFUSED, _REGISTRY), By.SCRIPT),
    Row("sr_503", _SR, "429, 503", _pause(_Code.OVERLOADED, _REGISTRY), By.SCRIPT),
    Row("sr_500", _SR, "any other 5xx", _pause(_Code.UNREACHABLE, _REGISTRY), By.SCRIPT),
    Row("sr_other", _SR, "something else answers at its address", _pause(_Code.UNREACHABLE, _REGISTRY), By.SCRIPT),
    # -- our own
    Row("own_bug", _OWN, "an exception that nobody foresaw", _retry(_Code.UNEXPECTED), By.SCRIPT),
    Row("own_timeout", _OWN, "a time-out that nobody foresaw", _retry(_Code.HANDLING_TIMED_OUT), By.SCRIPT),
    Row("own_skip", _OWN, "an event that brings nothing", Seen(Answer.SKIP, _Code.TEST_EVENT), By.SCRIPT),
)


def rows(*by: By) -> list[Row]:
    """The rows that are provoked so."""
    return [row for row in ROWS if row.by in by]
