"""Apache Kafka: one combined broker and controller (KRaft), listening on loopback only."""

from __future__ import annotations

import subprocess
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from pathlib import Path
from time import monotonic, sleep

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient, NewTopic

from app.devstack.artifacts import ArtifactCache
from app.devstack.java import find_java
from app.devstack.ports import LOOPBACK, listens
from app.devstack.server import Launch, Place, Tools
from app.errors import FailureCode, OperatorError

_FORMAT_S = 60.0
_TOPIC_KNOWN_S = 20.0
_LOG4J = """\
status = warn
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = [%d] %p %m (%c)%n
rootLogger.level = info
rootLogger.appenderRef.out.ref = out
logger.noisy.name = org.apache.kafka.common.config
logger.noisy.level = warn
"""


class Kafka:
    """Data survives a restart; topics are created only when somebody asks for them by name."""

    name = "kafka"
    ports: Mapping[str, range] = {
        "kafka.client": range(19092, 19192),
        "kafka.controller": range(19192, 19292),
        "kafka.behind": range(19292, 19392),
        "kafka.proxied": range(19392, 19492),
    }
    """Clients are sent on to the address that a broker advertises, past any proxy. So there is a second listener, at
    `behind`, that advertises `proxied`: nobody listens there until a fault proxy does."""
    patience_s = 20.0

    def launch(self, tools: Tools, place: Place) -> Launch:
        java = find_java()
        jars = ArtifactCache(tools.cache / "jars").fetch(self.name, tools.cancelled, tools.progress)
        place.folder.mkdir(parents=True, exist_ok=True)
        settings = place.folder / "server.properties"
        settings.write_text(_as_text(properties(place)), encoding="utf-8")
        logging = place.folder / "log4j2.properties"
        logging.write_text(_LOG4J, encoding="utf-8")
        command: list[str | Path] = [
            java,
            "-Xms128m",
            "-Xmx768m",
            "-XX:+ExitOnOutOfMemoryError",
            "-Djava.awt.headless=true",
            f"-Dlog4j2.configurationFile={logging}",
            "-cp",
            ":".join(map(str, jars)),
        ]
        if not (place.folder / "data" / "meta.properties").is_file():
            _format(command, settings, place.folder / "format.log")
        return Launch([*command, "kafka.Kafka", settings])

    def is_ready(self, place: Place) -> bool:
        port = place.ports["kafka.client"]
        if not listens(port):
            return False
        try:
            metadata = admin(self.address(place)).list_topics(timeout=3)
        except KafkaException:
            return False
        return any(broker.port == port for broker in metadata.brokers.values())

    def address(self, place: Place) -> str:
        return f"{LOOPBACK}:{place.ports['kafka.client']}"


def admin(bootstrap_servers: str) -> AdminClient:
    """An admin client that keeps its complaints about a server that is still starting to itself."""
    return AdminClient({"bootstrap.servers": bootstrap_servers, "log_level": 0})


def ensure_topic(bootstrap_servers: str, topic: str) -> None:
    """Create `topic`, one partition, unless it is there; return once the broker itself knows it.

    `OperatorError(COMMAND_FAILED)` when that fails.
    """
    client = admin(bootstrap_servers)
    try:
        if not _is_led(client, topic):
            client.create_topics([NewTopic(topic, 1, 1)])[topic].result(timeout=20)
    except KafkaException as error:
        if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
            raise OperatorError(FailureCode.COMMAND_FAILED, f"cannot create the topic {topic}: {error}") from error
    # The controller answers before the broker's own metadata have the topic; who asks in between is told it is unknown.
    deadline = monotonic() + _TOPIC_KNOWN_S
    while not _is_led(client, topic):
        if monotonic() > deadline:
            raise OperatorError(FailureCode.COMMAND_FAILED, f"the topic {topic} has no leader yet; try again")
        sleep(0.05)


def _is_led(client: AdminClient, topic: str) -> bool:
    found = client.list_topics(timeout=10).topics.get(topic)
    return found is not None and bool(found.partitions) and all(p.leader >= 0 for p in found.partitions.values())


def properties(place: Place) -> Mapping[str, object]:
    """The broker's properties; docker-compose.yml has the same ones."""
    client, controller = (f"{LOOPBACK}:{place.ports[name]}" for name in ("kafka.client", "kafka.controller"))
    listeners, advertised, protocols = f"PLAINTEXT://{client}", f"PLAINTEXT://{client}", "PLAINTEXT:PLAINTEXT"
    if "kafka.proxied" in place.ports:
        listeners += f",PROXIED://{LOOPBACK}:{place.ports['kafka.behind']}"
        advertised += f",PROXIED://{LOOPBACK}:{place.ports['kafka.proxied']}"
        protocols += ",PROXIED:PLAINTEXT"
    return {
        "process.roles": "broker,controller",
        "node.id": 1,
        "controller.quorum.voters": f"1@{controller}",
        "listeners": f"{listeners},CONTROLLER://{controller}",
        "advertised.listeners": advertised,
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": f"{protocols},CONTROLLER:PLAINTEXT",
        "log.dirs": place.folder / "data",
        "auto.create.topics.enable": "false",
        "num.partitions": 1,
        "offsets.topic.replication.factor": 1,
        "offsets.topic.num.partitions": 4,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
        "transaction.state.log.num.partitions": 4,
        "share.coordinator.state.topic.replication.factor": 1,
        "share.coordinator.state.topic.min.isr": 1,
        "share.coordinator.state.topic.num.partitions": 4,
        # A killed broker may register again only when its last session is over, by default after 9 s.
        "broker.session.timeout.ms": 4000,
        "broker.heartbeat.interval.ms": 500,
        # Workers come and go all the time here: a rebalance should not wait for more of them,
        "group.initial.rebalance.delay.ms": 0,
        # and a test of a killed one should not wait long until it is missed.
        "group.min.session.timeout.ms": 1000,
    }


def _as_text(properties: Mapping[str, object]) -> str:
    return "".join(f"{name}={value}\n" for name, value in properties.items())


def _format(java: list[str | Path], settings: Path, log: Path) -> None:
    """Give the data folder its identity, once."""
    cluster = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=").replace("-", "A")
    command = [*java, "kafka.tools.StorageTool", "format", "-t", cluster, "-c", settings]
    with log.open("wb") as output:
        ended = subprocess.run(  # noqa: S603 - pinned artifacts
            command, stdout=output, stderr=subprocess.STDOUT, timeout=_FORMAT_S, check=False
        )
    if ended.returncode:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-3:]
        raise OperatorError(FailureCode.COMMAND_FAILED, "cannot prepare Kafka's data folder: " + " / ".join(lines))
