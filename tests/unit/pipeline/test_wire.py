from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from app.errors import FailureCode, Problem, Rejected
from app.model.file import Compression, FileFormat, ListingFile
from app.model.outcome import FileOutcome, FileStatus, Flag, RecordFlags, RecordReject
from app.pipeline.wire import file_from_wire, file_to_wire, outcome_from_wire, outcome_to_wire

AT = datetime(2026, 3, 1, 10, 3, tzinfo=UTC)
FILE = ListingFile("b", "k.json", 3, "e", AT, AT, FileFormat.JSON, Compression.GZIP)
REJECT = RecordReject(2, 7, (Problem(FailureCode.FIELD_INVALID, "price", "a number", "x"),), "id-2")
OUTCOME = FileOutcome(
    bucket="b",
    key="k.json",
    etag="e",
    size=3,
    uploaded_at=AT,
    processed_at=AT,
    status=FileStatus.PARTLY_INDEXED,
    format="json+gzip",
    profile=None,
    read=3,
    indexed=2,
    stale=0,
    rejected=1,
    blank=0,
    flagged=1,
    bytes_read=3,
    attempts=1,
    rejects=(REJECT,),
    flag_counts={"value_unread": 1, "vin_invalid": 1},
    flags=(RecordFlags(1, 2, (Flag("value_unread", "price_amount", "zwölftausend"), Flag("vin_invalid")), "id-1"),),
)


@pytest.mark.parametrize(
    "file",
    [
        FILE,
        replace(FILE, format_hint=None, compression_hint=Compression.NONE),
        *(replace(FILE, compression_hint=compression) for compression in Compression),
        *(replace(FILE, format_hint=format_) for format_ in FileFormat),
    ],
)
def test_a_file_comes_back_as_it_went(file: ListingFile) -> None:
    assert file_from_wire(file_to_wire(file)) == file


@pytest.mark.parametrize(
    "outcome",
    [OUTCOME, replace(OUTCOME, rejects=(), failure_code=FailureCode.FILE_BROKEN, failure_message="expected …")],
)
def test_an_outcome_comes_back_as_it_went(outcome: FileOutcome) -> None:
    assert outcome_from_wire(outcome_to_wire(outcome)) == outcome


def test_hints_of_a_newer_gate_are_no_hints() -> None:
    file = file_from_wire({**file_to_wire(FILE), "format_hint": "orc", "compression_hint": "lz4"})
    assert (file.format_hint, file.compression_hint) == (None, Compression.NONE)


@pytest.mark.parametrize("name", ["bucket", "key", "size", "etag", "uploaded_at", "queued_at"])
def test_a_record_that_lacks_a_field_is_no_file(name: str) -> None:
    wire = file_to_wire(FILE)
    del wire[name]
    with pytest.raises(Rejected) as caught:
        file_from_wire(wire)
    assert caught.value.code is FailureCode.RECORD_NOT_DECODABLE
    assert name in caught.value.message


@pytest.mark.parametrize(
    ("name", "value"), [("status", "lost"), ("read", "3"), ("rejects", None), ("failure_code", "unheard_of")]
)
def test_an_outcome_with_values_that_we_do_not_know_is_refused(name: str, value: object) -> None:
    with pytest.raises(Rejected) as caught:
        outcome_from_wire({**outcome_to_wire(OUTCOME), name: value})
    assert caught.value.code is FailureCode.RECORD_NOT_DECODABLE


def test_an_outcome_of_before_flags_were_told_is_read() -> None:
    wire = {name: value for name, value in outcome_to_wire(OUTCOME).items() if name not in ("flags", "flag_counts")}
    assert outcome_from_wire(wire) == replace(OUTCOME, flags=(), flag_counts={})
