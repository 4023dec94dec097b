"""Schemas as declared in `schemas/avro/<subject>.avsc`, compared with the registry and registered there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

import orjson
from fastavro import parse_schema
from fastavro.schema import SchemaParseException, UnknownType

from app.errors import FailureCode, OperatorError
from app.ops import avro_changes
from app.ops.avro_changes import find_breaks

_SHOWN_MAX = 10
LEVEL = "FULL_TRANSITIVE"
"""Old dead letters meet new readers and, while a deployment rolls, new records meet old ones; of any version."""


class Registry(Protocol):
    """What is asked of a schema registry (`app.adapters.schema_registry`)."""

    async def id_of(self, subject: str, schema: object) -> int | None: ...

    async def published(self, subject: str) -> dict[int, object]: ...

    async def is_compatible(self, subject: str, schema: object) -> bool: ...

    async def level(self, subject: str) -> str | None: ...

    async def set_level(self, subject: str, level: str) -> None: ...

    async def register(self, subject: str, schema: object) -> int: ...


class Standing(StrEnum):
    REGISTERED = "registered"
    """The registry has exactly this schema."""
    NEW = "new"
    """The registry does not know the subject."""
    COMPATIBLE = "compatible"
    """It would be a further version."""
    INCOMPATIBLE = "incompatible"
    SUPERSEDED = "superseded"
    """The registry has it, and a later version that lacks some of it: who writes by the latest loses that."""


@dataclass(frozen=True, slots=True)
class SubjectReport:
    """How a declared schema stands to the registry."""

    subject: str
    standing: Standing
    schema_id: int | None
    versions: int
    """Published so far."""
    level: str | None
    """The subject's compatibility rule in the registry."""
    problems: tuple[str, ...] = ()
    changed: bool = False
    """Whether registering did (or would do) anything."""


def load_schemas(folder: Path) -> dict[str, Any]:
    """Subject → schema of every file; `OperatorError(DECLARATION_INVALID)` names a file that is no Avro schema."""
    files = sorted(folder.glob("*.avsc"))
    if not files:
        raise OperatorError(FailureCode.DECLARATION_INVALID, f"expected Avro schemas (*.avsc) in {folder}, found none")
    return {path.stem: _load(path) for path in files}


async def check_schemas(declared: Mapping[str, Any], registry: Registry) -> list[SubjectReport]:
    """How each declared schema stands; changes nothing."""
    return [await _report(subject, schema, registry) for subject, schema in declared.items()]


async def find_losses(declared: Mapping[str, Any], registry: Registry) -> dict[str, str]:
    """What producers lose that write by the latest version, by subject, in a sentence; empty when all is well."""
    reports = await check_schemas(declared, registry)
    return {r.subject: "; ".join(r.problems) for r in reports if r.standing is Standing.SUPERSEDED}


async def register_schemas(
    declared: Mapping[str, Any], registry: Registry, *, dry_run: bool = False
) -> list[SubjectReport]:
    """Give every subject the rule FULL_TRANSITIVE and its declared schema; nothing when one is incompatible.

    Returns how they stand afterwards (with `dry_run`: before); incompatible ones among them mean nothing was done.
    """
    reports = await check_schemas(declared, registry)
    if dry_run or any(report.standing is Standing.INCOMPATIBLE for report in reports):
        return reports
    return [await _register(report, declared[report.subject], registry) for report in reports]


async def _register(before: SubjectReport, schema: Any, registry: Registry) -> SubjectReport:
    if not before.changed:
        return before
    if before.level != LEVEL:
        await registry.set_level(before.subject, LEVEL)
    schema_id = await registry.register(before.subject, schema)
    versions = len(await registry.published(before.subject))
    return SubjectReport(before.subject, Standing.REGISTERED, schema_id, versions, LEVEL, changed=True)


async def _report(subject: str, schema: Any, registry: Registry) -> SubjectReport:
    published = await registry.published(subject)
    level = await registry.level(subject)
    if not published:
        return SubjectReport(subject, Standing.NEW, None, 0, level, changed=True)
    schema_id = await registry.id_of(subject, schema)
    if schema_id is not None:
        lost = tuple(_lost(schema, published))
        standing = Standing.SUPERSEDED if lost else Standing.REGISTERED
        return SubjectReport(subject, standing, schema_id, len(published), level, lost, changed=level != LEVEL)
    # The registry judges by the subject's rule, which may be a weaker one: so we look ourselves as well.
    problems = tuple(
        f"version {number}: {reason}" for number, old in published.items() for reason in find_breaks(old, schema)
    )
    if not problems and not await registry.is_compatible(subject, schema):
        problems = ("the registry refuses it, and does not say why",)
    standing = Standing.INCOMPATIBLE if problems else Standing.COMPATIBLE
    return SubjectReport(subject, standing, None, len(published), level, problems, changed=not problems)


def _lost(schema: Any, published: Mapping[int, object]) -> Iterator[str]:
    number, latest = max(published.items())
    losses = list(avro_changes.find_losses(schema, latest))
    if losses:
        shown = ", ".join(losses[:_SHOWN_MAX]) + (
            f" and {len(losses) - _SHOWN_MAX} more" if losses[_SHOWN_MAX:] else ""
        )
        yield (
            f"version {number} is the latest and lacks {shown}: producers that write by the latest lose it; "
            f"find out who registered it, then delete that version at the registry"
        )


def _load(path: Path) -> Any:
    try:
        schema = orjson.loads(path.read_bytes())
        parse_schema(schema)
    except orjson.JSONDecodeError as error:
        raise OperatorError(FailureCode.DECLARATION_INVALID, f"{path.name} is no JSON: {error}") from error
    except (SchemaParseException, UnknownType, KeyError, TypeError, ValueError) as error:
        raise OperatorError(FailureCode.DECLARATION_INVALID, f"{path.name} is no Avro schema: {error!r}") from error
    if not isinstance(schema, dict) or schema.get("type") != "record":
        raise OperatorError(FailureCode.DECLARATION_INVALID, f"{path.name}: expected a record as the outermost type")
    return schema
