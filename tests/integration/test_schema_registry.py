"""The codec and `listings schemas` on a real registry, with subjects of their own."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner, Result

from app.adapters.avro import AvroCodec
from app.adapters.schema_registry import SchemaRegistry
from app.cli import cli
from app.errors import FailureCode, OperatorError, Outage, Rejected, Transient
from app.settings import SchemaRegistrySettings
from tests.support.stack import RunningStack, stack_settings

pytestmark = pytest.mark.integration

ID = {"name": "id", "type": "string"}
NOTE = {"name": "note", "type": ["null", "string"], "default": None}
COUNT = {"name": "count", "type": "int"}
LEVEL = "FULL_TRANSITIVE"


@pytest.fixture
def subject() -> str:
    return f"test-{secrets.token_hex(4)}-value"


@pytest.fixture
async def registry(stack: RunningStack) -> AsyncIterator[SchemaRegistry]:
    async with SchemaRegistry(stack_settings(stack).schema_registry) as opened:
        yield opened


def schema(subject: str, *fields: Any) -> Any:
    """A record that nobody else registers: registries give the same schema the same id."""
    return {"type": "record", "name": f"T{subject[5:13]}", "namespace": "com.listings.tests", "fields": list(fields)}


async def test_records_written_and_read_with_the_registry(registry: SchemaRegistry, subject: str) -> None:
    ours = schema(subject, ID, NOTE)
    old_id = await registry.register(subject, schema(subject, ID))
    new_id = await registry.register(subject, ours)
    codec = AvroCodec(registry, {subject: ours})
    payload = await codec.encode(subject, {"id": "7", "note": "ä"})
    assert int.from_bytes(payload[1:5], "big") == new_id
    assert await codec.decode(payload) == {"id": "7", "note": "ä"}
    assert await codec.decode(b"\0" + old_id.to_bytes(4, "big") + b"\x02a") == {"id": "a", "note": None}


async def test_an_id_that_nobody_registered_is_refused(registry: SchemaRegistry, subject: str) -> None:
    ours = schema(subject, ID)
    await registry.register(subject, ours)
    for unknown in (2**31 - 1, 2**31 - 2):
        with pytest.raises(Transient) as caught:
            await AvroCodec(registry, {subject: ours}).decode(b"\0" + unknown.to_bytes(4, "big") + b"a")
        assert caught.value.code is FailureCode.SCHEMA_UNKNOWN
        assert "register its schema first" in caught.value.message


async def test_a_schema_that_refers_to_others_is_resolved(registry: SchemaRegistry, subject: str) -> None:
    town, place = (
        {"type": "record", "name": name, "namespace": "com.listings.tests", "fields": [{"name": "x", "type": kind}]}
        for name, kind in ((f"Town{subject[5:13]}", "string"), (f"Place{subject[5:13]}", f"Town{subject[5:13]}"))
    )
    ours = schema(subject, ID)
    theirs = schema(subject, ID, {"name": "place", "type": f"com.listings.tests.{place['name']}"})
    await registry.register(subject, ours)
    await registry.register(f"{subject}-town", town)
    await registry.register(f"{subject}-place", place, {f"com.listings.tests.{town['name']}": f"{subject}-town"})
    schema_id = await registry.register(
        f"{subject}-2", theirs, {f"com.listings.tests.{place['name']}": f"{subject}-place"}
    )
    payload = b"\0" + schema_id.to_bytes(4, "big") + b"\x02a" + b"\x06Ulm"
    assert await AvroCodec(registry, {subject: ours}).decode(payload) == {"id": "a"}


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("PROTOBUF", 'syntax = "proto3"; message T { string id = 1; }'),
        ("JSON", '{"$schema": "http://json-schema.org/draft-07/schema#", "type": "object"}'),
    ],
)
async def test_a_schema_of_another_kind_is_named(registry: SchemaRegistry, subject: str, kind: str, text: str) -> None:
    ours = schema(subject, ID)
    await registry.register(subject, ours)
    body = {"schema": text, "schemaType": kind}
    schema_id = (await registry._ask("POST", f"/subjects/{subject}-{kind}/versions", body))["id"]  # type: ignore[index]
    with pytest.raises(Rejected) as caught:
        await AvroCodec(registry, {subject: ours}).decode(b"\0" + schema_id.to_bytes(4, "big") + b"\2a")
    assert f"schema id {schema_id} is a schema of {kind}" in caught.value.message


async def test_what_is_not_there_is_told_from_what_fails(registry: SchemaRegistry, subject: str) -> None:
    ours = schema(subject, ID)
    assert await registry.published(subject) == {}
    assert await registry.level(subject) is None
    assert await registry.id_of(subject, ours) is None
    assert await registry.is_compatible(subject, ours)
    first = await registry.register(subject, ours)
    assert await registry.register(subject, ours) == first
    assert await registry.id_of(subject, schema(subject, ID, NOTE)) is None
    assert await registry.published(subject) == {1: ours}


async def test_the_registry_keeps_an_incompatible_schema_out(registry: SchemaRegistry, subject: str) -> None:
    await registry.set_level(subject, LEVEL)
    await registry.register(subject, schema(subject, ID))
    assert await registry.level(subject) == LEVEL
    assert not await registry.is_compatible(subject, schema(subject, ID, COUNT))
    with pytest.raises(OperatorError):
        await registry.register(subject, schema(subject, ID, COUNT))


@pytest.mark.parametrize("path", ["", "/apis/nothing/here"])
async def test_another_server_is_not_taken_for_a_registry(stack: RunningStack, path: str) -> None:
    url = stack.env()["LISTINGS_OPENSEARCH__URL"] + path
    async with SchemaRegistry(SchemaRegistrySettings(url=url)) as wrong:
        with pytest.raises(Outage) as caught:
            await wrong.schema(1)
    assert "LISTINGS_SCHEMA_REGISTRY__URL" in caught.value.message


async def test_no_server_is_an_outage() -> None:
    async with SchemaRegistry(SchemaRegistrySettings(url="http://127.0.0.1:1")) as nowhere:
        with pytest.raises(Outage):
            await nowhere.ping()


class Command:
    """`listings schemas` with one declared schema."""

    def __init__(self, stack: RunningStack, folder: Path, subject: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self._file = folder / "avro" / f"{subject}.avsc"
        self._file.parent.mkdir()
        for name, value in stack.env().items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("LISTINGS_PATHS__SCHEMAS", str(folder))

    def run(self, verb: str, declared: Any, *arguments: str) -> Result:
        self._file.write_bytes(orjson.dumps(declared))
        return CliRunner().invoke(cli, ["schemas", verb, *arguments])

    def report(self, verb: str, declared: Any, *arguments: str) -> dict[str, Any]:
        report: dict[str, Any] = orjson.loads(self.run(verb, declared, "--output", "json", *arguments).stdout)[0]
        return report


def test_check_and_register(stack: RunningStack, tmp_path: Path, subject: str, monkeypatch: pytest.MonkeyPatch) -> None:
    command = Command(stack, tmp_path, subject, monkeypatch)
    first, better, worse = (schema(subject, *fields) for fields in ((ID,), (ID, NOTE), (ID, COUNT)))
    assert command.report("check", first)["standing"] == "new"
    assert command.report("register", first, "--dry-run")["standing"] == "new"
    assert command.report("register", first) | {"schema_id": 0} == {
        "subject": subject,
        "standing": "registered",
        "schema_id": 0,
        "versions": 1,
        "level": LEVEL,
        "problems": [],
        "changed": True,
    }
    assert "nothing to change" in command.run("register", first).stdout
    assert command.report("check", better)["standing"] == "compatible"
    assert command.report("register", better)["versions"] == 2
    for verb in ("check", "register"):
        refused = command.run(verb, worse)
        assert refused.exit_code == 1
        assert "field count: added without a default" in refused.stdout
    assert command.report("check", better)["standing"] == "registered"


def test_a_producer_that_registers_less_is_told_of(
    stack: RunningStack, tmp_path: Path, subject: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = Command(stack, tmp_path, subject, monkeypatch)
    smaller, ours = (schema(subject, *fields) for fields in ((ID,), (ID, NOTE)))
    command.run("register", ours)
    assert command.run("check", ours).exit_code == 0
    asyncio.run(registered(stack, subject, smaller))
    checked = command.run("check", ours)
    assert checked.exit_code == 3
    assert "version 2 is the latest and lacks field note" in checked.stdout


async def registered(stack: RunningStack, subject: str, smaller: Any) -> None:
    async with SchemaRegistry(stack_settings(stack).schema_registry) as registry:
        await registry.register(subject, smaller)
