"""An index as OpenSearch has it, whoever asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class LiveIndex:
    """How an index is set up; `settings` nested or flat, `mappings` as OpenSearch gives them."""

    name: str
    settings: Mapping[str, Any]
    mappings: Mapping[str, Any]
    alias: Mapping[str, Any] | None = None
    """How the alias that was asked for points to it; None when it was asked for by its own name."""


@dataclass(frozen=True, slots=True)
class IndexState:
    """How an index is doing; with `index` None there is none, and the rest is None too."""

    name: str
    """What it is used by: an alias, or the index itself."""
    index: str | None
    health: str | None = None
    """OpenSearch's colour: green, yellow (a copy is missing), red (data is missing)."""
    documents: int | None = None
    size_bytes: int | None = None
    """Of the primary shards, on disk."""
    refresh_interval: str | None = None
    """How often new documents become searchable; None: OpenSearch's default of a second."""
    shards: int | None = None
    replicas: int | None = None
    """Copies of each shard beside the primary one."""
