"""What the registry offers producers, looked at from time to time."""

from __future__ import annotations

from collections.abc import Mapping

import structlog
from structlog.testing import capture_logs

from app.agents.schema_watch import SchemaWatch
from app.errors import Dependency, FailureCode, Outage
from tests.support.agents import eventually

FOUND = {"listings-value": "version 2 is the latest and lacks field price_amount"}


class Registry:
    def __init__(self) -> None:
        self.found: Mapping[str, str] = {}
        self.raises: Exception | None = None
        self.looks = 0

    async def look(self) -> Mapping[str, str]:
        self.looks += 1
        if self.raises is not None:
            raise self.raises
        return self.found


async def test_what_is_new_is_told_once_and_is_known_until_it_is_over() -> None:
    structlog.reset_defaults()
    registry = Registry()
    watch = SchemaWatch(registry.look)
    with capture_logs() as logs:
        for found in ({}, FOUND, FOUND):
            registry.found = found
            await watch.look()
        assert [(entry["event"], entry["subject"]) for entry in logs] == [("schema_superseded", "listings-value")]
        assert watch.found == FOUND
        registry.found = {}
        await watch.look()
    assert watch.found == {}


async def test_an_outage_changes_nothing_and_a_bug_of_ours_stops_nobody() -> None:
    registry = Registry()
    registry.found = FOUND
    watch = SchemaWatch(registry.look, every_s=0.001)
    await watch.look()
    registry.raises = Outage(FailureCode.UNREACHABLE, Dependency.SCHEMA_REGISTRY, "away")
    await watch.look()
    assert watch.found == FOUND
    registry.raises = KeyError("a bug")
    watch.start()
    await eventually("further looks", lambda: registry.looks > 4)
    await watch.aclose()
