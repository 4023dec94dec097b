"""What an object store's refusal means, read from the texts that obstore makes of it.

obstore keeps neither HTTP status nor S3 error code as a value, so both are read from its message (checked against
obstore 0.12). Error codes: Amazon S3 API reference, "Error responses"; `XAdminUserNotFound` is Versity's word for an
access key that it does not know, sent with status 404.

A refusal often does not say whom it concerns: one object, or everybody. Then it is a `Doubt`, to be settled by asking
the store for something else.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from obstore.exceptions import PermissionDeniedError, UnauthenticatedError

from app.errors import Dependency, FailureCode, ListingsError, Outage, Rejected, Transient

_MARK = "Server returned non-2xx status code: "
_GENERIC_STATUS = re.compile(
    rf"^Generic \S+ error: (?:Error performing list request: )?Error performing \w+ \S+ in [^<\n]*? - {_MARK}(\d{{3}})"
)
_CODE = re.compile(r"<Code>(\w+)</Code>")
_HTTP_KIND = re.compile(r"HttpError \{\s*kind: (\w+)")
_REDIRECT = "Received redirect without LOCATION"

_CREDENTIALS = frozenset(
    {
        "AccountProblem",
        "AllAccessDisabled",
        "AuthorizationHeaderMalformed",
        "ExpiredToken",
        "InvalidAccessKeyId",
        "InvalidSecurity",
        "InvalidToken",
        "NotSignedUp",
        "RequestTimeTooSkewed",
        "SignatureDoesNotMatch",
        "TokenRefreshRequired",
        "XAdminUserNotFound",
    }
)
_OVERLOADED = frozenset(
    {"RequestLimitExceeded", "ServiceUnavailable", "SlowDown", "Throttling", "ThrottlingException", "TooManyRequests"}
)
_IN_WORDS = {
    "Connect": "nothing: no connection",
    "Timeout": "nothing in time",
    "Interrupted": "nothing more: the connection broke",
    "Request": "nothing: the connection broke",
}
_BAD_KEY = frozenset({"InvalidURI", "KeyTooLongError"})
OTHERS_TOO = "other objects do not come either, or very slowly"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came instead of the object: an HTTP status with an S3 error code (None: no body), or neither."""

    status: int | None
    code: str | None = None
    trouble: str | None = None
    """Of the connection, as reqwest names it: Connect, Timeout, Interrupted, …"""

    @property
    def is_unexplained(self) -> bool:
        """A status without a code, as for every HEAD: a GET of the same object says more."""
        return self.status is not None and self.code is None

    def __str__(self) -> str:
        if self.status is None:
            return _IN_WORDS.get(self.trouble or "", f"nothing that can be read ({self.trouble})")
        return f"{self.status} {self.code or ''}".rstrip()


@dataclass(frozen=True, slots=True)
class Doubt:
    """Two readings of one answer: the object's own trouble, or everybody's."""

    alone: ListingsError
    everybody: Outage


def read_answer(error: BaseException) -> Answer:
    """The answer behind an exception of obstore."""
    text = str(error).partition("\n\nDebug source:")[0]
    code = _CODE.search(text.rpartition(_MARK)[2]) if _MARK in text else None
    status = _status(error, text)
    if status is not None:
        return Answer(status, code[1] if code else None)
    if _REDIRECT in text:
        return Answer(301, "PermanentRedirect")
    kind = _HTTP_KIND.search(str(error))
    return Answer(None, None, kind[1] if kind else type(error).__name__)


def _status(error: BaseException, text: str) -> int | None:
    """By the exception's type first: those texts quote the key, which may imitate anything."""
    if isinstance(error, FileNotFoundError):
        return 404
    if isinstance(error, PermissionDeniedError):
        return 403
    if isinstance(error, UnauthenticatedError):
        return 401
    match = _GENERIC_STATUS.search(text)
    return int(match[1]) if match else None


