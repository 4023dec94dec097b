"""toxiproxy before the real servers: slow, cut off, broken in the middle of an answer.

One proxy stands before each server of a stack; a worker started with `proxies.env()` knows the servers by their
proxies alone, while the test itself goes straight to them:

    with fault_proxies(stack) as proxies, system.worker(**proxies.env()) as worker:
        with proxies.index.having(latency(0.3, jitter_s=0.1)):      # every answer takes 0.3 s more
            ...
        with proxies.store.having(limit_data(10_000)):              # cut off after 10 kB of each connection
            ...
        with proxies.store.having(reset_peer(), share=0.3):         # three connections of ten are reset
            ...
        with proxies.registry.down():                               # connections are refused, open ones are closed
            ...
        proxies.broker.cut()                                        # the same without a block …
        proxies.broker.restore()                                    # … until here
        proxies.heal()                                              # everything up, no fault left

Faults act on answers (`stream="downstream"`) unless told otherwise, and on connections that are open already as well
as on new ones. `share` is a share of connections, not of requests. A fault is taken away at the end of its block,
with the connections that had it.
Kafka sends its clients on to the address that it advertises; the embedded stack has a listener of its own for the
proxy (`app.devstack.kafka`), the stack in Docker has none: `broker` is None there.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Any, Literal
from urllib.parse import urlsplit

import httpx2 as httpx

from app.devstack.go_programs import FAULTS, build
from app.devstack.ports import LOOPBACK, PortLeases
from app.devstack.running import Server
from tests.support.stack import CACHE, RunningStack
from tests.support.waiting import until

_API_PORTS = range(19500, 19600)
_PROXY_PORTS = range(19600, 19900)
Stream = Literal["downstream", "upstream"]
"""`downstream`: from the server to the client; `upstream`: the other way."""


@dataclass(frozen=True, slots=True)
class Toxic:
    """One kind of fault, as toxiproxy's HTTP API has it."""

    type: str
    attributes: Mapping[str, int] = field(default_factory=dict)


def latency(delay_s: float, jitter_s: float = 0.0) -> Toxic:
    """Everything comes later by `delay_s`, give or take `jitter_s`."""
    return Toxic("latency", {"latency": _ms(delay_s), "jitter": _ms(jitter_s)})


def bandwidth(kb_per_s: int) -> Toxic:
    """No connection carries more than so many kB a second."""
    return Toxic("bandwidth", {"rate": kb_per_s})


def timeout(after_s: float = 0.0) -> Toxic:
    """Nothing comes through; the connection is closed after `after_s`, with 0 when the fault is taken away or the
    other side closes it."""
    return Toxic("timeout", {"timeout": _ms(after_s)})


def reset_peer(after_s: float = 0.0) -> Toxic:
    """The connection is reset (RST), at once or after `after_s`."""
    return Toxic("reset_peer", {"timeout": _ms(after_s)})


