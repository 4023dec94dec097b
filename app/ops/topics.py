"""Topics as declared in `topics/*.yaml`, compared with the cluster and applied to it.

A file is a Strimzi `KafkaTopic`, so a cluster with that operator can take it as it is. What may lose data is never
done: no topic is deleted, no partition taken away. The number of copies of an existing topic is not changed either,
since Kafka wants a plan of brokers for it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, Protocol

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from app.errors import FailureCode, OperatorError
from app.model.topic import TopicState

SETTINGS = ("cleanup.policy", "retention.ms", "min.insync.replicas", "max.message.bytes")
"""What every file has to say; Kafka's defaults for these have surprised somebody somewhere."""
ANNOTATIONS = ("owner", "purpose", "key", "schema", "producers", "consumer-groups", "production-replicas")
_PREFIX = "listings/"


class TopicAdmin(Protocol):
    """What is asked of the cluster (`app.adapters.kafka_admin`)."""

    def describe(self, names: Collection[str]) -> dict[str, TopicState]: ...

    def create(self, topic: TopicState) -> None: ...

    def extend(self, name: str, partitions: int) -> None: ...

    def configure(self, name: str, values: Mapping[str, str], reset: Collection[str]) -> None: ...


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Metadata(_Strict):
    name: Annotated[str, Field(pattern="^[a-z0-9]+(-[a-z0-9]+)*$")]
    labels: dict[str, str] = {}
    annotations: dict[str, str]


class _Spec(_Strict):
    partitions: Annotated[int, Field(ge=1)]
    replicas: Annotated[int, Field(ge=1)]
    config: dict[str, int | bool | str]


class TopicFile(_Strict):
    """One file of `topics/`."""

    api_version: Literal["kafka.strimzi.io/v1"] = Field(alias="apiVersion")
    kind: Literal["KafkaTopic"]
    metadata: _Metadata
    spec: _Spec

    @model_validator(mode="after")
    def _says_what_it_must(self) -> TopicFile:
        missing = [f"spec.config.{name}" for name in SETTINGS if name not in self.spec.config]
        missing += [
            f"metadata.annotations.{_PREFIX}{name}"
            for name in ANNOTATIONS
            if not self.metadata.annotations.get(_PREFIX + name)
        ]
        if missing:
            raise ValueError(f"missing {', '.join(missing)}")
        return self

    def annotation(self, name: str) -> str:
        """The value of `listings/<name>`."""
        return self.metadata.annotations[_PREFIX + name]

    def state(self, replicas: int | None = None) -> TopicState:
        """The topic to have. With `replicas` copies all but one have to confirm a write: one broker may be away."""
        config = {name: _written(value) for name, value in self.spec.config.items()}
        if replicas is not None:
            config["min.insync.replicas"] = str(max(1, replicas - 1))
        return TopicState(self.metadata.name, self.spec.partitions, replicas or self.spec.replicas, config)


class Action(StrEnum):
    CREATE = "create"
    EXTEND = "extend"
    SET = "set"
    RESET = "reset"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between a declaration and the cluster, and what applying does about it."""

    topic: str
    setting: str
    declared: str | None
    actual: str | None
    action: Action
    note: str = ""


def load_topics(folder: Path) -> list[TopicFile]:
    """Every file of the folder, by name; `OperatorError(DECLARATION_INVALID)` names file and place of a mistake."""
    files = sorted(folder.glob("*.yaml"))
    if not files:
        raise OperatorError(FailureCode.DECLARATION_INVALID, f"expected topic files (*.yaml) in {folder}, found none")
    return [_load(path) for path in files]


def find_changes(declared: Sequence[TopicState], actual: Mapping[str, TopicState]) -> list[Change]:
    """What differs, in order of declaration; empty when the cluster is as declared."""
    return [
        change
        for topic in declared
        for change in (_compare(topic, actual[topic.name]) if topic.name in actual else [_create(topic)])
    ]


def apply_topics(declared: Sequence[TopicState], admin: TopicAdmin, *, dry_run: bool = False) -> list[Change]:
    """Make the cluster as declared, as far as that loses nothing; returns what was (or would be) done or refused."""
    changes = find_changes(declared, admin.describe([topic.name for topic in declared]))
    if not dry_run:
        for topic in declared:
            _apply(topic, [change for change in changes if change.topic == topic.name], admin)
    return changes


def _apply(topic: TopicState, changes: Sequence[Change], admin: TopicAdmin) -> None:
    actions = {change.action for change in changes}
    if Action.CREATE in actions:
        admin.create(topic)
    if Action.EXTEND in actions:
        admin.extend(topic.name, topic.partitions)
    values = {change.setting: topic.config[change.setting] for change in changes if change.action is Action.SET}
    reset = [change.setting for change in changes if change.action is Action.RESET]
    if values or reset:
        admin.configure(topic.name, values, reset)


def _create(topic: TopicState) -> Change:
    return Change(topic.name, "topic", f"partitions={topic.partitions} replicas={topic.replicas}", None, Action.CREATE)


def _compare(topic: TopicState, actual: TopicState) -> list[Change]:
    changes = [*_compare_partitions(topic, actual)]
    if topic.replicas != actual.replicas:
        note = "Kafka wants a plan: kafka-reassign-partitions"
        changes.append(Change(topic.name, "replicas", str(topic.replicas), str(actual.replicas), Action.REFUSED, note))
    for name, value in topic.config.items():
        now = actual.config.get(name)
        if not _is_same(value, now):
            unwritable = name == "min.insync.replicas" and int(value) > actual.replicas
            note = f"with {actual.replicas} replicas no write would be confirmed" if unwritable else ""
            changes.append(Change(topic.name, name, value, now, Action.REFUSED if unwritable else Action.SET, note))
    changes += [
        Change(topic.name, name, None, actual.config.get(name), Action.RESET)
        for name in sorted(actual.overrides - set(topic.config))
    ]
    return changes


def _compare_partitions(topic: TopicState, actual: TopicState) -> list[Change]:
    if topic.partitions == actual.partitions:
        return []
    values = ("partitions", str(topic.partitions), str(actual.partitions))
    if topic.partitions < actual.partitions:
        note = "Kafka can not take partitions away; declare them"
        return [Change(topic.name, *values, Action.REFUSED, note)]
    return [Change(topic.name, *values, Action.EXTEND, "keys move to other partitions")]


def _is_same(declared: str, actual: str | None) -> bool:
    return actual is not None and set(declared.split(",")) == set(actual.replace(" ", "").split(","))


def _written(value: int | bool | str) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _load(path: Path) -> TopicFile:
    try:
        topic = TopicFile.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise OperatorError(FailureCode.DECLARATION_INVALID, f"{path.name} is no YAML: {error}") from error
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'file'}: {e['msg']}" for e in error.errors())
        raise OperatorError(FailureCode.DECLARATION_INVALID, f"{path.name}: {wrong}") from error
    if topic.metadata.name != path.stem:
        raise OperatorError(
            FailureCode.DECLARATION_INVALID, f"{path.name} declares topic {topic.metadata.name}: name the file after it"
        )
    return topic
