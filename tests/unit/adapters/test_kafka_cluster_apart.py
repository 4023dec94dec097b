"""The process that looks at Kafka for a worker: whatever ends it ends nothing else."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import psutil
import pytest

from app.adapters.kafka_cluster_apart import ApartCluster, state_of
from app.adapters.kafka_cluster_main import told
from app.errors import Outage
from app.model.membership import ClusterState, GroupState, Member, TopicIdentity
from app.settings import KafkaSettings

THE_WORKERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
NOBODY = KafkaSettings(bootstrap_servers="127.0.0.1:1")


def test_what_is_seen_arrives_as_it_was() -> None:
    member = Member("listings-1", "127.0.0.1", frozenset({("listings", 0), ("listings", 1)}))
    state = ClusterState(
        {"listings": TopicIdentity("abc", 6)}, GroupState("listings", (member,)), {("listings", 0): 17}
    )
    assert state_of(told(state)) == state
    assert state_of(told(ClusterState())) == ClusterState()


def children() -> list[psutil.Process]:
    """Those that live."""
    return [one for one in psutil.Process().children() if one.status() != psutil.STATUS_ZOMBIE]


async def looking(cluster: ApartCluster) -> tuple[asyncio.Task[ClusterState], psutil.Process]:
    """A question that is under way, and who works on it."""
    before = {one.pid for one in children()}
    task = asyncio.create_task(cluster.look(["listings"]))
    async with asyncio.timeout(30):
        while not (new := [one for one in children() if one.pid not in before]):
            await asyncio.sleep(0.01)
    return task, new[0]


@pytest.mark.parametrize("number", [signal.SIGABRT, signal.SIGSEGV, signal.SIGKILL])
async def test_its_end_is_an_outage_and_the_next_question_has_another(number: signal.Signals) -> None:
    cluster = ApartCluster(NOBODY)
    task, process = await looking(cluster)
    os.kill(process.pid, number)
    with pytest.raises(Outage, match=f"ended with -{number.value}"):
        await task
    task, process = await looking(cluster)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await cluster.aclose()
    assert not process.is_running()


async def test_signals_that_are_for_the_worker_do_not_end_it() -> None:
    cluster = ApartCluster(NOBODY)
    task, process = await looking(cluster)
    async with asyncio.timeout(30):
        while not ignores(process.pid, *THE_WORKERS):
            await asyncio.sleep(0.01)
    for number in THE_WORKERS:
        os.kill(process.pid, number)
    with pytest.raises(Outage, match=r"127\.0\.0\.1:1"):
        await task


async def test_it_does_not_outlive_an_outage() -> None:
    """With its brokers gone, librdkafka asked itself for what was not answered, with all of a core, for ever."""
    cluster = ApartCluster(NOBODY)
    task, process = await looking(cluster)
    with pytest.raises(Outage, match=r"127\.0\.0\.1:1"):
        await task
    assert not process.is_running()


def ignores(pid: int, *numbers: signal.Signals) -> bool:
    (line,) = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("SigIgn")]
    mask = int(line.split()[1], 16)
    return all(mask >> (number - 1) & 1 for number in numbers)


async def test_the_password_is_in_no_command_line_and_no_environment() -> None:
    settings = KafkaSettings.model_validate(
        {"bootstrap_servers": "127.0.0.1:1", "sasl_username": "worker", "sasl_password": "not-for-others"}
    )
    cluster = ApartCluster(settings)
    task, process = await looking(cluster)
    assert "not-for-others" not in " ".join([*process.cmdline(), *process.environ().values()])
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await cluster.aclose()
