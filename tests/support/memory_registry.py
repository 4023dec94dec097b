"""A schema registry in memory, for tests without servers."""

from __future__ import annotations

import asyncio

from app.adapters.schema_registry import AVRO, RegisteredSchema
from app.errors import Dependency, FailureCode, Outage


class MemoryRegistry:
    """Ids are given out in order, the same schema keeps its id; `down` makes every question an outage."""

    def __init__(self) -> None:
        self.subjects: dict[str, list[int]] = {}
        self.levels: dict[str, str] = {}
        self.schemas: dict[int, object] = {}
        self.down = False
        self.refuses = False
        self.questions = 0
        self.asked_for: list[int] = []
        """Ids whose schemas were asked for."""
        self.kinds: dict[int, str] = {}
        self.needs: dict[int, tuple[object, ...]] = {}
        self.failing: set[int] = set()
        """Ids that the registry can not answer for, though it answers for others."""
        self.slow: asyncio.Event | None = None
        """Set: schemas are given out from then on."""
        self.at_once = self.most_at_once = 0

    async def schema(self, schema_id: int) -> RegisteredSchema | None:
        self._ask()
        self.asked_for.append(schema_id)
        if self.slow is not None:
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
            await self.slow.wait()
            self.at_once -= 1
        if schema_id in self.failing:
            raise Outage(FailureCode.UNREACHABLE, Dependency.SCHEMA_REGISTRY, "the registry fails: 500")
        if schema_id not in self.schemas:
            return None
        return RegisteredSchema(self.kinds.get(schema_id, AVRO), self.schemas[schema_id], self.needs.get(schema_id, ()))

    async def id_of(self, subject: str, schema: object) -> int | None:
        self._ask()
        return next((i for i in self.subjects.get(subject, ()) if self.schemas[i] == schema), None)

    async def published(self, subject: str) -> dict[int, object]:
        self._ask()
        return {number: self.schemas[i] for number, i in enumerate(self.subjects.get(subject, ()), 1)}

    async def is_compatible(self, subject: str, schema: object) -> bool:
        self._ask()
        return not self.refuses

    async def level(self, subject: str) -> str | None:
        self._ask()
        return self.levels.get(subject)

    async def set_level(self, subject: str, level: str) -> None:
        self._ask()
        self.levels[subject] = level

    async def register(self, subject: str, schema: object) -> int:
        self._ask()
        known = next((i for i, other in self.schemas.items() if other == schema), None)
        schema_id = known or len(self.schemas) + 1
        self.schemas[schema_id] = schema
        if schema_id not in self.subjects.setdefault(subject, []):
            self.subjects[subject].append(schema_id)
        return schema_id

    def _ask(self) -> None:
        self.questions += 1
        if self.down:
            raise Outage(FailureCode.UNREACHABLE, Dependency.SCHEMA_REGISTRY, "the registry is down")
