"""The embedded servers themselves: that they can be used, survive what chaos tests do, and leave nothing behind."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import boto3
import httpx2 as httpx
import obstore
import psutil
import pytest
from botocore.config import Config
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic
from obstore.store import S3Store

from app.devstack.report import StackEnv
from app.devstack.running import Home, Server
from app.devstack.s3 import S3Gateway
from app.devstack.stack import Stack
from app.devstack.versions import OPENSEARCH
from app.errors import Rejected
from app.model.topics import UPLOADS_TOPIC
from app.pipeline.notification import parse_notification
from tests.support.stack import CACHE, PROJECT, RunningStack
from tests.support.waiting import until

pytestmark = pytest.mark.integration


@pytest.fixture
def servers(stack: RunningStack) -> Iterator[Stack]:
    """The embedded stack; whatever a test did to its servers, they run again afterwards."""
    if not isinstance(stack, Stack):
        pytest.skip("these tests are about the embedded servers")
    yield stack
    for name in ("kafka", "opensearch", "s3", "registry"):
        stack.server(name).start()


def produce(env: StackEnv, topic: str, value: bytes) -> None:
    producer = Producer({"bootstrap.servers": env.kafka, "log_level": 0})
    producer.produce(topic, value)
    assert producer.flush(30) == 0


def values_of(env: StackEnv, topic: str, enough: Callable[[list[bytes]], bool], seconds: float = 30) -> list[bytes]:
    """What is on the topic, whoever else wrote to it, read until there is enough."""
    consumer = Consumer({"bootstrap.servers": env.kafka, "group.id": "test", "log_level": 0})
    partitions = consumer.list_topics(topic, timeout=10).topics[topic].partitions
    consumer.assign([TopicPartition(topic, partition, 0) for partition in partitions])
    values: list[bytes] = []

    def more() -> bool:
        values.extend(message.value() for message in consumer.consume(100, timeout=0.5) if not message.error())
        return enough(values)

    try:
        until(f"enough on {topic}", more, seconds)
    finally:
        consumer.close()
    return values


def bucket(env: StackEnv) -> S3Store:
    return S3Store(
        env.buckets[0],
        endpoint=env.s3,
        access_key_id=env.s3_access_key,
        secret_access_key=env.s3_secret_key,
        region="us-east-1",
        client_options={"allow_http": True},
    )


def keys(notifications: list[bytes]) -> set[str]:
    """The object keys that notifications tell of."""
    told: set[str] = set()
    for value in notifications:
        with suppress(Rejected):  # other tests of the session write what nobody can read
            told |= {event.key for event in parse_notification(value).events}
    return told


def test_every_server_answers_at_its_address(servers: Stack) -> None:
    assert {line.state for line in servers.status()} == {"running"}
    env = servers.describe()
    assert httpx.get(env.opensearch).json()["version"]["number"] == OPENSEARCH
    assert httpx.get(f"{env.registry}/subjects").json() is not None
    assert UPLOADS_TOPIC in AdminClient({"bootstrap.servers": env.kafka}).list_topics(timeout=10).topics


def test_nothing_listens_beyond_this_machine(servers: Stack) -> None:
    pids = [line.pid for line in servers.status()]
    listening = {
        connection.laddr.ip
        for pid in pids
        for connection in psutil.Process(pid).net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }
    assert listening <= {"127.0.0.1", "::1", "::ffff:127.0.0.1"}
    assert listening


def test_the_bucket_is_one_that_tools_may_ask_for(servers: Stack) -> None:
    """`aws s3 mb` and many others ask for it first; of a bare folder the gateway says 500, and they try for ever."""
    env = servers.describe()
    client = boto3.client(
        "s3",
        endpoint_url=env.s3,
        aws_access_key_id=env.s3_access_key,
        aws_secret_access_key=env.s3_secret_key,
        region_name="us-east-1",
        config=Config(retries={"max_attempts": 1}),
    )
    with pytest.raises(client.exceptions.BucketAlreadyOwnedByYou):
        client.create_bucket(Bucket=env.buckets[0])
    bare = servers.folder / "s3" / "data" / "bare"
    bare.mkdir()
    Server(S3Gateway(), Home(servers.folder, CACHE, ["bare"])).start()  # as a stack of before has left it
    with pytest.raises(client.exceptions.BucketAlreadyOwnedByYou):
        client.create_bucket(Bucket="bare")
    client.delete_bucket(Bucket="bare")


def test_an_upload_is_notified(servers: Stack) -> None:
    env = servers.describe()
    obstore.put(bucket(env), "notified/a b+é.json", b"[]")
    values_of(env, UPLOADS_TOPIC, lambda values: "notified/a b+é.json" in keys(values))


def test_kafka_keeps_address_and_records_when_killed(servers: Stack) -> None:
    env = servers.describe()
    admin = AdminClient({"bootstrap.servers": env.kafka, "log_level": 0})
    admin.create_topics([NewTopic("kept", 1, 1)])["kept"].result(30)
    produce(env, "kept", b"before")
    servers.server("kafka").kill()
    assert servers.server("kafka").pid is None
    servers.server("kafka").start()
    assert servers.describe() == env
    produce(env, "kept", b"after")
    assert values_of(env, "kept", lambda values: len(values) >= 2) == [b"before", b"after"]


def test_kafka_makes_no_topic_by_itself(servers: Stack) -> None:
    producer = Producer({"bootstrap.servers": servers.describe().kafka, "log_level": 0, "message.timeout.ms": 2000})
    failed: list[object] = []
    producer.produce("never-declared", b"x", on_delivery=lambda error, _: failed.append(error))
    producer.flush(20)
    assert failed
    assert failed[0] is not None


def test_opensearch_keeps_address_and_documents_when_killed(servers: Stack) -> None:
    env = servers.describe()
    assert httpx.put(f"{env.opensearch}/kept/_doc/1", json={"a": 1}, timeout=30).status_code == 201
    servers.server("opensearch").kill()
    servers.server("opensearch").start()
    found = until("the shard", lambda: httpx.get(f"{env.opensearch}/kept/_doc/1", timeout=30).json().get("_source"))
    assert found == {"a": 1}
    httpx.delete(f"{env.opensearch}/kept", timeout=30).raise_for_status()


def test_s3_keeps_address_and_objects_and_goes_on_notifying_when_killed(servers: Stack) -> None:
    env = servers.describe()
    obstore.put(bucket(env), "kept/before.json", b"[1]")
    servers.server("s3").kill()
    servers.server("s3").start()
    assert bytes(obstore.get(bucket(env), "kept/before.json").bytes()) == b"[1]"
    obstore.put(bucket(env), "kept/after.json", b"[2]")
    values_of(env, UPLOADS_TOPIC, lambda values: "kept/after.json" in keys(values))


def test_the_registry_keeps_address_and_ids_when_killed(servers: Stack) -> None:
    env = servers.describe()
    registered = httpx.post(f"{env.registry}/subjects/kept-value/versions", json={"schema": '"string"'}, timeout=30)
    number = registered.json()["id"]
    servers.server("registry").kill()
    servers.server("registry").start()
    assert httpx.get(f"{env.registry}/schemas/ids/{number}", timeout=30).json()["schema"] == '"string"'


def test_a_frozen_server_is_not_answering_until_it_is_resumed(servers: Stack) -> None:
    server = servers.server("registry")
    server.pause()
    assert {line.name: line.state for line in servers.status()}["registry"] == "not answering"
    server.resume()
    server.wait_ready(timeout_s=30)


def test_up_on_a_running_stack_starts_only_what_is_missing(servers: Stack) -> None:
    before = {line.name: line.pid for line in servers.status()}
    servers.server("registry").kill()
    said: list[str] = []
    port = servers.describe().worker_port
    with socket.create_server(("127.0.0.1", port)):  # a worker that somebody has started in another shell
        Stack(servers.folder.parents[1], servers.name, cache=CACHE).up(said.append)
    assert servers.describe().worker_port == port
    after = {line.name: line.pid for line in servers.status()}
    assert {name for name in before if before[name] != after[name]} == {"registry"}
    assert any(line.startswith("registry: ready at") for line in said)


OWNER = """
import sys, pathlib, signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell has its background jobs ignore it
from app.devstack.running import Home, Server
from app.devstack.s3 import S3Gateway
from app.devstack.stack import Stack
stack = Stack(pathlib.Path(sys.argv[1]), "other", cache=pathlib.Path(sys.argv[2]))
stack.up(lambda line: print(line, flush=True), guarded=True)
print("up", flush=True)
sys.stdin.read()
"""


@contextmanager
def owner(root: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that has a guarded stack of its own; its output tells how far it is."""
    process = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(root), str(CACHE)],
        cwd=PROJECT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()
        Stack(root, "other").down()


