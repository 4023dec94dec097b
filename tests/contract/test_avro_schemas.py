"""The declared Avro schemas against every published version, in both directions, and against the code that fills them.

A published version is frozen as `schemas/<subject>/<n>.avsc` beside this file and never changed again.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import orjson
import pytest
from fastavro import parse_schema, schemaless_reader, schemaless_writer
from fastavro.utils import generate_one
from fastavro.validation import validate

from app.model.file import ListingFile
from app.model.outcome import FileOutcome
from app.ops.avro_changes import find_breaks
from app.ops.schemas import load_schemas
from app.pipeline.wire import file_from_wire, file_to_wire, outcome_from_wire, outcome_to_wire
from app.settings import PathsSettings
from tests.unit.pipeline.test_wire import FILE, OUTCOME

FROZEN = Path(__file__).parent / "schemas"
DECLARED = load_schemas(PathsSettings().schemas / "avro")
PUBLISHED = [
    (path.parent.name, int(path.stem), orjson.loads(path.read_bytes())) for path in sorted(FROZEN.glob("*/*.avsc"))
]
IDS = [f"{subject}-{number}" for subject, number, _ in PUBLISHED]


def named_fields(schema: Any, place: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every field of a schema with its path, nested records included."""
    if isinstance(schema, list):
        for branch in schema:
            yield from named_fields(branch, place)
    elif isinstance(schema, dict):
        for field in schema.get("fields", ()):
            yield f"{place}.{field['name']}", field
            yield from named_fields(field["type"], f"{place}.{field['name']}")
        for part in ("items", "values"):
            yield from named_fields(schema.get(part), place)
        if isinstance(schema.get("type"), dict | list):
            yield from named_fields(schema["type"], place)


ALL_FIELDS = [
    pytest.param(field, id=f"{subject}{place}")
    for subject, schema in DECLARED.items()
    for place, field in named_fields(schema)
]


def carried(writer: Any, reader: Any, record: Any) -> Any:
    """The record, written with one schema and read with the other."""
    body = io.BytesIO()
    schemaless_writer(body, parse_schema(writer), record)
    body.seek(0)
    return schemaless_reader(body, parse_schema(writer), parse_schema(reader))


def test_every_subject_is_a_topic_and_has_a_published_version() -> None:
    topics = {path.stem for path in PathsSettings().topics.glob("*.yaml")}
    assert {subject.removesuffix("-value").removesuffix("-key") for subject in DECLARED} <= topics
    assert {subject for subject, _, _ in PUBLISHED} == set(DECLARED)


@pytest.mark.parametrize(("subject", "number", "published"), PUBLISHED, ids=IDS)
def test_old_and_new_read_each_other(subject: str, number: int, published: Any) -> None:
    declared = DECLARED[subject]
    assert list(find_breaks(published, declared)) == []
    for writer, reader in ((published, declared), (declared, published)):
        assert validate(carried(writer, reader, generate_one(writer)), parse_schema(reader))


@pytest.mark.parametrize("field", ALL_FIELDS)
def test_every_field_is_explained_and_an_optional_one_is_null_by_default(field: dict[str, Any]) -> None:
    assert len(field.get("doc", "")) > 3
    if isinstance(field["type"], list):
        assert field["type"][0] == "null"
        assert field["default"] is None


@pytest.mark.parametrize("schema", DECLARED.values(), ids=DECLARED)
def test_records_are_explained_and_named_by_their_major(schema: dict[str, Any]) -> None:
    assert schema["namespace"] == "com.listings.v1"
    assert len(schema["doc"]) > 10


def test_the_schemas_have_the_fields_of_the_model() -> None:
    for subject, model in (("listing-files-value", ListingFile), ("listing-outcomes-value", FileOutcome)):
        assert [field["name"] for field in DECLARED[subject]["fields"]] == [field.name for field in fields(model)]


def test_what_we_write_fits_the_schemas_and_comes_back() -> None:
    queue, outcomes = DECLARED["listing-files-value"], DECLARED["listing-outcomes-value"]
    assert file_from_wire(carried(queue, queue, file_to_wire(FILE))) == FILE
    assert outcome_from_wire(carried(outcomes, outcomes, outcome_to_wire(OUTCOME))) == OUTCOME
