"""A worker is built from settings alone: no server is asked before it starts."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import faust
import faust.exceptions
import pytest

from app.bootstrap import Worker
from app.errors import FailureCode, OperatorError
from app.model.membership import ASSIGNOR
from app.ops.topics import load_topics
from app.pipeline.limits import limits_of
from app.settings import LimitsSettings, PathsSettings, load_settings

NOBODY = "127.0.0.1:1"
SOURCES = {"listing-uploads", "listing-files", "listings", "listing-retry", "listing-dlq"}


@pytest.fixture
async def build(tmp_path: Path) -> AsyncIterator[Callable[..., Worker]]:
    """Builds a worker whose servers do not exist; names of settings in short, as in `kafka__group`."""
    built: list[Worker] = []

    def build(**settings: str) -> Worker:
        given = {
            "kafka__bootstrap_servers": NOBODY,
            "s3__endpoint_url": f"http://{NOBODY}",
            "opensearch__url": f"http://{NOBODY}",
            "schema_registry__url": f"http://{NOBODY}",
            "worker__data_dir": str(tmp_path / "deep" / "data"),
            "worker__http_port": "0",
            **settings,
        }
        worker = Worker(load_settings({f"LISTINGS_{name.upper()}": value for name, value in given.items()}))
        built.append(worker)
        return worker

    yield build
    for worker in built:
        await worker.stop()


def test_every_source_topic_has_its_agent_and_faust_acknowledges_none_of_them(build: Callable[..., Worker]) -> None:
    worker = build()
    assert set(worker.engine.in_flight()) == SOURCES
    agents = worker.engine.app.agents
    assert {topic for agent in agents.values() for topic in agent.channel.topics} == SOURCES
    assert {agent.channel.acks for agent in agents.values()} == {False}
    assert {agent.concurrency for agent in agents.values()} == {1}


async def test_the_consumer_reads_committed_records_under_an_assignor_of_its_own(build: Callable[..., Worker]) -> None:
    app = build().engine.app
    consumer = app.consumer._thread._create_worker_consumer(app.transport)
    try:
        assert consumer._isolation_level == "read_committed"
        assert [assignor.name for assignor in consumer._partition_assignment_strategy] == [ASSIGNOR]
        assert consumer._client._metadata_max_age_ms <= 10_000, "changed topics are noticed within half a minute"
    finally:
        consumer._closed = True  # it was never started


def test_every_source_topic_is_declared() -> None:
    assert {topic.metadata.name for topic in load_topics(PathsSettings().topics)} >= SOURCES


@pytest.mark.parametrize("topic", load_topics(PathsSettings().topics), ids=lambda topic: topic.metadata.name)
def test_a_queue_never_fills_so_that_it_stops_the_other_topics(build: Callable[..., Worker], topic: object) -> None:
    """Measured: faust waits inside its shared fetch loop when one agent's queue is full."""
    conf = build().engine.app.conf
    partitions = topic.spec.partitions  # type: ignore[attr-defined]
    assert 0.2 * conf.stream_buffer_maxsize >= partitions * conf.broker_max_poll_records


def test_a_worker_that_waits_keeps_its_place_in_the_group(build: Callable[..., Worker]) -> None:
    conf = build(worker__drain_s="50", kafka__session_timeout_s="17").engine.app.conf
    assert conf.broker_max_poll_interval > 365 * 86_400
    assert conf.broker_session_timeout == 17
    assert conf.broker_request_timeout > conf.broker_rebalance_timeout > 50
    assert conf.broker_request_timeout >= conf.broker_session_timeout


def test_nothing_is_created_and_nothing_is_missed(build: Callable[..., Worker]) -> None:
    conf = build(kafka__group="of-a-test").engine.app.conf
    assert conf.id == "of-a-test"
    assert (conf.topic_allow_declare, conf.topic_disable_leader, conf.web_enabled) == (False, True, False)
    assert conf.consumer_auto_offset_reset == "earliest"


def test_a_record_as_large_as_allowed_can_be_fetched(build: Callable[..., Worker]) -> None:
    assert build(kafka__max_message_bytes="5000000").engine.app.conf.consumer_max_fetch_size >= 5_000_000


def test_several_brokers_are_several_addresses(build: Callable[..., Worker]) -> None:
    urls = build(kafka__bootstrap_servers="a:1, b:2").engine.app.conf.broker
    assert [str(url) for url in urls] == ["kafka://a:1", "kafka://b:2"]


