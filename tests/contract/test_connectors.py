"""The examples in `connectors/`: shapes that the other side would take, and no secret in them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import orjson
import pytest

from app.settings import PathsSettings

CONNECTORS = Path(__file__).resolve().parents[2] / "connectors"
CONNECT = {path.stem: orjson.loads(path.read_bytes()) for path in (CONNECTORS / "kafka-connect").glob("*.json")}
TOPICS = {path.stem for path in PathsSettings().topics.glob("*.yaml")}
ALWAYS = {"connector.class", "tasks.max", "key.converter", "value.converter", "errors.tolerance", "errors.log.enable"}
SECRET = re.compile(r"(secret|password|token|\.key\.id|url$)", re.IGNORECASE)


@pytest.mark.parametrize("name", CONNECT)
def test_a_connector_is_named_after_its_file_and_reads_or_writes_our_topics(name: str) -> None:
    body: dict[str, Any] = CONNECT[name]
    assert set(body) == {"name", "config"}
    assert body["name"] == name
    assert name.endswith(("-source", "-sink"))
    assert set(body["config"]["topics"].split(",")) <= TOPICS
    assert all(isinstance(value, str) for value in body["config"].values())


@pytest.mark.parametrize("name", CONNECT)
def test_what_happens_to_errors_is_always_said(name: str) -> None:
    config = CONNECT[name]["config"]
    assert set(config) >= ALWAYS
    assert config["errors.log.include.messages"] == "false"
    if name.endswith("-sink"):
        assert config["errors.deadletterqueue.topic.name"] == f"{name}-dlq"
        assert config["errors.deadletterqueue.context.headers.enable"] == "true"


@pytest.mark.parametrize("name", CONNECT)
def test_addresses_and_secrets_are_references(name: str) -> None:
    for setting, value in CONNECT[name]["config"].items():
        if SECRET.search(setting):
            assert re.fullmatch(r"\$\{env:[A-Z0-9_]+\}", value), setting


def test_there_is_a_connector() -> None:
    assert CONNECT
