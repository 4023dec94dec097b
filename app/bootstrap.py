"""The composition root: the one place that knows every part and puts them together."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import faust
import structlog
import uvloop

from app.adapters.avro import AvroCodec
from app.adapters.kafka_producer import KafkaPublisher
from app.adapters.opensearch.bulk_writer import BulkWriter
from app.adapters.opensearch.client import OpenSearchClient
from app.adapters.profile_files import load_profiles
from app.adapters.s3 import S3Store
from app.adapters.schema_registry import SchemaRegistry
from app.agents.alerts import AlertsHandler
from app.agents.codec import Encoder
from app.agents.engine import Engine, Lifecycle
from app.agents.files import FilesHandler
from app.agents.gate import GateHandler
from app.agents.guard import guarded
from app.agents.handoff import Handoff
from app.agents.intake import Handler, Intake, IntakeLimits
from app.agents.listings import ListingsHandler
from app.agents.outages import Outages
from app.agents.outcomes import OutcomeReporter
from app.agents.retries import RetriesHandler
from app.agents.stopping import StopSignal
from app.errors import Dependency
from app.failures.backoff import Backoff
from app.failures.route import RetryPolicy
from app.model.record import Limits
from app.observability import metrics
from app.observability.health import HealthServer
from app.observability.logs import configure_logs
from app.pipeline.flow import FileFlow
from app.settings import LimitsSettings, Settings

log = structlog.get_logger("listings.worker")
SOURCE_TOPICS = frozenset({"listing-uploads", "listing-files", "listings"})
_PROBE_FIRST_S = 0.5
_STUCK_S = 600.0


class SystemClock:
    """The real clock (`app.ports.Clock`)."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()


def limits_of(settings: LimitsSettings) -> Limits:
    """The settings group as the pure pipeline wants it."""
    return Limits(**settings.model_dump())
