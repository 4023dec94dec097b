from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from app.errors import FailureCode, OperatorError
from app.ops.schemas import LEVEL, Standing, check_schemas, find_losses, load_schemas, register_schemas
from tests.support.memory_registry import MemoryRegistry


def schema(*fields: Any) -> Any:
    return {"type": "record", "name": "Order", "namespace": "com.shop.v1", "fields": list(fields)}


ID = {"name": "id", "type": "string"}
NOTE = {"name": "note", "type": ["null", "string"], "default": None}
COUNT = {"name": "count", "type": "int"}


async def test_registering_sets_the_rule_and_the_schema_once() -> None:
    registry = MemoryRegistry()
    declared = {"orders-value": schema(ID)}
    assert [report.standing for report in await check_schemas(declared, registry)] == [Standing.NEW]
    first = await register_schemas(declared, registry)
    assert [(r.standing, r.schema_id, r.level, r.changed) for r in first] == [(Standing.REGISTERED, 1, LEVEL, True)]
    second = await register_schemas(declared, registry)
    assert [(r.schema_id, r.versions, r.changed) for r in second] == [(1, 1, False)]


async def test_a_dry_run_registers_nothing() -> None:
    registry = MemoryRegistry()
    reports = await register_schemas({"orders-value": schema(ID)}, registry, dry_run=True)
    assert [(report.standing, report.changed) for report in reports] == [(Standing.NEW, True)]
    assert (registry.subjects, registry.levels) == ({}, {})


async def test_a_compatible_schema_becomes_a_further_version() -> None:
    registry = MemoryRegistry()
    await register_schemas({"orders-value": schema(ID)}, registry)
    declared = {"orders-value": schema(ID, NOTE)}
    assert [report.standing for report in await check_schemas(declared, registry)] == [Standing.COMPATIBLE]
    assert [(r.schema_id, r.versions) for r in await register_schemas(declared, registry)] == [(2, 2)]


async def test_one_incompatible_schema_keeps_all_of_them_out() -> None:
    registry = MemoryRegistry()
    await register_schemas({"orders-value": schema(ID)}, registry)
    reports = await register_schemas({"new-value": schema(ID), "orders-value": schema(ID, COUNT)}, registry)
    assert [report.standing for report in reports] == [Standing.NEW, Standing.INCOMPATIBLE]
    assert reports[1].problems == ("version 1: field count: added without a default",)
    assert list(registry.subjects) == ["orders-value"]


async def test_every_published_version_counts_not_just_the_last() -> None:
    registry = MemoryRegistry()
    await registry.register("orders-value", schema(ID))
    await registry.register("orders-value", schema(ID, {**COUNT, "default": 0}))
    reports = await check_schemas({"orders-value": schema(ID, COUNT)}, registry)
    assert reports[0].problems == ("version 1: field count: added without a default",)


async def test_the_registry_has_the_last_word() -> None:
    registry = MemoryRegistry()
    await register_schemas({"orders-value": schema(ID)}, registry)
    registry.refuses = True
    reports = await check_schemas({"orders-value": schema(ID, NOTE)}, registry)
    assert reports[0].standing is Standing.INCOMPATIBLE


async def test_a_weaker_rule_is_drift_that_registering_mends() -> None:
    registry = MemoryRegistry()
    declared = {"orders-value": schema(ID)}
    await register_schemas(declared, registry)
    registry.levels["orders-value"] = "NONE"
    assert [report.changed for report in await check_schemas(declared, registry)] == [True]
    await register_schemas(declared, registry)
    assert registry.levels == {"orders-value": LEVEL}


async def test_a_later_version_with_less_in_it_is_told_with_what_is_lost() -> None:
    registry = MemoryRegistry()
    declared = {"orders-value": schema(ID, NOTE, {**COUNT, "default": 0})}
    await register_schemas(declared, registry)
    assert await find_losses(declared, registry) == {}
    await registry.register("orders-value", schema(ID))
    (report,) = await check_schemas(declared, registry)
    assert (report.standing, report.schema_id, report.versions) == (Standing.SUPERSEDED, 1, 2)
    assert "version 2 is the latest and lacks field note, field count" in report.problems[0]
    assert list(await find_losses(declared, registry)) == ["orders-value"]


async def test_a_later_version_with_more_in_it_is_a_newer_release_and_no_loss() -> None:
    registry = MemoryRegistry()
    declared = {"orders-value": schema(ID)}
    await register_schemas(declared, registry)
    await registry.register("orders-value", schema(ID, NOTE))
    assert await find_losses(declared, registry) == {}


@pytest.mark.parametrize(
    ("content", "told"), [("{", "no JSON"), ('"string"', "record"), ('{"type": "record"}', "x-value.avsc"), ("[]", "")]
)
def test_a_file_that_is_no_schema_is_named(tmp_path: Path, content: str, told: str) -> None:
    (tmp_path / "x-value.avsc").write_text(content)
    with pytest.raises(OperatorError) as caught:
        load_schemas(tmp_path)
    assert caught.value.code is FailureCode.DECLARATION_INVALID
    assert "x-value.avsc" in caught.value.message
    assert told in caught.value.message