def read_until(process: subprocess.Popen[str], end: str) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if line.strip().endswith(end):
            return
    pytest.fail(f"ended before it said {end!r}")


def running_below(root: Path) -> Mapping[int, str]:
    """Processes that were started for a stack below this folder, by their command line or working directory."""
    found: dict[int, str] = {}
    for process in psutil.process_iter(["pid", "cmdline", "cwd"]):
        words = " ".join(process.info["cmdline"] or ())
        here = str(process.info["cwd"] or "").startswith(str(root)) or f"{root}/" in words
        if here and process.status() != psutil.STATUS_ZOMBIE:
            found[process.pid] = words[:120]
    return found


def test_ctrl_c_while_starting_leaves_nothing(tmp_path: Path) -> None:
    with owner(tmp_path) as process:
        read_until(process, "kafka: starting")
        until("a server to run", lambda: running_below(tmp_path))
        process.send_signal(signal.SIGINT)
        process.wait(60)
        assert process.returncode != 0
        assert running_below(tmp_path) == {}


def test_a_stack_beside_another_ends_with_its_killed_owner(servers: Stack, tmp_path: Path) -> None:
    with owner(tmp_path) as process:
        read_until(process, "up")
        mine, theirs = servers.env(), Stack(tmp_path, "other").env()
        same = {name for name in mine if mine[name] == theirs[name]}
        assert same == {"LISTINGS_S3__ACCESS_KEY_ID", "LISTINGS_S3__BUCKETS"}
        assert {line.state for line in Stack(tmp_path, "other").status()} == {"running"}
        assert {line.state for line in servers.status()} == {"running"}
        process.kill()
        until("the guard to stop the servers", lambda: not running_below(tmp_path), 60)
        assert {line.state for line in servers.status()} == {"running"}
