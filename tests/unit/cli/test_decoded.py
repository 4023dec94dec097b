"""Our own Avro, shown to people."""

from __future__ import annotations

import io
from types import TracebackType
from typing import Self

import pytest
from fastavro import parse_schema, schemaless_writer

from app.adapters.schema_registry import AVRO, RegisteredSchema
from app.cli import decoded as module
from app.errors import Dependency, FailureCode, Outage
from app.ops.schemas import load_schemas
from app.settings import PathsSettings, load_settings

SCHEMA = load_schemas(PathsSettings().schemas / "avro")["listing-files-value"]


class Registry:
    """Knows schema 1."""

    error: Exception | None = None

    def __init__(self, *_: object) -> None: ...

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    async def schema(self, schema_id: int) -> RegisteredSchema | None:
        if self.error is not None:
            raise self.error
        return RegisteredSchema(AVRO, SCHEMA) if schema_id == 1 else None

    async def id_of(self, subject: str, schema: object) -> int | None:
        return 1


@pytest.fixture(autouse=True)
def _registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SchemaRegistry", Registry)


def record() -> bytes:
    body = io.BytesIO()
    names = {field["name"]: field for field in SCHEMA["fields"]}
    value: dict[str, object] = {name: _some(field["type"]) for name, field in names.items() if "default" not in field}
    schemaless_writer(body, parse_schema(SCHEMA), value | {"bucket": "cars", "key": "dealer/a.csv"})
    return b"\0\0\0\0\1" + body.getvalue()


def _some(kind: object) -> object:
    if isinstance(kind, list):
        return None if "null" in kind else _some(kind[0])
    if isinstance(kind, dict):
        return kind["symbols"][0] if kind["type"] == "enum" else 0
    return "" if kind == "string" else 0


def test_a_record_is_shown_by_its_fields() -> None:
    shown = module.decoded(load_settings({}), record())
    assert isinstance(shown, dict)
    assert (shown["bucket"], shown["key"]) == ("cars", "dealer/a.csv")


@pytest.mark.parametrize("value", [None, b"", b"{}", b"\0\0\0\0\1", b"[1, 2, 3, 4]"])
def test_what_is_none_is_left_to_the_preview(value: bytes | None) -> None:
    assert module.decoded(load_settings({}), value) is None


@pytest.mark.parametrize("value", [b"\0\0\0\0\2abc", b"\0\0\0\0\1\xff\xff\xff"])
def test_what_can_not_be_read_says_why(value: bytes) -> None:
    shown = module.decoded(load_settings({}), value)
    assert isinstance(shown, str)
    assert shown.startswith("Avro that is not read here: ")


def test_a_registry_that_is_away_hides_no_dead_letter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Registry, "error", Outage(FailureCode.UNREACHABLE, Dependency.SCHEMA_REGISTRY, "refused"))
    told = module.decoded(load_settings({}), record())
    assert told == "Avro that is not read here: schema id 1: refused"
