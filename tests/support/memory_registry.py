"""A schema registry in memory, for tests without servers."""

from __future__ import annotations

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

    async def schema(self, schema_id: int) -> object | None:
        self._ask()
        return self.schemas.get(schema_id)

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
