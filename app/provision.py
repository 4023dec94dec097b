"""Puts what the repository declares onto the servers: topics, schemas, index. Repeating it changes nothing."""

from __future__ import annotations

from app.adapters.kafka_admin import KafkaTopicAdmin
from app.adapters.opensearch.client import SearchClient
from app.adapters.opensearch.index_admin import OpenSearchIndexAdmin
from app.adapters.schema_registry import SchemaRegistry
from app.errors import FailureCode, OperatorError
from app.ops.index import apply_index, load_declared, refusal
from app.ops.schemas import Standing, load_schemas, register_schemas
from app.ops.topics import Action, apply_topics, load_topics
from app.settings import Settings


def provision_topics(settings: Settings) -> None:
    """Create or change the declared topics; `OperatorError` when one can not be as declared."""
    declared = [topic.state() for topic in load_topics(settings.paths.topics)]
    changes = apply_topics(declared, KafkaTopicAdmin(settings.kafka))
    refused = [change for change in changes if change.action is Action.REFUSED]
    if refused:
        raise OperatorError(FailureCode.COMMAND_FAILED, f"topic {refused[0].topic}: {refused[0].note}")


async def provision_schemas(settings: Settings) -> None:
    """Register the declared schemas; `OperatorError` when one does not fit its published versions."""
    async with SchemaRegistry(settings.schema_registry) as registry:
        reports = await register_schemas(load_schemas(settings.paths.schemas / "avro"), registry)
    unfit = [report for report in reports if report.standing is Standing.INCOMPATIBLE]
    if unfit:
        raise OperatorError(FailureCode.COMMAND_FAILED, f"schema {unfit[0].subject}: {'; '.join(unfit[0].problems)}")


async def provision_index(settings: Settings) -> None:
    """Create or change the index, its alias and the stored searches; `OperatorError` for what needs a rebuild."""
    search = settings.opensearch
    declared = load_declared(settings.paths.schemas / "opensearch", search.alias, search.outcomes_index)
    client = SearchClient(search)
    try:
        refused = refusal(await apply_index(declared, OpenSearchIndexAdmin(client)))
    finally:
        await client.aclose()
    if refused is not None:
        raise refused
