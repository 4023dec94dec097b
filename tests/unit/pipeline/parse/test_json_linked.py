"""JSON and NDJSON files that are linked data: their vehicles are the records, wherever they stand."""

from __future__ import annotations

import orjson
import pytest

from app.errors import FailureCode
from app.model.record import ReadHints
from tests.support.limits import limits
from tests.support.reading import read_file

CONTEXT = "https://schema.org"


def car(number: int) -> dict[str, object]:
    return {"@type": "Car", "sku": f"c-{number}", "brand": {"@id": "#brand"}}


def graph(*numbers: int) -> dict[str, object]:
    brand = {"@type": "Brand", "@id": "#brand", "name": "Kia"}
    return {"@context": CONTEXT, "@graph": [brand, *map(car, numbers)]}


def expected(*numbers: int) -> list[dict[str, object]]:
    brand = {"@type": "Brand", "@id": "#brand", "name": "Kia"}
    return [{**car(number), "brand": brand} for number in numbers]


@pytest.mark.parametrize("chunk", [1, 7, 100_000])
@pytest.mark.parametrize("after", [b"", b"\n"])
def test_one_document(chunk: int, after: bytes) -> None:
    reading = read_file(orjson.dumps(graph(1, 2, 3)) + after, chunk=chunk)
    assert reading.values == expected(1, 2, 3)
    assert [record.number for record in reading.records] == [1, 2, 3]
    assert not reading.bad


@pytest.mark.parametrize("chunk", [1, 100_000])
def test_documents_in_an_array_among_others(chunk: int) -> None:
    documents = [graph(1, 2), {"plain": 1}, graph(3), {"@context": CONTEXT, "@type": "Car", "sku": "c-4"}, None]
    reading = read_file(orjson.dumps(documents), chunk=chunk)
    assert reading.values == [*expected(1, 2), {"plain": 1}, *expected(3), {"@type": "Car", "sku": "c-4"}]
    assert reading.codes == (FailureCode.RECORD_NOT_AN_OBJECT,)


@pytest.mark.parametrize("chunk", [1, 100_000])
def test_documents_one_after_the_other_and_one_a_line(chunk: int) -> None:
    lines = b"\n".join(orjson.dumps(graph(2 * n, 2 * n + 1)) for n in range(3))
    assert read_file(lines, chunk=chunk).values == expected(*range(6))
    indented = orjson.dumps(graph(0, 1), option=orjson.OPT_INDENT_2) + orjson.dumps(graph(2))
    assert read_file(indented, chunk=chunk).values == expected(0, 1, 2)


def test_a_document_without_vehicles_is_one_record() -> None:
    page = {"@context": CONTEXT, "@type": "WebPage", "name": "Us"}
    assert read_file(orjson.dumps(page)).values == [{"@type": "WebPage", "name": "Us"}]


def test_context_of_another_vocabulary_and_a_declared_path_change_nothing() -> None:
    other = {"@context": "https://example.org/ours", "@graph": [car(1)]}
    assert read_file(orjson.dumps(other)).values == [other]
    declared = {"items": [graph(1)]}
    assert read_file(orjson.dumps(declared), ReadHints(records_path="items[]")).values == [graph(1)]


def test_vehicles_of_a_file_that_breaks_off_afterwards_are_kept() -> None:
    reading = read_file(orjson.dumps(graph(1, 2)) + b'{"cut')
    assert reading.values == expected(1, 2)
    assert reading.code is FailureCode.FILE_BROKEN


def test_slices_stay_small_and_the_count_is_limited() -> None:
    many = orjson.dumps(graph(*range(3_000)))
    reading = read_file(many)
    assert len(reading.records) == 3_000
    assert reading.largest_slice <= 200
    assert read_file(many, within=limits(file_max_records=100)).code is FailureCode.TOO_MANY_RECORDS
