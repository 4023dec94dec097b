"""What a producer is told of a file in a shape of its own, and of what is no listing file at all."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from app.errors import FailureCode, FileRejected
from app.model.file import ObjectInfo
from app.pipeline.account import FileAccount, conclude
from app.pipeline.decompress import Decompressor
from app.pipeline.gate import check_object
from app.pipeline.recognise import own_shape
from tests.support.limits import limits
from tests.support.packed import zip_of

_INFO = ObjectInfo("b", "a/x.csv", 5, "e", datetime(2026, 1, 1, tzinfo=UTC))


def test_columns_that_nobody_declared_are_named_with_the_way_on() -> None:
    told = own_shape({"fahrzeug": 1, "marke": "VW", "typ": "Golf", "baujahr": 2019, "ps": 1, "farbe": "rot"})
    assert told is not None
    assert "none of its columns (fahrzeug, marke, typ, baujahr, ps, …)" in told
    assert "`listings feeds guess FILE`" in told
    some = own_shape({"id": 1, "marke": "VW", "price": 5})
    assert some is not None
    assert "only price_amount, source_listing_id of its columns (id, marke, price) is ours" in some


@pytest.mark.parametrize("record", [{"make": "VW", "model": "Golf"}, {"Make": "VW", " MODEL ": "Golf", "x": 1}])
def test_our_own_names_are_no_shape_of_their_own(record: dict[str, object]) -> None:
    assert own_shape(record) is None


def test_a_file_of_refused_records_tells_its_shape_instead_of_thirty_reasons() -> None:
    account = FileAccount(read=300, rejected=300, own_shape="the file has a shape of its own")
    outcome = account.outcome(_INFO, _INFO.uploaded_at, 1, "csv", None)
    told = conclude(outcome, account, None, limits()).outcome
    assert told.failure_code is FailureCode.TOO_MANY_REJECTS
    assert told.failure_message == "300 of 300 records rejected: the file has a shape of its own"


@pytest.mark.parametrize(
    ("ending", "kind", "instead"),
    [
        ("xlsx", "an Excel workbook (.xlsx)", "CSV UTF-8"),
        ("XLS", "an Excel workbook (.xls)", "CSV UTF-8"),
        ("ods", "an OpenDocument spreadsheet (.ods)", "CSV UTF-8"),
        ("pdf", "a PDF (.pdf)", "JSON, NDJSON, CSV or XML"),
        ("docx", "a Word document (.docx)", "CSV UTF-8"),
        ("jpg", "a picture (.jpg)", "image_urls"),
        ("7z", "an archive that is not unpacked here (.7z)", "zip, gzip"),
        ("xlsx.gz", "an Excel workbook (.xlsx)", "CSV UTF-8"),
    ],
)
def test_what_is_not_read_is_named_with_what_to_send(ending: str, kind: str, instead: str) -> None:
    with pytest.raises(FileRejected) as refused:
        check_object(replace(_INFO, key=f"a/stock.{ending}"), limits())
    assert refused.value.code is FailureCode.FORMAT_UNKNOWN
    assert kind in refused.value.message
    assert instead in refused.value.message


def test_a_workbook_under_another_name_is_told_by_its_content() -> None:
    content = zip_of({"[Content_Types].xml": b"<x/>", "xl/workbook.xml": b"<x/>"})
    unpacking = Decompressor(limits(), len(content))
    with pytest.raises(FileRejected) as refused:
        [*unpacking.feed(content), *unpacking.finish()]
    assert "an Excel workbook" in refused.value.message
    assert "CSV UTF-8" in refused.value.message
