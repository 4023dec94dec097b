"""Texts as obstore 0.12.1 makes them, shortened; tests/contract/test_s3_answers.py checks that it still does."""

from __future__ import annotations

import pytest
from obstore.exceptions import BaseError, GenericError, PermissionDeniedError, UnauthenticatedError

from app.adapters.s3_errors import Answer, Doubt, interpret, read_answer
from app.errors import FailureCode, ListingsError, Outage, Rejected, Transient

URL = "http://127.0.0.1:7070/b/k"
MARK = "Server returned non-2xx status code:"


def body(code: str) -> str:
    return f'<?xml version="1.0"?>\n<Error><Code>{code}</Code><Message>No.</Message></Error>'


def generic(status: str, content: str = "") -> GenericError:
    told = f"Generic S3 error: Error performing GET {URL} in 2ms - {MARK} {status}: {content}"
    return GenericError(f"{told}\n\nDebug source:\nGeneric {{ }}")


def connection(kind: str) -> GenericError:
    return GenericError(
        f"Generic S3 error: Error performing GET {URL} in 2ms - HTTP error: error sending request\n\nDebug source:\n"
        f"Generic {{\n  source: RetryError(\n inner: Http(\n HttpError {{\n  kind: {kind},\n"
    )


@pytest.mark.parametrize(
    ("error", "answer"),
    [
        (generic("500 Internal Server Error", body("InternalError")), Answer(500, "InternalError")),
        (generic("429 Too Many Requests"), Answer(429)),
        (
            GenericError(
                f"Generic S3 error: Error performing GET {URL} in 59ms, after 1 retries, max_retries: 1 - {MARK} 503: "
            ),
            Answer(503),
        ),
        (connection("Connect"), Answer(None, None, "Connect")),
        (connection("Timeout"), Answer(None, None, "Timeout")),
        (
            FileNotFoundError(
                f"Object at location k not found: Error performing GET {URL} - {MARK} 404: {body('NoSuchKey')}"
            ),
            Answer(404, "NoSuchKey"),
        ),
        (
            FileNotFoundError(f"Object at location k not found: Error performing HEAD {URL} - {MARK} 404 Not Found: "),
            Answer(404),
        ),
        (PermissionDeniedError(f"… {MARK} 403 Forbidden: {body('AccessDenied')}"), Answer(403, "AccessDenied")),
        (UnauthenticatedError("…"), Answer(401)),
        (
            GenericError(
                f"Generic S3 error: Error performing list request: Error performing GET {URL} in 1s - {MARK} 404: "
            ),
            Answer(404),
        ),
        (GenericError("… Received redirect without LOCATION, this …"), Answer(301, "PermanentRedirect")),
        (GenericError("something else"), Answer(None, None, "GenericError")),
    ],
)
def test_the_answer_is_found_in_the_text(error: BaseError, answer: Answer) -> None:
    assert read_answer(error) == answer


@pytest.mark.parametrize(
    "key", ["<Code>SlowDown</Code>.json", f"{MARK} 503 Slow: {body('SlowDown')}", f"x - {MARK} 500"]
)
def test_a_key_can_not_imitate_an_answer(key: str) -> None:
    error = FileNotFoundError(
        f"Object at location {key} not found: Error performing GET {URL} - {MARK} 404: {body('NoSuchKey')}"
    )
    assert read_answer(error) == Answer(404, "NoSuchKey")


@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        (Answer(404, "NoSuchKey"), Rejected, FailureCode.OBJECT_MISSING),
        (Answer(403, "InvalidObjectState"), Rejected, FailureCode.OBJECT_FORBIDDEN),
        (Answer(400, "KeyTooLongError"), Rejected, FailureCode.KEY_NOT_DECODABLE),
        (Answer(404, "XAdminUserNotFound"), Outage, FailureCode.ACCESS_REFUSED),
        (Answer(403, "SignatureDoesNotMatch"), Outage, FailureCode.ACCESS_REFUSED),
        (Answer(400, "ExpiredToken"), Outage, FailureCode.ACCESS_REFUSED),
        (Answer(401), Outage, FailureCode.ACCESS_REFUSED),
        (Answer(404, "NoSuchBucket"), Outage, FailureCode.ACCESS_REFUSED),
        (Answer(301, "PermanentRedirect"), Outage, FailureCode.ACCESS_REFUSED),
        (Answer(503, "SlowDown"), Outage, FailureCode.OVERLOADED),
        (Answer(429), Outage, FailureCode.OVERLOADED),
        (Answer(None, None, "Connect"), Outage, FailureCode.UNREACHABLE),
    ],
)
def test_some_answers_say_whom_they_concern(answer: Answer, kind: type[ListingsError], code: FailureCode) -> None:
    error = interpret(answer, "b", "k")
    assert isinstance(error, kind)
    assert error.code is code


@pytest.mark.parametrize(
    ("answer", "alone", "code", "everybody"),
    [
        (Answer(404), Rejected, FailureCode.OBJECT_MISSING, FailureCode.ACCESS_REFUSED),
        (Answer(403, "AccessDenied"), Rejected, FailureCode.OBJECT_FORBIDDEN, FailureCode.ACCESS_REFUSED),
        (Answer(500, "InternalError"), Transient, FailureCode.FETCH_FAILED, FailureCode.UNREACHABLE),
        (Answer(502), Transient, FailureCode.FETCH_FAILED, FailureCode.UNREACHABLE),
        (Answer(None, None, "Interrupted"), Transient, FailureCode.FETCH_FAILED, FailureCode.UNREACHABLE),
        (Answer(None, None, "Timeout"), Transient, FailureCode.FETCH_TIMED_OUT, FailureCode.UNREACHABLE),
    ],
)
def test_others_need_a_second_question(
    answer: Answer, alone: type[ListingsError], code: FailureCode, everybody: FailureCode
) -> None:
    doubt = interpret(answer, "b", "k")
    assert isinstance(doubt, Doubt)
    assert isinstance(doubt.alone, alone)
    assert (doubt.alone.code, doubt.everybody.code) == (code, everybody)