def interpret(answer: Answer, bucket: str, key: str) -> ListingsError | Doubt:
    """The error to raise for an answer about one object, or the two it may be.

    ===========================================  ===============================================
    credentials, region, bucket unknown, 401     `Outage(ACCESS_REFUSED)`
    429, 503, SlowDown                           `Outage(OVERLOADED)`
    no connection (refused, DNS)                 `Outage(UNREACHABLE)`
    NoSuchKey                                    `Rejected(OBJECT_MISSING)`
    InvalidObjectState (archived)                `Rejected(OBJECT_FORBIDDEN)`
    any other 404, 403                           that `Rejected`, or `Outage(ACCESS_REFUSED)`
    a time-out                                   `Transient(FETCH_TIMED_OUT)`, or `Outage(UNREACHABLE)`
    a reset, any other status                    `Transient(FETCH_FAILED)`, or `Outage(UNREACHABLE)`
    ===========================================  ===============================================
    """
    place = f"{bucket}/{key}"
    return _for_everybody(answer, bucket) or _for_the_object(answer, place) or _doubt(answer, place)


def _for_everybody(answer: Answer, bucket: str) -> Outage | None:
    if answer.code in _CREDENTIALS or answer.status == 401:
        return _outage(
            FailureCode.ACCESS_REFUSED, answer, "check LISTINGS_S3__ACCESS_KEY_ID and LISTINGS_S3__SECRET_ACCESS_KEY"
        )
    if answer.code == "NoSuchBucket":
        return _outage(
            FailureCode.ACCESS_REFUSED, answer, f"create bucket {bucket}, or take it out of LISTINGS_S3__BUCKETS"
        )
    if answer.code == "PermanentRedirect":
        return _outage(FailureCode.ACCESS_REFUSED, answer, "check LISTINGS_S3__REGION and LISTINGS_S3__ENDPOINT_URL")
    if answer.code in _OVERLOADED or answer.status in (429, 503):
        return _outage(FailureCode.OVERLOADED, answer, "it is asked again, more slowly")
    if answer.trouble == "Connect":
        return _outage(FailureCode.UNREACHABLE, answer, "check LISTINGS_S3__ENDPOINT_URL and whether it runs")
    return None


def _for_the_object(answer: Answer, place: str) -> Rejected | None:
    if answer.code == "NoSuchKey":
        return _missing(place)
    if answer.code == "InvalidObjectState":
        return Rejected(FailureCode.OBJECT_FORBIDDEN, f"{place} is archived: restore it, then notify again")
    if answer.code in _BAD_KEY:
        return Rejected(FailureCode.KEY_NOT_DECODABLE, f"the object store does not take the key of {place}")
    return None


def _doubt(answer: Answer, place: str) -> Doubt:
    if answer.status in (403, 404):
        alone = _missing(place) if answer.status == 404 else _forbidden(place)
        advice = "it refuses everything: check the credentials, and the policy of the bucket"
        return Doubt(alone, _outage(FailureCode.ACCESS_REFUSED, answer, advice))
    down = _outage(FailureCode.UNREACHABLE, answer, OTHERS_TOO)
    if answer.trouble == "Timeout":
        return Doubt(Transient(FailureCode.FETCH_TIMED_OUT, f"the object store was too slow with {place}"), down)
    return Doubt(Transient(FailureCode.FETCH_FAILED, f"the object store failed for {place}: {answer}"), down)


def _missing(place: str) -> Rejected:
    return Rejected(FailureCode.OBJECT_MISSING, f"expected an object {place}: it was removed, or never there")


def _forbidden(place: str) -> Rejected:
    return Rejected(
        FailureCode.OBJECT_FORBIDDEN, f"the object store refuses {place} and nothing else: allow reading it"
    )


def _outage(code: FailureCode, answer: Answer, advice: str) -> Outage:
    return Outage(code, Dependency.OBJECT_STORE, f"the object store says {answer}; {advice}")