@pytest.mark.parametrize(
    ("protocol", "kind", "is_encrypted"),
    [
        ("PLAINTEXT", type(None), False),
        ("SSL", faust.SSLCredentials, True),
        ("SASL_PLAINTEXT", faust.SASLCredentials, False),
        ("SASL_SSL", faust.SASLCredentials, True),
    ],
)
def test_the_protocol_decides_whether_the_connection_is_encrypted(
    build: Callable[..., Worker], protocol: str, kind: type, is_encrypted: bool
) -> None:
    """Faust takes SASL without TLS silently when it is given no context."""
    secrets = {"kafka__sasl_username": "u", "kafka__sasl_password": "hunter2"}
    credentials = build(kafka__security_protocol=protocol, **secrets).engine.app.conf.broker_credentials
    assert isinstance(credentials, kind)
    assert isinstance(getattr(credentials, "context", getattr(credentials, "ssl_context", None)), ssl.SSLContext) is (
        is_encrypted
    )
    assert "hunter2" not in repr(credentials)


def test_before_it_has_partitions_it_is_not_ready(build: Callable[..., Worker]) -> None:
    worker = build()
    assert worker.engine.not_ready() == ["no partitions assigned yet"]
    assert worker.engine.not_alive() == []


async def test_stopping_one_that_never_started_is_harmless(build: Callable[..., Worker]) -> None:
    await build().stop()


@pytest.mark.parametrize("setting", ["paths__schemas", "paths__feeds", "kafka__ssl_ca_file", "opensearch__ca_file"])
def test_a_path_that_leads_nowhere_stops_the_start_in_one_sentence(
    build: Callable[..., Worker], tmp_path: Path, setting: str
) -> None:
    with pytest.raises(OperatorError) as caught:
        build(**{setting: str(tmp_path / "nowhere"), "kafka__security_protocol": "SSL"})
    assert "nowhere" in caught.value.message


def test_limits_are_those_of_the_settings() -> None:
    settings = LimitsSettings(record_max_depth=7, file_max_bytes=11)
    assert (limits_of(settings).record_max_depth, limits_of(settings).file_max_bytes) == (7, 11)


def test_before_it_is_a_member_of_the_group_it_compares_nothing(build: Callable[..., Worker]) -> None:
    facts = build()._facts()["reconcile"]
    assert isinstance(facts, dict)
    assert facts["active"] is False
    assert build(reconcile__enabled="false")._facts()["reconcile"] is None


def test_asked_before_the_consumer_has_started_it_is_not_its_turn(
    build: Callable[..., Worker], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Faust calls itself started a moment before its consumer is."""
    worker = build()

    def not_started() -> list[str]:
        raise faust.exceptions.ConsumerNotStarted

    monkeypatch.setattr(worker.engine, "not_ready", not_started)
    facts = worker._facts()["reconcile"]
    assert isinstance(facts, dict)
    assert facts["active"] is False


async def test_a_bad_address_for_alerts_stops_the_start_and_is_not_shown(build: Callable[..., Worker]) -> None:
    with pytest.raises(OperatorError) as refused:
        build(alerts__urls="slack://hunter2")
    assert refused.value.code == FailureCode.SETTING_INVALID
    assert "hunter2" not in refused.value.message
    assert "hunter2" not in repr(load_settings({"LISTINGS_ALERTS__URLS": "slack://hunter2"}))


def test_without_a_server_it_sees_nothing_of_itself_and_that_is_no_fault(build: Callable[..., Worker]) -> None:
    engine = build().engine
    assert engine.progress() == {}
    assert not engine.owns("listing-uploads", 0)


async def test_nothing_is_taken_from_another_cluster(
    build: Callable[..., Worker], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who has lost its broker joins whichever answers at that address: asked with every assignment."""
    worker = build()
    ended: list[BaseException] = []

    async def fatal(error: BaseException) -> None:
        ended.append(error)

    async def difference() -> str:
        return "another cluster answers"

    monkeypatch.setattr(worker.engine, "fatal", fatal)
    monkeypatch.setattr(worker._joins, "difference", difference)
    worker._stop.set()
    await worker.engine._on_assigned()
    assert [str(error) for error in ended] == ["another cluster answers"]
    assert worker._stop.is_set
