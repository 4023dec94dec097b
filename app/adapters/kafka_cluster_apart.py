"""`KafkaCluster` in a process of its own, for workers.

An assertion of librdkafka about its admin requests (`rd_kafka_enq_once_del_source_return`) ended every worker of a
group when a broker was killed: it aborts the process that it is in. No worker depends on what this process tells, and
the next question starts another one.
"""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import Any

import orjson

from app.adapters.child.reader import child_environment
from app.errors import Dependency, FailureCode, Outage
from app.model.membership import ClusterState, GroupState, Member, TopicIdentity
from app.settings import KafkaSettings

_MAIN = "app.adapters.kafka_cluster_main"
_ANSWER_S = 45.0
"""By the clock, the start included; what the process itself waits for the brokers is less."""
_DYING_S = 1.0
_ANSWER_BYTES = 16 * 1024 * 1024


class ApartCluster:
    """Implements `app.agents.membership.Cluster`; the process starts with the first question."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._one_at_a_time = asyncio.Lock()
        self._process: Process | None = None

    async def look(self, topics: Collection[str]) -> ClusterState:
        """The topics that exist of those named, the group and its offsets.

        `Outage(BROKER)` when nobody answers, or when the process has ended over it.
        """
        async with self._one_at_a_time:
            try:
                async with asyncio.timeout(_ANSWER_S):
                    answer = await self._ask(sorted(topics))
            except BaseException as error:
                code = await self._end()
                if isinstance(error, (OSError, ValueError, EOFError, TimeoutError)):
                    reason = f"what asks for it ended with {code}" if isinstance(error, EOFError) else repr(error)
                    raise _not_seen(reason) from error
                raise
            if "outage" in answer:
                # About what was not answered librdkafka 2.16 goes on asking itself, with all of a core, for ever.
                await self._end(0.0)
        if "outage" in answer:
            raise Outage(FailureCode.UNREACHABLE, Dependency.BROKER, str(answer["outage"]))
        return state_of(answer)

    async def group(self) -> GroupState:
        """The group alone; `Outage` as above."""
        return (await self.look(())).group

    async def aclose(self) -> None:
        """End the process."""
        await self._end()

    async def _ask(self, topics: list[str]) -> Mapping[str, Any]:
        process = self._process
        if process is None or process.returncode is not None:
            process = self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", _MAIN, str(os.getpid())),
                stdin=PIPE,
                stdout=PIPE,
                stderr=DEVNULL,
                limit=_ANSWER_BYTES,
                env=child_environment(),
            )
            assert process.stdin is not None
            process.stdin.write(orjson.dumps(_plain(self._settings)) + b"\n")
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(orjson.dumps(topics) + b"\n")
        await process.stdin.drain()
        line = await process.stdout.readline()
        if not line.endswith(b"\n"):
            raise EOFError
        answer: Mapping[str, Any] = orjson.loads(line)
        return answer

    async def _end(self, patience_s: float = _DYING_S) -> int | None:
        """End the process if it still lives; its exit code, negative: the signal."""
        process, self._process = self._process, None
        if process is None:
            return None
        with suppress(TimeoutError):  # one that is about to go tells why
            async with asyncio.timeout(0 if process.returncode is not None else patience_s):
                return await process.wait()
        with suppress(ProcessLookupError):
            process.kill()
        return await process.wait()


def state_of(answer: Mapping[str, Any]) -> ClusterState:
    """What `kafka_cluster_main.told` has written."""
    members = tuple(
        Member(client_id, host, frozenset((topic, partition) for topic, partition in partitions))
        for client_id, host, partitions in answer["members"]
    )
    return ClusterState(
        {name: TopicIdentity(identity, partitions) for name, (identity, partitions) in answer["topics"].items()},
        GroupState(answer["assignor"], members),
        {(topic, partition): offset for topic, partition, offset in answer["committed"]},
    )


def _plain(settings: KafkaSettings) -> dict[str, object]:
    values = settings.model_dump(mode="json")
    if settings.sasl_password is not None:
        values["sasl_password"] = settings.sasl_password.get_secret_value()
    return values


def _not_seen(reason: str) -> Outage:
    return Outage(FailureCode.UNREACHABLE, Dependency.BROKER, f"the topics and the group are not seen: {reason}")
