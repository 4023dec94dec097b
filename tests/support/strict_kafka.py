"""A broker of a test's own that knows who is who, and refuses what no rule allows."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)

from app.devstack.kafka import Kafka
from app.devstack.ports import LOOPBACK
from app.devstack.server import Launch, Place, Tools
from tests.support.guarded_kafka import server_of

PASSWORD = "of-a-test"
_RESOURCES = {
    "topic": ResourceType.TOPIC,
    "group": ResourceType.GROUP,
    "cluster": ResourceType.BROKER,
    "transactional-id": ResourceType.TRANSACTIONAL_ID,
}


class StrictKafka(Kafka):
    """Users by name and password on a listener of their own; whoever comes by the plain one may do everything."""

    ports: Mapping[str, range] = {
        "kafka.client": range(19092, 19192),
        "kafka.controller": range(19192, 19292),
        "kafka.users": range(19500, 19600),
    }

    def __init__(self, users: Sequence[str]) -> None:
        self._users = users

    def launch(self, tools: Tools, place: Place) -> Launch:
        launch = super().launch(tools, place)
        client, controller, users = (f"{LOOPBACK}:{place.ports[name]}" for name in self.ports)
        known = " ".join(f'user_{name}="{PASSWORD}"' for name in self._users)
        lines = {
            "listeners": f"PLAINTEXT://{client},USERS://{users},CONTROLLER://{controller}",
            "advertised.listeners": f"PLAINTEXT://{client},USERS://{users}",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,USERS:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT",
            "listener.name.users.sasl.enabled.mechanisms": "PLAIN",
            "listener.name.users.plain.sasl.jaas.config": (
                f"org.apache.kafka.common.security.plain.PlainLoginModule required {known};"
            ),
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": "User:ANONYMOUS",
            "allow.everyone.if.no.acl.found": "false",
        }
        with (place.folder / "server.properties").open("a", encoding="utf-8") as settings:
            settings.writelines(f"{name}={value}\n" for name, value in lines.items())
        return launch


@contextmanager
def strict_kafka(folder: Path, users: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Its address for who may do everything, and its address for users; it ends with the block."""
    kind = StrictKafka(users)
    with server_of(kind, folder) as (server, _):
        port = server.ports["kafka.users"]
        yield server.address, f"{LOOPBACK}:{port}"


def acls_in(text: str) -> list[AclBinding]:
    """The rules of a file of arguments for `kafka-acls.sh`; AssertionError for what that does not take."""
    lines = (line for line in text.splitlines() if line and not line.startswith("#"))
    return [acl for line in lines for acl in _acls_of(shlex.split(line))]


def _acls_of(words: Sequence[str]) -> Iterator[AclBinding]:
    assert words[0] == "--add", words
    principal, operations, pattern = "", [], ResourcePatternType.LITERAL
    resource: tuple[ResourceType, str] | None = None
    rest = iter(words[1:])
    for word in rest:
        if word == "--cluster":
            resource = (ResourceType.BROKER, "kafka-cluster")
            continue
        value = next(rest)
        if word == "--allow-principal":
            principal = value
        elif word == "--operation":
            operations.append(_OPERATIONS[value])
        elif word == "--resource-pattern-type":
            assert value == "prefixed", words
            pattern = ResourcePatternType.PREFIXED
        else:
            assert resource is None, words
            resource = (_RESOURCES[word.removeprefix("--")], value)
    assert principal.startswith("User:"), words
    assert resource is not None, words
    assert operations, words
    for operation in operations:
        yield AclBinding(*resource, pattern, principal, "*", operation, AclPermissionType.ALLOW)


_OPERATIONS = {
    "Read": AclOperation.READ,
    "Write": AclOperation.WRITE,
    "Create": AclOperation.CREATE,
    "Delete": AclOperation.DELETE,
    "Alter": AclOperation.ALTER,
    "Describe": AclOperation.DESCRIBE,
    "DescribeConfigs": AclOperation.DESCRIBE_CONFIGS,
    "AlterConfigs": AclOperation.ALTER_CONFIGS,
}


def apply_acls(address: str, acls: Sequence[AclBinding]) -> None:
    """Give the broker the rules; returns when it has them."""
    client = AdminClient({"bootstrap.servers": address})  # the answers end with it
    for future in client.create_acls(list(acls)).values():
        future.result(30)
