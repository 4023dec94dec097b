"""Every way this application can fail, sorted by what happens next.

::

    ListingsError
    ├── Skipped            nothing to do: counted, acknowledged
    ├── Rejected           will never succeed: one dead letter, at once
    │   ├── FileRejected       … a whole file, with the position where it broke
    │   └── ListingRejected    … one listing of a file, with every reason
    ├── Transient          this one may succeed later: the retry topic
    ├── Outage             a dependency is down for everybody: pause, probe, go on
    └── OperatorError      the command, a setting or a declared file is wrong: said plainly, exit 1

Each carries a `FailureCode` from the closed set below. Messages name what was expected and what to do;
they never hold a payload or a credential.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class FailureKind(StrEnum):
    """What is done about a failure (the `failure-kind` header)."""

    REJECT = "reject"
    TRANSIENT = "transient"


class Dependency(StrEnum):
    """The servers whose outage pauses consumption, and the worker's own machine."""

    OBJECT_STORE = "object_store"
    SEARCH_INDEX = "search_index"
    SCHEMA_REGISTRY = "schema_registry"
    BROKER = "broker"
    WORKER = "worker"  # its own disk and child process: what its machine gives it
    UPLOAD_QUEUE = "upload_queue"  # of `listings bridge`, no worker needs it


class FailureCode(StrEnum):
    """The closed set of failure codes; the tables in docs/PRODUCERS.md are made from it."""

    # skipped
    TEST_EVENT = "test_event"
    FOLDER_MARKER = "folder_marker"
    EVENT_NOT_HANDLED = "event_not_handled"
    REMOVAL_SUPERSEDED = "removal_superseded"
    ALREADY_REMOVED = "already_removed"
    ALREADY_PROCESSED = "already_processed"
    BUCKET_NOT_ALLOWED = "bucket_not_allowed"
    PREFIX_NOT_WATCHED = "prefix_not_watched"
    # rejected: the record on the topic
    NOTIFICATION_NOT_JSON = "notification_not_json"
    NOTIFICATION_UNKNOWN_SHAPE = "notification_unknown_shape"
    KEY_NOT_DECODABLE = "key_not_decodable"
    RECORD_NOT_DECODABLE = "record_not_decodable"
    SCHEMA_UNKNOWN = "schema_unknown"
    SKIPPED_BY_OPERATOR = "skipped_by_operator"
    KILLED_WORKER = "killed_worker"
    HEADER_INVALID = "header_invalid"
    RECORD_UNREADABLE = "record_unreadable"
    BATCH_TOO_BIG = "batch_too_big"
    # rejected: the file
    OBJECT_MISSING = "object_missing"
    OBJECT_FORBIDDEN = "object_forbidden"
    OBJECT_EMPTY = "object_empty"
    FILE_TOO_BIG = "file_too_big"
    DECOMPRESSED_TOO_BIG = "decompressed_too_big"
    COMPRESSION_RATIO = "compression_ratio"
    COMPRESSION_WINDOW = "compression_window"
    ARCHIVE_INVALID = "archive_invalid"
    SCHEMA_REFUSED = "schema_refused"
    BLOCK_TOO_BIG = "block_too_big"
    FORMAT_UNKNOWN = "format_unknown"
    FORMAT_MISMATCH = "format_mismatch"
    COMPRESSION_BROKEN = "compression_broken"
    ENCODING_INVALID = "encoding_invalid"
    FILE_BROKEN = "file_broken"
    DTD_FORBIDDEN = "dtd_forbidden"
    RECORDS_NOT_FOUND = "records_not_found"
    HEADER_ROW_INVALID = "header_row_invalid"
    TOO_MANY_RECORDS = "too_many_records"
    TOO_MANY_REJECTS = "too_many_rejects"
    FEED_SHRUNK = "feed_shrunk"
    FEED_NOT_WHOLE = "feed_not_whole"
    # rejected: one listing
    RECORD_NOT_AN_OBJECT = "record_not_an_object"
    RECORD_MALFORMED = "record_malformed"
    RECORD_TOO_BIG = "record_too_big"
    RECORD_TOO_DEEP = "record_too_deep"
    ROW_RAGGED = "row_ragged"
    MISSING_REQUIRED = "missing_required"
    MISSING_ID = "missing_id"
    NOT_A_VEHICLE = "not_a_vehicle"
    FIELD_INVALID = "field_invalid"
    SOURCE_NOT_ALLOWED = "source_not_allowed"
    INDEX_REFUSED = "index_refused"
    # transient
    FETCH_FAILED = "fetch_failed"
    FETCH_TIMED_OUT = "fetch_timed_out"
    CONTENT_CHANGED = "content_changed"
    HANDLING_TIMED_OUT = "handling_timed_out"
    READER_ENDED = "reader_ended"
    UNEXPECTED = "unexpected"
    # outage
    UNREACHABLE = "unreachable"
    SCRATCH_FAILED = "scratch_failed"
    ACCESS_REFUSED = "access_refused"
    OVERLOADED = "overloaded"
    INDEX_UNAVAILABLE = "index_unavailable"
    # operator
    SETTING_INVALID = "setting_invalid"
    DECLARATION_INVALID = "declaration_invalid"
    PREREQUISITE_MISSING = "prerequisite_missing"
    COMMAND_FAILED = "command_failed"


class ListingsError(Exception):
    """Base of all errors that this application raises on purpose."""

    def __init__(self, code: FailureCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Skipped(ListingsError):
    """Nothing has to be done for this record; it is counted under `code` and acknowledged."""


class Rejected(ListingsError):
    """The input can never succeed as it is; retrying it would be a waste."""


class FileRejected(Rejected):
    """A whole file, or its rest from `position` on, can not be read.

    `position` is for a person: "line 7", "byte 1,024", "record 12".
    """

    def __init__(self, code: FailureCode, message: str, position: str | None = None) -> None:
        super().__init__(code, message if position is None else f"{message} ({position})")
        self.position = position


@dataclass(frozen=True, slots=True)
class Problem:
    """One reason why a listing was refused."""

    code: FailureCode
    field: str | None
    """The field of our record, or the sender's column when there is no such field; None: the record as a whole."""
    expected: str
    got: str | None = None
    """The refused value, shortened to 80 characters; None when it was absent."""

    def __str__(self) -> str:
        where = f"{self.field}: " if self.field else ""
        return f"{where}expected {self.expected}" + ("" if self.got is None else f", got {self.got}")


class ListingRejected(Rejected):
    """One listing is refused; `problems` holds every reason, not just the first."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(problems[0].code, "; ".join(map(str, problems)))
        self.problems = tuple(problems)


class Transient(ListingsError):
    """This record failed now and may succeed later; `retry_after_s` is the server's own wish, if it had one.

    `in_doubt`: nothing tells whether others have the same trouble, so it is taken for an outage for a while.
    `by_chance`: once may be chance, so it is tried once more at once before an attempt is counted.
    """

    def __init__(self, code: FailureCode, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(code, message)
        self.retry_after_s = retry_after_s
        self.in_doubt = False
        self.by_chance = False


class NotTried(Transient):
    """What the record needs was not come to; it comes again, and none of its tries is used up."""


class Outage(ListingsError):
    """A dependency is down or refuses everybody; nothing is dead-lettered and no attempt is burnt."""

    def __init__(
        self, code: FailureCode, dependency: Dependency, message: str, retry_after_s: float | None = None
    ) -> None:
        super().__init__(code, message)
        self.dependency = dependency
        self.retry_after_s = retry_after_s


class OperatorError(ListingsError):
    """Something a person has to mend before the command can succeed; shown as one plain sentence."""