def slicer(size_bytes: int, delay_s: float = 0.0) -> Toxic:
    """Data comes in pieces of about `size_bytes`, each `delay_s` after the last."""
    return Toxic(
        "slicer",
        {"average_size": size_bytes, "size_variation": size_bytes // 4, "delay": round(delay_s * 1_000_000)},
    )


def limit_data(size_bytes: int) -> Toxic:
    """The connection is closed when so much came through."""
    return Toxic("limit_data", {"bytes": size_bytes})


def slow_close(delay_s: float) -> Toxic:
    """The connection is closed `delay_s` after the server closed it."""
    return Toxic("slow_close", {"delay": _ms(delay_s)})


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


class Proxy:
    """The proxy before one server; healthy when it is made."""

    def __init__(self, api: httpx.Client, name: str, port: int, upstream: str) -> None:
        self._api = api
        self._name = name
        self.address = f"{LOOPBACK}:{port}"
        self._body = {"name": name, "listen": self.address, "upstream": upstream, "enabled": True}
        self._make()

    def _make(self) -> None:
        self._api.post("/proxies", json=self._body).raise_for_status()

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    def cut(self) -> None:
        """Close every connection and refuse new ones, until `restore`."""
        self._api.post(f"/proxies/{self._name}", json={"enabled": False}).raise_for_status()

    def restore(self) -> None:
        """Take connections again, at the same port."""
        self._api.post(f"/proxies/{self._name}", json={"enabled": True}).raise_for_status()

    @contextmanager
    def down(self) -> Iterator[None]:
        """`cut`, and `restore` at the end."""
        self.cut()
        try:
            yield
        finally:
            self.restore()

    def add(self, toxic: Toxic, *, stream: Stream = "downstream", share: float = 1.0) -> None:
        """Give it a fault, until `renew`."""
        body = {
            "name": f"{toxic.type}-{secrets.token_hex(4)}",
            "type": toxic.type,
            "stream": stream,
            "toxicity": share,
            "attributes": dict(toxic.attributes),
        }
        self._api.post(f"/proxies/{self._name}/toxics", json=body).raise_for_status()

    def renew(self) -> None:
        """Up and without any fault; connections are closed.

        Faults are not taken away one by one: where data is under way, toxiproxy may then hang for ever (its issue 558).
        """
        self._api.delete(f"/proxies/{self._name}").raise_for_status()
        self._make()

    @contextmanager
    def having(self, *toxics: Toxic, stream: Stream = "downstream", share: float = 1.0) -> Iterator[None]:
        """All these faults at once, for as long as the block lasts; then `renew`."""
        for toxic in toxics:
            self.add(toxic, stream=stream, share=share)
        try:
            yield
        finally:
            self.renew()


class FaultProxies:
    """The proxies of one stack: `index`, `store`, `registry` and, before an embedded broker, `broker`."""

    def __init__(self, api: httpx.Client, leases: PortLeases, stack: RunningStack) -> None:
        self._api = api
        self._leases = leases
        facts = stack.describe()
        self.index = self._before("opensearch", urlsplit(facts.opensearch).netloc)
        self.store = self._before("s3", urlsplit(facts.s3).netloc)
        self.registry = self._before("registry", urlsplit(facts.registry).netloc)
        self._registry_url = urlsplit(facts.registry)._replace(netloc=self.registry.address).geturl()
        kafka = stack.server("kafka")
        self.broker: Proxy | None = None
        if isinstance(kafka, Server):
            behind = f"{LOOPBACK}:{kafka.ports['kafka.behind']}"
            self.broker = Proxy(api, "kafka", kafka.ports["kafka.proxied"], behind)

    def _before(self, name: str, upstream: str) -> Proxy:
        return Proxy(self._api, name, self._leases.take(_PROXY_PORTS), upstream)

    def env(self) -> dict[str, str]:
        """The variables of a worker that reaches every server through its proxy."""
        variables = {
            "LISTINGS_OPENSEARCH__URL": self.index.url,
            "LISTINGS_S3__ENDPOINT_URL": self.store.url,
            "LISTINGS_SCHEMA_REGISTRY__URL": self._registry_url,
        }
        if self.broker is not None:
            variables["LISTINGS_KAFKA__BOOTSTRAP_SERVERS"] = self.broker.address
        return variables

    def heal(self) -> None:
        """Every proxy up, no fault left."""
        for proxy in (self.index, self.store, self.registry, self.broker):
            if proxy is not None:
                proxy.renew()


@contextmanager
def fault_proxies(stack: RunningStack) -> Iterator[FaultProxies]:
    """Proxies before all servers of a running stack, healthy at first; they end with the block."""
    with toxiproxy() as (api, leases):
        yield FaultProxies(api, leases, stack)


@contextmanager
def fault_proxy(upstream: str) -> Iterator[Proxy]:
    """One proxy before any server of this machine; `upstream` is its `host:port`."""
    with toxiproxy() as (api, leases):
        yield Proxy(api, "one", leases.take(_PROXY_PORTS), upstream)


@contextmanager
def toxiproxy() -> Iterator[tuple[httpx.Client, PortLeases]]:
    """toxiproxy itself, built once; a client of its HTTP API and the ports it may use."""
    program = build(FAULTS, CACHE, Event(), lambda _: None)
    leases = PortLeases(f"toxiproxy-{os.getpid()}-{secrets.token_hex(3)}")
    port = leases.take(_API_PORTS)
    with tempfile.TemporaryDirectory(prefix="toxiproxy-") as folder:
        log = Path(folder) / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [program, "-host", LOOPBACK, "-port", str(port)], stdout=output, stderr=subprocess.STDOUT
            )
        try:
            with httpx.Client(base_url=f"http://{LOOPBACK}:{port}", timeout=10) as api:
                until("toxiproxy to answer", lambda: _answers(api, process, log), 20)
                yield api, leases
        finally:
            process.terminate()
            process.wait(10)
            leases.release()


def _answers(api: httpx.Client, process: subprocess.Popen[bytes], log: Path) -> Any:
    assert process.poll() is None, f"toxiproxy ended: {log.read_text()[-2000:]}"
    try:
        return api.get("/version").status_code == 200
    except httpx.HTTPError:
        return False
