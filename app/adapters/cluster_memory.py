"""Which Kafka cluster a worker belongs to: another one at the same address is not joined.

An address is no identity. Where a broker is down for minutes another cluster's may be given its port, or a name may be
pointed elsewhere; a worker that joins it reads foreign uploads and loses its own place.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import orjson
import structlog
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from app.adapters.kafka_producer import security
from app.errors import Dependency, FailureCode, Outage
from app.settings import KafkaSettings

log = structlog.get_logger("listings.kafka")
_ANSWER_S = 10.0

Ask = Callable[[KafkaSettings], Awaitable[str | None]]
"""The id of the cluster that answers; None when it does not tell. Raises `Outage(BROKER)`."""


async def cluster_id(settings: KafkaSettings) -> str | None:
    """The id of the cluster that answers at the configured address."""
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.bootstrap_servers, **security(settings))
    try:
        async with asyncio.timeout(_ANSWER_S):
            await admin.start()
            told = (await admin.describe_cluster()).get("cluster_id")
    except (KafkaError, OSError, TimeoutError) as error:
        where = settings.bootstrap_servers
        raise Outage(FailureCode.UNREACHABLE, Dependency.BROKER, f"no broker answers at {where}: {error!r}") from error
    finally:
        await admin.close()
    return told if isinstance(told, str) and told else None


class ClusterMemory:
    """The cluster that was joined first at this address, kept in the worker's folder; or the one that is set."""

    def __init__(self, settings: KafkaSettings, folder: Path, ask: Ask = cluster_id) -> None:
        self._settings = settings
        self._path = folder / "kafka-cluster.json"
        self._ask = ask

    async def difference(self) -> str | None:
        """What is wrong with the cluster that answers now, and what to do; None: it is ours, and remembered.

        `Outage(BROKER)` when none answers.
        """
        found = await self._ask(self._settings)
        expected = self._settings.cluster_id or self._remembered()
        if found is None or found == expected:
            return None
        if expected is None:
            self._remember(found)
            return None
        is_set = self._settings.cluster_id is not None
        accept = f"LISTINGS_KAFKA__CLUSTER_ID={found}" + ("" if is_set else f", or remove {self._path}")
        return (
            f"at {self._settings.bootstrap_servers} answers the Kafka cluster {found}, and this worker belongs to "
            f"{expected}: mend the address, or bring its broker back. If the cluster was made anew: {accept}"
        )

    def _remembered(self) -> str | None:
        try:
            kept = orjson.loads(self._path.read_bytes())
        except (OSError, orjson.JSONDecodeError):
            return None
        if not isinstance(kept, dict) or kept.get("bootstrap_servers") != self._settings.bootstrap_servers:
            return None  # another address was set on purpose
        found = kept.get("cluster_id")
        return found if isinstance(found, str) else None

    def _remember(self, found: str) -> None:
        kept = {"bootstrap_servers": self._settings.bootstrap_servers, "cluster_id": found}
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.write_bytes(orjson.dumps(kept))
        except OSError as error:
            log.warning("kafka_cluster_not_kept", path=str(self._path), reason=str(error))
