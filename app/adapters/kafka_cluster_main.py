"""The process that `kafka_cluster_apart` asks: one line of JSON for each question, one for each answer, until its end.

The first line has the settings of Kafka; they come this way, since every user of the machine can read a command line.
"""

from __future__ import annotations

import asyncio
import sys

import orjson

from app.adapters.child.main import live_and_die_with
from app.adapters.kafka_cluster import KafkaCluster
from app.errors import Outage
from app.model.membership import ClusterState
from app.settings import KafkaSettings


def main(parent: int) -> None:
    """Answer until the questions end, or the process `parent` does."""
    live_and_die_with(parent)
    questions, answers = sys.stdin.buffer, sys.stdout.buffer
    cluster = KafkaCluster(KafkaSettings.model_validate(orjson.loads(questions.readline())))
    with asyncio.Runner() as runner:
        for question in questions:
            try:
                answer = told(runner.run(cluster.look(orjson.loads(question))))
            except Outage as outage:
                answer = {"outage": outage.message}
            answers.write(orjson.dumps(answer) + b"\n")
            answers.flush()


def told(state: ClusterState) -> dict[str, object]:
    """The state as `kafka_cluster_apart.state_of` reads it."""
    return {
        "topics": {name: [one.id, one.partitions] for name, one in state.topics.items()},
        "assignor": state.group.assignor,
        "members": [[one.client_id, one.host, sorted(one.partitions)] for one in state.group.members],
        "committed": [[topic, partition, offset] for (topic, partition), offset in state.committed.items()],
    }


if __name__ == "__main__":
    main(int(sys.argv[1]))
