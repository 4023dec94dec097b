"""What a record in our own Avro says, for people: it is bytes otherwise."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from app.adapters.avro import AvroCodec
from app.adapters.schema_registry import SchemaRegistry
from app.errors import ListingsError
from app.ops.schemas import load_schemas
from app.settings import Settings

_FRAMED = 5
_ANSWER_S = 5.0


def decoded(settings: Settings, value: bytes | None) -> Mapping[str, object] | str | None:
    """The record; why it can not be shown; None when it is no Avro of a registry. Never raises."""
    if value is None or len(value) <= _FRAMED or value[0] != 0:
        return None
    try:
        return asyncio.run(_decoded(settings, value))
    except ListingsError as error:
        return f"Avro that is not read here: {error.message}"
    except TimeoutError:
        return f"Avro that is not read here: no answer of {settings.schema_registry.url} within {_ANSWER_S:.0f} s"


async def _decoded(settings: Settings, value: bytes) -> Mapping[str, object]:
    async with SchemaRegistry(settings.schema_registry) as registry, asyncio.timeout(_ANSWER_S):
        return await AvroCodec(registry, load_schemas(settings.paths.schemas / "avro")).decode(value)
