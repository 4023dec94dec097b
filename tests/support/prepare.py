"""A running stack with everything declared applied to it."""

from __future__ import annotations

import asyncio
from pathlib import Path

from app.provision import provision_index, provision_schemas, provision_topics
from tests.support.stack import RunningStack
from tests.support.system import System


def prepare(stack: RunningStack, folder: Path) -> System:
    """The system of the stack, as `listings topics|schemas|index apply` leave it."""
    system = System(stack.env(), folder)
    provision_topics(system.settings)
    asyncio.run(_rest(system))
    return system


async def _rest(system: System) -> None:
    await provision_schemas(system.settings)
    await provision_index(system.settings)
