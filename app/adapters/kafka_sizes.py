"""How large a record each topic takes, with aiokafka; for a worker that starts."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Any

import structlog
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError

from app.adapters.kafka_producer import security
from app.settings import KafkaSettings

log = structlog.get_logger("listings.worker")
_ANSWER_S = 15.0
_SETTING = "max.message.bytes"


async def read_sizes(settings: KafkaSettings, topics: Collection[str]) -> dict[str, int]:
    """The `max.message.bytes` of those topics that exist and may be looked at.

    A worker's user may lack the permission (DescribeConfigs), and a broker may be gone again: then what is missing is
    logged, and nothing is known. It never raises.
    """
    sizes: dict[str, int] = {}
    refused = "no answer"
    try:
        async with asyncio.timeout(_ANSWER_S):
            for code, reason, name, entries in await _describe(settings, topics):
                if code == 0:
                    sizes[name] = next((int(entry[1]) for entry in entries if entry[0] == _SETTING), 0)
                else:
                    refused = reason or f"error {code}"
    except (KafkaError, OSError, TimeoutError, ValueError) as error:
        refused = type(error).__name__
    missing = sorted(set(topics) - sizes.keys())
    if missing:
        log.warning("topic_sizes_not_read", topics=missing, reason=refused)
    return sizes


async def _describe(settings: KafkaSettings, topics: Collection[str]) -> list[tuple[int, str, str, list[Any]]]:
    """Error code, its message, name and settings of each topic."""
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.bootstrap_servers, **security(settings))
    await admin.start()
    try:
        asked = [ConfigResource(ConfigResourceType.TOPIC, topic, {_SETTING: None}) for topic in topics]
        answers = await admin.describe_configs(asked)
    finally:
        await admin.close()
    return [(one[0], one[1], one[3], one[4]) for answer in answers for one in answer.resources]
