"""Which cluster a worker belongs to; the question to the broker itself is in tests/integration."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.adapters.cluster_memory import ClusterMemory, cluster_id
from app.errors import Dependency, Outage
from app.settings import KafkaSettings

ADDRESS = "127.0.0.1:19092"


def memory(folder: Path, found: str | None, **settings: str) -> ClusterMemory:
    async def ask(_: KafkaSettings) -> str | None:
        return found

    given = {"bootstrap_servers": ADDRESS, **settings}
    return ClusterMemory(KafkaSettings.model_validate(given), folder, ask)


async def test_the_first_cluster_is_remembered_over_restarts(tmp_path: Path) -> None:
    assert await memory(tmp_path / "new", "ours").difference() is None
    assert await memory(tmp_path / "new", "ours").difference() is None
    told = await memory(tmp_path / "new", "theirs").difference()
    assert told is not None
    assert f"at {ADDRESS} answers the Kafka cluster theirs, and this worker belongs to ours" in told
    assert f"LISTINGS_KAFKA__CLUSTER_ID=theirs, or remove {tmp_path / 'new' / 'kafka-cluster.json'}" in told
    assert await memory(tmp_path / "new", "ours").difference() is None, "its own came back"


async def test_a_person_accepts_another_by_setting_it(tmp_path: Path) -> None:
    await memory(tmp_path, "ours").difference()
    assert await memory(tmp_path, "theirs", cluster_id="theirs").difference() is None
    told = await memory(tmp_path, "ours", cluster_id="theirs").difference()
    assert told is not None
    assert told.endswith("LISTINGS_KAFKA__CLUSTER_ID=ours")


async def test_another_address_is_another_cluster_on_purpose(tmp_path: Path) -> None:
    await memory(tmp_path, "ours").difference()
    assert await memory(tmp_path, "theirs", bootstrap_servers="kafka-2:9092").difference() is None


@pytest.mark.parametrize("kept", [b"", b"{", b"[]", b'{"bootstrap_servers": "127.0.0.1:19092", "cluster_id": 7}'])
async def test_what_is_left_of_a_broken_memory_stops_nobody(tmp_path: Path, kept: bytes) -> None:
    (tmp_path / "kafka-cluster.json").write_bytes(kept)
    assert await memory(tmp_path, "ours").difference() is None
    assert await memory(tmp_path, "theirs").difference() is not None


async def test_a_folder_that_can_not_be_written_stops_nobody(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert await memory(tmp_path / "file", "ours").difference() is None


async def test_a_cluster_that_does_not_tell_is_taken(tmp_path: Path) -> None:
    await memory(tmp_path, "ours").difference()
    assert await memory(tmp_path, None).difference() is None


async def test_no_broker_is_an_outage() -> None:
    with pytest.raises(Outage, match=r"no broker answers at 127\.0\.0\.1:1") as raised:
        await cluster_id(KafkaSettings(bootstrap_servers="127.0.0.1:1"))
    assert raised.value.dependency is Dependency.BROKER
